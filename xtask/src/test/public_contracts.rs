//! Contracts that nobody here wrote: all of their output must compile.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::sdk_ts;
use crate::corpus::{CONTRACTS, FOLDER};
use crate::process::{command, run as start};
use crate::server::target;

/// Contracts of our own that are hard on names and shapes, or have what few have.
const OWN: [&str; 5] = [
    "codegen/tests/cases/hostile-names/openapi.yaml",
    "codegen/tests/cases/typescript-hostile-names/openapi.yaml",
    "codegen/tests/cases/links/openapi.yaml",
    "codegen/tests/cases/servers/openapi.yaml",
    "codegen/tests/cases/webhooks/openapi.yaml",
];

/// Generates each contract and compiles what came out.
pub(super) fn compile(root: &Path) -> anyhow::Result<()> {
    let mut contracts: Vec<PathBuf> = OWN.iter().map(|path| root.join(path)).collect();
    let corpus = root.join(FOLDER);
    if corpus.exists() {
        contracts.extend(CONTRACTS.iter().map(|name| corpus.join(name)));
    } else {
        println!("skipped: {FOLDER} is not there; only our own hard contracts are compiled");
    }
    let compiler = sdk_ts(root)?.join("node_modules/typescript/bin/tsc");
    let target = target(root)?;
    for contract in contracts {
        let name = contract
            .parent()
            .filter(|_| contract.ends_with("openapi.yaml"))
            .map_or(contract.as_path(), |folder| folder)
            .file_stem()
            .and_then(|stem| stem.to_str())
            .context("a contract has a name")?
            .to_owned();
        let out = target.join("public").join(&name);
        println!("{name}");
        if out.exists() {
            fs::remove_dir_all(&out)?;
        }
        let (contract, shown) = (contract.to_string_lossy(), out.to_string_lossy().into_owned());
        let generate = [
            "run",
            "--quiet",
            "-p",
            "xtask",
            "--bin",
            "symbolon",
            "--",
            "gen",
            "--contract",
            &contract,
            "--name",
            &name,
            "--out",
            &shown,
            "--json",
        ];
        let generated = command(root, "cargo", &generate).output()?;
        if !generated.status.success() {
            bail!("{name}: {}", String::from_utf8_lossy(&generated.stderr));
        }
        let status = command(&out, "cargo", &["check", "--quiet", "--all-features"])
            .env("CARGO_TARGET_DIR", target.join("public/target"))
            .status()?;
        if !status.success() {
            bail!("{name}: the Rust output does not compile");
        }
        let typescript = out.join("sdk-ts");
        start(&typescript, "node", &[&compiler.to_string_lossy(), "--noEmit"])?;
    }
    Ok(())
}
