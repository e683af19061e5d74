//! What more processes bring: two that answer and two that work, on PostgreSQL and Kafka, against
//! one of each.

use std::fs;
use std::process::ExitCode;

use super::calls::{Calls, Cost};
use crate::distributed::{Distributed, Numbers};
use crate::root::root;
use crate::server::{Profile, Server, build_for_kafka, free_address, target};

/// Calls that are made before any is measured: the broker gives members their shares late.
const FIRST: usize = 500;
/// How often each set-up is measured; the median counts.
const ROUNDS: usize = 3;

/// Measures so many calls in each set-up, and prints the table for docs/benchmarks.md.
pub(super) fn run(calls: usize) -> anyhow::Result<ExitCode> {
    let binary = build_for_kafka(&root(), Profile::Release)?;
    let folder = target(&root())?.join("bench/scale");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut rows = Vec::new();
    for processes in [1, 2] {
        let numbers = Numbers { apis: processes, workers: processes };
        let data = folder.join(processes.to_string());
        let site = Distributed::start(&root(), &binary, &data, free_address()?, numbers)?;
        let cost = runtime.block_on(measure(&site, calls))?;
        rows.push((processes, cost));
    }
    println!("\n| calls, processes on PostgreSQL and Kafka | accepted | done | CPU a call |");
    println!("|---|---|---|---|");
    for (processes, Cost { accepted, done, processor }) in &rows {
        let milliseconds = processor * 1e3;
        println!(
            "| API × {processes}, worker × {processes}, one relay | {accepted:.0}/s | {done:.0}/s \
             | {milliseconds:.2} ms |"
        );
    }
    if let [(_, one), (_, two)] = rows.as_slice() {
        let factor = |of: fn(&Cost) -> f64| of(two) / of(one);
        let (accepted, done) = (factor(|cost| cost.accepted), factor(|cost| cost.done));
        let processor = factor(|cost| cost.processor);
        println!("| two of each against one | × {accepted:.2} | × {done:.2} | × {processor:.2} |");
    }
    Ok(ExitCode::SUCCESS)
}

/// The round that is the median by calls done.
async fn measure(site: &Distributed, count: usize) -> anyhow::Result<Cost> {
    let others: Vec<&Server> = site.workers.iter().chain([&site.relay]).collect();
    let calls = Calls::start(&site.apis, &others).await?;
    calls.make(FIRST).await?;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push(calls.make(count).await?);
    }
    rounds.sort_by(|one, other| one.done.total_cmp(&other.done));
    Ok(rounds.swap_remove(ROUNDS / 2))
}
