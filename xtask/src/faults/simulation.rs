//! Histories of the kernel in a simulated world, played by the drill.

use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::thread;

use anyhow::Context as _;

use super::Faults;
use crate::process;
use crate::server;

/// Builds the drill and plays; exit codes are the drill's.
pub(super) fn run(root: &Path, options: &Faults, histories: u64) -> anyhow::Result<ExitCode> {
    let build = [
        "build",
        "--quiet",
        "--profile",
        "simulation",
        "-p",
        "symbolon-drill",
        "--features",
        "simulation",
    ];
    process::run(root, "cargo", &build)?;
    let drill = server::target(root)?.join("simulation/symbolon-drill");
    let drill = drill.to_str().context("the path of the target folder is text")?;
    let mut command = process::command(root, drill, &["simulate"]);
    command.arg("--histories").arg(histories.to_string());
    command.arg("--seed").arg(options.seed.to_string());
    if options.trace {
        command.arg("--trace");
    } else {
        let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        command.arg("--threads").arg(threads.to_string());
    }
    let status = command.stdin(Stdio::null()).status().context("the drill cannot be started")?;
    Ok(ExitCode::from(u8::from(!status.success())))
}
