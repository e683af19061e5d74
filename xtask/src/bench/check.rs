//! What `cargo check` of generated Rust costs, everything it stands on being built.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::Cost;
use crate::process::command;

/// The generated crates of one output.
#[derive(Debug)]
pub(super) struct Output {
    /// The workspace or crate.
    pub(super) folder: PathBuf,
    /// The packages that are measured.
    pub(super) packages: Vec<String>,
}

/// Makes a crate of what openapi-to-rust wrote: it writes sources and says what they need.
///
/// # Errors
/// When it did not write them.
pub(super) fn client_crate(folder: &Path) -> anyhow::Result<Output> {
    let needs = fs::read_to_string(folder.join("src/REQUIRED_DEPS.toml"))
        .context("openapi-to-rust says what its output needs")?;
    let package = "[package]\nname = \"rival\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    fs::write(folder.join("Cargo.toml"), format!("{package}\n[workspace]\n\n{needs}"))?;
    fs::rename(folder.join("src/mod.rs"), folder.join("src/lib.rs"))?;
    Ok(Output { folder: folder.to_owned(), packages: vec!["rival".to_owned()] })
}

/// Checks everything, forgets the measured packages, and checks those again under GNU time.
///
/// # Errors
/// When something does not compile.
pub(super) fn measure(output: &Output, target: &Path) -> anyhow::Result<Cost> {
    let chosen: Vec<&str> =
        output.packages.iter().flat_map(|package| ["--package", package]).collect();
    let cargo = |program: &str, first: &[&str]| {
        let mut command = command(&output.folder, program, first);
        command.args(&chosen).env("CARGO_TARGET_DIR", target);
        command
    };
    if !cargo("cargo", &["check", "--quiet"]).status()?.success() {
        bail!("does not compile");
    }
    if !cargo("cargo", &["clean", "--quiet"]).status()?.success() {
        bail!("cannot be forgotten");
    }
    let timed = ["-f", super::COST_FORMAT, "cargo", "check", "--quiet", "--offline"];
    let told = cargo("/usr/bin/time", &timed).output()?;
    super::cost(&String::from_utf8_lossy(&told.stderr))
}
