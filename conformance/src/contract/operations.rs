//! Operations: what may be sent, and what must come back.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;
use symbolon_codegen::source::Cursor;

use super::{Example, Reading, Schema, examples};

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// An operation of the contract.
#[derive(Debug)]
pub(crate) struct Operation<'a> {
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) path: &'a str,
    pub(crate) parameters: Vec<Parameter<'a>>,
    pub(crate) body_required: bool,
    pub(crate) body: Vec<Media<'a>>,
    pub(crate) responses: Vec<Response<'a>>,
    /// The problem codes it documents, if it says so.
    pub(crate) problems: Option<Vec<&'a str>>,
    pub(crate) idempotency: Option<Idempotency<'a>>,
    pub(crate) pagination: Option<Pagination<'a>>,
    pub(crate) emits: Vec<&'a str>,
    /// How many requests a tenant has at once (`x-rate-limit`), if that is bounded.
    pub(crate) requests_at_once: Option<u64>,
    pub(crate) at: Cursor<'a>,
}

/// Where a parameter goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum In {
    Path,
    Query,
    Header,
    Cookie,
}

/// A parameter of a request.
#[derive(Debug)]
pub(crate) struct Parameter<'a> {
    pub(crate) name: &'a str,
    pub(crate) location: In,
    pub(crate) required: bool,
    pub(crate) style: Option<&'a str>,
    pub(crate) explode: Option<bool>,
    pub(crate) schema: Option<Cursor<'a>>,
    pub(crate) examples: Vec<Example<'a>>,
}

/// A body in one media type.
#[derive(Debug)]
pub(crate) struct Media<'a> {
    pub(crate) name: &'a str,
    pub(crate) schema: Option<Arc<Schema>>,
    pub(crate) examples: Vec<Example<'a>>,
    pub(crate) at: Cursor<'a>,
}

/// The statuses that a documented response stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Documented {
    /// One status.
    Exactly(u16),
    /// `4XX`: all statuses of this first digit.
    Range(u16),
    /// Every status that is not documented otherwise.
    Default,
}

/// A documented response.
#[derive(Debug)]
pub(crate) struct Response<'a> {
    pub(crate) status: Documented,
    pub(crate) headers: Vec<Header<'a>>,
    pub(crate) content: Vec<Media<'a>>,
    pub(crate) at: Cursor<'a>,
}

/// A documented header of a response.
#[derive(Debug)]
pub(crate) struct Header<'a> {
    pub(crate) name: &'a str,
    pub(crate) required: bool,
    pub(crate) schema: Option<Arc<Schema>>,
    pub(crate) examples: Vec<Example<'a>>,
    pub(crate) at: Cursor<'a>,
}

/// What `x-idempotency` says.
#[derive(Debug)]
pub(crate) struct Idempotency<'a> {
    /// The status of a replay; none means the first response again.
    pub(crate) replay: Option<u16>,
    pub(crate) at: Cursor<'a>,
}

/// What `x-pagination` says.
#[derive(Debug)]
pub(crate) struct Pagination<'a> {
    pub(crate) items: &'a str,
    pub(crate) cursor: &'a str,
    pub(crate) next: &'a str,
    pub(crate) limit: &'a str,
    pub(crate) at: Cursor<'a>,
}

/// The request header that carries the idempotency key.
pub(crate) const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

impl Documented {
    /// Whether a server in good health can be made to answer so.
    pub(crate) fn is_reachable(self) -> bool {
        match self {
            Self::Exactly(status) => status < 500,
            Self::Range(digit) => digit < 5,
            Self::Default => false,
        }
    }
}

impl fmt::Display for Documented {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(status) => write!(formatter, "{status}"),
            Self::Range(digit) => write!(formatter, "{digit}XX"),
            Self::Default => write!(formatter, "default"),
        }
    }
}

impl<'a> Operation<'a> {
    /// The documented response of a status: the exact one, else its range, else the default.
    pub(crate) fn response(&self, status: u16) -> Option<&Response<'a>> {
        [Documented::Exactly(status), Documented::Range(status / 100), Documented::Default]
            .into_iter()
            .find_map(|wanted| self.responses.iter().find(|response| response.status == wanted))
    }

    /// Whether a success other than this one is documented.
    pub(crate) fn has_other_success(&self, status: u16) -> bool {
        self.responses.iter().any(|response| match response.status {
            Documented::Exactly(other) => (200..300).contains(&other) && other != status,
            Documented::Range(digit) => digit == 2,
            Documented::Default => false,
        })
    }

    /// Where the contract documents a status, or all of them.
    pub(crate) fn place_of(&self, status: Documented) -> Cursor<'a> {
        let responses = self.at.get("responses").unwrap_or_else(|| self.at.clone());
        responses.get(&status.to_string()).unwrap_or(responses)
    }

    /// The parameter of this name at this place; header names do not mind case.
    pub(crate) fn parameter(&self, location: In, name: &str) -> Option<&Parameter<'a>> {
        self.parameters.iter().find(|parameter| {
            parameter.location == location
                && (parameter.name == name
                    || location == In::Header && parameter.name.eq_ignore_ascii_case(name))
        })
    }
}

impl<'a> Response<'a> {
    /// The documented body of this media type: the exact one, else by a wildcard.
    pub(crate) fn media(&self, essence: &str) -> Option<&Media<'a>> {
        let group = essence.split('/').next().unwrap_or_default();
        let exact = |media: &&Media<'_>| essence_of(media.name).eq_ignore_ascii_case(essence);
        let wild = |media: &&Media<'_>| {
            media.name == "*/*" || media.name.strip_suffix("/*") == Some(group)
        };
        self.content.iter().find(exact).or_else(|| self.content.iter().find(wild))
    }
}

