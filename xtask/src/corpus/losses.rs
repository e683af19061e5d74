//! Which operations of a document lost something, and what.
//!
//! An operation is degraded when a place that lost something is in the operation itself, in its
//! path item, or in anything it reaches through references, however far and however shared. What is
//! wrong with the document itself is found the same way, and counted apart.

use std::collections::{BTreeMap, BTreeSet};

use symbolon_codegen::diagnostic::{Diagnostic, Severity};
use symbolon_codegen::project::Contract;
use symbolon_codegen::source::{Cursor, Place, Pointer};

use super::generate::told;

/// Problems after which everything is carried all the same.
const HARMLESS: [&str; 3] =
    ["example-invalid", "undeclared-path-parameter", "duplicate-operation-id"];

const METHODS: [&str; 8] = ["delete", "get", "head", "options", "patch", "post", "put", "trace"];

/// What a document lost.
#[derive(Debug, Default)]
pub struct Losses {
    /// Operations in the document.
    pub operations: usize,
    /// What we do not carry.
    pub degraded: Found,
    /// What the document says and nobody could carry.
    pub defective: Found,
}

/// Problems of one kind, and who meets them.
#[derive(Debug, Default)]
pub struct Found {
    /// The operations that meet any, by method and path, with every one they reach.
    pub operations: BTreeMap<String, BTreeSet<usize>>,
    /// Every place, and what is the matter with it.
    pub told: Vec<String>,
    /// The same without the place, to be counted.
    pub reasons: Vec<String>,
}

/// Looks for the operations of a contract that lost something.
pub(super) fn find(contract: &Contract, path: &str) -> Losses {
    let is_harmful = |problem: &&Diagnostic| {
        problem.severity == Severity::Warning && !HARMLESS.contains(&problem.kind.code())
    };
    let (defects, losses): (Vec<&Diagnostic>, Vec<&Diagnostic>) =
        contract.problems.iter().filter(is_harmful).partition(|problem| problem.is_defect());
    let (operations, degraded) = among(contract, path, &losses);
    let (_, defective) = among(contract, path, &defects);
    Losses { operations, degraded, defective }
}

/// The operations of a contract, and those that meet any of some problems.
fn among(contract: &Contract, path: &str, problems: &[&Diagnostic]) -> (usize, Found) {
    let mut found = Found {
        operations: BTreeMap::new(),
        told: problems.iter().map(|problem| told(problem)).collect(),
        reasons: problems.iter().map(|problem| reason(problem)).collect(),
    };
    let mut operations = 0;
    let Some(file) = contract.sources.file(path) else { return (operations, found) };
    let root = Cursor::root(&contract.sources, file);
    let mut reach = Reach::new(problems);
    for (path, key) in root.get("paths").map(|paths| paths.members()).unwrap_or_default() {
        let Ok(item) = key.follow() else { continue };
        for method in METHODS {
            let Some(operation) = item.get(method) else { continue };
            operations += 1;
            if problems.is_empty() {
                continue;
            }
            let met = reach.met(&key, &item, &operation);
            if !met.is_empty() {
                found.operations.insert(format!("{method} {path}"), met);
            }
        }
    }
    (operations, found)
}

/// What was lost, without the names that differ from place to place.
fn reason(problem: &Diagnostic) -> String {
    let text = problem.kind.to_string();
    let parts = text.split('`').enumerate().map(|(index, part)| {
        let is_name = index % 2 == 1 && part.contains(['/', '#', '.', '{', ' ']);
        if is_name { "…" } else { part }
    });
    let text = parts.collect::<Vec<_>>().join("`").replace('\n', " ");
    let short: String = text.chars().take(150).collect();
    format!("{}: {short}", problem.kind.code())
}

/// What leads where in a document, and what was lost on the way.
struct Reach<'a> {
    /// Losses by every place that holds them.
    within: BTreeMap<Place, Vec<usize>>,
    /// Losses by their own place.
    exact: BTreeMap<Place, Vec<usize>>,
    /// Where the references at or below a place lead.
    targets: BTreeMap<Place, Vec<Cursor<'a>>>,
}

impl<'a> Reach<'a> {
    fn new(lossy: &[&Diagnostic]) -> Self {
        let mut reach =
            Self { within: BTreeMap::new(), exact: BTreeMap::new(), targets: BTreeMap::new() };
        for (index, problem) in lossy.iter().enumerate() {
            reach.exact.entry(problem.place.clone()).or_default().push(index);
            for place in ancestors(&problem.place) {
                reach.within.entry(place).or_default().push(index);
            }
        }
        reach
    }

    /// The losses that an operation meets on its way.
    fn met(
        &mut self,
        key: &Cursor<'a>,
        item: &Cursor<'a>,
        operation: &Cursor<'a>,
    ) -> BTreeSet<usize> {
        let mut reached = BTreeSet::new();
        let mut met = BTreeSet::new();
        let beside = ["parameters", "servers", "$ref"].map(|name| item.get(name));
        let mut waiting: Vec<Cursor<'a>> = beside.into_iter().flatten().collect();
        waiting.push(operation.clone());
        while let Some(at) = waiting.pop() {
            let place = at.place();
            if reached.contains(&place) {
                continue;
            }
            met.extend(self.within.get(&place).into_iter().flatten());
            waiting.extend_from_slice(self.targets.entry(place.clone()).or_insert_with(|| {
                let mut found = Vec::new();
                references(&at, &mut found);
                found
            }));
            reached.insert(place);
        }
        let own = ancestors(&key.place()).into_iter().chain(ancestors(&operation.place()));
        met.extend(own.filter_map(|place| self.exact.get(&place)).flatten());
        met
    }
}

/// A place and everything that holds it.
fn ancestors(place: &Place) -> Vec<Place> {
    let mut found = vec![Place::new(&place.file, Pointer::default())];
    for token in place.pointer.tokens() {
        let inner = found[found.len() - 1].child(&token);
        found.push(inner);
    }
    found
}

/// Adds every place that references at or below this one lead to.
fn references<'a>(at: &Cursor<'a>, waiting: &mut Vec<Cursor<'a>>) {
    if let Some(Ok(target)) = at.reference().map(|reference| at.target(reference)) {
        waiting.push(target);
    }
    let members = at.members().into_iter().filter(|(name, _)| !name.starts_with("x-"));
    for member in members.map(|(_, member)| member).chain(at.elements()) {
        if member.value.is_object() || member.value.is_array() {
            references(&member, waiting);
        }
    }
}
