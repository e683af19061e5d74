//! Generated workspaces held against both compilers, all in one workspace so that what they stand
//! on is built once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::BufReader;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use cargo_metadata::Message;
use cargo_metadata::diagnostic::DiagnosticLevel;
use symbolon_codegen::project::Tree;
use toml::{Table, Value};

use super::documents::Document;
use super::{generate, progress};
use crate::process::{command, npm_install};

/// Compiles documents and says whether all of them passed.
///
/// # Errors
/// When a compiler cannot be started or a file cannot be written.
pub fn run(root: &Path, target: &Path, documents: &[Document]) -> anyhow::Result<bool> {
    let out = target.join("corpus/compile");
    let packages = write(&out, documents)?;
    if packages.is_empty() {
        bail!("none of these documents is generated");
    }
    println!("\ncompiling {} documents in {}", packages.len(), out.display());
    let rust = rust(&out, target, &packages)?;
    let typescript = typescript(root, &out, &packages)?;
    let mut list = String::new();
    for (half, errors) in [("Rust", &rust), ("TypeScript", &typescript)] {
        for (package, error) in errors {
            let name = &packages[package].name;
            println!("{half:10} {name}: {}", error.lines().next().unwrap_or_default());
            list.push_str(&format!("{half} {name}\n{error}\n"));
        }
    }
    fs::write(target.join("corpus/uncompiled.txt"), list)?;
    let all = documents.len();
    let missing = all - packages.len();
    println!("| compile | target | this run |\n|---|---|---|");
    for (half, errors) in [("`cargo check`", &rust), ("`tsc --strict`", &typescript)] {
        println!("| {half} | {all} | {} |", all - missing - errors.len());
    }
    Ok(missing == 0 && rust.is_empty() && typescript.is_empty())
}

/// Writes one workspace of all documents; those that are refused are left out.
fn write<'d>(
    out: &Path,
    documents: &'d [Document],
) -> anyhow::Result<BTreeMap<String, &'d Document>> {
    // What was built stays valid where the text stays the same, so only sources are replaced.
    let mut workspace = Table::new();
    let mut packages = BTreeMap::new();
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for document in documents {
        let Ok(Some(tree)) = generate::guarded(|| generate::tree(&generate::load(document))) else {
            println!("left out   {}: it is not generated", document.name);
            continue;
        };
        let package = document.package();
        merge(&mut workspace, &mut files, &package, &tree)?;
        packages.insert(package, document);
    }
    let mut manifest = Table::new();
    manifest.insert("workspace".into(), Value::Table(workspace));
    files.insert("Cargo.toml".into(), toml::to_string(&manifest)?);
    replace(out, &files)?;
    Ok(packages)
}

/// Adds a document's tree below a folder of its own; runtimes are the same for all.
fn merge(
    workspace: &mut Table,
    files: &mut BTreeMap<String, String>,
    package: &str,
    tree: &Tree,
) -> anyhow::Result<()> {
    let is_runtime = |path: &str| path.starts_with("runtime/");
    for (path, text) in &tree.files {
        let path = path.to_str().context("paths are text")?;
        match path {
            "Cargo.toml" => take_manifest(workspace, package, toml::from_str(text)?)?,
            path if is_runtime(path) => {
                files.insert(path.to_owned(), text.clone());
            }
            path => {
                files.insert(format!("{package}/{path}"), text.clone());
            }
        }
    }
    Ok(())
}

fn take_manifest(workspace: &mut Table, package: &str, own: Table) -> anyhow::Result<()> {
    let Some(Value::Table(own)) = own.get("workspace").cloned() else {
        bail!("a generated manifest is a workspace");
    };
    let place = |path: &str| match path.starts_with("runtime/") {
        true => path.to_owned(),
        false => format!("{package}/{path}"),
    };
    for (key, value) in own {
        match (key.as_str(), value) {
            ("members", Value::Array(members)) => {
                let known = workspace.entry("members").or_insert_with(|| Value::Array(Vec::new()));
                let Value::Array(known) = known else { bail!("members are a list") };
                for member in members.iter().filter_map(Value::as_str).map(place) {
                    if !known.iter().any(|known| known.as_str() == Some(&member)) {
                        known.push(Value::String(member));
                    }
                }
            }
            ("dependencies", Value::Table(dependencies)) => {
                let known =
                    workspace.entry("dependencies").or_insert_with(|| Value::Table(Table::new()));
                let Value::Table(known) = known else { bail!("dependencies are a table") };
                for (name, mut value) in dependencies {
                    if let Some(Value::String(path)) = value.get_mut("path") {
                        *path = place(path);
                    }
                    known.insert(name, value);
                }
            }
            (_, value) => {
                workspace.insert(key, value);
            }
        }
    }
    Ok(())
}

