//! Request bodies and responses.

use std::collections::BTreeSet;

use super::Scope;
use super::schemas::component;
use crate::diagnostic::{Diagnostic, Kind};
use crate::model::{
    Answer, Body, BodyKind, Constraints, Definition, Header, Name, Scalar, Shape, Status, System,
    Type, unique_names,
};
use crate::source::{Cursor, Place, Pointer};

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
    let body = body(scope, &content, &name)?;
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
            scope.degrade(&at, "a response", "its key is no status");
            continue;
        };
        if !seen.insert(status) {
            scope.degrade(&at, "a response", "its status is documented by another already");
            continue;
        }
        let Some(at) = scope.follow(&at) else { continue };
        let answer = answer(scope, &at, status, name);
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
    let name = match component(at) {
        Some(own) => own.ending("response"),
        None => name.then(&Name::new("response")).then(&Name::new(&label)),
    };
    let mut body = at.get("content").and_then(|content| body(scope, &content, &name));
    if let Some(body) = &mut body
        && matches!(body.kind, BodyKind::Form | BodyKind::Multipart)
    {
        scope.degrade(at, "a body", "a form in a response is carried as bytes");
        as_bytes(body);
    }
    Answer {
        status,
        headers: headers(scope, at, &name),
        body,
        description: at.text("description").map(str::to_owned),
    }
}

/// Forms and parts need members: a body of anything else is carried as it comes.
pub(super) fn settle_forms(scope: &mut Scope<'_>, system: &mut System) {
    let types = &system.types;
    for operation in system.contexts.iter_mut().flat_map(|context| &mut context.operations) {
        let Some(body) = &mut operation.body else { continue };
        let is_object = match &body.ty {
            Type::Named(id) => matches!(types.get(id), Some(found) if is_object(found)),
            Type::Scalar(_)
            | Type::List(_)
            | Type::Map(_)
            | Type::Nullable(_)
            | Type::Problem
            | Type::Any => false,
        };
        if body.kind == BodyKind::Multipart && !is_object {
            let pointer = Pointer::default()
                .child("paths")
                .child(&operation.path)
                .child(&operation.method.to_lowercase());
            let place = Place::new(system.contract.clone(), pointer);
            let why = "its parts have no names in the contract; it is carried as bytes".to_owned();
            let kind = Kind::Degraded { what: "a multipart body", why };
            scope.problems.push(Diagnostic::new(place, kind));
            as_bytes(body);
        }
    }
}

fn is_object(definition: &Definition) -> bool {
    matches!(definition.shape, Shape::Object(_))
}

fn as_bytes(body: &mut Body) {
    body.kind = BodyKind::Bytes;
    body.ty = Type::Scalar(Scalar::Binary);
    body.constraints = Constraints::default();
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
        let ty = match header.get("schema") {
            Some(schema) => {
                let named = component(&header).unwrap_or_else(|| owner.then(&name));
                scope.type_of(&schema, &named).0
            }
            None => Type::Scalar(Scalar::Text),
        };
        headers.push(Header { wire: wire.to_owned(), name, required: header.flag("required"), ty });
    }
    headers
}

/// The body to carry, of all the media types offered: JSON before forms, text and bytes.
fn body<'a>(scope: &mut Scope<'a>, content: &Cursor<'a>, name: &Name) -> Option<Body> {
    let mut offers: Vec<(BodyKind, &str, Cursor<'a>)> = content
        .members()
        .into_iter()
        .map(|(media_type, at)| (kind(media_type), media_type, at))
        .collect();
    offers.sort_by_key(|(kind, media_type, _)| (rank(*kind), *media_type));
    let kinds = offers.len();
    let (kind, media_type, at) = offers.into_iter().next()?;
    if kinds > 1 {
        let why = format!("of {kinds} media types only `{media_type}` is carried");
        scope.degrade(content, "a body", &why);
    }
    if media_type.starts_with("text/event-stream") {
        scope.degrade(&at, "a body", "a stream of events is carried as one text");
    }
    let (ty, constraints) = match (kind, at.get("schema")) {
        (BodyKind::Bytes, _) => (Type::Scalar(Scalar::Binary), Constraints::default()),
        (BodyKind::Text, _) => (Type::Scalar(Scalar::Text), Constraints::default()),
        (_, Some(schema)) => scope.type_of(&schema, name),
        (_, None) => (Type::Any, Constraints::default()),
    };
    let media_type = media_type.to_owned();
    Some(Body { kind, media_type, required: true, ty, constraints })
}

fn kind(media_type: &str) -> BodyKind {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/json" | "*/*" | "application/*" | "text/json" => BodyKind::Json,
        "application/x-www-form-urlencoded" => BodyKind::Form,
        "multipart/form-data" => BodyKind::Multipart,
        json if json.ends_with("+json") => BodyKind::Json,
        text if text.starts_with("text/") => BodyKind::Text,
        _ => BodyKind::Bytes,
    }
}

fn rank(kind: BodyKind) -> u8 {
    match kind {
        BodyKind::Json => 0,
        BodyKind::Multipart => 1,
        BodyKind::Form => 2,
        BodyKind::Text => 3,
        BodyKind::Bytes => 4,
    }
}
