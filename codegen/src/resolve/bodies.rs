//! Media types to the forms a body may have: one offer for all that share a schema and an encoding.

use serde_json::Value;

use super::Scope;
use crate::model::{
    Body, BodyKind, Constraints, Name, Offer, Part, Scalar, Style, Type, unique_names,
};
use crate::source::Cursor;

/// One media type with what stands under it.
struct Entry<'a> {
    media_type: &'a str,
    kind: BodyKind,
    at: Cursor<'a>,
    schema: Option<Cursor<'a>>,
}

/// The body that a `content` describes; none if it names no media type.
pub(super) fn resolve<'a>(
    scope: &mut Scope<'a>,
    content: &Cursor<'a>,
    name: &Name,
) -> Option<Body> {
    let mut entries: Vec<Entry<'a>> =
        content.members().into_iter().map(|(media_type, at)| entry(media_type, at)).collect();
    entries.sort_by_key(|entry| (rank(entry), entry.media_type));
    let mut groups: Vec<Vec<Entry<'a>>> = Vec::new();
    for entry in entries {
        match groups.iter_mut().find(|group| group.iter().any(|other| is_same(other, &entry))) {
            Some(group) => group.push(entry),
            None => groups.push(vec![entry]),
        }
    }
    let labels: Vec<String> = groups.iter().map(|group| label(&group[0])).collect();
    let names = unique_names(labels.iter().map(String::as_str));
    if groups.len() > 1 {
        let kept = groups[0][0].media_type;
        let why = format!("of {} kinds of media types only `{kept}` is carried", groups.len());
        scope.degrade(content, "a body", &why);
        groups.truncate(1);
    }
    let offers: Vec<Offer> = groups
        .into_iter()
        .zip(labels)
        .map(|(group, label)| offer(scope, &group, names[&label].clone(), name))
        .collect();
    (!offers.is_empty()).then_some(Body { required: true, offers })
}

/// The offer that carries an offer's body as it comes.
pub(super) fn as_bytes(offer: &mut Offer) {
    offer.kind = BodyKind::Bytes;
    offer.ty = Type::Scalar(Scalar::Binary);
    offer.constraints = Constraints::default();
    offer.parts.clear();
}

fn entry<'a>(media_type: &'a str, at: Cursor<'a>) -> Entry<'a> {
    let schema = at.get("schema");
    Entry { kind: kind(media_type, schema.as_ref()), media_type, at, schema }
}

fn offer<'a>(scope: &mut Scope<'a>, group: &[Entry<'a>], name: Name, owner: &Name) -> Offer {
    let first = &group[0];
    if first.media_type.starts_with("text/event-stream") {
        scope.degrade(&first.at, "a body", "a stream of events is carried as one text");
    }
    let (ty, constraints) = match (first.kind, &first.schema) {
        (BodyKind::Bytes, _) => (Type::Scalar(Scalar::Binary), Constraints::default()),
        (BodyKind::Text, _) => (Type::Scalar(Scalar::Text), Constraints::default()),
        (_, Some(schema)) => scope.type_of(schema, owner),
        (_, None) => (Type::Any, Constraints::default()),
    };
    Offer {
        name,
        kind: first.kind,
        media_types: group.iter().map(|entry| entry.media_type.to_owned()).collect(),
        ty,
        constraints,
        parts: parts(&first.at),
    }
}

/// What `encoding` says of the members of a form.
fn parts(at: &Cursor<'_>) -> Vec<Part> {
    let members = at.get("encoding").map(|found| found.members()).unwrap_or_default();
    members
        .into_iter()
        .map(|(wire, at)| Part {
            wire: wire.to_owned(),
            media_types: at.text("contentType").map(media_types).unwrap_or_default(),
            style: at.text("style").and_then(style),
            explode: at.value.get("explode").and_then(Value::as_bool),
        })
        .collect()
}

fn media_types(list: &str) -> Vec<String> {
    list.split(',').map(|media_type| media_type.trim().to_owned()).collect()
}