/// A media type without its parameters.
pub(crate) fn essence_of(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

/// Whether bodies of this media type are JSON.
pub(crate) fn is_json(media_type: &str) -> bool {
    let essence = essence_of(media_type).to_ascii_lowercase();
    essence == "application/json" || essence.ends_with("+json")
}

/// All operations under `paths`.
pub(super) fn read<'a>(reading: &mut Reading<'a>, root: &Cursor<'a>) -> Vec<Operation<'a>> {
    let mut operations = Vec::new();
    for (path, item) in reading.members(root, "paths") {
        for method in METHODS {
            if let Some(at) = item.get(method) {
                operations.push(operation(reading, path, method, &item, at));
            }
        }
    }
    operations
}

fn operation<'a>(
    reading: &mut Reading<'a>,
    path: &'a str,
    method: &str,
    item: &Cursor<'a>,
    at: Cursor<'a>,
) -> Operation<'a> {
    let mut parameters = parameters(reading, &at);
    for outer in self::parameters(reading, item) {
        let known =
            |inner: &Parameter<'_>| (inner.name, inner.location) == (outer.name, outer.location);
        if !parameters.iter().any(known) {
            parameters.push(outer);
        }
    }
    let request_body = reading.member(&at, "requestBody");
    let responses = reading.members(&at, "responses");
    let texts = |name: &str| -> Option<Vec<&'a str>> {
        Some(at.get(name)?.value.as_array()?.iter().filter_map(Value::as_str).collect())
    };
    Operation {
        id: at.text("operationId").map_or_else(|| format!("{method} {path}"), str::to_owned),
        method: method.to_uppercase(),
        path,
        parameters,
        body_required: request_body.as_ref().is_some_and(|body| body.flag("required")),
        body: request_body.map(|body| content(reading, &body)).unwrap_or_default(),
        responses: responses
            .into_iter()
            .filter_map(|(status, at)| response(reading, status, at))
            .collect(),
        problems: texts("x-problems"),
        idempotency: at.get("x-idempotency").map(idempotency),
        pagination: at.get("x-pagination").and_then(pagination),
        emits: texts("x-emits").unwrap_or_default(),
        requests_at_once: at.value.pointer("/x-rate-limit/requests").and_then(Value::as_u64),
        at,
    }
}

fn parameters<'a>(reading: &mut Reading<'a>, at: &Cursor<'a>) -> Vec<Parameter<'a>> {
    let found = reading.elements(at, "parameters");
    found.into_iter().filter_map(|at| parameter(reading, at)).collect()
}

fn parameter<'a>(reading: &mut Reading<'a>, at: Cursor<'a>) -> Option<Parameter<'a>> {
    let location = match at.text("in") {
        Some("path") => In::Path,
        Some("query") => In::Query,
        Some("header") => In::Header,
        Some("cookie") => In::Cookie,
        _ => {
            reading.refuse(&at, "`in` of a parameter is path, query, header or cookie");
            return None;
        }
    };
    let Some(name) = at.text("name") else {
        reading.refuse(&at, "a parameter needs a name");
        return None;
    };
    Some(Parameter {
        name,
        location,
        required: at.flag("required"),
        style: at.text("style"),
        explode: at.value.get("explode").and_then(Value::as_bool),
        schema: reading.member(&at, "schema"),
        examples: examples::read(reading, &at),
    })
}

fn content<'a>(reading: &mut Reading<'a>, at: &Cursor<'a>) -> Vec<Media<'a>> {
    let found = at.get("content").map(|content| content.members()).unwrap_or_default();
    let media = found.into_iter().map(|(name, at)| Media {
        name,
        schema: schema(reading, &at),
        examples: examples::read(reading, &at),
        at,
    });
    media.collect()
}

fn response<'a>(reading: &mut Reading<'a>, key: &str, at: Cursor<'a>) -> Option<Response<'a>> {
    let status = match (key, key.get(1..), key.parse::<u16>()) {
        ("default", ..) => Documented::Default,
        (_, _, Ok(status)) => Documented::Exactly(status),
        (_, Some("XX" | "xx"), _) => Documented::Range(key[..1].parse().ok()?),
        _ => {
            reading.refuse(&at, &format!("`{key}` is no status"));
            return None;
        }
    };
    let headers = reading.members(&at, "headers");
    let headers = headers.into_iter().map(|(name, at)| Header {
        name,
        required: at.flag("required"),
        schema: schema(reading, &at),
        examples: examples::read(reading, &at),
        at,
    });
    let headers = headers.collect();
    Some(Response { status, headers, content: content(reading, &at), at })
}

fn schema<'a>(reading: &mut Reading<'a>, at: &Cursor<'a>) -> Option<Arc<Schema>> {
    let schema = at.get("schema")?;
    match reading.schemas.compile(&schema) {
        Ok(compiled) => Some(compiled),
        Err(why) => {
            reading.refuse(&schema, &format!("the schema cannot be used: {why}"));
            None
        }
    }
}

fn idempotency(at: Cursor<'_>) -> Idempotency<'_> {
    let replay = at.value.get("replay").and_then(Value::as_u64);
    Idempotency { replay: replay.and_then(|status| u16::try_from(status).ok()), at }
}

fn pagination(at: Cursor<'_>) -> Option<Pagination<'_>> {
    Some(Pagination {
        items: at.text("items")?,
        cursor: at.text("cursor")?,
        next: at.text("next")?,
        limit: at.text("limit")?,
        at,
    })
}
