//! `cargo xtask bench`: what generation costs, printed as a table for docs/benchmarks.md.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};

use crate::corpus::{CONTRACTS, FOLDER};
use crate::process;
use crate::root::root;
use crate::server::target;
use crate::throughput;

/// What is measured.
#[derive(Debug, clap::Subcommand)]
pub enum Bench {
    /// Generation, against rivals in the same run.
    Gen(Gen),
    /// The generated server, against servers written by hand in the same run.
    Server(throughput::Server),
}

/// Measures generation of every target from public contracts, against rivals in the same run.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask bench gen\n  cargo xtask bench gen --rival \\\n    \
    'openapi-to-rust=openapi-to-rust generate {contract} --output-dir {out}'\n\n\
    Needs GNU time (`apt-get install time`) and the corpus beside the project."
)]
pub struct Gen {
    /// Runs of each; the median counts.
    #[arg(long, default_value_t = 11)]
    pub runs: usize,
    /// Another generator as `name=command`; `{contract}` and `{out}` are filled in.
    #[arg(long, value_name = "NAME=COMMAND")]
    pub rival: Vec<String>,
}

/// What one run took.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
struct Cost {
    wall_s: f64,
    processor_s: f64,
    peak_kb: f64,
}

/// Runs the command.
///
/// # Errors
/// When something does not build or run.
pub fn run(which: &Bench) -> anyhow::Result<ExitCode> {
    match which {
        Bench::Gen(options) => generation(options),
        Bench::Server(options) => throughput::run(options),
    }
}

fn generation(options: &Gen) -> anyhow::Result<ExitCode> {
    let root = root();
    let corpus = root.join(FOLDER);
    if !corpus.exists() {
        println!("skipped: {FOLDER} is not there");
        return Ok(ExitCode::SUCCESS);
    }
    process::run(&root, "cargo", &["build", "--quiet", "--release", "--package", "xtask"])?;
    let binary = target(&root)?.join("release/symbolon");
    let out = target(&root)?.join("bench");
    println!("| contract | generator | wall | CPU | peak memory |\n|---|---|---|---|---|");
    for contract in CONTRACTS {
        let path = corpus.join(contract);
        let ours = format!("{} gen --contract {{contract}} --out {{out}} --json", binary.display());
        row(contract, "symbolon, all targets", &ours, &path, &out, options.runs)?;
        for rival in &options.rival {
            let (name, command) = rival.split_once('=').context("a rival is `name=command`")?;
            row(contract, name, command, &path, &out, options.runs)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn row(
    contract: &str,
    name: &str,
    command: &str,
    path: &Path,
    out: &Path,
    runs: usize,
) -> anyhow::Result<()> {
    let mut costs = Vec::new();
    for _ in 0..runs {
        match once(command, path, &out.join(name.replace(' ', "-"))) {
            Ok(cost) => costs.push(cost),
            Err(error) => {
                println!("| {contract} | {name} | {error:#} | | |");
                return Ok(());
            }
        }
    }
    let median = |of: fn(&Cost) -> f64| {
        let mut values: Vec<f64> = costs.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    println!(
        "| {contract} | {name} | {:.3} s | {:.3} s | {:.0} MB |",
        median(|cost| cost.wall_s),
        median(|cost| cost.processor_s),
        median(|cost| cost.peak_kb) / 1024.0
    );
    Ok(())
}

/// One run into an empty folder, under GNU time.
fn once(command: &str, contract: &Path, out: &Path) -> anyhow::Result<Cost> {
    if out.exists() {
        std::fs::remove_dir_all(out)?;
    }
    std::fs::create_dir_all(out)?;
    let command = command
        .replace("{contract}", &contract.display().to_string())
        .replace("{out}", &out.display().to_string());
    let mut words = vec!["-f", "cost %e %U %S %M"];
    words.extend(command.split_whitespace());
    let output = process::command(out, "/usr/bin/time", &words)
        .output()
        .context("GNU time starts; `apt-get install time` brings it")?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        bail!("fails with {}", output.status);
    }
    let line = told.lines().find_map(|line| line.strip_prefix("cost ")).unwrap_or_default();
    let numbers: Vec<f64> = line.split(' ').filter_map(|text| text.parse().ok()).collect();
    let [wall_s, user_s, system_s, peak_kb] = numbers.as_slice() else {
        bail!("GNU time told nothing");
    };
    Ok(Cost { wall_s: *wall_s, processor_s: user_s + system_s, peak_kb: *peak_kb })
}
