//! `cargo xtask bench kernel`: what the kernel costs, against the same rows written by hand.

use std::fs;
use std::process::ExitCode;

use crate::process;
use crate::root::root;
use crate::server::target;
use crate::services::{broker, postgres};

/// Measures the kernel on both databases, each against the same rows written by hand.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cargo xtask bench kernel\n  \
    cargo xtask bench kernel --rows 10000,10000000\n\n\
    Builds the drill for release, and starts a PostgreSQL server and a broker as\n  \
    `cargo xtask test` does.")]
pub struct Kernel {
    /// At how many rows the costs of append, read, claim and balance are held against each other.
    #[arg(long, default_value = "10000,1000000", value_name = "ROWS,ROWS")]
    pub rows: String,
}

/// Prints the table for docs/benchmarks.md.
pub(super) fn run(options: &Kernel) -> anyhow::Result<ExitCode> {
    let root = root();
    let build = ["build", "--quiet", "--release", "-p", "symbolon-drill", "--features", "kafka"];
    process::run(&root, "cargo", &build)?;
    let drill = target(&root)?.join("release/symbolon-drill").display().to_string();
    let folder = target(&root)?.join("bench/kernel");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let server = postgres::Server::start(&root)?;
    for schema in ["ours", "by_hand", "shared"] {
        server.query(&format!("CREATE SCHEMA {schema}"))?;
    }
    let of_server = |schema: &str| format!("{}?options[search_path]={schema}", server.url);
    let databases = [
        ("SQLite", "ours.sqlite".to_owned(), "by_hand.sqlite".to_owned()),
        ("PostgreSQL", of_server("ours"), of_server("by_hand")),
    ];
    for (name, ours, by_hand) in databases {
        println!("\n| {name} | kernel | against | ratio | bar |\n|---|---|---|---|---|");
        let arguments = ["bench", "--database", &ours, "--beside", &by_hand, "--rows"];
        let mut bench = process::command(&folder, &drill, &arguments);
        let status = bench.arg(&options.rows).status()?;
        if !status.success() {
            anyhow::bail!("the drill ended with {status}");
        }
    }
    println!("\n| PostgreSQL and Kafka | kernel | against | ratio | bar |\n|---|---|---|---|---|");
    let broker = broker::Broker::start(&root)?;
    let shared = of_server("shared");
    let arguments = ["cluster", "--database", &shared, "--kafka", &broker.url];
    let status = process::command(&folder, &drill, &arguments).status()?;
    if !status.success() {
        anyhow::bail!("the drill ended with {status}");
    }
    Ok(ExitCode::SUCCESS)
}
