//! A workspace for anyone's contract: it compiles with nothing but itself and the registries.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::sync::LazyLock;
use std::{fs, io};

use include_dir::{Dir, include_dir};
use toml::{Table, Value};

use super::{Change, Tree, TreeError, apply, typescript};
use crate::emit::{self, GeneratedFile};
use crate::model::System;

pub(super) static WIRE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../sdk-rust/wire");
pub(super) static CLIENT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../sdk-rust/runtime");
pub(super) static SERVER: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../server/runtime");
const MANIFEST: &str = include_str!("../../../Cargo.toml");

/// The file that lists what was written, so that a later run can delete what is no longer made.
const LEDGER: &str = ".symbolon-files";

/// The whole tree for these targets (names of emitters; empty for all of them).
pub fn expected(system: &System, targets: &[String]) -> Tree {
    let mut tree = Tree::default();
    let wanted = |name: &str| targets.is_empty() || targets.iter().any(|target| target == name);
    let mut members: Vec<&str> = Vec::new();
    // Who has only events has no requests to serve or to send.
    let is_asked = !system.documents.openapi.is_null() || !system.sockets.is_empty();
    let server = is_asked && wanted("rust_server");
    let sdk = is_asked && wanted("rust_sdk");
    let webhooks = !system.webhooks.is_empty() && wanted("rust_webhooks");
    if wanted("rust_wire") || wanted("rust_events") || server || sdk || webhooks {
        place(&mut tree, "wire", emit::rust_wire::emit(system));
        place(&mut tree, "wire", emit::rust_events::emit(system));
        vendor(&mut tree, "runtime/wire", &WIRE);
        members.extend(["wire", "runtime/wire"]);
    }
    if server {
        place(&mut tree, "server", emit::rust_server::emit(system));
        members.push("server");
    }
    if sdk {
        place(&mut tree, "sdk", emit::rust_sdk::emit(system));
        members.push("sdk");
    }
    if webhooks {
        place(&mut tree, "webhooks", emit::rust_webhooks::emit(system));
        members.push("webhooks");
    }
    if server || webhooks {
        vendor(&mut tree, "runtime/server", &SERVER);
        members.push("runtime/server");
    }
    if sdk || webhooks {
        vendor(&mut tree, "runtime/client", &CLIENT);
        members.push("runtime/client");
    }
    if !members.is_empty() {
        members.sort_unstable();
        tree.add("Cargo.toml", workspace(system, &members, &tree));
    }
    if wanted("event_schemas") {
        place(&mut tree, "schemas", emit::event_schemas::emit(system));
    }
    if wanted("documents") {
        place(&mut tree, "schemas", emit::documents::emit(system));
    }
    if wanted("ts_sdk") {
        typescript::place(&mut tree, system);
    }
    tree
}

/// The files an earlier run wrote into this folder.
///
/// # Errors
/// When the list of them cannot be read.
pub fn former(out: &Path) -> Result<BTreeSet<PathBuf>, TreeError> {
    let path = out.join(LEDGER);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(text.lines().map(PathBuf::from).filter(|path| is_inside(path)).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(source) => Err(TreeError { path, source }),
    }
}

/// The files that a run would overwrite and no earlier run wrote: somebody else's.
pub fn foreign(out: &Path, tree: &Tree, changes: &[Change]) -> Vec<PathBuf> {
    changes
        .iter()
        .map(|change| &change.path)
        .filter(|path| !tree.former.contains(*path) && out.join(path).exists())
        .cloned()
        .collect()
}

/// Makes the changes and keeps the list of files true, also when a run is cut short: before the
/// first change it lists what was there and what will be, after the last what is.
///
/// # Errors
/// When the disk cannot be written.
pub fn write(out: &Path, tree: &Tree, changes: &[Change]) -> Result<(), TreeError> {
    let both: BTreeSet<&PathBuf> = tree.former.iter().chain(tree.files.keys()).collect();
    list(out, both)?;
    apply(out, tree, changes)?;
    list(out, tree.files.keys())
}

fn list<'p>(out: &Path, files: impl IntoIterator<Item = &'p PathBuf>) -> Result<(), TreeError> {
    let text: String = files.into_iter().map(|path| format!("{}\n", path.display())).collect();
    let path = out.join(LEDGER);
    let written = fs::create_dir_all(out).and_then(|()| fs::write(&path, text));
    written.map_err(|source| TreeError { path, source })
}

/// Nothing outside the folder is ever deleted, whatever the list says.
fn is_inside(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_)))
}

