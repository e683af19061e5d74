//! What every check takes from the corpus: the same few documents each time.

use std::path::Path;

use anyhow::{Context, bail};

use super::documents::{self, Document};
use super::generate::Verdict;
use super::{compile, generate_all, stability};
use crate::dice::Dice;
use crate::server::target;

/// Documents that must generate.
const GENERATED: usize = 60;

/// Those among them whose names must not move when they are edited.
const EDITED: usize = 20;

/// Those among them that must compile.
const COMPILED: usize = 6;

/// The largest documents that are taken, so that an unoptimized build is quick.
const BYTES: u64 = 400_000;

/// The largest documents that are compiled.
const COMPILED_BYTES: u64 = 60_000;

/// What chooses them.
const SEED: u64 = 3;

/// Generates, edits and compiles the sample.
///
/// # Errors
/// When a document does not generate, a name moves or something does not compile.
pub fn check(root: &Path) -> anyhow::Result<()> {
    let target = target(root)?;
    let all = documents::directory(&target)?;
    let small = at_most(all, BYTES)?;
    let chosen = Dice::new(SEED).sample(small, GENERATED);
    let (outcomes, _) = generate_all(&chosen)?;
    let broken: Vec<String> = outcomes
        .iter()
        .filter(|outcome| outcome.verdict != Verdict::Generated)
        .map(|outcome| format!("{}: {:?}", outcome.name, outcome.verdict))
        .collect();
    if !broken.is_empty() {
        bail!("not generated:\n{}", broken.join("\n"));
    }
    println!("{} documents generate", outcomes.len());
    let edited = Dice::new(SEED).sample(chosen.clone(), EDITED);
    for document in &edited {
        stability::check(document, SEED)?;
    }
    println!("{} documents keep their names when they are edited", edited.len());
    let compiled = Dice::new(SEED).sample(at_most(chosen, COMPILED_BYTES)?, COMPILED);
    if !compile::run(root, &target, &compiled)? {
        bail!("not all of them compile; target/corpus/uncompiled.txt says what");
    }
    Ok(())
}

fn at_most(documents: Vec<Document>, bytes: u64) -> anyhow::Result<Vec<Document>> {
    let mut found = Vec::new();
    for document in documents {
        let size = document.path.metadata().with_context(|| document.name.clone())?.len();
        if size <= bytes {
            found.push(document);
        }
    }
    Ok(found)
}
