//! Parameters as text, by their `style` and `explode` (OpenAPI 3.1, "Style Values").

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::contract::{In, Parameter};

/// Everything but what RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encoded for a path segment or a query part.
pub(crate) fn percent(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// The text of a primitive.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// The text of a path parameter, percent-encoded, or of a header.
pub(crate) fn simple(parameter: &Parameter<'_>, value: &Value) -> String {
    let encode = |value: &Value| match parameter.location {
        In::Path => percent(&plain(value)),
        In::Query | In::Header | In::Cookie => plain(value),
    };
    match value {
        value if holds_nested(value) && parameter.location == In::Path => {
            percent(&value.to_string())
        }
        value if holds_nested(value) => value.to_string(),
        Value::Array(items) => items.iter().map(encode).collect::<Vec<_>>().join(","),
        Value::Object(members) => {
            let between = if parameter.explode == Some(true) { "=" } else { "," };
            let pairs =
                members.iter().map(|(name, value)| format!("{name}{between}{}", encode(value)));
            pairs.collect::<Vec<_>>().join(",")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => encode(value),
    }
}

/// The pairs of a query parameter or cookie, not yet percent-encoded.
pub(crate) fn pairs(parameter: &Parameter<'_>, value: &Value) -> Vec<(String, String)> {
    let style = parameter.style.unwrap_or("form");
    let explode = parameter.explode.unwrap_or(style == "form");
    let name = parameter.name;
    match value {
        Value::Array(_) if explode => repeated(name, value),
        _ if style == "deepObject" => bracketed(name, value),
        value if !explode && holds_nested(value) => vec![(name.to_owned(), value.to_string())],
        Value::Array(items) => {
            let between = match style {
                "spaceDelimited" => " ",
                "pipeDelimited" => "|",
                _ => ",",
            };
            let items: Vec<String> = items.iter().map(plain).collect();
            vec![(name.to_owned(), items.join(between))]
        }
        Value::Object(members) if explode => {
            members.iter().flat_map(|(key, value)| repeated(key, value)).collect()
        }
        Value::Object(members) => {
            let parts = members.iter().flat_map(|(key, value)| [key.clone(), plain(value)]);
            vec![(name.to_owned(), parts.collect::<Vec<_>>().join(","))]
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            vec![(name.to_owned(), plain(value))]
        }
    }
}

/// The pairs of an `application/x-www-form-urlencoded` body.
pub(crate) fn form(value: &Value) -> String {
    let members = value.as_object().into_iter().flatten();
    let pairs = members.flat_map(|(name, value)| repeated(name, value));
    pairs
        .map(|(name, value)| format!("{}={}", percent(&name), percent(&value)))
        .collect::<Vec<_>>()
        .join("&")
}

/// A value under its name: a list of scalars repeats it, what nests deeper has brackets.
fn repeated(name: &str, value: &Value) -> Vec<(String, String)> {
    match value {
        Value::Array(items) if !holds_nested(value) => {
            items.iter().map(|item| (name.to_owned(), plain(item))).collect()
        }
        _ => bracketed(name, value),
    }
}

fn bracketed(name: &str, value: &Value) -> Vec<(String, String)> {
    match value {
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.flat_map(|(index, item)| bracketed(&format!("{name}[{index}]"), item)).collect()
        }
        Value::Object(members) => {
            let members = members.iter();
            members.flat_map(|(key, value)| bracketed(&format!("{name}[{key}]"), value)).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            vec![(name.to_owned(), plain(value))]
        }
    }
}

/// Whether a list or an object holds another one.
fn holds_nested(value: &Value) -> bool {
    let is_nested = |value: &Value| matches!(value, Value::Array(_) | Value::Object(_));
    match value {
        Value::Array(items) => items.iter().any(is_nested),
        Value::Object(members) => members.values().any(is_nested),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{form, pairs, simple};
    use crate::contract::{In, Parameter};

    fn parameter(
        location: In,
        style: Option<&'static str>,
        explode: Option<bool>,
    ) -> Parameter<'static> {
        let (required, schema, examples) = (true, None, Vec::new());
        Parameter { name: "p", location, required, style, explode, schema, examples }
    }

    fn query(style: Option<&'static str>, explode: Option<bool>, value: &Value) -> String {
        let pairs = pairs(&parameter(In::Query, style, explode), value);
        pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    }

    #[test]
    fn query_parameters_follow_style_and_explode() {
        let (list, object) = (json!(["a", 1]), json!({"x": 1, "y": "z"}));
        assert_eq!(query(None, None, &json!(true)), "p=true");
        assert_eq!(query(None, None, &list), "p=a&p=1");
        assert_eq!(query(None, Some(false), &list), "p=a,1");
        assert_eq!(query(Some("pipeDelimited"), None, &list), "p=a|1");
        assert_eq!(query(None, None, &object), "x=1&y=z");
        assert_eq!(query(None, Some(false), &object), "p=x,1,y,z");
        assert_eq!(query(Some("deepObject"), None, &object), "p[x]=1&p[y]=z");
    }

    #[test]
    fn path_values_are_percent_encoded() {
        let path = parameter(In::Path, None, None);
        assert_eq!(simple(&path, &json!("a/b ä")), "a%2Fb%20%C3%A4");
        assert_eq!(simple(&path, &json!(["a", "b,c"])), "a,b%2Cc");
        assert_eq!(simple(&parameter(In::Header, None, None), &json!("a b")), "a b");
    }

    #[test]
    fn forms_repeat_lists() {
        assert_eq!(form(&json!({"a": [1, 2], "b": "x y"})), "a=1&a=2&b=x%20y");
    }
}