/// The style of a name of OpenAPI.
pub(super) fn style(text: &str) -> Option<Style> {
    match text {
        "simple" => Some(Style::Simple),
        "label" => Some(Style::Label),
        "matrix" => Some(Style::Matrix),
        "form" => Some(Style::Form),
        "spaceDelimited" => Some(Style::SpaceDelimited),
        "pipeDelimited" => Some(Style::PipeDelimited),
        "deepObject" => Some(Style::DeepObject),
        _ => None,
    }
}

/// Whether two media types hold the same: JSON of one schema under several names.
fn is_same(left: &Entry<'_>, right: &Entry<'_>) -> bool {
    let schema = |entry: &Entry<'_>| entry.schema.as_ref().map(|schema| schema.value.clone());
    left.kind == BodyKind::Json && right.kind == BodyKind::Json && schema(left) == schema(right)
        || left.kind == BodyKind::Json && is_disguised(right) && schema(left) == schema(right)
}

/// Whether a text has a schema that no text has: frameworks list `text/plain` beside JSON.
fn is_disguised(entry: &Entry<'_>) -> bool {
    let Some(schema) = &entry.schema else { return false };
    let Ok(schema) = schema.follow() else { return false };
    essence(entry.media_type) == "text/plain" && !is_text(&schema)
}

fn is_text(schema: &Cursor<'_>) -> bool {
    schema.text("type") == Some("string")
}

fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn kind(media_type: &str, schema: Option<&Cursor<'_>>) -> BodyKind {
    let essence = essence(media_type);
    match essence.as_str() {
        "application/json" | "text/json" => BodyKind::Json,
        "*/*" | "application/*" => open_kind(schema),
        "application/x-www-form-urlencoded" => BodyKind::Form,
        "multipart/form-data" => BodyKind::Multipart,
        "application/xml" => BodyKind::Text,
        json if json.ends_with("+json") => BodyKind::Json,
        xml if xml.ends_with("+xml") => BodyKind::Text,
        text if text.starts_with("text/") => BodyKind::Text,
        _ => BodyKind::Bytes,
    }
}

/// What a range that covers JSON holds, as its schema tells.
fn open_kind(schema: Option<&Cursor<'_>>) -> BodyKind {
    let Some(schema) = schema.and_then(|schema| schema.follow().ok()) else {
        return BodyKind::Bytes;
    };
    match (schema.text("type"), schema.text("format")) {
        (Some("string"), Some("binary")) | (Some("file"), _) => BodyKind::Bytes,
        _ => BodyKind::Json,
    }
}

/// The words an offer is known by: those of its first media type.
fn label(entry: &Entry<'_>) -> String {
    let essence = essence(entry.media_type);
    let (kind, subtype) = essence.split_once('/').unwrap_or(("", &essence));
    match (entry.kind, subtype) {
        (BodyKind::Json, "json" | "*") => "json".to_owned(),
        (BodyKind::Form, _) => "form".to_owned(),
        (BodyKind::Multipart, _) => "multipart".to_owned(),
        (BodyKind::Text, "plain" | "*") => "text".to_owned(),
        (BodyKind::Bytes, "octet-stream") => "bytes".to_owned(),
        (BodyKind::Bytes, "*") if kind == "*" => "bytes".to_owned(),
        (_, "*") => kind.to_owned(),
        _ => subtype.to_owned(),
    }
}

/// JSON before forms, text and bytes; names that everybody knows before others, ranges last.
fn rank(entry: &Entry<'_>) -> (u8, u8) {
    let kind = match entry.kind {
        BodyKind::Json => 0,
        BodyKind::Multipart => 1,
        BodyKind::Form => 2,
        BodyKind::Text => 3,
        BodyKind::Bytes => 4,
    };
    let name = match essence(entry.media_type).as_str() {
        "application/json" | "text/plain" | "application/octet-stream" => 0,
        range if range.contains('*') => 2,
        _ => 1,
    };
    (kind, name)
}
