//! `cargo xtask test`: every check there is, in the order in which they fail fastest.

mod alerts;
mod behaviour;
mod halves;
mod judges;
mod kernel;
mod programs;
mod public_contracts;
mod schemathesis;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::bail;

use crate::process::{npm_install, run as start};
use crate::root::root;
use crate::services::Absent;
use crate::{gen_house, tidy};

/// Runs every check: format, lints, house rules, staleness, tests, contracts, both halves.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cargo xtask test\n  cargo xtask test --only conformance\n\n\
    Installs npm packages as the lock files say, and PostgreSQL, Chromium and a Kafka broker\n\
    where they are missing (docs/testing.md). What cannot be had is skipped, and said; with\n\
    CI=true that is a failure.\n\n\
    Exit codes: 0 all passed, 1 something failed")]
pub struct Test {
    /// Only the steps whose names hold this text.
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
}

/// A check.
struct Step {
    name: &'static str,
    check: fn(&Path) -> anyhow::Result<()>,
}

const STEPS: [Step; 23] = [
    Step { name: "format", check: format },
    Step { name: "tidy", check: house_rules },
    Step { name: "gen --check", check: staleness },
    Step { name: "clippy", check: clippy },
    Step { name: "cargo test", check: cargo_test },
    Step { name: "kernel on postgresql", check: kernel::on_postgresql },
    Step { name: "kernel on kafka", check: kernel::on_kafka },
    Step { name: "several processes", check: kernel::several_processes },
    Step { name: "faults", check: kernel::faults },
    Step { name: "histories", check: kernel::histories },
    Step { name: "alerts", check: alerts::check },
    Step { name: "contract lint", check: contract_lint },
    Step { name: "typescript", check: typescript },
    Step { name: "conformance", check: halves::conformance },
    Step { name: "conformance, distributed", check: halves::distributed_conformance },
    Step { name: "schemathesis", check: schemathesis::check },
    Step { name: "independent judges", check: judges::check },
    Step { name: "independent client", check: halves::independent_client },
    Step { name: "sdk examples", check: halves::sdk_examples },
    Step { name: "openid peers", check: halves::openid_peers },
    Step { name: "console", check: halves::console },
    Step { name: "public contracts", check: public_contracts::compile },
    Step { name: "corpus sample", check: crate::corpus::sample::check },
];

/// Runs the steps and says how long each took.
///
/// # Errors
/// When a step fails to run; a step that finds something is reported and ends the run with 1.
pub fn run(options: &Test) -> anyhow::Result<ExitCode> {
    let root = root();
    std::env::set_current_dir(&root)?;
    let started = Instant::now();
    let mut lines = Vec::new();
    let wanted = |step: &&Step| options.only.as_deref().is_none_or(|text| step.name.contains(text));
    let (mut passed, mut skipped, mut failed) = (0, 0, 0);
    let is_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    for step in STEPS.iter().filter(wanted) {
        println!("── {}", step.name);
        let began = Instant::now();
        let outcome = (step.check)(&root);
        let elapsed = began.elapsed().as_secs_f32();
        match outcome {
            Ok(()) => {
                passed += 1;
                lines.push(format!("ok      {elapsed:7.1} s  {}", step.name));
            }
            Err(error) if error.is::<Absent>() && !is_ci => {
                skipped += 1;
                eprintln!("SKIPPED: {}: {error}", step.name);
                lines.push(format!("SKIPPED {elapsed:7.1} s  {}: {error}", step.name));
            }
            Err(error) => {
                failed += 1;
                eprintln!("{error:#}");
                lines.push(format!("FAILED  {elapsed:7.1} s  {}", step.name));
            }
        }
    }
    println!("\n{}", lines.join("\n"));
    println!("all     {:7.1} s", started.elapsed().as_secs_f32());
    if passed + skipped + failed == 0 {
        bail!("no step is named so");
    }
    let told = if skipped > 0 { format!(", {skipped} SKIPPED") } else { String::new() };
    println!("\nsteps: {passed} passed, {failed} failed{told}");
    Ok(ExitCode::from(u8::from(failed > 0)))
}

fn format(root: &Path) -> anyhow::Result<()> {
    start(root, "cargo", &["fmt", "--all", "--check"])
}

/// What the lints see besides the defaults, each alone.
const FEATURES: [&str; 3] = ["faults", "simulation", "kafka"];

fn clippy(root: &Path) -> anyhow::Result<()> {
    let workspace = ["clippy", "--quiet", "--workspace", "--all-targets"];
    let strict = ["--", "-D", "warnings"];
    start(root, "cargo", &[&workspace[..], &strict].concat())?;
    FEATURES.into_iter().try_for_each(|feature| {
        if feature == "kafka" {
            programs::make()?;
        }
        start(root, "cargo", &[&workspace[..], &["--features", feature], &strict].concat())
    })
}

fn house_rules(root: &Path) -> anyhow::Result<()> {
    let findings = tidy::findings(root)?;
    if findings.is_empty() { Ok(()) } else { bail!("{}", findings.join("\n")) }
}

fn staleness(_: &Path) -> anyhow::Result<()> {
    match gen_house::run(&gen_house::Gen { check: true, root: None })? {
        code if code == ExitCode::SUCCESS => Ok(()),
        _ => bail!("the generated tree is stale, or a contract has errors"),
    }
}

fn cargo_test(root: &Path) -> anyhow::Result<()> {
    start(root, "cargo", &["test", "--quiet", "--workspace", "--no-fail-fast"])
}

fn contract_lint(root: &Path) -> anyhow::Result<()> {
    let folder = root.join("contracts/lint");
    npm_install(&folder)?;
    start(&folder, "npm", &["run", "--silent", "lint"])
}

fn typescript(root: &Path) -> anyhow::Result<()> {
    let folder = sdk_ts(root)?;
    start(&folder, "npm", &["run", "--silent", "check"])?;
    start(&folder, "npm", &["test", "--silent"])
}

fn sdk_ts(root: &Path) -> anyhow::Result<PathBuf> {
    let folder = root.join("sdk-ts");
    npm_install(&folder)?;
    Ok(folder)
}
