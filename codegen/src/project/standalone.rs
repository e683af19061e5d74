//! A workspace for anyone's contract: it compiles with nothing but itself and the registries.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::{fs, io};

use include_dir::{Dir, include_dir};
use toml::{Table, Value};

use super::Tree;
use crate::emit::{self, GeneratedFile};
use crate::model::System;

static WIRE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../sdk-rust/wire");
static CLIENT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../sdk-rust/runtime");
static SERVER: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../server/runtime");
static TYPESCRIPT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../sdk-ts/src/runtime");
const TYPESCRIPT_CONFIG: &str = include_str!("../../../sdk-ts/tsconfig.json");
const TYPESCRIPT_PACKAGE: &str = include_str!("../../../sdk-ts/package.json");
const MANIFEST: &str = include_str!("../../../Cargo.toml");

/// The file that lists what was written, so that a later run can delete what is no longer made.
const LEDGER: &str = ".symbolon-files";

/// The whole tree for these targets (names of emitters; empty for all of them).
pub fn expected(system: &System, targets: &[String]) -> Tree {
    let mut tree = Tree::default();
    let wanted = |name: &str| targets.is_empty() || targets.iter().any(|target| target == name);
    let mut members: Vec<&str> = Vec::new();
    let server = wanted("rust_server");
    let sdk = wanted("rust_sdk");
    if wanted("rust_wire") || server || sdk {
        place(&mut tree, "wire", emit::rust_wire::emit(system));
        place(&mut tree, "wire", emit::rust_events::emit(system));
        vendor(&mut tree, "runtime/wire", &WIRE);
        members.extend(["wire", "runtime/wire"]);
    }
    if server {
        place(&mut tree, "server", emit::rust_server::emit(system));
        vendor(&mut tree, "runtime/server", &SERVER);
        members.extend(["server", "runtime/server"]);
    }
    if sdk {
        place(&mut tree, "sdk", emit::rust_sdk::emit(system));
        vendor(&mut tree, "runtime/client", &CLIENT);
        members.extend(["sdk", "runtime/client"]);
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
        typescript(&mut tree, system);
    }
    let listed: String = tree.files.keys().map(|path| format!("{}\n", path.display())).collect();
    tree.add(LEDGER, listed);
    tree
}

/// The files an earlier run wrote into this folder.
///
/// # Errors
/// When the list of them cannot be read.
pub fn former(out: &Path) -> io::Result<BTreeSet<PathBuf>> {
    match fs::read_to_string(out.join(LEDGER)) {
        Ok(text) => Ok(text.lines().map(PathBuf::from).filter(|path| is_inside(path)).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(error),
    }
}

/// Nothing outside the folder is ever deleted, whatever the list says.
fn is_inside(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_)))
}

fn place(tree: &mut Tree, folder: &str, files: Vec<GeneratedFile>) {
    for file in files {
        tree.add(Path::new(folder).join(file.path), file.text);
    }
}

/// A runtime crate without its tests, which need what a user does not have.
fn vendor(tree: &mut Tree, folder: &str, crate_folder: &Dir<'_>) {
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
    let ours: Table = toml::from_str(MANIFEST).expect("this project's own manifest is valid");
    let inherited = |section: &str| -> Option<&Table> {
        ours.get("workspace")?.as_table()?.get(section)?.as_table()
    };
    let mut dependencies = Table::new();
    for (name, value) in inherited("dependencies").into_iter().flatten() {
        if !name.starts_with("symbolon-") && is_used(name, tree) {
            dependencies.insert(name.clone(), value.clone());
        }
    }
    let name = system.name.words().join("-");
    let local = [
        ("symbolon-wire".to_owned(), "runtime/wire"),
        ("symbolon-client".to_owned(), "runtime/client"),
        ("symbolon-server".to_owned(), "runtime/server"),
        (format!("{name}-wire"), "wire"),
        (format!("{name}-server"), "server"),
        (format!("{name}-sdk"), "sdk"),
    ];
    for (package, path) in local.into_iter().filter(|(_, path)| members.contains(path)) {
        let mut table = Table::new();
        table.insert("path".into(), Value::String(path.to_owned()));
        dependencies.insert(package, Value::Table(table));
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

/// Whether a manifest in the tree inherits this dependency.
fn is_used(name: &str, tree: &Tree) -> bool {
    let inherits = |text: &str| {
        text.lines().any(|line| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(".workspace") || rest.starts_with(" = {"))
        })
    };
    tree.files.iter().any(|(path, text)| path.ends_with("Cargo.toml") && inherits(text))
}

fn typescript(tree: &mut Tree, system: &System) {
    let name = system.name.words().join("-");
    place(tree, &format!("sdk-ts/src/{name}"), emit::ts_sdk::emit(system));
    copy_typescript(tree);
    tree.add("sdk-ts/tsconfig.json", TYPESCRIPT_CONFIG.to_owned());
    tree.add("sdk-ts/package.json", package_json(&name));
}

fn copy_typescript(tree: &mut Tree) {
    for file in TYPESCRIPT.files() {
        if let Some(text) = file.contents_utf8() {
            tree.add(Path::new("sdk-ts/src/runtime").join(file.path()), text.to_owned());
        }
    }
}

/// Our package with another name and the exports of one system.
fn package_json(name: &str) -> String {
    let mut package: serde_json::Value =
        serde_json::from_str(TYPESCRIPT_PACKAGE).expect("this project's own package is valid JSON");
    package["name"] = format!("{name}-sdk").into();
    let export = |folder: &str| {
        serde_json::json!({
            "types": format!("./dist/{folder}/index.d.ts"),
            "default": format!("./dist/{folder}/index.js"),
        })
    };
    package["exports"] = serde_json::json!({ ".": export(name), "./runtime": export("runtime") });
    package["scripts"] = serde_json::json!({ "check": "tsc --noEmit" });
    emit::pretty(&package)
}
