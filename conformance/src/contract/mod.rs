//! The contract as the judge needs it: operations, problems, messages and workflows.

mod events;
mod examples;
mod operations;
mod schemas;
mod sockets;
mod workflows;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;
use symbolon_codegen::project::{Access, reader};
use symbolon_codegen::source::{
    Cursor, LoadError, Located, OverlayMistake, Place, RefError, Sources, locate,
};

use crate::Options;

pub(crate) use events::{Events, Message};
pub(crate) use examples::Example;
pub(crate) use operations::{
    Documented, IDEMPOTENCY_KEY, In, Operation, Pagination, Parameter, Response, essence_of,
    is_json,
};
pub(crate) use schemas::Schema;
use schemas::Schemas;
pub(crate) use sockets::{Said, Socket};
pub(crate) use workflows::{Action, Criterion, Ending, Step, Workflow};

/// A contract that cannot be read; every reason with its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the contract cannot be read:\n{}", reasons.join("\n"))]
pub struct Unreadable {
    /// The reasons, as `file:line:column: what`.
    pub reasons: Vec<String>,
}

/// A problem of the catalogue.
#[derive(Debug)]
pub(crate) struct Problem<'a> {
    pub(crate) status: Option<u64>,
    pub(crate) title: Option<&'a str>,
    pub(crate) type_: Option<&'a str>,
}

/// Everything the documents say.
#[derive(Debug)]
pub(crate) struct Contract<'a> {
    /// The servers of the OpenAPI document, or the document.
    pub(crate) at: Cursor<'a>,
    /// The URL of the first server, which stands for the server under test.
    pub(crate) server: Option<String>,
    pub(crate) operations: Vec<Operation<'a>>,
    pub(crate) problems: BTreeMap<&'a str, Problem<'a>>,
    /// The header names that carry credentials, in lower case.
    pub(crate) credential_headers: Vec<String>,
    pub(crate) workflows: Vec<Workflow<'a>>,
    pub(crate) events: Option<Events<'a>>,
    pub(crate) sockets: Vec<Socket<'a>>,
}

impl<'a> Contract<'a> {
    /// The operation of this id.
    pub(crate) fn operation(&self, id: &str) -> Option<&Operation<'a>> {
        self.operations.iter().find(|operation| operation.id == id)
    }
}

/// Reads the documents and every file they refer to.
pub(crate) fn load(options: &Options) -> Result<Sources, Unreadable> {
    let mut sources = Sources::default();
    let mut errors = Vec::new();
    let documents =
        [Some(&options.contract), options.asyncapi.as_ref(), options.workflows.as_ref()];
    let shown = |path: &PathBuf| path.to_string_lossy().into_owned();
    let documents: Vec<String> = documents.into_iter().flatten().map(shown).collect();
    let documents: Vec<&str> = documents.iter().map(String::as_str).collect();
    let overlays: Vec<String> = options.overlays.iter().map(shown).collect();
    let overlays: Vec<&str> = overlays.iter().map(String::as_str).collect();
    let access = Access::default();
    let named = [documents.as_slice(), &overlays].concat();
    let reader = reader(&named, &access);
    for path in overlays {
        errors.extend(sources.lay(path, &documents, &reader));
    }
    for path in &documents {
        errors.extend(sources.add(path, &reader));
    }
    let reasons: Vec<String> = errors.into_iter().filter_map(reason).collect();
    if reasons.is_empty() {
        // The generator says what is ambiguous in it.
        sources.settle();
        return Ok(sources);
    }
    Err(Unreadable { reasons })
}

/// Why nothing can be judged, if that is the reason.
fn reason(error: LoadError) -> Option<String> {
    Some(match error {
        LoadError::Unreadable { path, referrer: Some(place), reason } => {
            format!("{}{}: `{path}`: {reason}", place.file, place.pointer)
        }
        LoadError::Unreadable { path, referrer: None, reason } => format!("{path}: {reason}"),
        LoadError::Malformed { path, error } => {
            format!("{path}:{}:{}: {}", error.line, error.column, error.message)
        }
        LoadError::Overlay { place, mistake: OverlayMistake::Bad(why) } => {
            format!("{}{}: {why}", place.file, place.pointer)
        }
        // What an overlay leaves as it was can be judged all the same.
        LoadError::Overlay {
            mistake: OverlayMistake::Unused(_) | OverlayMistake::Elsewhere(_),
            ..
        } => return None,
    })
}

impl<'a> Contract<'a> {
    /// Reads the loaded documents; reports every place that cannot be understood.
    pub(crate) fn read(sources: &'a Sources, options: &Options) -> Result<Self, Unreadable> {
        let mut reading = Reading::new(sources);
        let contract = reading.contract(options);
        match (contract, reading.reasons.is_empty()) {
            (Some(contract), true) => Ok(contract),
            _ => Err(Unreadable { reasons: reading.reasons }),
        }
    }
}

