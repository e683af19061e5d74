//! `cargo xtask bench server`: what the generated server costs beside one written by hand.
//!
//! A JSON POST of three kinds, the same load, in one run and in turns: the generated server, plain
//! axum behind layers that do what the edge does, and plain axum alone.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::process::{self, Running};
use crate::root::root;
use crate::server::target;

const OHA: &str = "1.16.0";
const WAYS: [&str; 3] = ["generated", "handwritten", "bare"];
const CONTRACT: &str = include_str!("../throughput/contract.yaml");
const FILES: [(&str, &str); 7] = [
    ("Cargo.toml", include_str!("../throughput/Cargo.toml.txt")),
    ("src/main.rs", include_str!("../throughput/main.rs")),
    ("src/bare.rs", include_str!("../throughput/bare.rs")),
    ("src/generated.rs", include_str!("../throughput/generated.rs")),
    ("src/guarded.rs", include_str!("../throughput/guarded.rs")),
    ("src/handwritten.rs", include_str!("../throughput/handwritten.rs")),
    ("src/load.rs", include_str!("../throughput/load.rs")),
];
const ORDER: &str = r#"{"symbol":"BTCUSDT","side":"buy","quantity":250,"note":"at the open","legs":[
{"venue":"north","share":0.25,"limit":100},{"venue":"south","share":0.5},
{"venue":"west","share":0.25,"limit":300}]}"#;
const BROKEN: &str = r#"{"symbol":"b","side":"buy","quantity":0,"legs":[{"venue":"a","share":2}]}"#;

/// What is asked of the servers.
struct Operation {
    what: &'static str,
    path: &'static str,
    bar: f64,
    is_validated: bool,
    is_guarded: bool,
}

const OPERATIONS: [Operation; 3] = [
    Operation {
        what: "nothing to validate, nobody to authenticate",
        path: "v1/plain-orders",
        bar: 0.95,
        is_validated: false,
        is_guarded: false,
    },
    Operation {
        what: "validated",
        path: "v1/orders",
        bar: 0.95,
        is_validated: true,
        is_guarded: false,
    },
    Operation {
        what: "validated, a signed token, a scope, an idempotency key",
        path: "v1/guarded-orders",
        bar: 0.85,
        is_validated: true,
        is_guarded: true,
    },
];

/// What is measured, and with what.
struct Program {
    binary: PathBuf,
    oha: PathBuf,
    folder: PathBuf,
}

/// Measures the throughput of a generated server against hand-written ones.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cargo xtask bench server --rounds 5 --seconds 10\n\n\
    The first run builds the servers and installs the load generator `oha` from the crate\n\
    registry, all under target/.")]
pub struct Server {
    /// How often each server is measured; they take turns, and the medians count.
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// How long each measurement lasts.
    #[arg(long, default_value_t = 5)]
    pub seconds: u32,
    /// Connections kept open.
    #[arg(long, default_value_t = 16)]
    pub connections: u32,
}

