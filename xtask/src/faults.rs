//! `cargo xtask faults`: a shop on the kernel is loaded, broken and audited, again and again.

mod round;
mod simulation;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::bail;
use clap::ValueEnum;

use crate::dice::Dice;
use crate::process;
use crate::root::root;
use crate::server;
use crate::services::postgres;
use round::{Fault, Round};

/// Breaks the kernel under load and audits what is left.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cargo xtask faults\n  cargo xtask faults --rounds 200 \
    --database postgres\n  cargo xtask faults --fault disk-full --rounds 10\n  \
    cargo xtask faults --histories 1000000\n  \
    cargo xtask faults --histories 1 --seed 4711 --trace\n\n\
    Each round loads a database with orders, does something bad to it, lets the kernel do what is\n\
    left, and audits: what was acknowledged is there, every effect happened once and in order,\n\
    the projection is what the events say.\n\n\
    Histories are rounds in a simulated world, on one thread each, in virtual time: one seed is\n\
    one history, and what it finds is found again.\n\n\
    Exit codes: 0 every audit passed, 1 one did not")]
pub struct Faults {
    /// How many rounds.
    #[arg(long, default_value_t = 20)]
    pub rounds: u32,
    /// Which database.
    #[arg(long, value_enum, default_value_t = Database::Sqlite)]
    pub database: Database,
    /// Only rounds of this fault; all that the database knows, by turns, without it.
    #[arg(long, value_enum)]
    pub fault: Option<Fault>,
    /// Chooses moments: the same seed chooses the same ones.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Plays so many histories in a simulated world instead, from the seed on.
    #[arg(long)]
    pub histories: Option<u64>,
    /// Prints everything that happens in a history.
    #[arg(long, requires = "histories")]
    pub trace: bool,
}

/// What the shop stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Database {
    /// A file.
    Sqlite,
    /// A server that is started for it.
    Postgres,
}

/// The binary, the database, and what belongs to them.
struct Stand {
    binary: PathBuf,
    /// New for every so many rounds.
    folder: PathBuf,
    server: Option<postgres::Server>,
    location: String,
}

/// A database is used for so many rounds: an audit reads all of it.
const ROUNDS_EACH: u32 = 10;

/// Runs the rounds.
///
/// # Errors
/// When something cannot be built or started; a failed audit is told and ends with 1.
pub fn run(options: &Faults) -> anyhow::Result<ExitCode> {
    let root = root();
    if let Some(histories) = options.histories {
        return simulation::run(&root, options, histories);
    }
    let build = ["build", "--quiet", "-p", "symbolon-drill", "--features", "faults"];
    process::run(&root, "cargo", &build)?;
    play(&root, options, server::target(&root)?.join("debug/symbolon-drill"))
}

/// Runs the rounds with a drill that is built already.
///
/// # Errors
/// When something cannot be started; a failed audit is told and ends with 1.
pub(crate) fn play(root: &Path, options: &Faults, drill: PathBuf) -> anyhow::Result<ExitCode> {
    let mut stand = Stand::new(root, options.database, drill)?;
    let mut dice = Dice::new(options.seed);
    let faults = match options.fault {
        Some(fault) => vec![fault],
        None => Fault::of(options.database),
    };
    if let Some(fault) = faults.iter().find(|fault| !Fault::of(options.database).contains(fault)) {
        bail!("{fault:?} is nothing that can happen to {:?}", options.database);
    }
    let began = Instant::now();
    let (mut acknowledged, mut failed) = (0, 0);
    for number in 0..options.rounds {
        if number % ROUNDS_EACH == 0 {
            stand.begin(number)?;
        }
        let fault = faults[number as usize % faults.len()];
        let round = Round { number, fault };
        let outcome = round.play(&mut stand, &mut dice)?;
        acknowledged += outcome.acknowledged;
        let verdict = if outcome.findings.is_empty() { "ok" } else { "FAILED" };
        println!(
            "{number:4}  {:<12} {:6} acknowledged  {verdict}",
            fault.name(),
            outcome.acknowledged
        );
        if !outcome.findings.is_empty() {
            println!("{}", outcome.findings);
            failed += 1;
        }
    }
    println!(
        "{} rounds on {:?}, seed {}: {acknowledged} acknowledged, {failed} failed, {:.0} s",
        options.rounds,
        options.database,
        options.seed,
        began.elapsed().as_secs_f64()
    );
    Ok(ExitCode::from(u8::from(failed > 0)))
}

impl Stand {
    fn new(root: &Path, database: Database, binary: PathBuf) -> anyhow::Result<Self> {
        let target = server::target(root)?;
        let server = match database {
            Database::Sqlite => None,
            Database::Postgres => Some(postgres::Server::start(root)?),
        };
        Ok(Self { binary, folder: target.join("faults"), server, location: String::new() })
    }

    /// A new database.
    fn begin(&mut self, number: u32) -> anyhow::Result<()> {
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)?;
        }
        fs::create_dir_all(&self.folder)?;
        self.location = match &self.server {
            None => self.folder.join("drill.sqlite").display().to_string(),
            Some(server) => format!("{}?options[search_path]=drill_{number}", server.url),
        };
        if let Some(server) = &self.server {
            server.query(&format!("CREATE SCHEMA drill_{number}"))?;
        }
        Ok(())
    }
}
