//! A 3.0 rendition of a 3.1 document, for tools that read nothing newer. It is written as it is
//! read: documents are too big to be copied first.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::json::Json;

/// The document with every 3.1 construct spelled in 3.0, as far as 3.0 can say it.
pub(super) fn rendition(document: &Value) -> String {
    let Value::Object(document) = document else {
        return Json::of(|json| older(json, document));
    };
    let is_newer = |name: &str| matches!(name, "webhooks" | "jsonSchemaDialect");
    let version = json!("3.0.3");
    let mut members: BTreeMap<&str, Cow<'_, Value>> = document
        .iter()
        .filter(|(name, _)| is_kept(name) && !is_newer(name))
        .map(|(name, member)| (name.as_str(), Cow::Borrowed(member)))
        .collect();
    if let Some(Value::Object(info)) = document.get("info") {
        let mut info = info.clone();
        info.remove("summary");
        members.insert("info", Cow::Owned(Value::Object(info)));
    }
    members.insert("openapi", Cow::Owned(version));
    Json::of(|json| write(json, &members))
}

/// A value of the document as 3.0 spells it.
fn older(json: &mut Json, value: &Value) {
    match value {
        Value::Object(members) if !members.iter().any(is_respelled) => {
            let kept = members.iter().filter(|(name, _)| is_kept(name));
            json.object(kept.map(|(name, at)| (name.as_str(), at)), older);
        }
        Value::Object(members) => {
            let kept = members.iter().filter(|(name, _)| is_kept(name));
            let mut members = kept.map(|(name, at)| (name.as_str(), Cow::Borrowed(at))).collect();
            schema(&mut members);
            write(json, &members);
        }
        Value::Array(items) => json.array(items.iter(), older),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => json.scalar(value),
    }
}

/// Members that were spelled already, their values not yet.
fn write(json: &mut Json, members: &BTreeMap<&str, Cow<'_, Value>>) {
    json.object(members.iter().map(|(name, at)| (*name, &**at)), older);
}

fn is_kept(name: &str) -> bool {
    !name.starts_with("x-")
}

/// Whether a member may be one that [`schema`] has to look at.
fn is_respelled((name, value): (&String, &Value)) -> bool {
    match name.as_str() {
        "type" => value.is_array(),
        "$ref"
        | "const"
        | "exclusiveMinimum"
        | "exclusiveMaximum"
        | "oneOf"
        | "anyOf"
        | "propertyNames"
        | "patternProperties"
        | "unevaluatedProperties"
        | "examples" => true,
        _ => false,
    }
}

/// Only keywords of schemas are touched; other objects pass unchanged.
fn schema<'v>(members: &mut BTreeMap<&'v str, Cow<'v, Value>>) {
    if members.contains_key("$ref") {
        members.retain(|name, _| *name == "$ref");
        return;
    }
    if let Some(Value::Array(names)) = members.get("type").map(|names| &**names) {
        let nullable = names.iter().any(|name| name == "null");
        let mut rest: Vec<Value> = names.iter().filter(|name| *name != "null").cloned().collect();
        match rest.len() {
            1 => {
                members.insert("type", Cow::Owned(rest.swap_remove(0)));
            }
            _ => {
                members.remove("type");
            }
        }
        if nullable {
            members.insert("nullable", Cow::Owned(json!(true)));
        }
    }
    // A member named `const` with a sibling `type` is the keyword, not a property's name.
    if let Some(value) = members.get("const").filter(|value| !value.is_object()).cloned() {
        members.remove("const");
        let ty = if value.is_string() { "string" } else { "integer" };
        members.entry("type").or_insert_with(|| Cow::Owned(json!(ty)));
        members.insert("enum", Cow::Owned(json!([value])));
    }
    for (exclusive, inclusive) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")]
    {
        if let Some(bound) = members.get(exclusive).filter(|bound| bound.is_number()).cloned() {
            members.insert(inclusive, bound);
            members.insert(exclusive, Cow::Owned(json!(true)));
        }
    }
    for keyword in ["oneOf", "anyOf"] {
        let null = json!("null");
        let is_null = |item: &Value| item.get("type") == Some(&null);
        let Some(Value::Array(items)) = members.get(keyword).map(|items| &**items) else {
            continue;
        };
        if items.iter().any(is_null) {
            let kept = items.iter().filter(|item| !is_null(item)).cloned().collect();
            members.insert(keyword, Cow::Owned(kept));
            members.insert("nullable", Cow::Owned(json!(true)));
        }
    }
    if members.contains_key("type") {
        for unknown in ["propertyNames", "patternProperties", "unevaluatedProperties", "examples"] {
            members.remove(unknown);
        }
    }
}
