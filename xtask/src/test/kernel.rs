//! The kernel, and what stands on it, on the servers it is meant for.

use std::path::Path;
use std::process::Stdio;

use anyhow::bail;

use crate::process;
use crate::services::postgres;

const SUITES: [&str; 7] =
    ["test", "--quiet", "--no-fail-fast", "-p", "symbolon-kernel", "-p", "symbolon-calls"];

pub(super) fn on_postgresql(root: &Path) -> anyhow::Result<()> {
    let server = postgres::Server::start(root)?;
    let mut suites = process::command(root, "cargo", &SUITES);
    suites.env("SYMBOLON_TEST_DATABASE", &server.url).stdin(Stdio::null());
    let status = suites.status()?;
    if !status.success() {
        bail!("the suites ended with {status} on PostgreSQL");
    }
    Ok(())
}
