//! `symbolon-drill`: loads a database and tells what was acknowledged, or audits one.

#[cfg(feature = "simulation")]
mod simulate;

use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use symbolon_drill::{
    Acknowledged, Line, Load, MIGRATIONS, audit, bench, handlers, load, settings,
};
use symbolon_kernel::{Kernel, Location, machine_clock};
use tracing_subscriber::EnvFilter;

/// The drill of the kernel: a small shop under load, and its closing audit.
#[derive(Debug, Parser)]
#[command(name = "symbolon-drill", version, about)]
struct CommandLine {
    /// The database: the path of a file, or a URL `postgres://…`.
    #[arg(long, env = "SYMBOLON_DATABASE", global = true, default_value = "drill.sqlite")]
    database: Location,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play histories in a simulated world. Exit codes: 0 every audit passed, 1 one did not.
    #[cfg(feature = "simulation")]
    Simulate(simulate::Simulate),
    /// Place orders until they are done, or the process is killed. Each commit that was confirmed
    /// is a line of JSON on standard output.
    Load {
        /// Begins the ids of orders.
        #[arg(long)]
        seed: u64,
        /// Callers at once.
        #[arg(long, default_value_t = 8)]
        callers: u64,
        /// Orders each of them places.
        #[arg(long, default_value_t = 1_000_000)]
        orders: u64,
    },
    /// Measure what the kernel costs, on two new databases of one kind; prints lines of a table.
    Bench {
        /// The second one, which is written by hand.
        #[arg(long)]
        beside: Location,
        /// At how many rows costs are held against each other.
        #[arg(long, value_delimiter = ',', default_values_t = [10_000, 1_000_000])]
        rows: Vec<u64>,
    },
    /// Measure what Kafka between processes costs, on a new database and a new cluster.
    #[cfg(feature = "kafka")]
    Cluster {
        /// The cluster: `kafka://host:port`.
        #[arg(long)]
        kafka: String,
    },
    /// Do what is left to do, and tell what does not hold. Exit codes: 0 everything holds, 1 not.
    Settle {
        /// The lines that loads have printed; a line that was cut is left out.
        #[arg(long)]
        acknowledged: PathBuf,
        /// How many seconds there are to do what is left.
        #[arg(long, default_value_t = 60)]
        patience: u64,
    },
}

impl Command {
    /// What is logged unless the environment says otherwise.
    fn log_level(&self) -> &'static str {
        match self {
            // What goes wrong there was meant to.
            #[cfg(feature = "simulation")]
            Self::Simulate(_) => "off",
            Self::Load { .. } | Self::Bench { .. } | Self::Settle { .. } => "error",
            #[cfg(feature = "kafka")]
            Self::Cluster { .. } => "error",
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let CommandLine { database, command } = CommandLine::parse();
    let filter = EnvFilter::try_from_env("SYMBOLON_LOG_LEVEL")
        .unwrap_or_else(|_| EnvFilter::new(command.log_level()));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match command {
        #[cfg(feature = "simulation")]
        Command::Simulate(options) => simulate::run(&options),
        Command::Load { seed, callers, orders } => {
            let kernel = shop(&database).await?;
            load(&kernel, Load { seed, callers, orders }, acknowledge).await;
            kernel.shutdown().await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Settle { acknowledged, patience } => {
            let kernel = shop(&database).await?;
            let acknowledged = read(&acknowledged)?;
            let patience = Duration::from_secs(patience);
            let findings = audit(&kernel, &database, &acknowledged, patience).await;
            kernel.shutdown().await?;
            let findings = findings.map_err(|error| anyhow::anyhow!(error))?;
            for finding in &findings {
                println!("{finding}");
            }
            println!("{} acknowledged, {} findings", acknowledged.len(), findings.len());
            Ok(ExitCode::from(u8::from(!findings.is_empty())))
        }
        Command::Bench { beside, rows } => {
            let lines = bench(&database, &beside, &rows).await;
            print(lines.map_err(|error| anyhow::anyhow!(error))?);
            Ok(ExitCode::SUCCESS)
        }
        #[cfg(feature = "kafka")]
        Command::Cluster { kafka } => {
            let brokers = kafka.strip_prefix("kafka://").unwrap_or(&kafka);
            let operator = symbolon_kernel::TenantId::new("operator")?;
            let kafka = symbolon_kernel::Kafka::new(brokers, operator);
            let lines = symbolon_drill::cluster(&database, &kafka).await;
            print(lines.map_err(|error| anyhow::anyhow!(error))?);
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Lines of a table.
fn print(lines: Vec<Line>) {
    for Line { what, ours, against, ratio, bar } in lines {
        let ratio = ratio.map_or(String::new(), |ratio| format!("{ratio:.2}"));
        println!("| {what} | {ours} | {against} | {ratio} | {bar} |");
    }
}

/// The kernel with everything the shop reacts with.
async fn shop(database: &Location) -> anyhow::Result<Kernel> {
    let kernel = Kernel::open_with(database, &[MIGRATIONS], machine_clock(), settings()).await?;
    kernel.start(handlers()).await?;
    Ok(kernel)
}

/// Told at once: the process may be killed after this line.
fn acknowledge(done: Acknowledged) {
    let line = serde_json::to_string(&done).expect("texts and a number can be written");
    let mut out = std::io::stdout().lock();
    // Whoever has started this may be gone.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

fn read(file: &PathBuf) -> anyhow::Result<Vec<Acknowledged>> {
    let lines = std::io::BufReader::new(std::fs::File::open(file)?).lines();
    let mut acknowledged = Vec::new();
    for line in lines {
        acknowledged.extend(serde_json::from_str(&line?).ok());
    }
    Ok(acknowledged)
}
