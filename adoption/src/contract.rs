//! The contract as a mock reads it: operations with their examples, schemas compiled when needed.

mod examples;
mod media;
mod operation;
mod parameter;
mod schema;

use std::collections::BTreeMap;

use serde_json::Value;
use symbolon_codegen::project;
use symbolon_codegen::source::{Cursor, Sources};

pub use examples::{Case, Example};
pub use media::{Media, essence_of, is_json};
pub use operation::{Operation, Response, Status};
pub use parameter::{Location, Parameter};
pub use schema::{Direction, Schema};
pub(crate) use schema::{is_of_other_way, primitive, target};

/// A contract that was read, for as long as the process lives.
#[derive(Debug)]
pub struct Contract {
    /// Sorted by path, then method.
    pub operations: Vec<Operation>,
    /// The security schemes, by name.
    pub schemes: BTreeMap<&'static str, Cursor<'static>>,
    /// The problem catalogue, by code.
    pub problems: BTreeMap<&'static str, Cursor<'static>>,
    /// The messages of the AsyncAPI document, by name.
    pub messages: BTreeMap<&'static str, Cursor<'static>>,
}

impl Contract {
    /// Looks at what the generator read: exactly the operations that it carries are here.
    ///
    /// The sources stay in memory until the process ends: routes need names that live as long.
    pub fn new(contract: project::Contract, openapi: &str, asyncapi: Option<&str>) -> Self {
        let sources: &'static Sources = Box::leak(Box::new(contract.sources));
        let root = |path: &str| sources.file(path).map(|file| Cursor::root(sources, file));
        let mut found = Self {
            operations: Vec::new(),
            schemes: BTreeMap::new(),
            problems: BTreeMap::new(),
            messages: asyncapi.and_then(root).map(|root| messages(&root)).unwrap_or_default(),
        };
        let Some(root) = root(openapi) else { return found };
        // What another path hides no server can route.
        let all = contract.system.operations();
        for operation in all.filter(|operation| operation.shadowed.is_none()) {
            found.operations.extend(operation::read(&root, operation));
        }
        found.operations.sort_by(|a, b| (a.path, a.method).cmp(&(b.path, b.method)));
        let components = root.get("components");
        let section = |name: &str| -> BTreeMap<&'static str, Cursor<'static>> {
            let section = components.as_ref().and_then(|components| components.get(name));
            let members = section.map(|section| section.members()).unwrap_or_default();
            members.into_iter().filter_map(|(name, at)| Some((name, at.follow().ok()?))).collect()
        };
        found.schemes = section("securitySchemes");
        found.problems = section("x-problems");
        found
    }
}

/// The member of this name, followed; nothing where it leads nowhere.
fn member(at: &Cursor<'static>, name: &str) -> Option<Cursor<'static>> {
    at.get(name)?.follow().ok()
}

/// The members of the member of this name, each followed; references stay what they are named by.
fn members(at: &Cursor<'static>, name: &str) -> Vec<(&'static str, Cursor<'static>)> {
    let found = member(at, name).map(|found| found.members()).unwrap_or_default();
    found.into_iter().filter_map(|(name, at)| Some((name, at.follow().ok()?))).collect()
}

/// Every message of every channel, by its `name` or its key.
fn messages(root: &Cursor<'static>) -> BTreeMap<&'static str, Cursor<'static>> {
    let channels = members(root, "channels");
    let messages = channels.iter().flat_map(|(_, channel)| members(channel, "messages"));
    messages.map(|(key, at)| (at.text("name").unwrap_or(key), at)).collect()
}

/// A text that lives as long as the process.
pub(crate) fn kept(text: impl Into<String>) -> &'static str {
    Box::leak(text.into().into_boxed_str())
}

/// A list that lives as long as the process.
pub(crate) fn kept_list<T>(list: Vec<T>) -> &'static [T] {
    Box::leak(list.into_boxed_slice())
}

/// The text of a value as it stands in a path, query, header or text body.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}