/// Runs the command.
///
/// # Errors
/// When something does not build, does not run, or does not answer as the contract says.
pub fn run(options: &Server) -> anyhow::Result<ExitCode> {
    let folder = target(&root())?.join("throughput");
    let oha = install(&folder)?;
    let program = Program { binary: build(&folder)?, oha, folder };
    println!(
        "| a JSON POST | generated | by hand, the same edge by layers | ratio | bar | \
              by hand, no edge at all |\n|---|---|---|---|---|---|"
    );
    for operation in &OPERATIONS {
        let mut measured: [Vec<f64>; 3] = Default::default();
        for _ in 0..options.rounds {
            for (way, rates) in WAYS.iter().zip(&mut measured) {
                rates.push(round(&program, way, operation, options)?);
            }
        }
        let [generated, by_hand, bare] = measured.map(median);
        println!(
            "| {} | {generated:.0}/s | {by_hand:.0}/s | {:.2} | ≥ {:.2} | {bare:.0}/s |",
            operation.what,
            generated / by_hand,
            operation.bar
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or_default()
}

fn install(folder: &Path) -> anyhow::Result<PathBuf> {
    let binary = folder.join("oha/bin/oha");
    if !binary.exists() {
        let into = folder.join("oha").display().to_string();
        let arguments =
            ["install", "oha", "--version", OHA, "--locked", "--no-default-features", "--root"];
        let features = ["--features", "rustls"];
        let all: Vec<&str> = arguments.into_iter().chain([into.as_str()]).chain(features).collect();
        process::run(Path::new("."), "cargo", &all)?;
    }
    Ok(binary)
}

/// Generates the server, writes the program that serves it three ways, and builds it.
fn build(folder: &Path) -> anyhow::Result<PathBuf> {
    let program = folder.join("program");
    fs::create_dir_all(program.join("src"))?;
    for (path, text) in FILES {
        fs::write(program.join(path), text)?;
    }
    let contract = folder.join("throughput.yaml");
    fs::write(&contract, CONTRACT)?;
    let (contract, out) = (contract.display().to_string(), folder.join("generated"));
    let out = out.display().to_string();
    let generate = ["run", "-q", "-p", "xtask", "--bin", "symbolon", "--", "gen"];
    let targets = ["--target", "rust_wire", "--target", "rust_server"];
    let arguments: Vec<&str> = generate
        .into_iter()
        .chain(["--contract", &contract, "--out", &out, "--name", "throughput"])
        .chain(targets)
        .collect();
    process::run(&root(), "cargo", &arguments)?;
    process::run(&program, "cargo", &["build", "--quiet", "--release"])?;
    Ok(program.join("target/release/throughput"))
}

/// Starts a server, sees that it answers as the contract says, and puts it under load.
fn round(
    program: &Program,
    way: &str,
    operation: &Operation,
    options: &Server,
) -> anyhow::Result<f64> {
    let child = process::command(&program.folder, &program.binary.display().to_string(), &[way])
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("the {way} server starts"))?;
    let mut server = Running(child);
    let out = server.0.stdout.take().context("its standard output is a pipe")?;
    let mut told = String::new();
    BufReader::new(out).read_line(&mut told)?;
    let (url, token) = told.trim().split_once(' ').context("a server tells URL and token")?;
    let url = format!("{url}/{}", operation.path);
    if operation.is_guarded {
        let refused = program.load(&url, ORDER, &["-n", "1"])?;
        expect(&refused, "401", way)?;
        program.keyed_load(&url, token, 1, options.connections)?;
        let report = program.keyed_load(&url, token, options.seconds, options.connections)?;
        expect(&report, "201", way)?;
        return rate(&report);
    }
    let (seconds, connections) = (format!("{}s", options.seconds), options.connections.to_string());
    let few = ["-n", "1"];
    expect(&program.load(&url, ORDER, &few)?, "201", way)?;
    if operation.is_validated {
        expect(&program.load(&url, BROKEN, &few)?, "400", way)?;
    }
    program.load(&url, ORDER, &["-z", "1s", "-c", &connections])?;
    let report = program.load(&url, ORDER, &["-z", &seconds, "-c", &connections])?;
    expect(&report, "201", way)?;
    rate(&report)
}

fn rate(report: &Value) -> anyhow::Result<f64> {
    report["summary"]["requestsPerSec"].as_f64().context("a report tells requests per second")
}

impl Program {
    fn load(&self, url: &str, body: &str, how: &[&str]) -> anyhow::Result<Value> {
        let told = ["--no-tui", "--output-format", "json", "-m", "POST", "-T", "application/json"];
        let arguments: Vec<&str> =
            told.into_iter().chain(["-d", body]).chain(how.iter().copied()).chain([url]).collect();
        let text = process::output(&self.folder, &self.oha.display().to_string(), &arguments)?;
        serde_json::from_str(&text).context("oha prints JSON")
    }

    /// The same with a token, and a key of its own for every request.
    fn keyed_load(
        &self,
        url: &str,
        token: &str,
        seconds: u32,
        connections: u32,
    ) -> anyhow::Result<Value> {
        let (seconds, connections) = (seconds.to_string(), connections.to_string());
        let arguments = ["load", url, token, &seconds, &connections, ORDER];
        let text = process::output(&self.folder, &self.binary.display().to_string(), &arguments)?;
        serde_json::from_str(&text).context("the load prints JSON")
    }
}

/// Every answer had this status.
fn expect(report: &Value, status: &str, way: &str) -> anyhow::Result<()> {
    let answers = report["statusCodeDistribution"].as_object();
    let only = answers.is_some_and(|answers| answers.keys().all(|found| found == status));
    if !only || answers.is_none_or(serde_json::Map::is_empty) {
        bail!("the {way} server answers {} and not {status}", report["statusCodeDistribution"]);
    }
    Ok(())
}
