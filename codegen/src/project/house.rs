//! Where generated files live in this project.

use std::path::Path;

use super::Tree;
use crate::emit;
use crate::model::System;

/// The whole generated tree of the project.
pub fn expected(systems: &[System]) -> Tree {
    let mut tree = Tree::default();
    for system in systems {
        let name = system.name.words().join("-");
        let mut place = |folder: String, emitted: Vec<emit::GeneratedFile>| {
            for file in emitted {
                tree.add(Path::new(&folder).join(file.path), file.text);
            }
            tree.owned.insert(folder.into());
        };
        place(format!("generated/{name}-wire"), emit::rust_wire::emit_described(system));
        place(format!("generated/{name}-wire"), emit::rust_events::emit(system));
        place(format!("generated/{name}-server"), emit::rust_server::emit(system));
        if !system.webhooks.is_empty() {
            place(format!("generated/{name}-webhooks"), emit::rust_webhooks::emit(system));
        }
        place(format!("generated/schemas/{name}"), emit::event_schemas::emit(system));
        place(format!("generated/schemas/{name}"), emit::documents::emit(system));
        place(format!("sdk-rust/src/{name}"), as_module(emit::rust_sdk::emit_whole(system)));
        place(format!("sdk-ts/src/{name}"), emit::ts_sdk::emit(system));
    }
    tree
}

/// The SDK crate of one system as a module of the crate that holds all SDKs.
fn as_module(files: Vec<emit::GeneratedFile>) -> Vec<emit::GeneratedFile> {
    files
        .into_iter()
        .filter_map(|file| {
            let path = file.path.strip_prefix("src/")?;
            let path = if path == "lib.rs" { "mod.rs" } else { path };
            Some(emit::GeneratedFile { path: path.to_owned(), text: file.text })
        })
        .collect()
}
