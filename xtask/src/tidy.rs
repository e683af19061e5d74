//! `cargo xtask tidy`: the house rules that no compiler knows.

mod budgets;
mod floors;
mod names;
mod rooms;
mod templates;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::Context;

use crate::root::root;

/// Checks floors, names, rooms, templates and size budgets.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cargo xtask tidy\n\nExit codes: 0 tidy, 1 not")]
pub struct Tidy {}

/// A source file of the project that people write.
#[derive(Debug)]
pub struct Source {
    /// Path relative to the root.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

/// Runs the command.
///
/// # Errors
/// When the sources cannot be listed or read.
pub fn run(_: &Tidy) -> anyhow::Result<ExitCode> {
    let findings = findings(&root())?;
    for finding in &findings {
        eprintln!("tidy: {finding}");
    }
    if findings.is_empty() {
        println!("tidy         floors, names, rooms, templates and budgets hold");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::from(1))
}

/// Everything that breaks a house rule, one line each.
///
/// # Errors
/// When the sources cannot be listed or read.
pub fn findings(root: &Path) -> anyhow::Result<Vec<String>> {
    let sources = sources(root)?;
    let mut findings = floors::check(root)?;
    findings.extend(names::check(&sources));
    findings.extend(rooms::check(&sources));
    findings.extend(templates::check(&sources));
    findings.extend(budgets::check(&sources));
    Ok(findings)
}

/// The files git knows or would know, that people write and this project's rules are for.
fn sources(root: &Path) -> anyhow::Result<Vec<Source>> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("git lists the sources")?;
    anyhow::ensure!(listed.status.success(), "git lists no sources here");
    let mut sources = Vec::new();
    for line in String::from_utf8(listed.stdout)?.lines() {
        let path = PathBuf::from(line);
        let kind = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if !matches!(kind, "rs" | "ts" | "j2" | "js" | "mjs") || is_generated(&path) {
            continue;
        }
        if let Ok(text) = std::fs::read_to_string(root.join(&path)) {
            sources.push(Source { path, text });
        }
    }
    Ok(sources)
}

/// What `gen` writes is the generator's business, and cases hold whatever a test needs.
fn is_generated(path: &Path) -> bool {
    let text = path.to_string_lossy();
    let sdk = |folder: &str| {
        text.strip_prefix(folder)
            .is_some_and(|rest| rest.contains('/') && !rest.starts_with("runtime/"))
    };
    text.starts_with("generated/")
        || sdk("sdk-rust/src/")
        || sdk("sdk-ts/src/")
        || text.contains("tests/cases/")
}
