//! Installs Debian's PostgreSQL where it is not: by root into the system, by anyone else below
//! target/. The cluster that Debian would set up and start is neither.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;
use nix::unistd::geteuid;

use crate::process;
use crate::services::{Absent, on_path};

const PACKAGE: &str = "postgresql";
/// Read by the package's own script before it would set up a cluster of the system's.
const NO_CLUSTER: &str = "/etc/postgresql-common/createcluster.d/symbolon.conf";

/// Installs it.
///
/// # Errors
/// [`Absent`] when this machine has no way to.
pub(super) fn install(unpacked: &Path) -> anyhow::Result<()> {
    if on_path("apt-get").is_none() {
        let hint = "there is no PostgreSQL and no apt-get; install it, with initdb on the PATH";
        return Err(Absent(hint.into()).into());
    }
    let installed = if geteuid().is_root() { into_system() } else { below(unpacked) };
    installed
        .map_err(|error| Absent(format!("PostgreSQL could not be installed: {error:#}")).into())
}

fn into_system() -> anyhow::Result<()> {
    println!(
        "PostgreSQL   is not here: apt-get install {PACKAGE}, without a cluster of the system's"
    );
    let configuration = Path::new(NO_CLUSTER);
    let folder = configuration.parent().context("a file has a folder")?;
    fs::create_dir_all(folder)?;
    fs::write(configuration, "create_main_cluster = false\n")?;
    let arguments = ["install", "--yes", "-qq", "--no-install-recommends", PACKAGE];
    apt(&arguments).or_else(|_| {
        apt(&["update", "-qq"])?;
        apt(&arguments)
    })
}

fn apt(arguments: &[&str]) -> anyhow::Result<()> {
    let mut command = process::command(Path::new("/"), "apt-get", arguments);
    let status = command.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null()).status()?;
    anyhow::ensure!(status.success(), "`apt-get {}` ended with {status}", arguments.join(" "));
    Ok(())
}

/// Unpacks the package and whatever it needs that is not installed, as any user can.
fn below(unpacked: &Path) -> anyhow::Result<()> {
    println!("PostgreSQL   is not here: its packages are unpacked in {}", unpacked.display());
    let plan =
        ["install", "--simulate", "--no-install-recommends", "-o", "Debug::NoLocking=1", PACKAGE];
    let plan = process::output(Path::new("/"), "apt-get", &plan)
        .context("apt-get does not know how; does `apt-get update` help?")?;
    let packages = plan.lines().filter_map(|line| line.strip_prefix("Inst ")?.split(' ').next());
    let archives = unpacked.join("archives");
    // What an earlier run left half done is begun anew.
    let _ = fs::remove_dir_all(unpacked);
    fs::create_dir_all(&archives)?;
    let mut arguments = vec!["download", "-qq"];
    arguments.extend(packages);
    process::run(&archives, "apt-get", &arguments)?;
    for entry in fs::read_dir(&archives)? {
        let status = Command::new("dpkg").arg("-x").arg(entry?.path()).arg(unpacked).status()?;
        anyhow::ensure!(status.success(), "`dpkg -x` ended with {status}");
    }
    Ok(fs::remove_dir_all(&archives)?)
}

/// Where libraries are that were unpacked.
pub(super) fn libraries(unpacked: &Path) -> Option<PathBuf> {
    let folders = fs::read_dir(unpacked.join("usr/lib")).ok()?.flatten();
    let mut triplets = folders.filter(|entry| {
        let name = entry.file_name();
        name.to_str().is_some_and(|name| name.contains("-linux-"))
    });
    triplets.next().map(|entry| entry.path())
}
