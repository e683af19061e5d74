//! A contract from disk to model.

use super::access::{Access, reader};
use crate::diagnostic::{Diagnostic, Kind, Severity};
use crate::model::System;
use crate::resolve::{Entry, resolve};
use crate::source::{
    LoadError, NameMistake, OverlayMistake, Place, Pointer, Reader, Sources, Unread,
};

/// A contract that was read: its model, and everything that is wrong with it.
#[derive(Debug)]
pub struct Contract {
    /// Every file of it.
    pub sources: Sources,
    /// What it means; whole only if [`Contract::is_sound`].
    pub system: System,
    /// What is wrong with it, sorted.
    pub problems: Vec<Diagnostic>,
    /// Every place that any JSON fits, and why, sorted.
    pub untyped: Vec<Diagnostic>,
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

/// Reads a contract and every file it refers to, as long as it lies in the folder of the document
/// or below. Total: problems are collected, not thrown.
pub fn read(entry: Entry<'_>) -> Contract {
    read_within(entry, &Access::default())
}

/// Reads a contract and every file it refers to, where `access` allows.
pub fn read_within(entry: Entry<'_>, access: &Access<'_>) -> Contract {
    let documents: Vec<&str> =
        [Some(entry.openapi), entry.asyncapi].into_iter().flatten().collect();
    let overlays: Vec<&str> = access.overlays.iter().map(String::as_str).collect();
    let named = [documents, overlays].concat();
    collect_overlaid(entry, &access.overlays, &reader(&named, access))
}

/// Reads a contract through `reader`, which may know other places than the disk.
pub fn collect(entry: Entry<'_>, reader: Reader<'_>) -> Contract {
    collect_overlaid(entry, &[], reader)
}

/// The same, with these overlays laid over the documents.
pub fn collect_overlaid(entry: Entry<'_>, overlays: &[String], reader: Reader<'_>) -> Contract {
    let mut sources = Sources::default();
    let documents: Vec<&str> =
        [Some(entry.openapi), entry.asyncapi].into_iter().flatten().collect();
    let laid = overlays.iter().flat_map(|path| sources.lay(path, &documents, reader));
    let mut errors: Vec<LoadError> = laid.collect();
    errors.extend(sources.add(entry.openapi, reader));
    if let Some(path) = entry.asyncapi {
        errors.extend(sources.add(path, reader));
    }
    let mistakes = sources.settle();
    let (system, mut problems) = resolve(&sources, entry);
    problems.extend(mistakes.into_iter().map(|(place, mistake)| ambiguous(place, mistake)));
    problems.extend(errors.into_iter().map(diagnostic));
    for problem in &mut problems {
        problem.each_place(&mut |place| *place = sources.origin(place.clone()));
    }
    problems.sort();
    problems.dedup();
    let (untyped, problems) =
        problems.into_iter().partition(|problem| problem.severity == Severity::Note);
    Contract { sources, system, problems, untyped }
}

fn diagnostic(error: LoadError) -> Diagnostic {
    match error {
        LoadError::Unreadable { path, referrer, reason } => {
            let place = referrer.unwrap_or_else(|| Place::new(&path, Pointer::default()));
            let kind = match reason {
                Unread::Outside => Kind::OutsideFolder { path },
                Unread::Remote | Unread::Failed(_) => {
                    Kind::Unreadable { path, reason: reason.to_string() }
                }
            };
            Diagnostic::new(place, kind)
        }
        LoadError::Malformed { path, error } => {
            let place = Place::new(path, Pointer::default());
            let (line, column, reason) = (error.line, error.column, error.message);
            Diagnostic::new(place, Kind::Malformed { reason, line, column })
        }
        LoadError::Overlay { place, mistake } => {
            let kind = match mistake {
                OverlayMistake::Bad(why) => Kind::BadOverlay { why },
                OverlayMistake::Unused(target) => Kind::OverlayUnused { target },
                OverlayMistake::Elsewhere(extended) => Kind::OverlayElsewhere { extended },
            };
            Diagnostic::new(place, kind)
        }
    }
}

fn ambiguous(place: Place, mistake: NameMistake) -> Diagnostic {
    let kind = match mistake {
        NameMistake::Id { uri } => Kind::Defect {
            why: format!("several schemas have the `$id` `{uri}`: the first is taken"),
            hint: "give each schema an `$id` of its own".into(),
        },
        NameMistake::Anchor => Kind::Defect {
            why: "another schema of this resource has this name: that one is taken".to_owned(),
            hint: "give each schema that has a `$dynamicAnchor` an `$id` of its own".into(),
        },
        NameMistake::Ways => {
            let why = "what it leads to reads differently on too many ways: here it is read as if \
                       nothing came before it";
            Kind::Degraded { what: "a reference", why: why.to_owned() }
        }
    };
    Diagnostic::new(place, kind)
}
