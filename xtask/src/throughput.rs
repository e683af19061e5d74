//! `cargo xtask bench server`: what the generated server costs beside one written by hand.
//!
//! One JSON POST with validation, the same load, in one run and in turns: the generated server,
//! plain axum behind layers that do what the edge does, and plain axum alone.

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
const FILES: [(&str, &str); 5] = [
    ("Cargo.toml", include_str!("../throughput/Cargo.toml.txt")),
    ("src/main.rs", include_str!("../throughput/main.rs")),
    ("src/bare.rs", include_str!("../throughput/bare.rs")),
    ("src/generated.rs", include_str!("../throughput/generated.rs")),
    ("src/handwritten.rs", include_str!("../throughput/handwritten.rs")),
];
const ORDER: &str = r#"{"symbol":"BTCUSDT","side":"buy","quantity":250,"note":"at the open","legs":[
{"venue":"north","share":0.25,"limit":100},{"venue":"south","share":0.5},
{"venue":"west","share":0.25,"limit":300}]}"#;
const BROKEN: &str = r#"{"symbol":"b","side":"buy","quantity":0,"legs":[{"venue":"a","share":2}]}"#;

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
    let binary = build(&folder)?;
    let mut measured: [Vec<f64>; 3] = Default::default();
    for _ in 0..options.rounds {
        for (way, rates) in WAYS.iter().zip(&mut measured) {
            rates.push(round(&binary, way, &oha, &folder, options)?);
        }
    }
    let rates = measured.map(|mut rates| {
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 2).copied().unwrap_or_default()
    });
    println!("| server | requests a second | ratio |\n|---|---|---|");
    let names = ["generated", "by hand, the same edge by layers", "by hand, no edge at all"];
    for (name, rate) in names.iter().zip(rates) {
        println!("| {name} | {rate:.0} | {:.2} |", rates[0] / rate);
    }
    Ok(ExitCode::SUCCESS)
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
    binary: &Path,
    way: &str,
    oha: &Path,
    folder: &Path,
    options: &Server,
) -> anyhow::Result<f64> {
    let child = process::command(folder, &binary.display().to_string(), &[way])
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("the {way} server starts"))?;
    let mut server = Running(child);
    let out = server.0.stdout.take().context("its standard output is a pipe")?;
    let mut url = String::new();
    BufReader::new(out).read_line(&mut url)?;
    let url = format!("{}/v1/orders", url.trim());
    let (seconds, connections) = (format!("{}s", options.seconds), options.connections.to_string());
    let few = ["-n", "1"];
    expect(&load(oha, folder, &url, ORDER, &few)?, "201", way)?;
    expect(&load(oha, folder, &url, BROKEN, &few)?, "400", way)?;
    load(oha, folder, &url, ORDER, &["-z", "1s", "-c", &connections])?;
    let report = load(oha, folder, &url, ORDER, &["-z", &seconds, "-c", &connections])?;
    expect(&report, "201", way)?;
    report["summary"]["requestsPerSec"].as_f64().context("oha tells requests per second")
}

fn load(oha: &Path, folder: &Path, url: &str, body: &str, how: &[&str]) -> anyhow::Result<Value> {
    let told = ["--no-tui", "--output-format", "json", "-m", "POST", "-T", "application/json"];
    let arguments: Vec<&str> =
        told.into_iter().chain(["-d", body]).chain(how.iter().copied()).chain([url]).collect();
    let text = process::output(folder, &oha.display().to_string(), &arguments)?;
    serde_json::from_str(&text).context("oha prints JSON")
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
