//! The TypeScript client: its text, and that a compiler takes it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use symbolon_codegen::emit::{GeneratedFile, ts_sdk};
use symbolon_codegen::resolve::{Entry, resolve};
use symbolon_codegen::source::Sources;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The client of a contract, whose paths are relative to `root`.
fn client(root: &Path, name: &str, openapi: &str, asyncapi: Option<&str>) -> Vec<GeneratedFile> {
    let mut sources = Sources::default();
    for path in [Some(openapi), asyncapi].into_iter().flatten() {
        let errors = sources.add(path, &|path| Ok(fs::read_to_string(root.join(path))?));
        assert!(errors.is_empty(), "{errors:?}");
    }
    let entry = Entry { name, openapi, asyncapi, command: "cargo xtask gen" };
    ts_sdk::emit(&resolve(&sources, entry).0)
}

fn calls() -> Vec<GeneratedFile> {
    let asyncapi = Some("contracts/calls/asyncapi.yaml");
    client(&repository(), "calls", "contracts/calls/openapi.yaml", asyncapi)
}

fn hostile() -> Vec<GeneratedFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/typescript-hostile-names");
    client(&root, "core", "openapi.yaml", None)
}

/// Compares with the file of a case, or writes it where `UPDATE_EXPECT` says so.
fn expect(case: &str, file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(case).join(file);
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{} differs; UPDATE_EXPECT=1 writes it", path.display());
}

#[test]
fn typescript_keeps_hostile_names_apart() {
    for file in hostile() {
        expect("typescript-hostile-names", &format!("expected/{}", file.path), &file.text);
    }
}

#[test]
fn typescript_lists_pages() {
    let files = calls();
    let file = files.iter().find(|file| file.path == "service-calls.ts").unwrap();
    let from = file.text.find("/** What `listServiceCalls` sends").unwrap();
    let rest = &file.text[from..];
    let to = rest.find("/** What `submitServiceCall` sends").unwrap_or(rest.len());
    expect("typescript-listing", "expected.ts", &rest[..to]);
}

#[test]
fn typescript_is_the_same_every_time() {
    assert_eq!(hostile(), hostile());
}

/// Compiles every client there is, where a compiler is installed beside the runtime.
#[test]
fn typescript_type_checks() {
    let sdk = repository().join("sdk-ts");
    let compiler = sdk.join("node_modules/.bin/tsc");
    if !compiler.exists() {
        eprintln!("skipped: no TypeScript compiler; run `npm ci` in sdk-ts");
        return;
    }
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("typescript");
    let _ = fs::remove_dir_all(&root);
    write(&root.join("src/calls"), calls());
    write(&root.join("src/hostile"), hostile());
    for file in corpus() {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let folder = file.parent().unwrap();
        let openapi = file.file_name().unwrap().to_str().unwrap();
        write(&root.join("src").join(name), client(folder, name, openapi, None));
    }
    fs::create_dir_all(root.join("src/runtime")).unwrap();
    for file in fs::read_dir(sdk.join("src/runtime")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), root.join("src/runtime").join(file.file_name())).unwrap();
    }
    fs::copy(sdk.join("tsconfig.json"), root.join("tsconfig.json")).unwrap();
    fs::write(root.join("package.json"), "{ \"type\": \"module\" }\n").unwrap();
    let output = Command::new(compiler).args(["-p", "."]).current_dir(&root).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// Public contracts in the folder that `SYMBOLON_CORPUS` names.
fn corpus() -> Vec<PathBuf> {
    let Some(folder) = env::var_os("SYMBOLON_CORPUS") else {
        eprintln!("skipped: SYMBOLON_CORPUS names no folder of public contracts");
        return Vec::new();
    };
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_contract =
        |path: &PathBuf| path.extension().is_some_and(|end| end == "json" || end == "yaml");
    entries.filter(is_contract).collect()
}

fn write(folder: &Path, files: Vec<GeneratedFile>) {
    fs::create_dir_all(folder).unwrap();
    for file in files {
        fs::write(folder.join(file.path), file.text).unwrap();
    }
}
