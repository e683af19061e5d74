//! What was generated from a case, run: `behaviour.rs` beside a contract is a test of its crates,
//! `behaviour.mjs` one of its TypeScript SDK.

use std::fs;
use std::path::Path;

use anyhow::bail;

use crate::corpus::compile::on_generated;
use crate::process::{command, run as start};

/// What the halves need to be run.
const NEEDED: &str = "bytes = \"1\"\nserde_json = \"1\"\n\
    tokio = { version = \"1\", features = [\"macros\", \"net\", \"rt-multi-thread\"] }\n";

/// Runs the tests beside a contract that was generated into `out`, if there are any.
pub(super) fn run(
    target: &Path,
    case: &Path,
    out: &Path,
    name: &str,
    compiler: &Path,
) -> anyhow::Result<()> {
    let rust = case.join("behaviour.rs");
    if rust.exists() {
        let package = out.join("behaviour");
        fs::create_dir_all(package.join("tests"))?;
        fs::write(package.join("Cargo.toml"), manifest(out, name))?;
        fs::create_dir_all(package.join("src"))?;
        fs::write(package.join("src/lib.rs"), "")?;
        fs::copy(&rust, package.join("tests/behaviour.rs"))?;
        let tests = ["test", "--quiet", "--test", "behaviour"];
        if !on_generated(target, &package, &tests).status()?.success() {
            bail!("{name}: what was generated behaves otherwise");
        }
    }
    let typescript = case.join("behaviour.mjs");
    if typescript.exists() {
        let sdk = out.join("sdk-ts");
        fs::copy(&typescript, sdk.join("behaviour.mjs"))?;
        start(&sdk, "node", &[&compiler.to_string_lossy(), "-p", "tsconfig.build.json"])?;
        if !command(&sdk, "node", &["--test", "behaviour.mjs"]).status()?.success() {
            bail!("{name}: the TypeScript SDK behaves otherwise");
        }
    }
    Ok(())
}

/// A package beside the generated workspace that depends on every crate in it.
fn manifest(out: &Path, name: &str) -> String {
    let halves = ["wire", "server", "sdk", "webhooks"];
    let halves = halves.into_iter().filter(|half| out.join(half).exists()).map(|half| {
        let features = match half {
            "webhooks" => ", features = [\"receive\", \"send\"]",
            _ => "",
        };
        format!("{name}-{half} = {{ path = \"../{half}\"{features} }}\n")
    });
    let runtimes = ["wire", "client", "server"]
        .into_iter()
        .filter(|runtime| out.join("runtime").join(runtime).exists())
        .map(|runtime| format!("symbolon-{runtime} = {{ path = \"../runtime/{runtime}\" }}\n"));
    let local: String = halves.chain(runtimes).collect();
    format!(
        "[package]\nname = \"{name}-behaviour\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [workspace]\n\n[dev-dependencies]\n{local}{NEEDED}"
    )
}
