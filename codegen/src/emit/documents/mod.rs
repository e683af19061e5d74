//! Emits renditions of the contract for tools that read no 3.1.

mod openapi30;

use serde_json::Value;

use super::render::GeneratedFile;
use crate::model::System;

/// `openapi-3.0.json`.
pub fn emit(system: &System) -> Vec<GeneratedFile> {
    let older = openapi30::rendition(&system.documents.openapi);
    vec![GeneratedFile::new("openapi-3.0.json", pretty(&older))]
}

/// JSON with sorted keys, two spaces deep, and a newline at the end.
pub fn pretty(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(&sorted(value)).unwrap_or_default();
    text.push('\n');
    text
}

/// Sorted whatever map `serde_json` was built with.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort();
            let members = names.into_iter().map(|name| (name.clone(), sorted(&members[name])));
            Value::Object(members.collect())
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}