/// What reading gathers on the way: schemas compiled once, and every reason to refuse.
pub(crate) struct Reading<'a> {
    sources: &'a Sources,
    schemas: Schemas,
    reasons: Vec<String>,
}

impl<'a> Reading<'a> {
    fn new(sources: &'a Sources) -> Self {
        Self { sources, schemas: Schemas::default(), reasons: Vec::new() }
    }

    /// The place a reference leads to; one that leads nowhere is a reason.
    pub(crate) fn follow(&mut self, at: &Cursor<'a>) -> Option<Cursor<'a>> {
        match at.follow() {
            Ok(target) => Some(target),
            Err(RefError::Missing { reference, .. } | RefError::Cycle { reference }) => {
                self.refuse(at, &format!("`{reference}` leads nowhere"));
                None
            }
        }
    }

    /// The member of this name, followed.
    pub(crate) fn member(&mut self, at: &Cursor<'a>, name: &str) -> Option<Cursor<'a>> {
        let member = at.get(name)?;
        self.follow(&member)
    }

    /// The elements of the member of this name, each followed.
    pub(crate) fn elements(&mut self, at: &Cursor<'a>, name: &str) -> Vec<Cursor<'a>> {
        let elements = at.get(name).map(|list| list.elements()).unwrap_or_default();
        elements.iter().filter_map(|element| self.follow(element)).collect()
    }

    /// The members of the member of this name, each followed.
    pub(crate) fn members(&mut self, at: &Cursor<'a>, name: &str) -> Vec<(&'a str, Cursor<'a>)> {
        let members = at.get(name).map(|map| map.members()).unwrap_or_default();
        let followed = members.into_iter().map(|(name, at)| (name, self.follow(&at)));
        followed.filter_map(|(name, at)| Some((name, at?))).collect()
    }

    /// Says why the contract cannot be used.
    pub(crate) fn refuse(&mut self, at: &Cursor<'_>, why: &str) {
        self.reasons.push(format!("{}: {why}", position(at)));
    }

    fn root(&mut self, path: &std::path::Path, keyword: &str) -> Option<Cursor<'a>> {
        let path = path.to_string_lossy();
        let root = Cursor::root(self.sources, self.sources.file(&path)?);
        if root.text(keyword).is_some() {
            return Some(root);
        }
        self.refuse(&root, &format!("no `{keyword}` member names the version of the document"));
        None
    }

    fn contract(&mut self, options: &Options) -> Option<Contract<'a>> {
        let root = self.root(&options.contract, "openapi")?;
        self.schemas.older = root.text("openapi").is_some_and(|text| text.starts_with("3.0"));
        let operations = operations::read(self, &root);
        let components = root.get("components");
        let catalogue = components.as_ref().and_then(|components| components.get("x-problems"));
        let problems = catalogue.map(|catalogue| catalogue.members()).unwrap_or_default();
        let schemes = match &components {
            Some(components) => self.members(components, "securitySchemes"),
            None => Vec::new(),
        };
        let servers = root.get("servers");
        let server = servers.as_ref().and_then(|servers| servers.elements().first().cloned());
        let server = server.and_then(|server| server.text("url").map(str::to_owned));
        let workflows = options.workflows.as_ref().and_then(|path| self.root(path, "arazzo"));
        let asyncapi = options.asyncapi.as_ref().and_then(|path| self.root(path, "asyncapi"));
        Some(Contract {
            at: servers.unwrap_or(root),
            server: server.filter(|url| url.contains("://")),
            operations,
            problems: problems.iter().map(|(code, at)| (*code, problem(at))).collect(),
            credential_headers: credential_headers(&schemes),
            workflows: workflows.map(|root| workflows::read(self, &root)).unwrap_or_default(),
            sockets: asyncapi.as_ref().map(|it| sockets::read(self, it)).unwrap_or_default(),
            events: asyncapi.map(|root| events::read(self, &root)),
        })
    }
}

fn problem<'a>(at: &Cursor<'a>) -> Problem<'a> {
    let status = at.value.get("status").and_then(Value::as_u64);
    Problem { status, title: at.text("title"), type_: at.text("type") }
}

fn credential_headers(schemes: &[(&str, Cursor<'_>)]) -> Vec<String> {
    let keys = schemes.iter().filter(|(_, scheme)| scheme.text("in") == Some("header"));
    let mut names: Vec<String> =
        keys.filter_map(|(_, scheme)| Some(scheme.text("name")?.to_lowercase())).collect();
    names.extend(["authorization".to_owned(), "cookie".to_owned()]);
    names
}

/// `file:line:column` of a place.
pub(crate) fn position(at: &Cursor<'_>) -> String {
    let (place, found) = written(at);
    format!("{}:{}:{}", place.file, found.line, found.column)
}

/// Where a value was written, which may be an overlay.
pub(crate) fn written(at: &Cursor<'_>) -> (Place, Located) {
    let place = at.sources.origin(at.place());
    let text = at.sources.file(&place.file).map_or("", |file| &file.text);
    let found = locate(text, &place.pointer);
    (place, found)
}
