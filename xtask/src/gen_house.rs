//! `cargo xtask gen`: the generated tree of this project, written or checked.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use symbolon_codegen::diagnostic::render;
use symbolon_codegen::project::{Access, Catalog, Change, apply, compare, house, read_within};
use symbolon_codegen::resolve::Entry;

use crate::root::root;

/// Exit code for a tree that is not what the contracts say.
pub const STALE: u8 = 4;

/// Writes the generated tree of the contracts in `contracts/catalog.toml`.
#[derive(Debug, Default, clap::Args)]
#[command(after_help = "Examples:\n  cargo xtask gen\n  cargo xtask gen --check\n\n\
    Exit codes: 0 up to date or written, 1 a contract has errors, 4 stale (--check only)")]
pub struct Gen {
    /// Only say what is stale, write nothing, and exit 4 if anything is.
    #[arg(long)]
    pub check: bool,
    /// Another project of this shape than the one this was built from.
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// When the disk cannot be read or written.
pub fn run(options: &Gen) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let root = match &options.root {
        Some(folder) => folder.canonicalize()?,
        None => root(),
    };
    // Places in problems and first lines of files are relative to the root.
    std::env::set_current_dir(&root)?;
    let mut systems = Vec::new();
    let mut sound = true;
    for entry in Catalog::read(&root)?.systems {
        let openapi = format!("contracts/{}", entry.openapi);
        let asyncapi = entry.asyncapi.map(|path| format!("contracts/{path}"));
        let overlays = entry.overlays.iter().map(|path| format!("contracts/{path}")).collect();
        let access = Access { root: Some("contracts".into()), overlays, ..Access::default() };
        let system = Entry {
            name: &entry.name,
            openapi: &openapi,
            asyncapi: asyncapi.as_deref(),
            command: "cargo xtask gen",
        };
        let contract = read_within(system, &access);
        if !contract.problems.is_empty() {
            eprintln!("{}\n", render(&contract.problems, &contract.sources));
        }
        sound &= contract.is_sound();
        systems.push(contract.system);
    }
    if !sound {
        eprintln!("nothing was written");
        return Ok(ExitCode::from(1));
    }
    let tree = house(&systems);
    let changes = compare(&root, &tree)?;
    if options.check {
        for change in &changes {
            println!("stale: {} {}", change.kind.as_str(), change.path.display());
        }
        if !changes.is_empty() {
            println!("run `cargo xtask gen` and commit the result");
            return Ok(ExitCode::from(STALE));
        }
    } else {
        apply(&root, &tree, &changes)?;
        report_changes(&changes);
    }
    let names: Vec<String> = systems.iter().map(|system| system.name.words().join("-")).collect();
    let state = if changes.is_empty() { "unchanged" } else { "written" };
    let elapsed = started.elapsed().as_secs_f32();
    println!(
        "generated    {} ({} files, {state})  {elapsed:.2} s",
        names.join(", "),
        tree.files.len()
    );
    Ok(ExitCode::SUCCESS)
}

fn report_changes(changes: &[Change]) {
    for change in changes {
        println!("{} {}", change.kind.as_str(), change.path.display());
    }
}
