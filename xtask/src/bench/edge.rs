//! `cargo xtask bench edge`: what the edge and the first system on it cost.
//!
//! The generated edge against the same by hand; service calls from submission to the list that
//! shows them done, with few and with many stored; memory, idle and with many event streams. By
//! itself: what more processes bring on PostgreSQL and Kafka.

mod calls;
mod counter;
mod scale;
mod streams;

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;

use self::calls::{Calls, Cost};
use crate::process;
use crate::root::root;
use crate::server::{self, Server, target};
use crate::throughput;

/// Measures the edge against servers written by hand, and service calls end to end.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cargo xtask bench edge\n  \
    cargo xtask bench edge --stored 1000,1000000\n  \
    cargo xtask bench edge --rounds 0 --calls 2000\n  \
    cargo xtask bench edge --scale\n\n\
    Builds the reference server for release; it runs on an embedded database. Calls are stored by\n\
    making them, so a million takes as long as a million calls. Reads /proc: Linux only.\n\
    With --scale PostgreSQL and a broker are found or installed as for `cargo xtask test`.")]
pub struct Edge {
    #[command(flatten)]
    pub server: throughput::Server,
    /// At how many stored calls the cost of a call is measured.
    #[arg(long, default_values_t = [1_000, 20_000], value_delimiter = ',', value_name = "N,N")]
    pub stored: Vec<usize>,
    /// How many calls are measured.
    #[arg(long, default_value_t = 5_000)]
    pub calls: usize,
    /// How many event streams are open at once.
    #[arg(long, default_value_t = 1_000)]
    pub streams: usize,
    /// Measure this alone: two API and two worker processes on PostgreSQL and Kafka, against one
    /// of each.
    #[arg(long)]
    pub scale: bool,
}

/// How long an idle server is left alone before its memory is read.
const REST: Duration = Duration::from_secs(3);

/// Prints the tables for docs/benchmarks.md.
pub(super) fn run(options: &Edge) -> anyhow::Result<ExitCode> {
    if options.scale {
        return scale::run(options.calls);
    }
    if options.server.rounds > 0 {
        throughput::run(&options.server)?;
    }
    let root = root();
    process::run(&root, "cargo", &["build", "--quiet", "--release", "-p", "symbolon-app"])?;
    let binary = target(&root)?.join("release/symbolon-server");
    let folder = target(&root)?.join("bench/edge");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    println!("\n| calls, one process on SQLite | accepted | done | CPU a call | bar |");
    println!("|---|---|---|---|---|");
    let mut costs = Vec::new();
    let server = [Server::start(&binary, &folder.join("calls"), server::free_address()?)?];
    let calls = runtime.block_on(Calls::start(&server, &[]))?;
    let mut stored = 0;
    for &mark in &options.stored {
        let more = mark.saturating_sub(stored);
        runtime.block_on(calls.make(more))?;
        let cost = runtime.block_on(calls.make(options.calls))?;
        stored += more + options.calls;
        row(mark, &cost);
        costs.push(cost);
    }
    if let [first, .., last] = costs.as_slice() {
        let ratio = last.processor / first.processor;
        println!("| CPU a call, most stored against fewest | | | × {ratio:.2} | flat |");
    }
    drop(server);
    println!("\n| memory of the server | resident | bar |\n|---|---|---|");
    let server = Server::start(&binary, &folder.join("memory"), server::free_address()?)?;
    std::thread::sleep(REST);
    println!("| idle | {:.1} MB | < 40 MB |", resident(&server)?);
    let open = runtime.block_on(streams::open(&server, options.streams))?;
    std::thread::sleep(REST);
    println!("| {} open event streams | {:.1} MB | < 120 MB |", open.len(), resident(&server)?);
    Ok(ExitCode::SUCCESS)
}

fn row(stored: usize, cost: &Cost) {
    println!(
        "| {stored} stored | {:.0}/s | {:.0}/s | {:.2} ms | ≥ 1,000/s |",
        cost.accepted,
        cost.done,
        cost.processor * 1e3
    );
}

/// Memory of a server in megabytes (10⁶ bytes), as the system tells it.
fn resident(server: &Server) -> anyhow::Result<f64> {
    let path = format!("/proc/{}/status", server.process.0.id());
    let status = fs::read_to_string(Path::new(&path)).context("the system tells of a process")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).context("its memory")?;
    Ok(kib.trim().parse::<f64>()? * 1024.0 / 1e6)
}
