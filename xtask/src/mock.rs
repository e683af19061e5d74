//! `symbolon mock`: a contract's examples, served with no code at all.

use std::process::ExitCode;

use anyhow::Context;
use serde_json::json;
use symbolon_adoption::contract::Contract;
use symbolon_adoption::mock::{Mock, Told, curl};
use symbolon_codegen::diagnostic::{render, to_json};
use symbolon_codegen::resolve::Entry;
use symbolon_codegen::source::file_stem;

use crate::reach::Reach;

/// Serves what a contract shows, with no code at all, behind the edge that real servers have.
///
/// A request is routed, authenticated and validated as the contract says; whoever presents any
/// credential of the right kind may do all. The answer is the response example of the name whose
/// request examples were sent, else the example of the success, else a value made from the schema.
/// `Prefer: code=404`, `Prefer: example=NAME` and `Prefer: dynamic=true` choose another.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  symbolon mock --contract petstore.yaml\n  \
    symbolon mock --contract openapi.yaml --asyncapi asyncapi.yaml --port 8080\n  \
    curl -H 'Prefer: code=404' http://127.0.0.1:4010/pets/1\n\n\
    Listens on this machine only (127.0.0.1). Ctrl-C ends it.\n\n\
    Exit codes: 0 ended by a signal, 1 the contract has errors or the port is taken,\n\
    2 wrong usage")]
pub struct Arguments {
    /// The OpenAPI document (YAML or JSON).
    #[arg(long, value_name = "FILE")]
    contract: String,
    /// The AsyncAPI document; its messages are served under /events.
    #[arg(long, value_name = "FILE")]
    asyncapi: Option<String>,
    /// What may be read.
    #[command(flatten)]
    reach: Reach,
    /// The port to listen on; 0 for any that is free.
    #[arg(long, default_value_t = 4010)]
    port: u16,
    /// What made-up values are made from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Prints one JSON object a line: what is served, then every request.
    #[arg(long)]
    json: bool,
}

/// Serves until a signal ends it.
///
/// # Errors
/// When nothing can be served.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let asyncapi = arguments.asyncapi.as_deref();
    let entry = Entry {
        name: file_stem(&arguments.contract),
        openapi: &arguments.contract,
        asyncapi,
        command: "symbolon mock",
    };
    let contract = arguments.reach.read(entry)?.bearing();
    if !contract.is_sound() {
        if arguments.json {
            let errors = to_json(&contract.problems, &contract.sources);
            println!("{}", json!({ "errors": errors }));
        }
        eprintln!("{}\n", render(&contract.problems, &contract.sources));
        eprintln!("{} has errors; nothing is served", arguments.contract);
        return Ok(ExitCode::FAILURE);
    }
    if !contract.problems.is_empty() && !arguments.json {
        eprintln!("{}\n", render(&contract.problems, &contract.sources));
    }
    let (title, version) = (contract.system.title.clone(), contract.system.version.clone());
    let (openapi, events) = {
        let documents = &contract.system.documents;
        ((*documents.openapi).clone(), documents.asyncapi.as_deref().cloned())
    };
    let contract = Contract::new(contract, &arguments.contract, asyncapi);
    let contract: &'static Contract = Box::leak(Box::new(contract));
    let seed = arguments.seed;
    let mock = Mock { contract, title, version, openapi, asyncapi: events, seed };
    serve(arguments, mock)
}

fn serve(arguments: &Arguments, mock: Mock) -> anyhow::Result<ExitCode> {
    let (contract, seed) = (mock.contract, mock.seed);
    let router = mock.router()?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let address = ("127.0.0.1", arguments.port);
        let listener = tokio::net::TcpListener::bind(address).await.with_context(|| {
            format!("port {} cannot be had; choose another with --port", arguments.port)
        })?;
        let url = format!("http://{}", listener.local_addr()?);
        say(arguments, contract, &url, seed);
        let tell = if arguments.json { tell_json } else { tell };
        symbolon_adoption::mock::serve(listener, router, tell).await?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Tells what is served, one route a line.
fn say(arguments: &Arguments, contract: &Contract, url: &str, seed: u64) {
    let docs = format!("{url}/docs/");
    if arguments.json {
        println!("{}", json!({ "listening": url, "docs": docs }));
        for operation in &contract.operations {
            let line = curl(contract, operation, url, seed);
            let method = operation.method.as_str();
            let route = json!({ "id": operation.id, "method": method, "path": operation.path });
            println!("{}", json!({ "route": route, "try": line }));
        }
        return;
    }
    for operation in &contract.operations {
        println!("{:7} {}", operation.method.as_str(), operation.path);
        println!("        try {}", curl(contract, operation, url, seed));
    }
    let operations = contract.operations.len();
    println!("\nlistening    {url} ({operations} operations)\ndocs         {docs}");
    if arguments.asyncapi.is_some() {
        println!("events       curl -N {url}/events");
    }
    println!("stop         Ctrl-C");
}

fn tell(told: &Told) {
    eprintln!("{:7} {} {} {:.1} ms", told.method, told.target, told.status, told.elapsed_ms);
}

fn tell_json(told: &Told) {
    let line = json!({
        "method": told.method,
        "target": told.target,
        "status": told.status,
        "elapsed_ms": told.elapsed_ms,
    });
    println!("{line}");
}
