//! One document to all targets, in memory, whatever happens on the way.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use symbolon_codegen::diagnostic::{Diagnostic, Severity};
use symbolon_codegen::project::{Contract, Tree, read, standalone};
use symbolon_codegen::resolve::Entry;
use symbolon_codegen::source::Pointer;

use super::documents::Document;
use super::losses::{self, Losses};
use crate::cost::processor_s;

/// How a document ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every target was generated.
    Generated,
    /// Nothing was, for this many problems; the first of them.
    Refused(usize, String),
    /// The generator broke, with this message.
    Panicked(String),
}

/// What became of a document.
#[derive(Debug)]
pub struct Outcome {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub verdict: Verdict,
    /// Processor time, in user and system mode.
    pub processor_s: f64,
    /// Operations in the document, and what they lost.
    pub losses: Losses,
    /// Places whose type is any value at all.
    pub untyped: usize,
}

/// The message of the panic that came last, as the hook heard it.
static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

/// Lets panics be told by [`guarded`] instead of on standard error.
pub fn hear_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let mut last = LAST_PANIC.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *last = panic.to_string().replace('\n', " ");
    }));
}

/// What a function returns, or the message it panics with.
///
/// # Errors
/// When it panics.
pub fn guarded<T>(function: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(function)).map_err(|_| {
        let last = LAST_PANIC.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        last.clone()
    })
}

/// Reads a document as `symbolon gen` does.
pub fn load(document: &Document) -> Contract {
    let path = document.path.to_string_lossy();
    let name = document.package();
    let entry = Entry { name: &name, openapi: &path, asyncapi: None, command: "symbolon gen" };
    let mut contract = read(entry).bearing();
    let shown = document.path.file_name().unwrap_or_default().to_string_lossy();
    contract.system.contract = shown.into_owned();
    contract
}

/// Every target of a document; none if it is refused.
pub fn tree(contract: &Contract) -> Option<Tree> {
    contract.is_sound().then(|| standalone(&contract.system, &[]))
}

/// Generates a document and looks at what was lost.
pub fn generate(document: &Document) -> Outcome {
    let began = processor_s();
    let generated = guarded(|| {
        let contract = load(document);
        let _ = tree(&contract);
        contract
    });
    let processor_s = processor_s() - began;
    let mut outcome = Outcome {
        name: document.name.clone(),
        verdict: Verdict::Generated,
        processor_s,
        losses: Losses::default(),
        untyped: 0,
    };
    match generated {
        Ok(contract) => {
            outcome.verdict = verdict(&contract);
            outcome.losses = losses::find(&contract, &document.path.to_string_lossy());
            outcome.untyped = contract.untyped.len();
        }
        Err(message) => outcome.verdict = Verdict::Panicked(message),
    }
    outcome
}

fn verdict(contract: &Contract) -> Verdict {
    let errors: Vec<&Diagnostic> =
        contract.problems.iter().filter(|problem| problem.severity == Severity::Error).collect();
    match errors.first() {
        Some(first) => Verdict::Refused(errors.len(), told(first)),
        None => Verdict::Generated,
    }
}

/// A problem on one line.
pub fn told(problem: &Diagnostic) -> String {
    let pointer: &Pointer = &problem.place.pointer;
    format!("{}: {} at {pointer}", problem.kind.code(), problem.kind).replace('\n', " ")
}
