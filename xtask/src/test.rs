//! `cargo xtask test`: every check there is, in the order in which they fail fastest.

mod alerts;
mod behaviour;
mod halves;
mod judges;
mod kernel;
mod machine;
mod programs;
mod public_contracts;
mod schemathesis;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::bail;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};

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

/// How a step ended.
enum Verdict {
    Passed,
    Skipped(String),
    Failed,
}

/// Runs the steps and says how long each took.
///
/// # Errors
/// When a step fails to run; a step that finds something is reported and ends the run with 1.
pub fn run(options: &Test) -> anyhow::Result<ExitCode> {
    let root = root();
    std::env::set_current_dir(&root)?;
    let wanted = |step: &&Step| options.only.as_deref().is_none_or(|text| step.name.contains(text));
    let steps: Vec<&Step> = STEPS.iter().filter(wanted).collect();
    if steps.is_empty() {
        bail!("no step is named so");
    }
    machine::look();
    let started = Instant::now();
    let (mut lines, mut skipped, mut failed) = (Vec::new(), 0, 0);
    for (number, step) in steps.iter().enumerate() {
        println!("── {}/{} {}", number + 1, steps.len(), step.name);
        let (began, before) = (Instant::now(), processor_seconds()?);
        let verdict = verdict((step.check)(&root), step.name);
        let (elapsed, busy) = (began.elapsed().as_secs_f32(), processor_seconds()? - before);
        let (word, why) = match verdict {
            Verdict::Passed => ("ok", String::new()),
            Verdict::Skipped(reason) => {
                skipped += 1;
                ("SKIPPED", format!(": {reason}"))
            }
            Verdict::Failed => {
                failed += 1;
                ("FAILED", String::new())
            }
        };
        let line = format!("{word:<8}{elapsed:7.1} s {busy:8.1} s  {}{why}", step.name);
        println!("{line}");
        lines.push(line);
    }
    let (elapsed, busy) = (started.elapsed().as_secs_f32(), processor_seconds()?);
    println!("\n           elapsed  processor\n{}", lines.join("\n"));
    println!("{:<8}{elapsed:7.1} s {busy:8.1} s", "all");
    let passed = steps.len() - skipped - failed;
    let told = if skipped > 0 { format!(", {skipped} SKIPPED") } else { String::new() };
    println!("\nsteps: {passed} passed, {failed} failed{told}");
    Ok(ExitCode::from(u8::from(failed > 0)))
}

/// Says at once what went wrong; what cannot be had is no failure but where CI runs.
fn verdict(outcome: anyhow::Result<()>, name: &str) -> Verdict {
    let is_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    match outcome {
        Ok(()) => Verdict::Passed,
        Err(error) if error.is::<Absent>() && !is_ci => {
            eprintln!("SKIPPED: {name}: {error}");
            Verdict::Skipped(error.to_string())
        }
        Err(error) => {
            eprintln!("{error:#}");
            Verdict::Failed
        }
    }
}

/// What all processes that have ended took of the processor: it says more than a clock where
/// others are busy too.
fn processor_seconds() -> anyhow::Result<f64> {
    let used = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let seconds = |time: TimeVal| Duration::from_micros(time.num_microseconds().unsigned_abs());
    Ok((seconds(used.user_time()) + seconds(used.system_time())).as_secs_f64())
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
