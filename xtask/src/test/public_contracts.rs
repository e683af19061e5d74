//! Contracts that nobody here wrote: all of their output must compile.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::programs::{Build, Programs};
use super::{behaviour, sdk_ts};
use crate::corpus::compile::on_generated;
use crate::corpus::{CONTRACTS, FOLDER};
use crate::process::{command, run as start};
use crate::server::target;

/// Contracts of our own that are hard on names and shapes, or have what few have.
const OWN: [&str; 10] = [
    "codegen/tests/cases/hostile-names/openapi.yaml",
    "codegen/tests/cases/typescript-hostile-names/openapi.yaml",
    "codegen/tests/cases/forms/openapi.yaml",
    "codegen/tests/cases/hostile-events/asyncapi.yaml",
    "codegen/tests/cases/links/openapi.yaml",
    "codegen/tests/cases/many-tags/openapi.yaml",
    "codegen/tests/cases/openapi-3.2/openapi.yaml",
    "codegen/tests/cases/servers/openapi.yaml",
    "codegen/tests/cases/sockets/asyncapi.yaml",
    "codegen/tests/cases/webhooks/openapi.yaml",
];

/// Of a public contract so many features are tried alone, and those of our own contracts all.
const ALONE: usize = 4;

/// Generates each contract and compiles what came out: each into the folder that held the one
/// before, so that the runtimes, which are the same for all, are built once.
pub(super) fn compile(root: &Path) -> anyhow::Result<()> {
    let mut contracts: Vec<PathBuf> = OWN.iter().map(|path| root.join(path)).collect();
    let own = contracts.len();
    let corpus = root.join(FOLDER);
    if corpus.exists() {
        contracts.extend(CONTRACTS.iter().map(|name| corpus.join(name)));
    } else {
        println!("skipped: {FOLDER} is not there; only our own hard contracts are compiled");
    }
    let programs = Programs::build(root, Build::Default)?;
    let generator = programs.program("symbolon")?;
    let compiler = sdk_ts(root)?.join("node_modules/typescript/bin/tsc");
    let target = target(root)?;
    let out = target.join("public/generated");
    for (number, contract) in contracts.iter().enumerate() {
        let name = name_of(contract).context("a contract has a name")?;
        println!("{}/{} {name}", number + 1, contracts.len());
        for left in ["behaviour", "sdk-ts/dist"].map(|folder| out.join(folder)) {
            if left.exists() {
                fs::remove_dir_all(&left)?;
            }
        }
        let mut generate = command(root, &generator.to_string_lossy(), &["gen", "--json"]);
        generate.args(["--name", &name, "--contract"]).arg(contract).arg("--out").arg(&out);
        let generated = generate.output()?;
        if !generated.status.success() {
            bail!("{name}: {}", String::from_utf8_lossy(&generated.stderr));
        }
        let check = ["check", "--quiet", "--all-features"];
        if !on_generated(&target, &out, &check).status()?.success() {
            bail!("{name}: the Rust output does not compile");
        }
        let at_most = if number < own { usize::MAX } else { ALONE };
        features_alone(&target, &out, &name, at_most)?;
        let typescript = out.join("sdk-ts");
        start(&typescript, "node", &[&compiler.to_string_lossy(), "--noEmit"])?;
        if let Some(case) = contract.parent().filter(|_| is_case(contract)) {
            behaviour::run(&target, case, &out, &name, &compiler)?;
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

/// Checks the crates of a contract whose tags have features with none of them, and with some alone,
/// spread evenly: no error and no warning may come of what is left out.
fn features_alone(target: &Path, out: &Path, name: &str, at_most: usize) -> anyhow::Result<()> {
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
    let every = tags.len().div_ceil(at_most).max(1);
    let sets = tags.iter().step_by(every).map(|tag| {
        let enabled = halves.iter().map(|half| format!("{name}-{half}/{tag}"));
        enabled.chain(always.iter().cloned()).collect::<Vec<_>>().join(",")
    });
    for set in std::iter::once(always.join(",")).chain(sets) {
        let chosen = format!("--features={set}");
        let check = ["check", "--quiet", "--no-default-features", &chosen];
        let output = on_generated(target, out, &check).args(&packages).output()?;
        if !output.status.success() || !output.stderr.is_empty() {
            bail!("{name} with {chosen}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
    Ok(())
}
