//! Problems as text for people and as JSON for tools.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde_json::Value;

use super::{Diagnostic, Kind, Severity};
use crate::source::{Located, Pointer, Sources, locate_all};

/// All problems as text, each with its line of source and a hint, worst first.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let renderer =
        if std::io::stderr().is_terminal() { Renderer::styled() } else { Renderer::plain() };
    let texts: Vec<String> = in_order(diagnostics, sources)
        .into_iter()
        .map(|(diagnostic, at)| one(diagnostic, at, sources, &renderer))
        .collect();
    texts.join("\n\n")
}

/// All problems as entries of `--json`, worst first.
pub fn to_json(diagnostics: &[Diagnostic], sources: &Sources) -> Vec<Value> {
    let entry = |(diagnostic, at): (&Diagnostic, Option<Located>)| {
        serde_json::json!({
            "code": diagnostic.kind.code(),
            "pointer": diagnostic.place.pointer.as_str(),
            "file": diagnostic.place.file,
            "line": at.map_or(1, |at| at.line),
            "why": diagnostic.kind.to_string(),
        })
    };
    in_order(diagnostics, sources).into_iter().map(entry).collect()
}

/// The problems by severity and place in the text; no place where the file could not be read.
fn in_order<'d>(
    diagnostics: &'d [Diagnostic],
    sources: &Sources,
) -> Vec<(&'d Diagnostic, Option<Located>)> {
    let mut pointers: BTreeMap<&str, BTreeSet<&Pointer>> = BTreeMap::new();
    for Diagnostic { place, .. } in diagnostics {
        pointers.entry(&place.file).or_default().insert(&place.pointer);
    }
    let found: BTreeMap<&str, BTreeMap<&Pointer, Located>> = pointers
        .into_iter()
        .filter_map(|(path, wanted)| Some((path, locate_all(&sources.file(path)?.text, &wanted))))
        .collect();
    let mut sorted: Vec<(&Diagnostic, Option<Located>)> = diagnostics
        .iter()
        .map(|diagnostic| {
            let file = sources.file(&diagnostic.place.file);
            let at = match (&diagnostic.kind, file) {
                (Kind::Malformed { line, column, .. }, Some(file)) => {
                    Some(mistake(&file.text, *line, *column))
                }
                (_, _) => found
                    .get(diagnostic.place.file.as_str())
                    .and_then(|file| file.get(&diagnostic.place.pointer).copied()),
            };
            (diagnostic, at)
        })
        .collect();
    sorted.sort_by_key(|(diagnostic, at)| {
        let start = at.map_or(0, |at| at.start);
        (diagnostic.severity, &diagnostic.place.file, start, *diagnostic)
    });
    sorted
}

fn one(
    diagnostic: &Diagnostic,
    at: Option<Located>,
    sources: &Sources,
    renderer: &Renderer,
) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let message = diagnostic.kind.to_string();
    let title = level.primary_title(&message).id(diagnostic.kind.code());
    let hint = diagnostic.kind.hint();
    let help = Level::HELP.message(&hint);
    let (Some(at), Some(file)) = (at, sources.file(&diagnostic.place.file)) else {
        return renderer.render(&[title.element(help)]);
    };
    let line = line_around(&file.text, at.start);
    let source = &file.text[line.clone()];
    let range = at.start - line.start..(at.end - line.start).min(source.len());
    let snippet = Snippet::source(source)
        .line_start(at.line)
        .path(&diagnostic.place.file)
        .annotation(AnnotationKind::Primary.span(range).label(diagnostic.kind.label()));
    renderer.render(&[title.element(snippet).element(help)])
}

/// The line around a byte: rendering must not walk a document of many megabytes.
fn line_around(text: &str, at: usize) -> Range<usize> {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
    start..end
}

/// Where a parser stopped.
fn mistake(text: &str, line: usize, column: usize) -> Located {
    let mut start = 0;
    for _ in 1..line {
        start = text[start..].find('\n').map_or(text.len(), |newline| start + newline + 1);
    }
    let offset: usize =
        text[start..].chars().take(column.saturating_sub(1)).map(char::len_utf8).sum();
    let start = start + offset;
    let length = text[start..].chars().next().map_or(0, char::len_utf8);
    Located { start, end: start + length, line, column }
}
