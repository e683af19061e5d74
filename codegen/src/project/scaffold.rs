//! A workspace to go on with, for anyone's contract: what is generated, and what is written once.

use std::path::{Path, PathBuf};

use super::standalone::{
    CLIENT, SERVER, WIRE, dependencies, inherited, local_dependency, place, vendor,
};
use super::{Tree, typescript};
use crate::emit::scaffold::{BEGIN, END};
use crate::emit::{self, GeneratedFile};
use crate::model::System;

/// What is generated, in the places that this project has for it.
pub fn expected(system: &System) -> Tree {
    let name = system.name.words().join("-");
    let mut tree = Tree::default();
    let (wire, server) = (format!("generated/{name}-wire"), format!("generated/{name}-server"));
    place(&mut tree, &wire, emit::rust_wire::emit(system));
    place(&mut tree, &wire, emit::rust_events::emit(system));
    place(&mut tree, &server, emit::rust_server::emit(system));
    place(&mut tree, &format!("generated/{name}-webhooks"), emit::rust_webhooks::emit(system));
    place(&mut tree, "generated/schemas", emit::event_schemas::emit(system));
    place(&mut tree, "generated/schemas", emit::documents::emit(system));
    place(&mut tree, "sdk-rust", emit::rust_sdk::emit(system));
    vendor(&mut tree, "runtime/wire", &WIRE);
    vendor(&mut tree, "runtime/client", &CLIENT);
    vendor(&mut tree, "runtime/server", &SERVER);
    typescript::place(&mut tree, system);
    tree
}

/// The manifest of the workspace: only the versions between its marks are written again.
pub fn manifest(system: &System, tree: &Tree, written_once: &[GeneratedFile]) -> GeneratedFile {
    let mut all = Tree::default();
    all.files.extend(tree.files.iter().map(|(path, text)| (path.clone(), text.clone())));
    all.files.extend(written_once.iter().map(|it| (PathBuf::from(&it.path), it.text.clone())));
    let mut table = dependencies(&all);
    let name = system.name.words().join("-");
    let local = [
        ("symbolon-wire".to_owned(), "runtime/wire".to_owned()),
        ("symbolon-client".to_owned(), "runtime/client".to_owned()),
        ("symbolon-server".to_owned(), "runtime/server".to_owned()),
        (format!("{name}-wire"), format!("generated/{name}-wire")),
        (format!("{name}-server"), format!("generated/{name}-server")),
        (format!("{name}-sdk"), "sdk-rust".to_owned()),
        (format!("{name}-service"), format!("server/{name}")),
    ];
    let told = (format!("{name}-webhooks"), format!("generated/{name}-webhooks"));
    let told = (!system.webhooks.is_empty()).then_some(told);
    // A pattern that matches nothing is an error to cargo.
    let webhooks = if told.is_some() { "\"generated/*-webhooks\", " } else { "" };
    for (package, path) in local.into_iter().chain(told) {
        let dependency = local_dependency(system, &package, &path);
        table.insert(package, dependency);
    }
    let lines = table.iter().map(|(name, value)| format!("{name} = {value}\n"));
    let package = inherited("package").cloned().unwrap_or_default();
    let text = format!(
        "[workspace]\nresolver = \"3\"\n\
         members = [\"generated/*-server\", {webhooks}\"generated/*-wire\", \"runtime/*\", \
         \"sdk-rust\", \
         \"server/*\"]\n\n\
         [workspace.package]\n{}\n\
         [workspace.dependencies]\n\
         # {BEGIN} (written again by `symbolon new`; all outside of these lines is yours)\n\
         {}# {END}\n",
        toml::to_string(&package).expect("a table of plain values is valid TOML"),
        lines.collect::<String>(),
    );
    GeneratedFile { path: "Cargo.toml".to_owned(), text }
}

/// What is to become of a file that is written once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged {
    /// It is not there yet.
    New,
    /// It stays as it is.
    Kept,
    /// What stands between its marks is written again.
    Between(String),
    /// Its marks are gone, so that nothing can be written between them.
    Unmarked,
}

/// What is to become of the file of this path.
pub fn merged(root: &Path, file: &GeneratedFile) -> Merged {
    let Ok(found) = std::fs::read_to_string(root.join(&file.path)) else { return Merged::New };
    let wanted = regions(&file.text);
    if wanted.is_empty() {
        return Merged::Kept;
    }
    let present = regions(&found);
    if present.len() != wanted.len() {
        return Merged::Unmarked;
    }
    let lines: Vec<&str> = found.split_inclusive('\n').collect();
    let fresh: Vec<&str> = file.text.split_inclusive('\n').collect();
    let mut text = String::new();
    let mut next = 0;
    for (old, new) in present.iter().zip(&wanted) {
        text.extend(lines[next..old.0].iter().copied());
        text.extend(fresh[new.0..new.1].iter().copied());
        next = old.1;
    }
    text.extend(lines[next..].iter().copied());
    if text == found { Merged::Kept } else { Merged::Between(text) }
}

/// The lines between marks, from the one behind the first to the one of the last.
fn regions(text: &str) -> Vec<(usize, usize)> {
    let mut regions = Vec::new();
    let mut open = None;
    for (number, line) in text.lines().enumerate() {
        if line.contains(BEGIN) {
            open = Some(number + 1);
        } else if line.contains(END)
            && let Some(first) = open.take()
        {
            regions.push((first, number));
        }
    }
    regions
}
