//! `symbolon gen`: both halves of anyone's contract, in a workspace that stands alone.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use serde_json::json;
use symbolon_codegen::diagnostic::{Diagnostic, Severity, render};
use symbolon_codegen::emit::EMITTERS;
use symbolon_codegen::project::{Contract, apply, compare, former, read, standalone};
use symbolon_codegen::resolve::Entry;
use symbolon_codegen::source::file_stem;

/// Generates a server, SDKs and schemas from a contract.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  symbolon gen --contract petstore.yaml --out petstore\n  \
    symbolon gen --contract api.json --asyncapi events.yaml --out sdk --target ts_sdk\n\n\
    Writes OUT/Cargo.toml (a workspace of wire, server and sdk, with the runtimes\n\
    they need) and OUT/sdk-ts. Try them with `cargo check` in OUT, and with\n\
    `npm install && npm run check` in OUT/sdk-ts.\n\n\
    Exit codes: 0 generated (what is carried only in part is reported),\n\
    1 the contract has errors, 2 wrong usage")]
pub struct Gen {
    /// The OpenAPI document (3.0 or 3.1, YAML or JSON).
    #[arg(long, value_name = "FILE")]
    pub contract: String,
    /// The AsyncAPI document (3.0) that goes with it.
    #[arg(long, value_name = "FILE")]
    pub asyncapi: Option<String>,
    /// Where to write; made if missing.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Only these outputs: rust_wire, rust_server, rust_sdk, ts_sdk, event_schemas, documents.
    #[arg(long, value_delimiter = ',', value_parser = target_names())]
    pub target: Vec<String>,
    /// What the packages are called; the contract's file name if absent.
    #[arg(long)]
    pub name: Option<String>,
    /// Refuse examples that violate their own schemas instead of warning.
    #[arg(long)]
    pub strict: bool,
    /// Print a report as JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

fn target_names() -> clap::builder::PossibleValuesParser {
    EMITTERS.iter().map(|emitter| emitter.name).collect::<Vec<_>>().into()
}

/// Runs the command.
///
/// # Errors
/// When the disk cannot be written.
pub fn run(options: &Gen) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let contract = read(Entry {
        name: options.name.as_deref().unwrap_or_else(|| file_stem(&options.contract)),
        openapi: &options.contract,
        asyncapi: options.asyncapi.as_deref(),
        command: "symbolon gen",
    });
    let contract = if options.strict { contract } else { contract.bearing_with_examples() };
    if !contract.is_sound() {
        return Ok(refuse(options, &contract));
    }
    let mut tree = standalone(&contract.system, &options.target);
    tree.former = former(&options.out)?;
    let changes = compare(&options.out, &tree)?;
    apply(&options.out, &tree, &changes)?;
    let elapsed_ms = started.elapsed().as_millis();
    if options.json {
        let degraded: Vec<_> =
            contract.problems.iter().map(|problem| problem.to_json(&contract.sources)).collect();
        let report = json!({
            "operations": contract.system.operations().count(),
            "types": contract.system.types.len(),
            "degraded": degraded,
            "files": tree.files.len(),
            "bytes": tree.bytes(),
            "elapsed_ms": u64::try_from(elapsed_ms).unwrap_or(u64::MAX),
        });
        println!("{report:#}");
        return Ok(ExitCode::SUCCESS);
    }
    if !contract.problems.is_empty() {
        eprintln!("{}\n", render(&contract.problems, &contract.sources));
    }
    println!(
        "generated    {} operations, {} types, {} files ({} changed) in {} ms",
        contract.system.operations().count(),
        contract.system.types.len(),
        tree.files.len(),
        changes.len(),
        elapsed_ms
    );
    println!("next         {}", next_step(&options.out));
    Ok(ExitCode::SUCCESS)
}

fn refuse(options: &Gen, contract: &Contract) -> ExitCode {
    if options.json {
        let errors: Vec<_> =
            contract.problems.iter().map(|problem| problem.to_json(&contract.sources)).collect();
        println!("{:#}", json!({ "errors": errors }));
    }
    let errors = contract.problems.iter().filter(|problem| is_error(problem)).count();
    eprintln!("{}\n", render(&contract.problems, &contract.sources));
    let s = if errors == 1 { "" } else { "s" };
    eprintln!("{errors} error{s} in {}; nothing was written", options.contract);
    ExitCode::from(1)
}

fn is_error(problem: &Diagnostic) -> bool {
    problem.severity == Severity::Error
}

fn next_step(out: &Path) -> String {
    let out = out.display();
    format!("cd {out} && cargo check; cd {out}/sdk-ts && npm install && npm run check")
}
