//! The kernel, and what stands on it, on the servers it is meant for.

use std::path::Path;
use std::process::{ExitCode, Stdio};

use anyhow::bail;

use crate::faults::{Database, Faults};
use crate::process;
use crate::services::postgres;

const SUITES: [&str; 7] =
    ["test", "--quiet", "--no-fail-fast", "-p", "symbolon-kernel", "-p", "symbolon-calls"];

/// As many as there are kinds of faults.
const ROUNDS: u32 = 6;

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

/// Every place at which the kernel can be made to fail, and a few rounds of what happens outside.
pub(super) fn faults(root: &Path) -> anyhow::Result<()> {
    let places = ["test", "--quiet", "-p", "symbolon-drill", "--features", "faults"];
    process::run(root, "cargo", &places)?;
    for database in [Database::Sqlite, Database::Postgres] {
        let rounds = Faults { rounds: ROUNDS, database, fault: None, seed: 1 };
        if crate::faults::run(&rounds)? != ExitCode::SUCCESS {
            bail!("an audit on {database:?} found something");
        }
    }
    Ok(())
}
