//! Every folder of `tests/cases` with a `case.toml` is a test: a contract, what is wrong with it,
//! and the files that come of it. `UPDATE_EXPECT=1` writes what came out; read the diff.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde::Deserialize;
use symbolon_codegen::diagnostic::{Severity, render, to_json};
use symbolon_codegen::emit;
use symbolon_codegen::model::System;
use symbolon_codegen::project::{Contract, collect_overlaid};
use symbolon_codegen::resolve::Entry;
use symbolon_codegen::source::{Unread, is_remote};

/// What `case.toml` says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What the case shows, in a sentence.
    #[allow(dead_code, reason = "it is there for readers")]
    shows: String,
    /// The entry file.
    #[serde(default = "openapi")]
    openapi: String,
    /// Overlays, in the order they are laid.
    #[serde(default)]
    overlays: Vec<String>,
    /// Whether to bear with what leaves one place untyped, as `symbolon gen` does.
    #[serde(default)]
    bearing: bool,
    /// Whether `untyped.txt` lists every place that any JSON fits.
    #[serde(default)]
    untyped: bool,
    /// Generated files that must be as they are under `expected`.
    #[serde(default)]
    outputs: Vec<String>,
}

fn openapi() -> String {
    "openapi.yaml".to_owned()
}

pub(crate) fn cases_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

/// The contract in a folder, whose paths are relative to it.
pub(crate) fn contract(folder: &Path, openapi: &str, overlays: &[String]) -> Contract {
    let asyncapi = folder.join("asyncapi.yaml").exists().then_some("asyncapi.yaml");
    let entry = Entry { name: "case", openapi, asyncapi, command: "symbolon gen" };
    let read = |path: &str| match path {
        remote if is_remote(remote) => Err(Unread::Remote),
        outside if outside.starts_with(['.', '/']) => Err(Unread::Outside),
        // The words of the system differ from one to the next.
        inside => fs::read_to_string(folder.join(inside))
            .map_err(|_| Unread::Failed("no such file".to_owned())),
    };
    collect_overlaid(entry, overlays, &read)
}

/// Every generated file, by its path in a workspace of its own.
pub(crate) fn outputs(system: &System) -> BTreeMap<String, String> {
    let halves = [
        ("wire", emit::rust_wire::emit(system)),
        ("wire", emit::rust_events::emit(system)),
        ("server", emit::rust_server::emit(system)),
        ("sdk", emit::rust_sdk::emit(system)),
        ("webhooks", emit::rust_webhooks::emit(system)),
        ("sdk-ts", emit::ts_sdk::emit(system)),
        ("schemas", emit::event_schemas::emit(system)),
        ("schemas", emit::documents::emit(system)),
    ];
    let files = halves.into_iter().flat_map(|(half, files)| {
        files.into_iter().map(move |file| (format!("{half}/{}", file.path), file.text))
    });
    files.collect()
}

#[test]
fn contracts_become_what_is_expected() {
    let mut differing = Vec::new();
    let mut folders: Vec<PathBuf> =
        fs::read_dir(cases_folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let only = env::var("CASE").unwrap_or_default();
    for folder in folders.iter().filter(|folder| folder.join("case.toml").exists()) {
        if folder.to_string_lossy().contains(&only) {
            check(folder, &mut differing);
        }
    }
    assert!(differing.is_empty(), "UPDATE_EXPECT=1 writes them:\n{}", differing.join("\n"));
}

fn check(folder: &Path, differing: &mut Vec<String>) {
    let case = fs::read_to_string(folder.join("case.toml")).unwrap();
    let case: Case = toml::from_str(&case).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let contract = contract(folder, &case.openapi, &case.overlays);
    let contract = if case.bearing { contract.bearing() } else { contract };
    let problems = match contract.problems.as_slice() {
        [] => String::new(),
        problems => format!("{}\n", render(problems, &contract.sources)),
    };
    compare(&folder.join("problems.txt"), &problems, differing);
    if case.untyped {
        let places = to_json(&contract.untyped, &contract.sources);
        let line = |place: &serde_json::Value| {
            let [line, pointer, why] =
                ["line", "pointer", "why"].map(|key| place[key].to_string().replace('"', ""));
            format!("{line} {pointer}\n    {why}\n")
        };
        let lines: String = places.iter().map(line).collect();
        compare(&folder.join("untyped.txt"), &lines, differing);
    }
    let sound = contract.problems.iter().all(|problem| problem.severity != Severity::Error);
    assert!(
        sound || case.outputs.is_empty(),
        "{folder:?}: nothing comes of a contract with errors"
    );
    let outputs = outputs(&contract.system);
    for wanted in &case.outputs {
        let text = outputs.get(wanted).unwrap_or_else(|| {
            panic!("{folder:?}: no `{wanted}` among {:?}", outputs.keys().collect::<Vec<_>>())
        });
        compare(&folder.join("expected").join(wanted), text, differing);
    }
}

/// Compares with a golden file, which is absent where nothing is expected.
fn compare(path: &Path, text: &str, differing: &mut Vec<String>) {
    let expected = fs::read_to_string(path).unwrap_or_default();
    if expected == text {
        return;
    }
    if env::var_os("UPDATE_EXPECT").is_none() {
        differing.push(format!("--- {}\n{}", path.display(), difference(&expected, text)));
    } else if text.is_empty() {
        fs::remove_file(path).unwrap();
    } else {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// The lines from the first one that differs.
fn difference(expected: &str, found: &str) -> String {
    let same =
        expected.lines().zip(found.lines()).take_while(|(left, right)| left == right).count();
    let from = |text: &str| text.lines().skip(same).take(12).collect::<Vec<_>>().join("\n");
    format!("line {}, expected:\n{}\nfound:\n{}", same + 1, from(expected), from(found))
}
