//! Names that tie a request to what happens because of it: correlation id and W3C trace context.

use http::{HeaderMap, HeaderName};
use uuid::Uuid;

pub(crate) const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");

/// The caller's correlation id if it is 1 to 128 visible ASCII characters, else a new UUID v7.
pub(crate) fn id(headers: &HeaderMap) -> String {
    let given = headers.get(CORRELATION_ID).and_then(|value| value.to_str().ok());
    match given {
        Some(id) if is_visible(id, 128) => id.to_owned(),
        Some(_) | None => Uuid::now_v7().to_string(),
    }
}

/// 1 to `limit` visible ASCII characters.
pub(crate) fn is_visible(text: &str, limit: usize) -> bool {
    (1..=limit).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Where this request hangs in a distributed trace.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) trace_id: String,
    pub(crate) parent_id: String,
}

impl Trace {
    /// Reads `traceparent` (W3C Trace Context, version 00 and what extends it).
    pub(crate) fn read(headers: &HeaderMap) -> Self {
        let text = headers.get("traceparent").and_then(|value| value.to_str().ok());
        text.and_then(Self::parse).unwrap_or_default()
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (version, trace_id, parent_id) = (parts.next()?, parts.next()?, parts.next()?);
        let flags = parts.next()?;
        let extended = parts.next().is_some();
        let is_valid = is_hex(version, 2)
            && version != "ff"
            && is_hex(trace_id, 32)
            && is_hex(parent_id, 16)
            && is_hex(flags, 2)
            && !(version == "00" && extended)
            && trace_id.bytes().any(|byte| byte != b'0')
            && parent_id.bytes().any(|byte| byte != b'0');
        is_valid.then(|| Self { trace_id: trace_id.to_owned(), parent_id: parent_id.to_owned() })
    }
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
