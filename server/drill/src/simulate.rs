//! `symbolon-drill simulate`: many histories, or one with everything that happened in it.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use symbolon_drill::{Options, Stage};
use symbolon_kernel::simulation::Mutation;

/// So many failing histories are told of before it ends.
const TOLD: u64 = 5;
/// This often it says how far it is.
const PROGRESS: Duration = Duration::from_millis(500);

#[derive(Debug, clap::Args)]
pub(crate) struct Simulate {
    /// How many histories.
    #[arg(long, default_value_t = 1000)]
    histories: u64,
    /// The seed of the first one; each next one has the next number.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads, each of which plays histories of its own.
    #[arg(long, default_value_t = 1)]
    threads: u64,
    /// Print everything that happens.
    #[arg(long)]
    trace: bool,
    /// Make the kernel wrong in this way, and expect it to be found: exit code 0 when it is.
    #[arg(long, value_parser = mutation)]
    mutation: Option<Mutation>,
    /// Play each history twice: both must be the same.
    #[arg(long)]
    twice: bool,
}

fn mutation(name: &str) -> Result<Mutation, String> {
    let found = Mutation::ALL.iter().find(|(known, _)| *known == name);
    let names = || Mutation::ALL.map(|(known, _)| known).join(", ");
    found.map(|(_, mutation)| *mutation).ok_or_else(|| format!("there are {}", names()))
}

#[derive(Debug, Default)]
struct Tally {
    next: AtomicU64,
    played: AtomicU64,
    failed: AtomicU64,
    steps: AtomicU64,
    error: Mutex<Option<String>>,
}

pub(crate) fn run(options: &Simulate) -> anyhow::Result<ExitCode> {
    let (tally, began) = (Tally::default(), Instant::now());
    std::thread::scope(|scope| {
        let players: Vec<_> = (0..options.threads.max(1))
            .map(|_| {
                scope.spawn(|| {
                    if let Err(error) = play(options, &tally) {
                        let mut place = tally.error.lock().unwrap_or_else(|it| it.into_inner());
                        *place = Some(error);
                    }
                })
            })
            .collect();
        let mut told = Instant::now();
        while players.iter().any(|player| !player.is_finished()) {
            std::thread::sleep(Duration::from_millis(20));
            if told.elapsed() >= PROGRESS && std::io::stderr().is_terminal() {
                told = Instant::now();
                let played = tally.played.load(Ordering::Relaxed);
                eprint!("\r{played} of {} histories", options.histories);
                let _ = std::io::stderr().flush();
            }
        }
    });
    if let Some(error) = tally.error.into_inner().unwrap_or_else(|it| it.into_inner()) {
        return Err(anyhow::anyhow!(error)).context("a history could not be played");
    }
    let (played, failed) = (tally.played.into_inner(), tally.failed.into_inner());
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{played} histories from seed {}: {failed} failed, {seconds:.1} s, {:.0} histories/s, \
         {:.0} steps each",
        options.seed,
        played as f64 / seconds,
        tally.steps.into_inner() as f64 / played.max(1) as f64,
    );
    let is_expected = (failed > 0) == options.mutation.is_some();
    Ok(ExitCode::from(u8::from(!is_expected)))
}

fn play(options: &Simulate, tally: &Tally) -> Result<(), String> {
    let stage = Stage::new().map_err(|error| error.to_string())?;
    let how = Options { mutation: options.mutation, is_traced: options.trace };
    let enough = if options.mutation.is_some() { 1 } else { TOLD };
    while tally.failed.load(Ordering::Relaxed) < enough {
        let number = tally.next.fetch_add(1, Ordering::Relaxed);
        if number >= options.histories {
            break;
        }
        let seed = options.seed.wrapping_add(number);
        let mut outcome = stage.play(seed, how).map_err(|error| error.to_string())?;
        if options.twice {
            let again = stage.play(seed, how).map_err(|error| error.to_string())?;
            if again.digest != outcome.digest {
                outcome.findings.push("it is another history the second time".to_owned());
            }
        }
        tally.played.fetch_add(1, Ordering::Relaxed);
        tally.steps.fetch_add(outcome.steps, Ordering::Relaxed);
        for line in &outcome.lines {
            println!("{line}");
        }
        if !outcome.findings.is_empty() {
            tally.failed.fetch_add(1, Ordering::Relaxed);
            println!("seed {seed}:");
            for finding in &outcome.findings {
                println!("  {finding}");
            }
        }
    }
    Ok(())
}
