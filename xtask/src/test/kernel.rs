//! The kernel, and what stands on it, on the servers it is meant for.

use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;

use super::programs::{Build, Programs};
use crate::faults::{Database, Faults, play};
use crate::services::{broker, postgres};

const KERNEL: &str = "server/kernel";
const CALLS: &str = "server/calls";
const DRILL: &str = "server/drill";
const APP: &str = "server/app";

/// Of the reference server: API keys made beside it, and traces through several of it.
const BESIDE: [&str; 2] = ["keys", "traces"];

/// The suites of the bus, and what else there is with Kafka alone.
const BUS: [&str; 6] =
    ["bus", "dead_letter_topics", "groups", "missing_topics", "roles", "shipping"];

/// Of the reference server: whatever is made to fail from outside.
const CUT: [&str; 2] = ["faults", "lives"];

/// As many as there are kinds of faults.
const ROUNDS: u32 = 6;

pub(super) fn on_postgresql(root: &Path) -> anyhow::Result<()> {
    let programs = Programs::build(root, Build::Default)?;
    let server = postgres::Server::start(root)?;
    let database = [("SYMBOLON_TEST_DATABASE", &*server.url)];
    programs.test(KERNEL, &[], &database)?;
    programs.test(CALLS, &[], &database)?;
    programs.test(APP, &BESIDE, &database)
}

pub(super) fn on_kafka(root: &Path) -> anyhow::Result<()> {
    let programs = Programs::build(root, Build::Breakable)?;
    println!("Kafka        librdkafka's own brokers, on SQLite");
    programs.test(KERNEL, &BUS, &[])?;
    let broker = broker::Broker::start(root)?;
    let server = postgres::Server::start(root)?;
    let servers = [("SYMBOLON_TEST_DATABASE", &*server.url), ("SYMBOLON_TEST_KAFKA", &*broker.url)];
    programs.test(KERNEL, &BUS, &servers)
}

/// The reference server as several processes, on PostgreSQL and on PostgreSQL with Kafka.
pub(super) fn several_processes(root: &Path) -> anyhow::Result<()> {
    let broker = broker::Broker::start(root)?;
    let server = postgres::Server::start(root)?;
    let servers = [("SYMBOLON_TEST_DATABASE", &*server.url), ("SYMBOLON_TEST_KAFKA", &*broker.url)];
    Programs::build(root, Build::Breakable)?.test(APP, &["modes"], &servers)
}

/// Every place at which the kernel can be made to fail, and a few rounds of what happens outside.
pub(super) fn faults(root: &Path) -> anyhow::Result<()> {
    let programs = Programs::build(root, Build::Breakable)?;
    programs.test(DRILL, &[], &[])?;
    programs.test(APP, &CUT, &[])?;
    let drill = programs.program("symbolon-drill")?;
    for database in [Database::Sqlite, Database::Postgres] {
        let rounds = Faults {
            rounds: ROUNDS,
            database,
            fault: None,
            seed: 1,
            histories: None,
            trace: false,
        };
        if play(root, &rounds, drill.clone())? != ExitCode::SUCCESS {
            bail!("an audit on {database:?} found something");
        }
    }
    Ok(())
}

/// Histories of the kernel in its simulated world.
pub(super) fn histories(root: &Path) -> anyhow::Result<()> {
    Programs::build(root, Build::Simulated)?.test(DRILL, &[], &[])
}
