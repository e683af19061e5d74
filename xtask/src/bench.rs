//! `cargo xtask bench`: what generation costs, printed as a table for docs/benchmarks.md.

mod check;
mod edge;
mod kernel;
mod rivals;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};

use self::rivals::{OPENAPI_TO_RUST, Rival};
use crate::corpus::{CONTRACTS, FOLDER, documents};
use crate::process;
use crate::root::root;
use crate::server::target;
use crate::throughput;

/// What is measured.
#[derive(Debug, clap::Subcommand)]
pub enum Bench {
    /// Generation, against rivals in the same run.
    Gen(Gen),
    /// The edge against the same by hand, and service calls end to end.
    Edge(edge::Edge),
    /// The kernel, against the same rows written by hand.
    Kernel(kernel::Kernel),
    /// The generated server, against servers written by hand in the same run.
    Server(throughput::Server),
}

/// Measures generation of every target from public contracts, against rivals in the same run.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask bench gen\n  cargo xtask bench gen --rivals --check\n  \
    cargo xtask bench gen --rival \\\n    \
    'openapi-to-rust=openapi-to-rust generate {contract} --output-dir {out}'\n\n\
    Needs GNU time (`apt-get install time`). GitHub REST comes from npm, other contracts from\n\
    the corpus beside the project where it is there. Lines are those of Rust and TypeScript\n\
    that are generated, without runtimes. --check compiles nexus and GitHub REST: wire and\n\
    SDK of ours, types and client of openapi-to-rust, dependencies built before."
)]
pub struct Gen {
    /// Runs of each; the median counts.
    #[arg(long, default_value_t = 5)]
    pub runs: usize,
    /// Only contracts whose names hold this text.
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
    /// Install and measure openapi-to-rust, ploidy, openapi-typescript and hey-api too.
    #[arg(long)]
    pub rivals: bool,
    /// Another generator as `name=command`; `{contract}` and `{out}` are filled in.
    #[arg(long, value_name = "NAME=COMMAND")]
    pub rival: Vec<String>,
    /// Measure `cargo check` of the output for nexus and GitHub REST too; slow.
    #[arg(long)]
    pub check: bool,
}

/// What GNU time is asked for.
const COST_FORMAT: &str = "cost %e %U %S %M";

/// Contracts whose output is compiled with `--check`.
const CHECKED: [&str; 2] = ["nexus.json", "github-rest.json"];

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
        Bench::Edge(options) => edge::run(options),
        Bench::Kernel(options) => kernel::run(options),
        Bench::Server(options) => throughput::run(options),
    }
}

fn generation(options: &Gen) -> anyhow::Result<ExitCode> {
    let root = root();
    let target = target(&root)?;
    let mut contracts = Vec::new();
    let corpus = root.join(FOLDER);
    if corpus.exists() {
        contracts.extend(CONTRACTS.iter().map(|name| ((*name).to_owned(), corpus.join(name))));
    } else {
        println!("skipped: {FOLDER} is not there");
    }
    match documents::github(&target) {
        Ok(github) => contracts.push((github.name, github.path)),
        Err(error) => println!("skipped: GitHub REST: {error:#}"),
    }
    contracts.retain(|(name, _)| options.only.as_deref().is_none_or(|only| name.contains(only)));
    process::run(&root, "cargo", &["build", "--quiet", "--release", "--package", "xtask"])?;
    let mut generators = vec![ours(&target)];
    if options.rivals {
        generators.extend(rivals::install(&target.join("rivals"))?);
    }
    for rival in &options.rival {
        let (name, command) = rival.split_once('=').context("a rival is `name=command`")?;
        generators.push(Rival { name: name.to_owned(), command: command.to_owned() });
    }
    let out = target.join("bench");
    println!("| contract | generator | wall | CPU | × ours | peak memory | lines |");
    println!("|---|---|---|---|---|---|---|");
    for (contract, path) in &contracts {
        let mut first = None;
        for generator in &generators {
            first = row(contract, generator, path, &out, options.runs, first)?;
        }
    }
    if options.check {
        checks(&contracts, &generators, &target)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn ours(target: &Path) -> Rival {
    let binary = target.join("release/symbolon");
    let command = format!(
        "{} gen --contract {{contract}} --name bench --out {{out}} --json",
        binary.display()
    );
    Rival { name: "symbolon, all targets".to_owned(), command }
}

/// Prints what a generator costs and returns what ours did, which comes first.
fn row(
    contract: &str,
    generator: &Rival,
    path: &Path,
    out: &Path,
    runs: usize,
    first: Option<Cost>,
) -> anyhow::Result<Option<Cost>> {
    let out = out.join(generator.name.replace([' ', ','], "-"));
    let mut costs = Vec::new();
    for _ in 0..runs {
        match once(&generator.command, path, &out) {
            Ok(cost) => costs.push(cost),
            Err(error) => {
                println!("| {contract} | {} | {error:#} | | | | |", generator.name);
                return Ok(first);
            }
        }
    }
    let median = |of: fn(&Cost) -> f64| {
        let mut values: Vec<f64> = costs.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    let cost = Cost {
        wall_s: median(|cost| cost.wall_s),
        processor_s: median(|cost| cost.processor_s),
        peak_kb: median(|cost| cost.peak_kb),
    };
    let lines = format!("{} Rust, {} TypeScript", lines(&out, "rs")?, lines(&out, "ts")?);
    print_row(contract, &generator.name, cost, first, &lines);
    Ok(first.or(Some(cost)))
}

fn print_row(contract: &str, name: &str, cost: Cost, first: Option<Cost>, lines: &str) {
    let ratio = first.map_or(1.0, |first| cost.processor_s / first.processor_s.max(0.005));
    println!(
        "| {contract} | {name} | {:.2} s | {:.2} s | {ratio:.1} | {:.0} MB | {lines} |",
        cost.wall_s,
        cost.processor_s,
        cost.peak_kb / 1024.0
    );
}

/// Lines of generated files with this ending; what stands in `runtime` folders is not generated.
fn lines(folder: &Path, ending: &str) -> anyhow::Result<usize> {
    let mut count = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "runtime") {
                count += lines(&path, ending)?;
            }
        } else if path.extension().is_some_and(|found| found == ending) {
            count += fs::read(&path)?.split(|byte| *byte == b'\n').count() - 1;
        }
    }
    Ok(count)
}

