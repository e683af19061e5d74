//! Schemathesis, which nobody here wrote, makes up requests by the contract and judges answers.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::halves::{ALL, fresh};
use super::programs::{Build, Programs};
use crate::process::{command, run as start};
use crate::services::{Absent, folder, on_path};

/// Seconds that it may take.
const BUDGET: &str = "60";

/// What it takes for wrong and is right: no schema can tell a cursor that was never given, a key
/// that was used or a target that is blocked, and 730.0 is no integer where one is read.
const EXCLUDED: &str = "positive_data_acceptance";

/// Makes up requests by the contract that a fresh server serves, the same ones every time.
pub(super) fn check(root: &Path) -> anyhow::Result<()> {
    let program = program(root)?;
    let programs = Programs::build(root, Build::Default)?;
    let server = fresh(root, &programs, "schemathesis")?;
    let token = server.token("demo", &ALL)?;
    let own = crate::server::target(root)?.join("fresh/schemathesis");
    let contract = root.join("generated/calls-server/src/openapi.json");
    let (contract, header) = (contract.to_string_lossy(), format!("Authorization: Bearer {token}"));
    let settings = root.join("conformance/schemathesis/schemathesis.toml");
    let settings = settings.to_string_lossy();
    let arguments = [
        "--config-file",
        &settings,
        "run",
        &contract,
        "--url",
        &server.url,
        "-H",
        &header,
        "--seed",
        "1",
    ];
    let bounds = ["--max-time", BUDGET, "--exclude-checks", EXCLUDED, "--no-color"];
    let mut run = command(&own, &program.to_string_lossy(), &[&arguments[..], &bounds].concat());
    run.env("SCHEMATHESIS_HOOKS", root.join("conformance/schemathesis/hooks.py"));
    match run.status()?.success() {
        true => Ok(()),
        false => bail!("schemathesis found something"),
    }
}

/// Finds the program, or installs it where nothing else is.
fn program(root: &Path) -> anyhow::Result<PathBuf> {
    let list = root.join("conformance/schemathesis/requirements.txt");
    let version = fs::read_to_string(&list)?.trim().replace("==", "-");
    let packages = folder(root)?.join(version);
    let program = packages.join("bin/st");
    if !program.is_file() {
        install(&packages, &list).map_err(|error| {
            Absent(format!(
                "schemathesis could not be installed: {error:#}; is python3-venv there?"
            ))
        })?;
    }
    Ok(program)
}

fn install(packages: &Path, list: &Path) -> anyhow::Result<()> {
    let python = on_path("python3").context("there is no python3, whose pip would fetch it")?;
    println!("Schemathesis is not here: pip puts it into {}", packages.display());
    let (python, folder) = (python.to_string_lossy(), packages.to_string_lossy());
    start(Path::new("."), &python, &["-m", "venv", &folder])?;
    let pip = packages.join("bin/pip");
    let list = list.to_string_lossy();
    let arguments = ["install", "--quiet", "--disable-pip-version-check", "-r", &list];
    start(Path::new("."), &pip.to_string_lossy(), &arguments)
}
