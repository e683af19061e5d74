//! Request bodies and responses.

use std::collections::BTreeSet;

use super::bodies::{self, Side};
use super::parameters;
use crate::model::{Answer, Body, Header, Name, Scalar, Status, Style, Type, unique_names};
use crate::resolve::Scope;
use crate::resolve::schemas::component;
use crate::resolve::whole::links::Linked;
use crate::source::Cursor;

/// Headers that the edges of both halves see to.
const EDGE_HEADERS: [&str; 2] = ["content-type", "x-correlation-id"];

/// The request body of an operation.
pub(super) fn request_body<'a>(
    scope: &mut Scope<'a>,
    operation: &Cursor<'a>,
    name: &Name,
) -> Option<Body> {
    let at = scope.follow(&operation.get("requestBody")?)?;
    let content = at.get("content")?;
    let name = component(&at).unwrap_or_else(|| name.clone()).ending("body");
    let body = bodies::resolve(scope, &content, &name, Side::Request)?;
    Some(Body { required: at.flag("required"), ..body })
}

/// Success answers and documented errors of an operation.
pub(super) fn resolve<'a>(
    scope: &mut Scope<'a>,
    operation: &Cursor<'a>,
    name: &Name,
) -> (Vec<Answer>, Vec<Answer>) {
    let mut successes = Vec::new();
    let mut errors = Vec::new();
    let mut rest = None;
    let mut seen = BTreeSet::new();
    let responses = operation.get("responses").map(|found| found.members()).unwrap_or_default();
    for (key, at) in responses {
        if key.starts_with("x-") {
            continue;
        }
        let Some(status) = status(key) else {
            let why = format!("`{key}` is no status: the response is left out");
            scope.defect(&at, why, "`200`, `2XX` and `default` are");
            continue;
        };
        if !seen.insert(status) {
            let why = format!("the status `{key}` is documented by another response already");
            scope.defect(&at, why, "a status has one response: take one of them out");
            continue;
        }
        let answer = match scope.follow(&at) {
            Some(at) => answer(scope, &at, status, name),
            None => Answer {
                status,
                headers: Vec::new(),
                body: None,
                links: Vec::new(),
                description: None,
            },
        };
        match status {
            Status::Default => rest = Some(answer),
            Status::Code(100..=399) | Status::Range(1..=3) => successes.push(answer),
            Status::Code(_) | Status::Range(_) => errors.push(answer),
        }
    }
    match rest {
        Some(answer) if successes.is_empty() => successes.push(answer),
        Some(answer) => errors.push(answer),
        None => {}
    }
    successes.sort_by_key(|answer| answer.status);
    errors.sort_by_key(|answer| answer.status);
    (successes, errors)
}

/// The status that a key of `responses` names.
pub(super) fn status(key: &str) -> Option<Status> {
    match key {
        "default" => Some(Status::Default),
        _ => match key.as_bytes() {
            [hundred @ b'1'..=b'5', b'X' | b'x', b'X' | b'x'] => {
                Some(Status::Range(hundred - b'0'))
            }
            [b'1'..=b'5', _, _] => key.parse().ok().map(Status::Code),
            _ => None,
        },
    }
}

fn answer<'a>(scope: &mut Scope<'a>, at: &Cursor<'a>, status: Status, name: &Name) -> Answer {
    let label = match status {
        Status::Code(code) => code.to_string(),
        Status::Range(hundred) => format!("{hundred}xx"),
        Status::Default => "default".to_owned(),
    };
    if let Some(at) = at.get("links") {
        scope.linked.push(Linked { operation: name.clone(), status, at });
    }
    let name = match component(at) {
        Some(own) => own.ending("response"),
        None => name.then(&Name::new("response")).then(&Name::new(&label)),
    };
    // HTTP has no content in these (RFC 9110, 6.4.1), whatever the contract says of it.
    let is_bare = matches!(status, Status::Code(100..=199 | 204 | 205 | 304));
    let content = at.get("content").filter(|_| !is_bare);
    let body = content.and_then(|content| bodies::resolve(scope, &content, &name, Side::Answer));
    Answer {
        status,
        headers: headers(scope, at, &name),
        body,
        links: Vec::new(),
        description: at.text("description").or_else(|| at.text("summary")).map(str::to_owned),
    }
}

fn headers<'a>(scope: &mut Scope<'a>, at: &Cursor<'a>, owner: &Name) -> Vec<Header> {
    let members = at.get("headers").map(|found| found.members()).unwrap_or_default();
    let members: Vec<_> = members
        .into_iter()
        .filter(|(wire, _)| !EDGE_HEADERS.contains(&wire.to_ascii_lowercase().as_str()))
        .collect();
    let names = unique_names(members.iter().map(|(wire, _)| *wire));
    let mut headers = Vec::new();
    for (wire, header) in members {
        let Some(header) = scope.follow(&header) else { continue };
        let name = names[wire].clone();
        let spelling = parameters::spelling(&header);
        if spelling.is_none() {
            scope.degrade(&header, "a header", "its `content` is sent and received as text");
        }
        let spelling = spelling.unwrap_or_default();
        let ty = match spelling.schema {
            Some(schema) => {
                let named = component(&header).unwrap_or_else(|| owner.then(&name));
                scope.type_of(&schema, &named).0
            }
            None => Type::Scalar(Scalar::Text),
        };
        headers.push(Header {
            wire: wire.to_owned(),
            name,
            required: header.flag("required"),
            style: spelling.style.filter(|style| *style == Style::Json),
            explode: spelling.explode.filter(|explode| *explode),
            ty,
        });
    }
    headers
}