pub(super) fn place(tree: &mut Tree, folder: &str, files: Vec<GeneratedFile>) {
    for file in files {
        tree.add(Path::new(folder).join(file.path), file.text);
    }
}

/// A runtime crate without its tests, which need what a user does not have.
pub(super) fn vendor(tree: &mut Tree, folder: &str, crate_folder: &Dir<'_>) {
    if let Some(manifest) =
        crate_folder.get_file("Cargo.toml").and_then(|file| file.contents_utf8())
    {
        let own = manifest.split("\n[dev-dependencies]").next().unwrap_or(manifest);
        let text = format!("{}\n", own.trim_end().replace("[lints]\nworkspace = true\n\n", ""));
        tree.add(Path::new(folder).join("Cargo.toml"), text);
    }
    if let Some(sources) = crate_folder.get_dir("src") {
        copy(tree, folder, sources);
    }
}

fn copy(tree: &mut Tree, folder: &str, from: &Dir<'_>) {
    for file in from.files() {
        if let Some(text) = file.contents_utf8() {
            tree.add(Path::new(folder).join(file.path()), text.to_owned());
        }
    }
    for inner in from.dirs() {
        copy(tree, folder, inner);
    }
}

/// The manifest of the workspace: versions of dependencies are those of this very project.
fn workspace(system: &System, members: &[&str], tree: &Tree) -> String {
    let mut dependencies = dependencies(tree);
    let name = system.name.words().join("-");
    let local = [
        ("symbolon-wire".to_owned(), "runtime/wire"),
        ("symbolon-client".to_owned(), "runtime/client"),
        ("symbolon-server".to_owned(), "runtime/server"),
        (format!("{name}-wire"), "wire"),
        (format!("{name}-server"), "server"),
        (format!("{name}-sdk"), "sdk"),
        (format!("{name}-webhooks"), "webhooks"),
    ];
    for (package, path) in local.into_iter().filter(|(_, path)| members.contains(path)) {
        let dependency = local_dependency(system, &package, path);
        dependencies.insert(package, dependency);
    }
    let mut workspace = Table::new();
    workspace.insert("resolver".into(), "3".into());
    let members: Vec<Value> = members.iter().map(|member| Value::from(*member)).collect();
    workspace.insert("members".into(), Value::Array(members));
    if let Some(package) = inherited("package") {
        workspace.insert("package".into(), Value::Table(package.clone()));
    }
    workspace.insert("dependencies".into(), Value::Table(dependencies));
    let mut document = Table::new();
    document.insert("workspace".into(), Value::Table(workspace));
    let text = toml::to_string(&document).expect("a table of plain values is valid TOML");
    let heading =
        format!("# @generated by `{}` from {}; do not edit.", system.command, system.contract);
    format!("{heading}\n{text}")
}

/// A crate of the workspace as a dependency. Who depends on the wire crate says which of its tags
/// are needed.
pub(super) fn local_dependency(system: &System, package: &str, path: &str) -> Value {
    let mut table = Table::from_iter([("path".to_owned(), Value::from(path))]);
    let wire = format!("{}-wire", system.name.words().join("-"));
    if package == wire && emit::is_split(system) {
        table.insert("default-features".into(), Value::Boolean(false));
    }
    Value::Table(table)
}

/// A table of this project's own workspace.
pub(super) fn inherited(section: &str) -> Option<&'static Table> {
    static OURS: LazyLock<Table> =
        LazyLock::new(|| toml::from_str(MANIFEST).expect("this project's own manifest is valid"));
    OURS.get("workspace")?.as_table()?.get(section)?.as_table()
}

/// What the manifests in the tree inherit of what others made, as this very project has it.
pub(super) fn dependencies(tree: &Tree) -> Table {
    let manifests = tree.files.iter().filter(|(path, _)| path.ends_with("Cargo.toml"));
    let inherited_names: BTreeSet<&str> =
        manifests.flat_map(|(_, text)| text.lines()).filter_map(inherits).collect();
    let all = inherited("dependencies").into_iter().flatten();
    let used = all.filter(|(name, _)| {
        !name.starts_with("symbolon-") && inherited_names.contains(name.as_str())
    });
    used.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The name of the dependency that a line of a manifest inherits, if it does.
fn inherits(line: &str) -> Option<&str> {
    let (name, _) = line.split_once(".workspace").or_else(|| line.split_once(" = {"))?;
    (!name.contains(['=', ' '])).then_some(name)
}
