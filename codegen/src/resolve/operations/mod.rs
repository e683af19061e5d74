//! Paths and methods to operations, grouped by their first tag.

mod answers;
pub(super) mod bodies;
pub(super) mod media;
pub(super) mod parameters;
mod problems;
pub(super) mod security;
mod servers;
mod streams;
pub(super) mod webhooks;

use std::collections::BTreeMap;

use self::webhooks::Called;
use crate::diagnostic::{Diagnostic, Kind};
use crate::model::{Context, Direction, Errors, Name, Operation, System, unique_names};
use crate::resolve::{Scope, keywords, similar};
use crate::source::{Cursor, Place};

const METHODS: [&str; 9] =
    ["delete", "get", "head", "options", "patch", "post", "put", "query", "trace"];

/// What else a path item may have.
const ITEM_MEMBERS: [&str; 6] =
    ["$ref", "additionalOperations", "description", "parameters", "servers", "summary"];

/// Fills in the contexts, their operations and the problem catalogue.
pub(super) fn resolve<'a>(scope: &mut Scope<'a>, root: &Cursor<'a>, system: &mut System) {
    system.problems = keywords::catalogue(scope, root);
    system.schemes = security::schemes(scope, root);
    system.servers = servers::resolve(scope, root);
    let found = find(scope, root);
    mark_problem_schemas(scope, &found);
    let names = unique_names(found.iter().map(|found| found.id.as_str()));
    let mut by_tag: BTreeMap<String, Vec<Operation>> = BTreeMap::new();
    for found in &found {
        scope.operations.insert(found.at.id(), names[found.id.as_str()].clone());
        let tag = found.at.get("tags").and_then(|tags| tags.elements().into_iter().next());
        let tag = tag.and_then(|tag| tag.value.as_str()).filter(|tag| !tag.trim().is_empty());
        let tag = tag.unwrap_or("default").to_owned();
        let operation = operation(scope, root, found, &names[found.id.as_str()], system);
        by_tag.entry(tag).or_default().push(operation);
    }
    let descriptions = tag_descriptions(root);
    let tags = unique_names(by_tag.keys().map(String::as_str));
    let names: Vec<Name> = tags.into_values().collect();
    system.contexts = by_tag
        .into_iter()
        .zip(names)
        .map(|((tag, mut operations), name)| {
            operations.sort_by(|left, right| left.name.cmp(&right.name));
            let description = descriptions.get(&tag).cloned();
            let direction = Direction::Asked;
            Context { name, tag, direction, description, operations }
        })
        .collect();
}

/// An operation in its document.
pub(super) struct Found<'a> {
    pub(super) id: String,
    /// As it stands in a request line.
    pub(super) method: String,
    pub(super) path: String,
    /// The template that stood first where this one's paths are.
    pub(super) shadowed: Option<String>,
    pub(super) item: Cursor<'a>,
    pub(super) at: Cursor<'a>,
}

fn find<'a>(scope: &mut Scope<'a>, root: &Cursor<'a>) -> Vec<Found<'a>> {
    let mut found: Vec<Found<'a>> = Vec::new();
    let mut first: BTreeMap<String, Place> = BTreeMap::new();
    let mut routes: BTreeMap<(String, String), String> = BTreeMap::new();
    for (key, item) in root.get("paths").map(|paths| paths.members()).unwrap_or_default() {
        if key.starts_with("x-") {
            continue;
        }
        let path = path_of(scope, key, &item);
        let key = item;
        let Some(item) = scope.follow(&key) else { continue };
        for (method, written) in methods(scope, &item) {
            let Some(at) = scope.follow(&written) else { continue };
            let route = (method.clone(), route(&path));
            let shadowed = routes.get(&route).cloned();
            match &shadowed {
                Some(earlier) => {
                    let kind = Kind::ClashingPaths { path: path.clone(), first: earlier.clone() };
                    scope.report(&written, kind);
                }
                None => {
                    routes.insert(route, path.clone());
                }
            }
            let id = format!("{} {path}", method.to_lowercase());
            let id = id_of(scope, &mut first, &at, id);
            found.push(Found { id, method, path: path.clone(), shadowed, item: item.clone(), at });
        }
    }
    found
}

/// The operations of a path with their methods: those OpenAPI names, then any others.
pub(super) fn methods<'a>(scope: &mut Scope<'a>, item: &Cursor<'a>) -> Vec<(String, Cursor<'a>)> {
    let named = METHODS.iter().filter_map(|name| Some((name.to_uppercase(), item.get(name)?)));
    let mut found: Vec<(String, Cursor<'a>)> = named.collect();
    check_item(scope, item);
    let others = item.get("additionalOperations").map(|others| others.members());
    for (name, at) in others.unwrap_or_default() {
        // RFC 9110: a method is a token, in capitals or not.
        let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if name.is_empty() || !name.chars().all(is_token) {
            let why = format!("`{name}` is no method of HTTP: the operation is left out");
            scope.defect(&at, why, "a method is a token, such as `COPY` (RFC 9110, 9.1)");
        } else if !found.iter().any(|(known, _)| known == name) {
            found.push((name.to_owned(), at));
        }
    }
    found
}

/// Reports members of a path item that mean nothing.
fn check_item<'a>(scope: &mut Scope<'a>, item: &Cursor<'a>) {
    for name in item.object().into_iter().flat_map(|members| members.keys()) {
        let is_known = METHODS.contains(&name.as_str()) || ITEM_MEMBERS.contains(&name.as_str());
        if is_known || name.starts_with("x-") {
            continue;
        }
        let Some(at) = item.get(name) else { continue };
        let why = format!("`{name}` is no member of a path item: it is left out");
        let known = METHODS.into_iter().chain(ITEM_MEMBERS);
        let hint = match similar(&name.to_lowercase(), known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "operations stand under their methods, in small letters".to_owned(),
        };
        scope.defect(&at, why, hint);
    }
}

