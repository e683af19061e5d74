//! `symbolon conformance`: judges a running server by its contract.

use std::path::PathBuf;
use std::process::ExitCode;

use symbolon_conformance::{Credential, Options, header, run_blocking};

/// Judges a running server by its contract, over HTTP and events alone.
///
/// Exits 1 if the server differs from the contract or some of it could not be judged.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The OpenAPI document.
    #[arg(long, value_name = "FILE")]
    contract: PathBuf,
    /// The AsyncAPI document; without it no event is judged.
    #[arg(long, value_name = "FILE")]
    asyncapi: Option<PathBuf>,
    /// The Arazzo document; without it no workflow runs.
    #[arg(long, value_name = "FILE")]
    workflows: Option<PathBuf>,
    /// Where the server answers.
    #[arg(long)]
    url: String,
    /// Sent with every request, as `Name: value`; the default credential is one.
    #[arg(long = "header", value_name = "HEADER", value_parser = header)]
    headers: Vec<(String, String)>,
    /// A credential that examples name, as `name=Header: value`.
    #[arg(long = "credential", value_name = "CREDENTIAL")]
    credentials: Vec<Credential>,
    /// Makes fresh values the same again; on the same data every run needs another.
    #[arg(long)]
    seed: Option<u64>,
    /// Prints the report as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the judge and prints its report.
///
/// # Errors
/// When the report cannot be written as JSON.
pub fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut options = Options::new(arguments.contract, arguments.url);
    options.asyncapi = arguments.asyncapi;
    options.workflows = arguments.workflows;
    options.headers = arguments.headers;
    options.credentials = arguments.credentials;
    options.seed = arguments.seed.unwrap_or(options.seed);
    let report = match run_blocking(options) {
        Ok(report) => report,
        Err(unreadable) => {
            eprintln!("error: {unreadable}");
            return Ok(ExitCode::FAILURE);
        }
    };
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{report}");
    }
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
