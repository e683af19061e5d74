//! A line to paste for every route.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use symbolon_codegen::source::Cursor;
use symbolon_server::Method;

use crate::contract::{Contract, Location, Operation, Parameter, is_json, plain};
use crate::sample::sample;

/// Everything but what RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A command line that calls an operation as its first example does, or with made-up values.
pub fn curl(contract: &Contract, operation: &Operation, url: &str, seed: u64) -> String {
    let cases = operation.cases();
    let usual = |case: &&crate::contract::Case<'_>| {
        let success = case.answers.first().is_none_or(|shown| shown.response.status.is_success());
        success && !case.is_of_another_caller
    };
    let case = cases.iter().find(usual);
    let mut path = operation.path.to_owned();
    let mut query = Vec::new();
    let mut words = vec!["curl".to_owned(), "-i".to_owned()];
    if operation.method != Method::GET {
        words.extend(["-X".to_owned(), operation.method.to_string()]);
    }
    let mut header = |name: &str, value: &str| {
        words.extend(["-H".to_owned(), quoted(&format!("{name}: {value}"))]);
    };
    for (index, parameter) in operation.parameters.iter().enumerate() {
        let shown = case.and_then(|case| {
            case.parameters.iter().find(|(at, _)| *at == index).map(|(_, value)| *value)
        });
        let Some(value) = value(parameter, shown, seed) else { continue };
        match parameter.location {
            Location::Path => {
                let name = format!("{{{}}}", parameter.name);
                path = path.replace(&name, &text(parameter, &value));
            }
            Location::Query => query.extend(pairs(parameter, &value)),
            Location::Header => header(parameter.name, &text(parameter, &value)),
            Location::Cookie => header("Cookie", &pairs(parameter, &value).join("; ")),
        }
    }
    for (scheme, _) in operation.security.first().into_iter().flatten() {
        match contract.schemes.get(scheme).and_then(credential) {
            Some(Credential::Header(name, value)) => header(name, value),
            Some(Credential::Query(name)) => query.push(format!("{}=secret", percent(name))),
            None => {}
        }
    }
    let shown = case.and_then(|case| case.body);
    let body = shown.or_else(|| operation.is_body_required.then_some((0, &Value::Null)));
    if let Some((index, shown)) = body
        && let Some(media) = operation.bodies.get(index)
    {
        let made = || media.schema.as_ref().map(|schema| sample(schema, seed).value);
        let value = if shown.is_null() { made().unwrap_or_default() } else { shown.clone() };
        body_words(media.name, &value, &mut words);
    }
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    words.push(quoted(&format!("{url}{path}{query}")));
    words.join(" ")
}

fn value(parameter: &Parameter, shown: Option<&Value>, seed: u64) -> Option<Value> {
    let first = || parameter.examples.first().map(|example| example.value.clone());
    let made = || parameter.schema.as_ref().map(|schema| sample(schema, seed).value);
    match shown {
        Some(shown) => Some(shown.clone()),
        None if parameter.is_required => first().or_else(made).or(Some("1".into())),
        None => None,
    }
}

fn body_words(media: &str, value: &Value, words: &mut Vec<String>) {
    let members = || value.as_object().into_iter().flatten();
    match media {
        _ if is_json(media) => {
            words.extend(["-H".to_owned(), quoted(&format!("Content-Type: {media}"))]);
            words.extend(["-d".to_owned(), quoted(&value.to_string())]);
        }
        "multipart/form-data" => {
            for (name, value) in members() {
                words.extend(["-F".to_owned(), quoted(&format!("{name}={}", plain(value)))]);
            }
        }
        "application/x-www-form-urlencoded" => {
            for (name, value) in members() {
                let pair = format!("{name}={}", plain(value));
                words.extend(["--data-urlencode".to_owned(), quoted(&pair)]);
            }
        }
        _ => {
            words.extend(["-H".to_owned(), quoted(&format!("Content-Type: {media}"))]);
            words.extend(["-d".to_owned(), quoted(&plain(value))]);
        }
    }
}

/// What to present for a scheme.
enum Credential {
    Header(&'static str, &'static str),
    Query(&'static str),
}

fn credential(scheme: &Cursor<'static>) -> Option<Credential> {
    let name = scheme.text("name").unwrap_or_default();
    match (scheme.text("type")?, scheme.text("in")) {
        ("apiKey", Some("query")) => Some(Credential::Query(name)),
        ("apiKey", Some("cookie")) => {
            Some(Credential::Header("Cookie", crate::contract::kept(format!("{name}=secret"))))
        }
        ("apiKey", _) => Some(Credential::Header(name, "secret")),
        ("mutualTLS", _) => None,
        ("http", _) if scheme.text("scheme").is_some_and(|s| s.eq_ignore_ascii_case("basic")) => {
            Some(Credential::Header("Authorization", "Basic c29tZWJvZHk6c2VjcmV0"))
        }
        (_, _) => Some(Credential::Header("Authorization", "Bearer secret")),
    }
}

/// A value as the runtimes write it; one that they refuse is shown as it stands.
fn pairs(parameter: &Parameter, value: &Value) -> Vec<String> {
    let written = parameter
        .wire()
        .encode_pairs(value)
        .unwrap_or_else(|_| vec![(percent(parameter.name), percent(&plain(value)))]);
    written.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
}

fn text(parameter: &Parameter, value: &Value) -> String {
    let written = parameter.wire().encode_text(value).ok().flatten();
    written.unwrap_or_else(|| percent(&plain(value)))
}

fn percent(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Quoted for a shell, where that is needed.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~/:=@%".contains(c);
    if text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
