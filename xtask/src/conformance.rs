//! `symbolon conformance`: judges a running server by its contract.

use std::path::PathBuf;
use std::process::ExitCode;

use symbolon_conformance::{Credential, Extent, Kind, Options, header, run_blocking};

/// Judges a running server by its contract, over HTTP and events alone.
///
/// Every named example is replayed, every workflow run, every promised event waited for; what
/// differs from the contract is printed with its place and a curl line.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    symbolon conformance --contract api.yaml --url http://127.0.0.1:8080\n  \
    symbolon conformance --contract openapi.yaml --asyncapi asyncapi.yaml \\\n    \
    --workflows workflows.arazzo.yaml --url http://127.0.0.1:8080 \\\n    \
    --header \"Authorization: Bearer $TOKEN\" \\\n    \
    --credential \"read-only=Authorization: Bearer $READ_ONLY\"\n\n\
    Exit codes: 0 the server fits, 1 it differs or some of it could not be judged,\n\
    2 wrong usage, or a contract that cannot be read")]
pub struct Arguments {
    /// The OpenAPI document.
    #[arg(long, value_name = "FILE")]
    contract: PathBuf,
    /// An overlay (1.0 or 1.1) to lay over the document it extends, else over the contract; may be
    /// given again.
    #[arg(long, value_name = "FILE")]
    overlay: Vec<PathBuf>,
    /// The AsyncAPI document; without it no event is judged.
    #[arg(long, value_name = "FILE")]
    asyncapi: Option<PathBuf>,
    /// The Arazzo document; without it no workflow runs.
    #[arg(long, value_name = "FILE")]
    workflows: Option<PathBuf>,
    /// Where the server answers.
    #[arg(long, value_parser = base_url)]
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
    /// Replays the examples only: what the contract does not show is not asked for.
    #[arg(long)]
    examples: bool,
    /// Prints the report as JSON.
    #[arg(long)]
    json: bool,
}

/// Exit code for wrong usage, as clap's own.
const USAGE: u8 = 2;

/// Runs the judge and prints its report.
///
/// # Errors
/// When the report cannot be written as JSON.
pub fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut options = Options::new(arguments.contract, arguments.url);
    options.overlays = arguments.overlay;
    options.asyncapi = arguments.asyncapi;
    options.workflows = arguments.workflows;
    options.headers = arguments.headers;
    options.credentials = arguments.credentials;
    if arguments.examples {
        options.extent = Extent::Examples;
    }
    options.seed = arguments.seed.unwrap_or(options.seed);
    let report = match run_blocking(options) {
        Ok(report) => report,
        Err(unreadable) => {
            if arguments.json {
                println!("{:#}", serde_json::json!({ "errors": unreadable.reasons }));
            }
            eprintln!("{unreadable}");
            return Ok(ExitCode::from(USAGE));
        }
    };
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{report}");
    }
    // What the run was not given is told, and is no failure of what nobody has written yet.
    let failed = report.findings.iter().any(|finding| finding.kind == Kind::Failure);
    let passed = if arguments.examples { !failed } else { report.passed() };
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn base_url(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    match rest {
        Some(host) if !host.is_empty() => Ok(text.to_owned()),
        _ => Err("a base URL begins with http:// or https://".to_owned()),
    }
}
