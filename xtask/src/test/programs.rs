//! What steps run, built: always for the whole workspace, so that a library has the features that
//! all crates ask of it together and is built once, and not once for every choice of crates.

use std::io::{BufReader, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, bail};
use cargo_metadata::{Artifact, Message, TargetKind};

use crate::process;
use crate::services::{Absent, on_path};

/// What the workspace is built with. Each replaces the binaries of another below target/debug.
#[derive(Debug, Clone, Copy)]
pub(super) enum Build {
    /// Its defaults.
    Default,
    /// Kafka, and the places to fail, which do nothing unless they are told to.
    Breakable,
    /// The simulated world.
    Simulated,
}

impl Build {
    /// Features, and those targets that somebody runs so.
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Default => &["--all-targets"],
            Self::Breakable => {
                &["--features", "kafka,faults", "--bins", "--test", "it", "--test", "drill"]
            }
            Self::Simulated => &["--features", "simulation", "--test", "drill"],
        }
    }
}

/// Looks for what librdkafka is built with.
///
/// # Errors
/// [`Absent`] when there is no `make`.
pub(super) fn make() -> anyhow::Result<()> {
    let missing = || Absent("there is no make, which librdkafka is built with; install it".into());
    Ok(on_path("make").map(drop).ok_or_else(missing)?)
}

/// The programs of a build.
#[derive(Debug)]
pub(super) struct Programs(Vec<Artifact>);

impl Programs {
    /// Builds them, and shows how far that is to whoever looks on.
    ///
    /// # Errors
    /// [`Absent`] when something is missing that builds it; otherwise when it does not build.
    pub(super) fn build(root: &Path, build: Build) -> anyhow::Result<Self> {
        if matches!(build, Build::Breakable) {
            make()?;
        }
        let mut cargo = process::command(root, "cargo", &["build", "--workspace"]);
        cargo.args(build.arguments()).arg("--message-format=json-render-diagnostics");
        if !std::io::stderr().is_terminal() {
            cargo.arg("--quiet");
        }
        let mut cargo = cargo.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let messages = cargo.stdout.take().context("cargo's output is read")?;
        let mut programs = Vec::new();
        for message in Message::parse_stream(BufReader::new(messages)) {
            match message? {
                Message::CompilerArtifact(artifact) if artifact.executable.is_some() => {
                    programs.push(artifact);
                }
                _ => {}
            }
        }
        let status = cargo.wait()?;
        if !status.success() {
            bail!("`cargo build --workspace {}` ended with {status}", build.arguments().join(" "));
        }
        Ok(Self(programs))
    }

    /// A binary or an example.
    ///
    /// # Errors
    /// When there is none of this name.
    pub(super) fn program(&self, name: &str) -> anyhow::Result<PathBuf> {
        let is_it = |artifact: &&Artifact| !artifact.profile.test && artifact.target.name == name;
        let artifact = self.0.iter().find(is_it);
        let program = artifact.and_then(|artifact| artifact.executable.as_ref());
        Ok(program.with_context(|| format!("the workspace has no program `{name}`"))?.into())
    }

    /// Runs the tests of a package with variables of their environment: all of them, or those of
    /// its integration tests whose names hold one of the texts.
    ///
    /// # Errors
    /// When a test fails, after all of them have run, or a text is in no name.
    pub(super) fn test(
        &self,
        folder: &str,
        texts: &[&str],
        variables: &[(&str, &str)],
    ) -> anyhow::Result<()> {
        let manifest = Path::new(folder).join("Cargo.toml");
        let of_package = |artifact: &&Artifact| {
            artifact.profile.test
                && artifact.manifest_path.ends_with(&manifest)
                && (texts.is_empty() || artifact.target.kind.contains(&TargetKind::Test))
        };
        let suites: Vec<&Artifact> = self.0.iter().filter(of_package).collect();
        if suites.is_empty() {
            bail!("{folder} has no tests in this build");
        }
        let mut failed = Vec::new();
        for suite in suites {
            let program = suite.executable.as_ref().context("a test is a program")?.as_str();
            let place = suite.manifest_path.parent().context("a manifest has a folder")?;
            for text in texts {
                let named = process::output(place.as_std_path(), program, &["--list", text])?;
                if !named.contains(": test") {
                    bail!("{folder}: no test has `{text}` in its name");
                }
            }
            let mut tests = process::command(place.as_std_path(), program, &["--quiet"]);
            tests.args(texts).envs(variables.iter().copied()).stdin(Stdio::null());
            let status = tests.status()?;
            if !status.success() {
                failed.push(format!("{folder}: `{}` ended with {status}", suite.target.name));
            }
        }
        if failed.is_empty() { Ok(()) } else { bail!("{}", failed.join("\n")) }
    }
}
