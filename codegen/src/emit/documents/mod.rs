//! Emits renditions of the contract for tools that read no 3.1.

mod openapi30;
mod openapi31;

use serde::{Serialize, Serializer};
use serde_json::Value;

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
    written(&Sorted(value))
}

fn written(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

/// A value with sorted keys, whatever map `serde_json` was built with.
struct Sorted<'v>(&'v Value);

impl Serialize for Sorted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(members) if members.keys().is_sorted() => {
                serializer.collect_map(members.iter().map(|(name, at)| (name, Sorted(at))))
            }
            Value::Object(members) => {
                let mut members: Vec<(&String, &Value)> = members.iter().collect();
                members.sort_unstable_by_key(|(name, _)| *name);
                serializer.collect_map(members.into_iter().map(|(name, at)| (name, Sorted(at))))
            }
            Value::Array(items) => serializer.collect_seq(items.iter().map(Sorted)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                self.0.serialize(serializer)
            }
        }
    }
}