/// What compiling costs, ours beside the closest rival's.
fn checks(
    contracts: &[(String, PathBuf)],
    generators: &[Rival],
    target: &Path,
) -> anyhow::Result<()> {
    println!("\n| contract | `cargo check` of | wall | CPU | × ours | peak memory | |");
    println!("|---|---|---|---|---|---|---|");
    for (contract, path) in contracts {
        if !CHECKED.contains(&contract.as_str()) {
            continue;
        }
        let mut first = None;
        for (index, generator) in generators.iter().enumerate() {
            if index > 0 && !generator.name.starts_with(OPENAPI_TO_RUST) {
                continue;
            }
            let out = target.join("bench/check").join(if index == 0 { "ours" } else { "rival" });
            let cost = once(&generator.command, path, &out).and_then(|_| {
                let packages = vec!["bench-wire".to_owned(), "bench-sdk".to_owned()];
                let output = match index {
                    0 => check::Output { folder: out.clone(), packages },
                    _ => check::client_crate(&out)?,
                };
                check::measure(&output, &target.join("bench/check-target"))
            });
            match cost {
                Ok(cost) => {
                    print_row(contract, &generator.name, cost, first, "");
                    first = first.or(Some(cost));
                }
                Err(error) => println!("| {contract} | {} | {error:#} | | | | |", generator.name),
            }
        }
    }
    Ok(())
}

/// One run into an empty folder, under GNU time.
fn once(command: &str, contract: &Path, out: &Path) -> anyhow::Result<Cost> {
    if out.exists() {
        fs::remove_dir_all(out)?;
    }
    fs::create_dir_all(out)?;
    let command = command
        .replace("{contract}", &contract.display().to_string())
        .replace("{out}", &out.display().to_string());
    let mut words = vec!["-f", COST_FORMAT];
    words.extend(command.split_whitespace());
    let output = process::command(out, "/usr/bin/time", &words)
        .output()
        .context("GNU time starts; `apt-get install time` brings it")?;
    if !output.status.success() {
        bail!("fails with {}", output.status);
    }
    cost(&String::from_utf8_lossy(&output.stderr))
}

/// What GNU time told among everything else.
fn cost(told: &str) -> anyhow::Result<Cost> {
    let line = told.lines().find_map(|line| line.strip_prefix("cost ")).unwrap_or_default();
    let numbers: Vec<f64> = line.split(' ').filter_map(|text| text.parse().ok()).collect();
    let [wall_s, user_s, system_s, peak_kb] = numbers.as_slice() else {
        bail!("GNU time told nothing");
    };
    Ok(Cost { wall_s: *wall_s, processor_s: user_s + system_s, peak_kb: *peak_kb })
}