/// The template of a path; every one begins with a slash.
fn path_of<'a>(scope: &mut Scope<'a>, key: &str, at: &Cursor<'a>) -> String {
    if key.starts_with('/') {
        return key.to_owned();
    }
    let why = "this path begins with no slash: it is read as if it began with one".to_owned();
    scope.defect(at, why, "put a slash before it");
    format!("/{key}")
}

/// The id of an operation, which no other has: its own, else what stands in for it.
fn id_of<'a>(
    scope: &mut Scope<'a>,
    first: &mut BTreeMap<String, Place>,
    at: &Cursor<'a>,
    otherwise: String,
) -> String {
    let declared = at.text("operationId").filter(|id| !id.trim().is_empty());
    let Some(id) = declared else { return otherwise };
    let place = at.get("operationId").unwrap_or_else(|| at.clone()).place();
    if let Some(earlier) = first.get(id) {
        let kind = Kind::DuplicateOperationId { id: id.to_owned(), first: earlier.clone() };
        scope.problems.push(Diagnostic::new(place, kind));
        return otherwise;
    }
    first.insert(id.to_owned(), place);
    id.to_owned()
}

/// What a router sees of a path template: its texts, and where its parameters are.
pub(in crate::resolve) fn route(path: &str) -> String {
    let mut route = String::new();
    for (index, segment) in path.trim_start_matches('/').split('/').enumerate() {
        if index > 0 {
            route.push('/');
        }
        let mut rest = segment;
        while let Some((text, tail)) = rest.split_once('{') {
            let Some((_, tail)) = tail.split_once('}') else { break };
            route.push_str(text);
            route.push_str("{}");
            rest = tail;
        }
        route.push_str(rest);
    }
    route
}

/// Bodies of problem responses of operations that list their problems by code.
fn mark_problem_schemas<'a>(scope: &mut Scope<'a>, found: &[Found<'a>]) {
    for operation in found.iter().filter(|found| found.at.get("x-problems").is_some()) {
        let responses = operation.at.get("responses").map(|found| found.members());
        for (_, response) in responses.unwrap_or_default() {
            let Ok(response) = response.follow() else { continue };
            let schema = response
                .get("content")
                .and_then(|content| content.get("application/problem+json"))
                .and_then(|media| media.get("schema"));
            if let Some(schema) = schema {
                scope.mark_problem_schema(&schema);
            }
        }
    }
}

/// The operation itself.
pub(super) fn operation<'a>(
    scope: &mut Scope<'a>,
    root: &Cursor<'a>,
    found: &Found<'a>,
    name: &Name,
    system: &System,
) -> Operation {
    let at = &found.at;
    keywords::check_names(scope, at);
    if let Some(at) = at.get("callbacks") {
        scope.called.push(Called { owner: found.id.clone(), at });
    }
    let mut parameters = parameters::resolve(scope, &found.item, at, &found.path, name);
    let body = answers::request_body(scope, at, name);
    let (mut answers, mut statuses) = answers::resolve(scope, at, name);
    if found.method == "HEAD" {
        answers.iter_mut().chain(&mut statuses).for_each(|answer| answer.body = None);
    }
    if found.method == "GET" {
        streams::resumable(&mut parameters, &answers);
    }
    let errors = match keywords::problems(scope, at, &system.problems) {
        Some(codes) => Errors::Problems(codes),
        None => Errors::Statuses(statuses),
    };
    problems::check(scope, at, &system.problems);
    if let Some(pagination) = at.get("x-pagination") {
        scope.paginated.push((found.id.clone(), pagination));
    }
    let required = at.get("security").or_else(|| root.get("security"));
    Operation {
        id: found.id.clone(),
        name: name.clone(),
        method: found.method.clone(),
        path: found.path.clone(),
        shadowed: found.shadowed.clone(),
        summary: at.text("summary").map(str::to_owned),
        description: at.text("description").map(str::to_owned),
        deprecated: at.flag("deprecated"),
        destination: None,
        server: servers::own(scope, &found.item, at, &system.servers),
        parameters,
        body,
        answers,
        errors,
        security: security::requirements(scope, required, &system.schemes),
        idempotency: keywords::idempotency(scope, at),
        deadline_ms: keywords::deadline(scope, at),
        rate_limit: keywords::rate_limit(scope, at),
        pagination: keywords::pagination(scope, at),
        emits: keywords::emits(scope, at),
    }
}

fn tag_descriptions(root: &Cursor<'_>) -> BTreeMap<String, String> {
    let tags = root.get("tags").map(|tags| tags.elements()).unwrap_or_default();
    tags.iter()
        .filter_map(|tag| {
            let text = tag.text("description").or_else(|| tag.text("summary"))?;
            Some((tag.text("name")?.to_owned(), text.to_owned()))
        })
        .collect()
}
