//! Emits renditions of the contract for tools that read no 3.1.

mod json;
mod openapi30;
mod openapi31;

use serde_json::Value;

use self::json::Json;
use super::render::GeneratedFile;
use crate::model::System;

/// `openapi-3.0.json`.
pub fn emit(system: &System) -> Vec<GeneratedFile> {
    let document = &system.documents.openapi;
    if document.is_null() {
        return Vec::new();
    }
    let is_newest = document["openapi"].as_str().is_some_and(|text| text.starts_with("3.2"));
    let text = match is_newest {
        true => openapi30::rendition(&openapi31::rendition(document)),
        false => openapi30::rendition(document),
    };
    vec![GeneratedFile::new("openapi-3.0.json", text)]
}

/// JSON with sorted keys, two spaces deep, and a newline at the end.
pub fn pretty(value: &Value) -> String {
    Json::of(|json| sorted(json, value))
}

/// A value with sorted keys, whatever map `serde_json` was built with.
fn sorted(json: &mut Json, value: &Value) {
    match value {
        Value::Object(members) if members.keys().is_sorted() => {
            json.object(members.iter().map(|(name, at)| (name.as_str(), at)), sorted);
        }
        Value::Object(members) => {
            let mut members: Vec<(&str, &Value)> =
                members.iter().map(|(name, at)| (name.as_str(), at)).collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            json.object(members.into_iter(), sorted);
        }
        Value::Array(items) => json.array(items.iter(), sorted),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => json.scalar(value),
    }
}
