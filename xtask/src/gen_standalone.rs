//! `symbolon gen`: both halves of anyone's contract, in a workspace that stands alone.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use serde_json::json;
use symbolon_codegen::diagnostic::{Diagnostic, Severity, render, to_json};
use symbolon_codegen::emit::EMITTERS;
use symbolon_codegen::model::Name;
use symbolon_codegen::project::{
    Contract, Tree, compare, foreign, former, standalone, write_standalone,
};
use symbolon_codegen::resolve::Entry;
use symbolon_codegen::source::file_stem;

use crate::reach::Reach;

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
    /// The OpenAPI document (3.0 to 3.2, YAML or JSON), or an AsyncAPI document alone.
    #[arg(long, value_name = "FILE")]
    pub contract: String,
    /// The AsyncAPI document (2.0 to 3.1) that goes with it.
    #[arg(long, value_name = "FILE")]
    pub asyncapi: Option<String>,
    /// Where to write; made if missing.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Only these outputs: rust_wire, rust_server, rust_sdk, rust_webhooks, ts_sdk,
    /// event_schemas, documents.
    #[arg(long, value_delimiter = ',', value_parser = target_names())]
    pub target: Vec<String>,
    /// What the packages are called; the contract's file name if absent.
    #[arg(long, value_parser = valid_name)]
    pub name: Option<String>,
    /// Refuse what is borne with otherwise: broken references, ids and paths that stand twice,
    /// examples that violate their own schemas.
    #[arg(long)]
    pub strict: bool,
    /// What may be read.
    #[command(flatten)]
    pub reach: Reach,
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
    let name = options.name.clone().unwrap_or_else(|| package_name(file_stem(&options.contract)));
    let entry = Entry {
        name: &name,
        openapi: &options.contract,
        asyncapi: options.asyncapi.as_deref(),
        command: "symbolon gen",
    };
    let contract = options.reach.read(entry)?;
    let mut contract = if options.strict { contract } else { contract.bearing() };
    if !contract.is_sound() {
        return Ok(refuse(options, &contract));
    }
    // Generated files name the contract, not where it lies on somebody's machine.
    let shown = Path::new(&options.contract).file_name().unwrap_or_default().to_string_lossy();
    contract.system.contract = shown.into_owned();
    let mut tree = standalone(&contract.system, &options.target);
    tree.former = former(&options.out)?;
    let changes = compare(&options.out, &tree)?;
    let foreign = foreign(&options.out, &tree, &changes);
    if !foreign.is_empty() {
        let listed: Vec<String> =
            foreign.iter().map(|path| format!("  {}", path.display())).collect();
        eprintln!(
            "error: {} holds files that `symbolon gen` did not write and would overwrite:\n{}\n\
             help: choose another folder with --out; nothing was written",
            options.out.display(),
            listed.join("\n")
        );
        return Ok(ExitCode::from(1));
    }
    write_standalone(&options.out, &tree, &changes)?;
    report(options, &contract, &tree, changes.len(), started.elapsed().as_millis());
    // The process ends here: giving back a big document piece by piece would only take time.
    std::mem::forget((contract, tree));
    Ok(ExitCode::SUCCESS)
}

fn report(options: &Gen, contract: &Contract, tree: &Tree, changed: usize, elapsed_ms: u128) {
    let operations = contract.system.operations().count();
    let types = contract.system.types.len();
    if options.json {
        let (degraded, others): (Vec<Diagnostic>, Vec<Diagnostic>) =
            contract.problems.iter().cloned().partition(Diagnostic::is_degradation);
        let (defects, warnings): (Vec<Diagnostic>, Vec<Diagnostic>) =
            others.into_iter().partition(Diagnostic::is_defect);
        let report = json!({
            "operations": operations,
            "types": types,
            "degraded": to_json(&degraded, &contract.sources),
            "defects": to_json(&defects, &contract.sources),
            "warnings": to_json(&warnings, &contract.sources),
            "untyped": to_json(&contract.untyped, &contract.sources),
            "files": tree.files.len(),
            "bytes": tree.bytes(),
            "elapsed_ms": u64::try_from(elapsed_ms).unwrap_or(u64::MAX),
        });
        println!("{report:#}");
        return;
    }
    if !contract.problems.is_empty() {
        eprintln!("{}\n", render(&contract.problems, &contract.sources));
    }
    println!(
        "generated    {operations} operations, {types} types, {} files ({changed} changed) in \
         {elapsed_ms} ms",
        tree.files.len(),
    );
    if !contract.untyped.is_empty() {
        let places = contract.untyped.len();
        println!("any JSON     fits {places} places, which --json lists with their reasons");
    }
    for line in next_steps(&options.out, tree) {
        println!("next         {line}");
    }
}

fn refuse(options: &Gen, contract: &Contract) -> ExitCode {
    if options.json {
        let errors = to_json(&contract.problems, &contract.sources);
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

/// What to try on what was written.
fn next_steps(out: &Path, tree: &Tree) -> Vec<String> {
    let out = out.display();
    let mut steps = Vec::new();
    if tree.files.contains_key(Path::new("Cargo.toml")) {
        steps.push(format!("(cd {out} && cargo check)"));
    }
    if tree.files.contains_key(Path::new("sdk-ts/package.json")) {
        steps.push(format!("(cd {out}/sdk-ts && npm install && npm run check)"));
    }
    steps
}

/// A name for packages, made of the name of a file.
pub(crate) fn package_name(stem: &str) -> String {
    let name = Name::new(stem).words().join("-");
    match valid_name(&name) {
        Ok(name) => name,
        Err(_) => valid_name(&format!("api-{name}")).unwrap_or_else(|_| "api".to_owned()),
    }
}

/// What cargo and npm take for a name, and nothing that a runtime crate is called.
pub(crate) fn valid_name(name: &str) -> Result<String, String> {
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(letters) {
        return Err("a name is lower-case letters, digits and `-`, a letter first".to_owned());
    }
    if name == "symbolon" {
        return Err("`symbolon` is what the runtimes are called".to_owned());
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::package_name;

    #[test]
    fn files_of_any_name_make_packages() {
        assert_eq!(package_name("petStore_v2"), "pet-store-v2");
        assert_eq!(package_name("123"), "api-123");
        assert_eq!(package_name("symbolon"), "api-symbolon");
        assert_eq!(package_name("договор"), "api");
    }
}
