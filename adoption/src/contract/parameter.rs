//! Parameters: where they travel, how they are spelled, what they must be.

use symbolon_codegen::source::Cursor;
use symbolon_wire::Style;

use super::{Direction, Example, Schema, examples};

/// The request header that carries the idempotency key; where `x-idempotency` says so, the edge
/// reads it.
pub(super) const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// A parameter of an operation.
#[derive(Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Where it travels.
    pub location: Location,
    /// Whether every request has it.
    pub is_required: bool,
    /// Layout of its value.
    pub style: Style,
    /// Whether each element or member stands for itself.
    pub explode: bool,
    /// What its value must be.
    pub schema: Option<Schema>,
    /// What the contract shows.
    pub examples: Vec<Example>,
}

impl Parameter {
    /// How it is spelled. What nests where nothing can be spread is JSON, as in generated code.
    pub fn wire(&self) -> symbolon_wire::Parameter {
        let (place, has_pairs) = match self.location {
            Location::Path => (symbolon_wire::Parameter::path(self.name), false),
            Location::Query => (symbolon_wire::Parameter::query(self.name), true),
            Location::Header => (symbolon_wire::Parameter::header(self.name), false),
            Location::Cookie => (symbolon_wire::Parameter::cookie(self.name), true),
        };
        let is_spread = has_pairs && (self.explode || self.style == Style::DeepObject);
        let is_text = !is_spread && self.schema.as_ref().is_some_and(Schema::nests);
        let style = if is_text { Style::Json } else { self.style };
        place.style(style).explode(self.explode && !is_text)
    }
}

/// Where a parameter travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Location {
    /// In the path.
    Path,
    /// In the query string.
    Query,
    /// In a header.
    Header,
    /// In a cookie.
    Cookie,
}

/// The parameters under this object. Headers that OpenAPI says to pass over are left out.
pub(super) fn read(at: &Cursor<'static>) -> Vec<Parameter> {
    let found = at.get("parameters").map(|list| list.elements()).unwrap_or_default();
    found.iter().filter_map(|at| one(&at.follow().ok()?)).collect()
}

fn one(at: &Cursor<'static>) -> Option<Parameter> {
    let name = at.text("name")?;
    let location = match at.text("in")? {
        "path" => Location::Path,
        "query" => Location::Query,
        "header" => Location::Header,
        "cookie" => Location::Cookie,
        _ => return None,
    };
    let is_reserved = ["accept", "content-type", "authorization"]
        .iter()
        .any(|reserved| name.eq_ignore_ascii_case(reserved));
    if location == Location::Header && is_reserved {
        return None;
    }
    let content = at.get("content").and_then(|content| content.members().into_iter().next());
    let style = match (&content, at.text("style"), location) {
        (Some(_), ..) => Style::Json,
        (None, Some("label"), _) => Style::Label,
        (None, Some("matrix"), _) => Style::Matrix,
        (None, Some("spaceDelimited"), _) => Style::SpaceDelimited,
        (None, Some("pipeDelimited"), _) => Style::PipeDelimited,
        (None, Some("deepObject"), _) => Style::DeepObject,
        (None, Some("cookie"), Location::Cookie) => Style::Cookie,
        (None, _, Location::Query | Location::Cookie) => Style::Form,
        (None, _, Location::Path | Location::Header) => Style::Simple,
    };
    let explode = at.value.get("explode").and_then(serde_json::Value::as_bool);
    let holder = content.map_or_else(|| at.clone(), |(_, media)| media);
    Some(Parameter {
        name,
        location,
        is_required: location == Location::Path || at.flag("required"),
        style,
        explode: explode.unwrap_or(matches!(style, Style::Form | Style::Cookie)),
        schema: holder.get("schema").map(|schema| Schema::new(schema, Direction::Request)),
        examples: examples::read(&holder),
    })
}
