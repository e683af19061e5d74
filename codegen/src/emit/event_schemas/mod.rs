//! Emits one self-contained JSON Schema (2020-12) for every message of every channel.

use serde_json::{Value, json};

use super::render::GeneratedFile;
use crate::model::System;

/// `<channel>/<Message>.json`.
pub fn emit(system: &System) -> Vec<GeneratedFile> {
    let mut files = Vec::new();
    for channel in &system.channels {
        for message in &channel.messages {
            let mut schema = message.schema.clone();
            if let Value::Object(members) = &mut schema {
                members.insert("title".into(), json!(message.wire));
            }
            let text = super::documents::pretty(&schema);
            let folder = channel.name.words().join("-");
            files.push(GeneratedFile::new(format!("{folder}/{}.json", message.wire), text));
        }
    }
    files
}
