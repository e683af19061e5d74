//! `symbolon-drill`: loads a database and tells what was acknowledged, or audits one.

use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use symbolon_drill::{Acknowledged, Load, MIGRATIONS, audit, clock, handlers, load, settings};
use symbolon_kernel::{Kernel, Location};
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

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let filter =
        EnvFilter::try_from_env("SYMBOLON_LOG_LEVEL").unwrap_or_else(|_| EnvFilter::new("error"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let CommandLine { database, command } = CommandLine::parse();
    let kernel = Kernel::open_with(&database, &[MIGRATIONS], clock(), settings()).await?;
    kernel.start(handlers()).await?;
    let code = match command {
        Command::Load { seed, callers, orders } => {
            load(&kernel, Load { seed, callers, orders }, acknowledge).await;
            ExitCode::SUCCESS
        }
        Command::Settle { acknowledged, patience } => {
            let acknowledged = read(&acknowledged)?;
            let patience = Duration::from_secs(patience);
            let findings = audit(&kernel, &database, &acknowledged, patience).await;
            let findings = findings.map_err(|error| anyhow::anyhow!(error))?;
            for finding in &findings {
                println!("{finding}");
            }
            println!("{} acknowledged, {} findings", acknowledged.len(), findings.len());
            ExitCode::from(u8::from(!findings.is_empty()))
        }
    };
    kernel.shutdown().await?;
    Ok(code)
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
