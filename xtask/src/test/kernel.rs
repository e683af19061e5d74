//! The kernel, and what stands on it, on the servers it is meant for.

use std::path::Path;
use std::process::{ExitCode, Stdio};

use anyhow::bail;

use crate::faults::{Database, Faults};
use crate::process;
use crate::services::{broker, postgres};

const SUITES: [&str; 7] =
    ["test", "--quiet", "--no-fail-fast", "-p", "symbolon-kernel", "-p", "symbolon-calls"];

/// Of the reference server: API keys made beside it, and traces through several of it.
const BESIDE: [&str; 9] =
    ["test", "--quiet", "-p", "symbolon-app", "--test", "it", "--", "keys", "traces"];

/// As many as there are kinds of faults.
const ROUNDS: u32 = 6;

/// What the workspace's own lints do not see.
const LINTS: [&str; 12] = [
    "clippy",
    "--quiet",
    "-p",
    "symbolon-kernel",
    "-p",
    "symbolon-drill",
    "--features",
    "symbolon-kernel/kafka,symbolon-drill/kafka",
    "--all-targets",
    "--",
    "-D",
    "warnings",
];

/// The suites of the bus, and what else there is with Kafka alone.
const BUS: [&str; 16] = [
    "test",
    "--quiet",
    "--no-fail-fast",
    "-p",
    "symbolon-kernel",
    "--features",
    "kafka",
    "--test",
    "it",
    "--",
    "bus",
    "dead_letter_topics",
    "groups",
    "missing_topics",
    "roles",
    "shipping",
];

/// The reference server with Kafka, as the workspace's own lints do not see it.
const SITE_LINTS: [&str; 9] = [
    "clippy",
    "--quiet",
    "-p",
    "symbolon-app",
    "--features",
    "kafka",
    "--all-targets",
    "--",
    "-Dwarnings",
];

/// The reference server in several processes.
const SITES: [&str; 9] =
    ["test", "--quiet", "-p", "symbolon-app", "--features", "kafka", "--test", "it", "modes"];

pub(super) fn on_postgresql(root: &Path) -> anyhow::Result<()> {
    let server = postgres::Server::start(root)?;
    let database = [("SYMBOLON_TEST_DATABASE", &*server.url)];
    cargo(root, &SUITES, &database)?;
    cargo(root, &BESIDE, &database)
}

pub(super) fn on_kafka(root: &Path) -> anyhow::Result<()> {
    cargo(root, &LINTS, &[])?;
    println!("Kafka        librdkafka's own brokers, on SQLite");
    cargo(root, &BUS, &[])?;
    let broker = broker::Broker::start(root)?;
    let server = postgres::Server::start(root)?;
    let servers = [("SYMBOLON_TEST_DATABASE", &*server.url), ("SYMBOLON_TEST_KAFKA", &*broker.url)];
    cargo(root, &BUS, &servers)
}

/// The reference server as several processes, on PostgreSQL and on PostgreSQL with Kafka.
pub(super) fn several_processes(root: &Path) -> anyhow::Result<()> {
    let broker = broker::Broker::start(root)?;
    let server = postgres::Server::start(root)?;
    let servers = [("SYMBOLON_TEST_DATABASE", &*server.url), ("SYMBOLON_TEST_KAFKA", &*broker.url)];
    process::run(root, "cargo", &SITE_LINTS)?;
    cargo(root, &SITES, &servers)
}

/// Every place at which the kernel can be made to fail, and a few rounds of what happens outside.
pub(super) fn faults(root: &Path) -> anyhow::Result<()> {
    for package in ["symbolon-drill", "symbolon-app"] {
        let lints = ["clippy", "--quiet", "-p", package, "--features", "faults", "--all-targets"];
        process::run(root, "cargo", &[&lints[..], &["--", "-D", "warnings"]].concat())?;
        let places = ["test", "--quiet", "-p", package, "--features", "faults"];
        process::run(root, "cargo", &places)?;
    }
    let features = ["-p", "symbolon-drill", "--features", "simulation"];
    let lints = [&["clippy", "--quiet", "--all-targets"], &features[..], &["--", "-D", "warnings"]];
    process::run(root, "cargo", &lints.concat())?;
    let histories = [&["test", "--quiet"], &features[..]];
    process::run(root, "cargo", &histories.concat())?;
    for database in [Database::Sqlite, Database::Postgres] {
        let rounds = Faults {
            rounds: ROUNDS,
            database,
            fault: None,
            seed: 1,
            histories: None,
            trace: false,
        };
        if crate::faults::run(&rounds)? != ExitCode::SUCCESS {
            bail!("an audit on {database:?} found something");
        }
    }
    Ok(())
}

/// Runs cargo with variables of its environment.
fn cargo(root: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> anyhow::Result<()> {
    let mut command = process::command(root, "cargo", arguments);
    command.envs(variables.iter().copied()).stdin(Stdio::null());
    let status = command.status()?;
    if !status.success() {
        bail!("`cargo {}` ended with {status}", arguments.join(" "));
    }
    Ok(())
}
