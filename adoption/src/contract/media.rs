//! A body in one media type.

use symbolon_codegen::source::Cursor;

use super::{Direction, Example, Schema, examples};

/// A body in one media type.
#[derive(Debug)]
pub struct Media {
    /// The media type or range, as written.
    pub name: &'static str,
    /// What its value must be; of a stream, what each element must be (`itemSchema`).
    pub schema: Option<Schema>,
    /// Whether the schema is that of the elements of a stream.
    pub is_of_items: bool,
    /// What the contract shows.
    pub examples: Vec<Example>,
}

impl Media {
    /// Whether it holds events as a server sends them (HTML Standard, 9.2).
    pub fn is_event_stream(&self) -> bool {
        essence_of(self.name) == "text/event-stream"
    }

    /// Whether it holds one JSON text a line, or one a record (RFC 7464).
    pub fn is_json_lines(&self) -> bool {
        matches!(
            essence_of(self.name).as_str(),
            "application/jsonl"
                | "application/x-jsonlines"
                | "application/x-ndjson"
                | "application/ndjson"
                | "application/json-seq"
        )
    }
}

/// The media types under the `content` of this object, JSON first.
pub(super) fn content(at: &Cursor<'static>, direction: Direction) -> Vec<Media> {
    let members = at.get("content").map(|content| content.members()).unwrap_or_default();
    let mut found: Vec<Media> = members
        .into_iter()
        .filter_map(|(name, at)| {
            let at = at.follow().ok()?;
            let (schema, items) = (at.get("schema"), at.get("itemSchema"));
            let is_of_items = items.is_some();
            let schema = items.or(schema).map(|schema| Schema::new(schema, direction));
            let examples = examples::read(&at);
            Some(Media { name, schema, is_of_items, examples })
        })
        .collect();
    found.sort_by_key(|media| !is_json(media.name));
    found
}

/// A media type without its parameters, in lower case.
pub fn essence_of(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether bodies of this media type are JSON.
pub fn is_json(media_type: &str) -> bool {
    let essence = essence_of(media_type);
    essence == "application/json" || essence.ends_with("+json")
}