/// Makes a folder hold these files and nothing else but what the compilers left there.
fn replace(out: &Path, files: &BTreeMap<String, String>) -> anyhow::Result<()> {
    let ledger = out.join(".files");
    let former = fs::read_to_string(&ledger).unwrap_or_default();
    for path in former.lines().filter(|path| !files.contains_key(*path)) {
        // A file that is gone already is what is wanted.
        let _ = fs::remove_file(out.join(path));
    }
    for (path, text) in files {
        let path = out.join(path);
        if fs::read_to_string(&path).is_ok_and(|found| found == *text) {
            continue;
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, text)?;
    }
    let listed: Vec<&str> = files.keys().map(String::as_str).collect();
    fs::write(ledger, listed.join("\n"))?;
    Ok(())
}

/// Cargo on what was generated: what that stands on is built once for all of it, and with nothing
/// that only a debugger or the next edit would want.
pub(crate) fn on_generated(target: &Path, out: &Path, arguments: &[&str]) -> Command {
    let mut cargo = command(out, "cargo", arguments);
    cargo.env("CARGO_TARGET_DIR", target.join("public/target"));
    cargo.envs([("CARGO_PROFILE_DEV_DEBUG", "0"), ("CARGO_INCREMENTAL", "0")]);
    cargo
}

/// The first error of each document that `cargo check` refuses.
fn rust(
    out: &Path,
    target: &Path,
    packages: &BTreeMap<String, &Document>,
) -> anyhow::Result<BTreeMap<String, String>> {
    let bar = progress(packages.len() * 3, "cargo check");
    let all = ["check", "--workspace", "--all-features", "--keep-going", "--quiet"];
    let mut child = on_generated(target, out, &all)
        .args(["--message-format", "json"])
        .stdout(Stdio::piped())
        .spawn()
        .context("cargo starts")?;
    let output = child.stdout.take().context("cargo has an output")?;
    let mut errors = BTreeMap::new();
    let mut checked = BTreeSet::new();
    let owner = |path: &Path| {
        let inside = path.strip_prefix(out).ok()?;
        let first = inside.iter().next()?.to_str()?;
        packages.contains_key(first).then(|| first.to_owned())
    };
    let mut others = Vec::new();
    for message in Message::parse_stream(BufReader::new(output)) {
        match message? {
            Message::CompilerArtifact(artifact) => {
                if let Some(package) = owner(artifact.manifest_path.as_std_path()) {
                    bar.inc(1);
                    checked.insert((package, artifact.target.name));
                }
            }
            Message::CompilerMessage(told) if is_error(told.message.level) => {
                let text = told.message.rendered.unwrap_or(told.message.message);
                match owner(told.target.src_path.as_std_path()) {
                    Some(package) => {
                        errors.entry(package).or_insert(text);
                    }
                    None => others.push(text),
                }
            }
            _ => {}
        }
    }
    bar.finish_and_clear();
    let status = child.wait()?;
    if !others.is_empty() || (!status.success() && errors.is_empty()) {
        bail!("what all of them stand on does not compile:\n{}", others.join("\n"));
    }
    for package in packages.keys() {
        let crates = checked.iter().filter(|(name, _)| name == package).count();
        if crates < 3 {
            let why = format!("only {crates} of its 3 crates were checked");
            errors.entry(package.clone()).or_insert(why);
        }
    }
    Ok(errors)
}

fn is_error(level: DiagnosticLevel) -> bool {
    matches!(level, DiagnosticLevel::Error | DiagnosticLevel::Ice)
}

/// The first errors of each document that `tsc` refuses.
fn typescript(
    root: &Path,
    out: &Path,
    packages: &BTreeMap<String, &Document>,
) -> anyhow::Result<BTreeMap<String, String>> {
    let folder = root.join("sdk-ts");
    npm_install(&folder)?;
    let compiler = folder.join("node_modules/typescript/bin/tsc");
    let bar = progress(packages.len(), "tsc");
    let mut errors = BTreeMap::new();
    for package in packages.keys() {
        bar.set_message(package.clone());
        let arguments = ["--max-old-space-size=8192", &compiler.to_string_lossy(), "--noEmit"];
        let output = command(&out.join(package).join("sdk-ts"), "node", &arguments).output()?;
        if !output.status.success() {
            let told = String::from_utf8_lossy(&output.stdout);
            let first: Vec<&str> = told.lines().take(5).collect();
            errors.insert(package.clone(), first.join("\n"));
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(errors)
}
