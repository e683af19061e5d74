//! A 3.0 rendition of a 3.1 document, for tools that read nothing newer.

use serde_json::{Map, Value, json};

/// The document with every 3.1 construct spelled in 3.0, as far as 3.0 can say it.
pub(super) fn rendition(document: &Value) -> Value {
    let mut value = walk(document);
    if let Value::Object(members) = &mut value {
        members.insert("openapi".into(), json!("3.0.3"));
        members.remove("webhooks");
        members.remove("jsonSchemaDialect");
        if let Some(Value::Object(info)) = members.get_mut("info") {
            info.remove("summary");
        }
    }
    value
}

fn walk(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(walk).collect(),
        Value::Object(members) => {
            let members: Map<String, Value> = members
                .iter()
                .filter(|(name, _)| !name.starts_with("x-"))
                .map(|(name, member)| (name.clone(), walk(member)))
                .collect();
            Value::Object(schema(members))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// Only keywords of schemas are touched; other objects pass unchanged.
fn schema(mut members: Map<String, Value>) -> Map<String, Value> {
    if members.contains_key("$ref") {
        members.retain(|name, _| name == "$ref");
        return members;
    }
    if let Some(Value::Array(names)) = members.get("type") {
        let nullable = names.iter().any(|name| name == "null");
        let mut rest: Vec<Value> = names.iter().filter(|name| *name != "null").cloned().collect();
        match rest.len() {
            1 => {
                members.insert("type".into(), rest.swap_remove(0));
            }
            _ => {
                members.remove("type");
            }
        }
        if nullable {
            members.insert("nullable".into(), json!(true));
        }
    }
    // A member named `const` with a sibling `type` is the keyword, not a property's name.
    if let Some(value) = members.get("const").filter(|value| !value.is_object()).cloned() {
        members.remove("const");
        let ty = if value.is_string() { "string" } else { "integer" };
        members.entry("type").or_insert(json!(ty));
        members.insert("enum".into(), json!([value]));
    }
    for (exclusive, inclusive) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")]
    {
        if let Some(bound) = members.get(exclusive).filter(|bound| bound.is_number()).cloned() {
            members.insert(inclusive.into(), bound);
            members.insert(exclusive.into(), json!(true));
        }
    }
    for keyword in ["oneOf", "anyOf"] {
        if let Some(Value::Array(items)) = members.get_mut(keyword) {
            let before = items.len();
            items.retain(|item| item.get("type") != Some(&json!("null")));
            if items.len() < before {
                members.insert("nullable".into(), json!(true));
            }
        }
    }
    if members.contains_key("type") {
        for unknown in ["propertyNames", "patternProperties", "unevaluatedProperties", "examples"] {
            members.remove(unknown);
        }
    }
    members
}
