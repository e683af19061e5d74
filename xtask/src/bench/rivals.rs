//! Other generators, installed beside this project's build: Rust's by cargo, TypeScript's by npm.

use std::fs;
use std::path::Path;

use crate::process;

/// A generator and how it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rival {
    /// Its name in the table.
    pub(super) name: String,
    /// `{contract}` and `{out}` are filled in.
    pub(super) command: String,
}

/// Crates with a binary of their own name, and what it is asked.
const CRATES: [(&str, &str, &str); 2] = [
    (OPENAPI_TO_RUST, "0.23.0", "generate {contract} --output-dir {out}/src --module-name api"),
    ("ploidy", "0.15.0", "generate rust {contract} -o {out}"),
];

/// The closest of them, whose output is compiled too.
pub(super) const OPENAPI_TO_RUST: &str = "openapi-to-rust";

/// Packages, their version, their binary, and what it is asked.
const PACKAGES: [(&str, &str, &str, &str); 2] = [
    ("openapi-typescript", "7.13.0", "openapi-typescript", "{contract} -o {out}/types.ts"),
    ("@hey-api/openapi-ts", "0.99.0", "openapi-ts", "-i {contract} -o {out} --no-log-file"),
];

/// Installs every rival below a folder; one that cannot be had is named and left out.
///
/// # Errors
/// When the folder cannot be written.
pub(super) fn install(folder: &Path) -> anyhow::Result<Vec<Rival>> {
    fs::create_dir_all(folder)?;
    let mut found = Vec::new();
    for (name, version, arguments) in CRATES {
        let binary = folder.join("bin").join(name);
        let place = folder.to_string_lossy();
        let install =
            ["install", "--quiet", name, "--version", version, "--locked", "--root", &place];
        if !binary.exists() && process::run(folder, "cargo", &install).is_err() {
            println!("skipped: {name} {version} cannot be installed from the registry");
            continue;
        }
        let command = format!("{} {arguments}", binary.display());
        found.push(Rival { name: format!("{name} {version}"), command });
    }
    let manifest = folder.join("package.json");
    if !manifest.exists() {
        fs::write(&manifest, "{ \"private\": true }\n")?;
    }
    for (name, version, binary, arguments) in PACKAGES {
        let wanted = format!("{name}@{version}");
        let binary = folder.join("node_modules/.bin").join(binary);
        // Both want a compiler beside them and take the one they find.
        let flags = ["--no-audit", "--no-fund", "--no-package-lock", "--silent", "typescript@5"];
        let install = [&["install", &wanted], &flags[..]].concat();
        if !binary.exists() && process::run(folder, "npm", &install).is_err() {
            println!("skipped: {wanted} cannot be installed from the registry");
            continue;
        }
        let command = format!("{} {arguments}", binary.display());
        found.push(Rival { name: format!("{name} {version}"), command });
    }
    Ok(found)
}
