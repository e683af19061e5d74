//! Contracts that nobody here wrote: all of their output must compile.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::{behaviour, sdk_ts};
use crate::corpus::{CONTRACTS, FOLDER};
use crate::process::{command, run as start};
use crate::server::target;

/// Contracts of our own that are hard on names and shapes, or have what few have.
const OWN: [&str; 9] = [
    "codegen/tests/cases/hostile-names/openapi.yaml",
    "codegen/tests/cases/typescript-hostile-names/openapi.yaml",
    "codegen/tests/cases/forms/openapi.yaml",
    "codegen/tests/cases/hostile-events/asyncapi.yaml",
    "codegen/tests/cases/links/openapi.yaml",
    "codegen/tests/cases/many-tags/openapi.yaml",
    "codegen/tests/cases/openapi-3.2/openapi.yaml",
    "codegen/tests/cases/servers/openapi.yaml",
    "codegen/tests/cases/webhooks/openapi.yaml",
];

/// Generates each contract and compiles what came out.
pub(super) fn compile(root: &Path) -> anyhow::Result<()> {
    let mut contracts: Vec<PathBuf> = OWN.iter().map(|path| root.join(path)).collect();
    let corpus = root.join(FOLDER);
    if corpus.exists() {
        contracts.extend(CONTRACTS.iter().map(|name| corpus.join(name)));
    } else {
        println!("skipped: {FOLDER} is not there; only our own hard contracts are compiled");
    }
    let compiler = sdk_ts(root)?.join("node_modules/typescript/bin/tsc");
    let target = target(root)?;
    for contract in contracts {
        let name = name_of(&contract).context("a contract has a name")?;
        let out = target.join("public").join(&name);
        println!("{name}");
        if out.exists() {
            fs::remove_dir_all(&out)?;
        }
        let path = contract;
        let (contract, shown) = (path.to_string_lossy(), out.to_string_lossy().into_owned());
        let generate = [
            "run",
            "--quiet",
            "-p",
            "xtask",
            "--bin",
            "symbolon",
            "--",
            "gen",
            "--contract",
            &contract,
            "--name",
            &name,
            "--out",
            &shown,
            "--json",
        ];
        let generated = command(root, "cargo", &generate).output()?;
        if !generated.status.success() {
            bail!("{name}: {}", String::from_utf8_lossy(&generated.stderr));
        }
        let status = command(&out, "cargo", &["check", "--quiet", "--all-features"])
            .env("CARGO_TARGET_DIR", target.join("public/target"))
            .status()?;
        if !status.success() {
            bail!("{name}: the Rust output does not compile");
        }
        // Of ours each feature is tried alone; of the others some, for the sake of time.
        let every = if OWN.iter().any(|own| root.join(own) == path) { 1 } else { 5 };
        features_alone(&out, &target.join("public/target"), &name, every)?;
        let typescript = out.join("sdk-ts");
        start(&typescript, "node", &[&compiler.to_string_lossy(), "--noEmit"])?;
        if let Some(case) = path.parent().filter(|_| is_case(&path)) {
            behaviour::run(case, &out, &name, &target.join("public/target"), &compiler)?;
        }
    }
    Ok(())
}

/// The name of a contract: that of its folder, if it is a case.
fn name_of(contract: &Path) -> Option<String> {
    let named = if is_case(contract) { contract.parent()? } else { contract };
    Some(named.file_stem()?.to_str()?.to_owned())
}

fn is_case(contract: &Path) -> bool {
    contract.ends_with("openapi.yaml") || contract.ends_with("asyncapi.yaml")
}

/// Checks the crates of a contract whose tags have features with none of them, and with one in so
/// many alone: no error and no warning may come of what is left out.
fn features_alone(out: &Path, target: &Path, name: &str, every: usize) -> anyhow::Result<()> {
    let manifest: toml::Table = toml::from_str(&fs::read_to_string(out.join("wire/Cargo.toml"))?)?;
    let features = manifest.get("features").and_then(toml::Value::as_table);
    let names = features.into_iter().flat_map(toml::Table::keys);
    let tags: Vec<&String> = names.filter(|name| !["all", "default"].contains(&&***name)).collect();
    if tags.is_empty() {
        return Ok(());
    }
    let mut halves = vec!["wire", "server", "sdk"];
    let mut always = Vec::new();
    if out.join("webhooks").exists() {
        halves.push("webhooks");
        always.extend(["receive", "send"].map(|side| format!("{name}-webhooks/{side}")));
    }
    let packages: Vec<String> =
        halves.iter().map(|half| format!("--package={name}-{half}")).collect();
    let sets = tags.iter().step_by(every).map(|tag| {
        let enabled = halves.iter().map(|half| format!("{name}-{half}/{tag}"));
        enabled.chain(always.iter().cloned()).collect::<Vec<_>>().join(",")
    });
    for set in std::iter::once(always.join(",")).chain(sets) {
        let chosen = format!("--features={set}");
        let output = command(out, "cargo", &["check", "--quiet", "--no-default-features", &chosen])
            .args(&packages)
            .env("CARGO_TARGET_DIR", target)
            .output()?;
        if !output.status.success() || !output.stderr.is_empty() {
            bail!("{name} with {chosen}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
    Ok(())
}
