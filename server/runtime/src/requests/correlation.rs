//! Names that tie a request to what happens because of it: correlation id and W3C trace context.

use http::{HeaderMap, HeaderName};
use symbolon_wire::TraceParent;
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

/// Where this request hangs in a distributed trace, by `traceparent` (W3C Trace Context). What is
/// none, or is there twice, is dropped.
pub(crate) fn trace_parent(headers: &HeaderMap) -> Option<TraceParent> {
    let mut given = headers.get_all("traceparent").iter();
    let (only, None) = (given.next()?, given.next()) else { return None };
    only.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_trace_parent_is_one_valid_header_or_none() {
        for (given, expected) in [
            (vec![TEXT], Some(TEXT)),
            (vec![TEXT, TEXT], None),
            (vec!["00-0-0-01"], None),
            (vec![], None),
        ] {
            let mut headers = HeaderMap::new();
            for text in given {
                headers.append("traceparent", http::HeaderValue::from_static(text));
            }
            let found = trace_parent(&headers).map(|it| it.to_string());
            assert_eq!(found.as_deref(), expected);
        }
    }
}
