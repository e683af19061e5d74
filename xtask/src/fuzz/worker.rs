//! The process that reads mutants; a watchdog ends it where one takes too long.

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nix::sys::resource::{Resource, setrlimit};
use symbolon_codegen::diagnostic::{render, to_json};
use symbolon_codegen::emit::EMITTERS;
use symbolon_codegen::project::{Access, collect, reader};
use symbolon_codegen::resolve::Entry;

use super::seeds::Seed;
use super::{Mutant, mutant, write};
use crate::corpus::{generate, progress};
use crate::cost::{peak_mb, processor_s};

/// The file that holds the number of the document at hand.
pub(super) const CURRENT: &str = "current";

/// Processor time a document may take, in seconds.
const LIMIT_S: f64 = 10.0;

/// Address space this process may take.
const MEMORY_BYTES: u64 = 2 << 30;

/// Exit code of a worker whose document took too long.
const TOO_LONG: i32 = 3;

/// Generates from the mutants of these numbers and says how many of them panic.
///
/// # Errors
/// When a file cannot be written.
pub(super) fn run(
    pool: &[Seed],
    seed: u64,
    numbers: Range<u64>,
    folder: &Path,
) -> anyhow::Result<usize> {
    setrlimit(Resource::RLIMIT_AS, MEMORY_BYTES, MEMORY_BYTES)?;
    generate::hear_panics();
    let current = File::create(folder.join(CURRENT))?;
    let at: &'static AtomicU64 = Box::leak(Box::new(AtomicU64::new(numbers.start)));
    std::thread::spawn(move || end_what_hangs(at));
    let documents = numbers.end - numbers.start;
    let bar = progress(usize::try_from(documents)?, "reading");
    let (mut sound, mut slowest) = (0_u64, (0.0, numbers.start));
    let mut panics: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for number in numbers {
        current.write_all_at(format!("{number:<20}\n").as_bytes(), 0)?;
        at.store(number, Ordering::Relaxed);
        let mutant = mutant(pool, seed, number);
        let began = processor_s();
        match generate::guarded(|| generate(&mutant)) {
            Ok(Verdict::Sound) => sound += 1,
            Ok(Verdict::Refused) => {}
            Err(message) => {
                let met = panics.entry(message).or_insert((number, 0));
                met.1 += 1;
                if met.1 == 1 {
                    write(folder, seed, &mutant)?;
                }
            }
        }
        let took = processor_s() - began;
        if took > slowest.0 {
            slowest = (took, number);
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    for (message, (first, times)) in &panics {
        println!("panicked  {first} of seed {seed}, {times} times: {message}");
    }
    println!(
        "{documents} documents of seed {seed}: {sound} generated, {} panics, {:.0} s CPU, \
         slowest {:.2} s (number {}), peak memory {:.0} MB",
        panics.values().map(|(_, times)| times).sum::<u64>(),
        processor_s(),
        slowest.0,
        slowest.1,
        peak_mb()
    );
    Ok(panics.len())
}

/// How a mutant ended that did not break anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Every target was generated.
    Sound,
    /// It has errors, which were told.
    Refused,
}

/// Reads, resolves, reports on and emits a mutant.
pub(super) fn generate(mutant: &Mutant) -> Verdict {
    let asyncapi = mutant.asyncapi.as_deref();
    let entry = Entry { name: "mutant", openapi: &mutant.path, asyncapi, command: "symbolon gen" };
    let documents: Vec<&str> = [Some(entry.openapi), asyncapi].into_iter().flatten().collect();
    let access = Access::default();
    let disk = reader(&documents, &access);
    let contract = collect(entry, &|path: &str| match path == mutant.changed {
        true => Ok(mutant.text.clone()),
        false => disk(path),
    });
    let contract = contract.bearing();
    let _ = render(&contract.problems, &contract.sources);
    let _ = to_json(&contract.problems, &contract.sources);
    if !contract.is_sound() {
        return Verdict::Refused;
    }
    for emitter in EMITTERS {
        let _ = (emitter.emit)(&contract.system);
    }
    Verdict::Sound
}

/// Ends the process when one document takes too much processor time.
fn end_what_hangs(at: &AtomicU64) {
    let mut met = (at.load(Ordering::Relaxed), processor_s());
    loop {
        std::thread::sleep(Duration::from_millis(200));
        let (number, now) = (at.load(Ordering::Relaxed), processor_s());
        if number != met.0 {
            met = (number, now);
        } else if now - met.1 > LIMIT_S {
            println!("hangs     {number} takes more than {LIMIT_S} s");
            std::process::exit(TOO_LONG);
        }
    }
}
