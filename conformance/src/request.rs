//! A request as it goes out, and what it was made of.

use serde_json::Value;

use crate::contract::{In, Operation};
use crate::encode;

/// The header that ties a request to its response and its events.
pub(crate) const CORRELATION_ID: &str = "X-Correlation-Id";

/// What a request is to say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Draft {
    pub(crate) parameters: Vec<(In, String, Value)>,
    /// Media type and value.
    pub(crate) body: Option<(String, Value)>,
    pub(crate) credential: Option<String>,
}

impl Draft {
    /// Sets a parameter, in place of one of the same name.
    pub(crate) fn set(&mut self, location: In, name: &str, value: Value) {
        self.parameters.retain(|(at, known, _)| (*at, known.as_str()) != (location, name));
        self.parameters.push((location, name.to_owned(), value));
    }

    /// The value of a parameter; header names do not mind case.
    pub(crate) fn get(&self, location: In, name: &str) -> Option<&Value> {
        let found = self.parameters.iter().find(|(at, known, _)| {
            *at == location
                && (known == name || at == &In::Header && known.eq_ignore_ascii_case(name))
        });
        found.map(|(_, _, value)| value)
    }
}

/// A request ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query, percent-encoded.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) correlation_id: String,
    pub(crate) draft: Draft,
}

/// Builds the request of a draft, with these headers for its credential.
pub(crate) fn build(
    operation: &Operation<'_>,
    draft: &Draft,
    credential: Vec<(String, String)>,
    correlation_id: String,
) -> Request {
    let mut path = operation.path.to_owned();
    let mut query = Vec::new();
    let mut cookies = Vec::new();
    let mut headers = credential;
    for (location, name, value) in &draft.parameters {
        let Some(parameter) = operation.parameter(*location, name) else {
            // Not of the contract: sent as it is.
            let text = encode::plain(value);
            match location {
                In::Query => query.push((name.clone(), text)),
                In::Cookie => cookies.push((name.clone(), text)),
                In::Path | In::Header => headers.push((name.clone(), text)),
            }
            continue;
        };
        match location {
            In::Path => {
                path = path.replace(&format!("{{{name}}}"), &encode::simple(parameter, value));
            }
            In::Header => headers.push((name.clone(), encode::simple(parameter, value))),
            In::Query => query.extend(encode::pairs(parameter, value)),
            In::Cookie => cookies.extend(encode::pairs(parameter, value)),
        }
    }
    if !cookies.is_empty() {
        let cookies: Vec<String> =
            cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        headers.push(("Cookie".to_owned(), cookies.join("; ")));
    }
    let body = draft.body.as_ref().map(|(media_type, value)| {
        headers.push(("Content-Type".to_owned(), media_type.clone()));
        body_bytes(media_type, value)
    });
    headers.push((CORRELATION_ID.to_owned(), correlation_id.clone()));
    let target = with_query(path, &query);
    let method = operation.method.clone();
    Request { method, target, headers, body, correlation_id, draft: draft.clone() }
}

fn with_query(path: String, query: &[(String, String)]) -> String {
    let pair = |(name, value): &(String, String)| {
        format!("{}={}", encode::percent(name), encode::percent(value))
    };
    match query {
        [] => path,
        pairs => format!("{path}?{}", pairs.iter().map(pair).collect::<Vec<_>>().join("&")),
    }
}

fn body_bytes(media_type: &str, value: &Value) -> Vec<u8> {
    if crate::contract::is_json(media_type) {
        return value.to_string().into_bytes();
    }
    if media_type.starts_with("application/x-www-form-urlencoded") {
        return encode::form(value).into_bytes();
    }
    encode::plain(value).into_bytes()
}

impl Request {
    /// The value of a header that was sent.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The JSON body, if there is one.
    pub(crate) fn json(&self) -> Option<&Value> {
        self.draft.body.as_ref().map(|(_, value)| value)
    }
}
