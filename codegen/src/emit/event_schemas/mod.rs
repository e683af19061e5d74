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
            let file = file_name(&message.wire);
            files.push(GeneratedFile::new(format!("{folder}/{file}.json"), text));
        }
    }
    files
}

/// The name of a message as that of a file, which must not lead out of its folder.
fn file_name(message: &str) -> String {
    let name = message.replace(|c: char| !c.is_alphanumeric() && !"._-".contains(c), "-");
    if name.starts_with('.') { format!("-{name}") } else { name }
}
