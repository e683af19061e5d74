//! Starting other programs, and saying what is missing where one cannot be started.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, bail};

/// Runs a program in a folder and shows what it prints.
///
/// # Errors
/// When it cannot be started or does not succeed.
pub fn run(folder: &Path, program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let status = command(folder, program, arguments)
        .stdin(Stdio::null())
        .status()
        .map_err(|error| missing(program, error))?;
    if !status.success() {
        bail!("`{program} {}` ended with {status}", shown(arguments));
    }
    Ok(())
}

/// Runs a program in a folder and returns what it prints on standard output.
///
/// # Errors
/// When it cannot be started or does not succeed.
pub fn output(folder: &Path, program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let output = command(folder, program, arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| missing(program, error))?;
    if !output.status.success() {
        bail!("`{program} {}` ended with {}", shown(arguments), output.status);
    }
    String::from_utf8(output.stdout).context("a program prints UTF-8")
}

/// Arguments as they may be shown: no secret among them.
fn shown(arguments: &[&str]) -> String {
    // Every JSON Web Token begins so: `{"` in base64.
    let secret = |argument: &&str| argument.contains("eyJ");
    let shown: Vec<&str> =
        arguments.iter().map(|argument| if secret(argument) { "…" } else { argument }).collect();
    shown.join(" ")
}

/// A program to be started in a folder.
pub fn command(folder: &Path, program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder);
    command
}

fn missing(program: &str, error: io::Error) -> anyhow::Error {
    let hint = match program {
        "npm" | "npx" | "node" => "install Node.js 20.19 or newer (it brings npm)",
        "cargo" => "install Rust with rustup",
        _ => "is it built?",
    };
    anyhow::anyhow!("`{program}` cannot be started: {error}; {hint}")
}

/// Installs a folder's npm packages unless they are there already.
///
/// # Errors
/// When npm cannot be started or does not succeed.
pub fn npm_install(folder: &Path) -> anyhow::Result<()> {
    let modified = |path: PathBuf| path.metadata().and_then(|found| found.modified()).ok();
    let installed = modified(folder.join("node_modules/.package-lock.json"));
    let wanted = modified(folder.join("package-lock.json"));
    if installed.is_some() && installed >= wanted {
        return Ok(());
    }
    run(folder, "npm", &["ci", "--no-audit", "--no-fund"])
}

/// A child process that ends when this does.
#[derive(Debug)]
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Ending a child that has ended already is no error worth telling.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
