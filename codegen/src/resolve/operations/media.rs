//! Media types: what kind of content each names, and the word an offer of it is known by.

use crate::model::BodyKind;
use crate::source::Cursor;

/// Kinds of content, in the order a client prefers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::resolve) enum Media {
    /// JSON.
    Json,
    /// `multipart/form-data`.
    Multipart,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// Text.
    Text,
    /// XML, which is carried as text.
    Xml,
    /// Parts without names: `multipart/mixed` and the like.
    Parts,
    /// Anything else.
    Bytes,
    /// JSON documents, one a line or after a record separator.
    Lines,
    /// `text/event-stream`.
    Events,
}

/// The kind of a media type; of one that covers several, as its schema tells.
pub(in crate::resolve) fn of(media_type: &str, schema: Option<&Cursor<'_>>) -> Media {
    let essence = essence(media_type);
    match essence.as_str() {
        "*/*" | "application/*" | "*" => of_any(schema),
        "application/x-www-form-urlencoded" => Media::Form,
        "multipart/form-data" => Media::Multipart,
        "text/event-stream" => Media::Events,
        "application/jsonl"
        | "application/x-jsonl"
        | "application/jsonlines"
        | "application/x-jsonlines"
        | "application/json-lines"
        | "application/ndjson"
        | "application/x-ndjson"
        | "application/stream+json"
        | "application/json-seq"
        | "application/geo+json-seq" => Media::Lines,
        "application/json" | "text/json" | "application/x-json" => Media::Json,
        "application/xml" | "text/xml" => Media::Xml,
        json if json.ends_with("+json") => Media::Json,
        xml if xml.ends_with("+xml") && !xml.starts_with("image/") => Media::Xml,
        text if text.starts_with("text/") => Media::Text,
        parts if parts.starts_with("multipart/") => Media::Parts,
        _ => Media::Bytes,
    }
}

fn of_any(schema: Option<&Cursor<'_>>) -> Media {
    let Some(schema) = schema.and_then(|schema| schema.follow().ok()) else { return Media::Bytes };
    match (schema.text("type"), schema.text("format")) {
        (Some("string"), Some("binary")) | (Some("file"), _) => Media::Bytes,
        _ => Media::Json,
    }
}

/// Whether a text has the form of a media type.
pub(super) fn is_media_type(text: &str) -> bool {
    text == "*"
        || text.split_once('/').is_some_and(|(kind, rest)| !kind.is_empty() && !rest.is_empty())
}

/// The media type that a key which is none most likely means; nothing if it describes nothing.
pub(super) fn meant(key: &str, at: &Cursor<'_>) -> Option<&'static str> {
    let at = at.follow().ok()?;
    let schema = at.get("itemSchema").or_else(|| at.get("schema"))?;
    let key = key.to_ascii_lowercase();
    let named = [
        ("json", "application/json"),
        ("xml", "application/xml"),
        ("form-data", "multipart/form-data"),
        ("text", "text/plain"),
    ];
    let named = named.into_iter().find(|(word, _)| key.contains(word));
    let made = || match of_any(Some(&schema)) {
        Media::Json => "application/json",
        Media::Multipart
        | Media::Form
        | Media::Text
        | Media::Xml
        | Media::Parts
        | Media::Bytes
        | Media::Lines
        | Media::Events => "*/*",
    };
    Some(named.map_or_else(made, |(_, media_type)| media_type))
}

/// How a kind is encoded.
pub(super) fn kind(media: Media) -> BodyKind {
    match media {
        Media::Json | Media::Lines | Media::Events => BodyKind::Json,
        Media::Multipart => BodyKind::Multipart,
        Media::Form => BodyKind::Form,
        Media::Text | Media::Xml => BodyKind::Text,
        Media::Parts => BodyKind::Parts,
        Media::Bytes => BodyKind::Bytes,
    }
}

/// Whether a schema describes text.
pub(super) fn is_text(schema: &Cursor<'_>) -> bool {
    schema.follow().is_ok_and(|schema| schema.text("type") == Some("string"))
}

/// A media type in lower case and without parameters.
pub(super) fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Names that everybody knows before others, ranges last.
pub(super) fn rank(media_type: &str) -> u8 {
    match essence(media_type).as_str() {
        "application/json" | "text/plain" | "application/xml" | "application/octet-stream" => 0,
        range if range.contains('*') => 2,
        _ => 1,
    }
}

/// The words an offer is known by: those of its media type, or the usual one of its kind.
pub(super) fn label(media: Media, media_type: &str) -> String {
    let essence = essence(media_type);
    let (kind, subtype) = essence.split_once('/').unwrap_or(("", &essence));
    let usual = match media {
        Media::Json => "json",
        Media::Form => "form",
        Media::Multipart => "multipart",
        Media::Text => "text",
        Media::Xml => "xml",
        Media::Parts => "parts",
        Media::Bytes => "bytes",
        Media::Lines => "lines",
        Media::Events => "events",
    };
    match (media, subtype) {
        (Media::Json, "json" | "*")
        | (Media::Text, "plain" | "*")
        | (Media::Xml, "xml")
        | (Media::Bytes, "octet-stream")
        | (Media::Parts, "mixed" | "*")
        | (Media::Form | Media::Multipart | Media::Lines | Media::Events, _) => usual.to_owned(),
        (Media::Bytes, "*") if matches!(kind, "*" | "application") => usual.to_owned(),
        (_, "*") => kind.to_owned(),
        (_, "") => usual.to_owned(),
        _ => subtype.to_owned(),
    }
}
