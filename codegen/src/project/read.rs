//! A contract from disk to model.

use std::fs;

use crate::diagnostic::{Diagnostic, Kind, Severity};
use crate::model::System;
use crate::resolve::{Entry, resolve};
use crate::source::{LoadError, Place, Pointer, Reader, Sources};

/// A contract that was read: its model, and everything that is wrong with it.
#[derive(Debug)]
pub struct Contract {
    /// Every file of it.
    pub sources: Sources,
    /// What it means; whole only if [`Contract::is_sound`].
    pub system: System,
    /// What is wrong with it, sorted.
    pub problems: Vec<Diagnostic>,
}

impl Contract {
    /// Whether anything may be generated from it.
    pub fn is_sound(&self) -> bool {
        self.problems.iter().all(|problem| problem.severity != Severity::Error)
    }

    /// Bears with what leaves one place untyped or out, as a public contract often has it: broken
    /// references, ids and paths that stand twice, examples that their own schemas refuse.
    #[must_use]
    pub fn bearing(mut self) -> Self {
        for problem in &mut self.problems {
            if problem.is_bearable() {
                problem.severity = Severity::Warning;
            }
        }
        self.problems.sort();
        self
    }
}

/// Reads a contract and every file it refers to. Total: problems are collected, not thrown.
pub fn read(entry: Entry<'_>) -> Contract {
    collect(entry, &|path: &str| fs::read_to_string(path))
}

/// Reads a contract through `reader`, which may know other places than the disk.
pub fn collect(entry: Entry<'_>, reader: Reader<'_>) -> Contract {
    let mut sources = Sources::default();
    let mut errors = sources.add(entry.openapi, reader);
    if let Some(path) = entry.asyncapi {
        errors.extend(sources.add(path, reader));
    }
    let (system, mut problems) = resolve(&sources, entry);
    problems.extend(errors.into_iter().map(diagnostic));
    problems.sort();
    Contract { sources, system, problems }
}

fn diagnostic(error: LoadError) -> Diagnostic {
    match error {
        LoadError::Unreadable { path, referrer, reason } => {
            let place = referrer.unwrap_or_else(|| Place::new(&path, Pointer::default()));
            Diagnostic::new(place, Kind::Unreadable { path, reason })
        }
        LoadError::Malformed { path, error } => {
            let place = Place::new(path, Pointer::default());
            let (line, column, reason) = (error.line, error.column, error.message);
            Diagnostic::new(place, Kind::Malformed { reason, line, column })
        }
    }
}
