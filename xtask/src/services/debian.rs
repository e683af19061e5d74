//! Installs packages of Debian's where they are not: by root into the system, by anyone else below
//! target/.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;
use nix::unistd::geteuid;

use crate::process;
use crate::services::{Absent, on_path};

/// A package, and what its program is called by people.
#[derive(Debug, Clone, Copy)]
pub(super) struct Package {
    /// Such as `PostgreSQL`.
    pub(super) title: &'static str,
    /// Such as `postgresql`.
    pub(super) name: &'static str,
}

impl Package {
    /// Installs it: by root into the system, by anyone else into the folder.
    ///
    /// # Errors
    /// [`Absent`] when this machine has no way to.
    pub(super) fn install(self, unpacked: &Path) -> anyhow::Result<()> {
        if geteuid().is_root() { self.by(Self::into_system) } else { self.unpack(unpacked) }
    }

    /// Unpacks it into the folder, whoever this is: nothing of it is set up or started.
    ///
    /// # Errors
    /// [`Absent`] when this machine has no way to.
    pub(super) fn unpack(self, unpacked: &Path) -> anyhow::Result<()> {
        self.by(|package| package.below(unpacked))
    }

    fn by(self, install: impl FnOnce(Self) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let title = self.title;
        if on_path("apt-get").is_none() {
            let hint = format!("there is no {title} and no apt-get; install it");
            return Err(Absent(hint).into());
        }
        install(self).map_err(|error| Absent(format!("{title} is not installed: {error:#}")).into())
    }

    fn into_system(self) -> anyhow::Result<()> {
        println!("{:<12} is not here: apt-get install {}", self.title, self.name);
        let arguments = ["install", "--yes", "-qq", "--no-install-recommends", self.name];
        apt(&arguments).or_else(|_| {
            apt(&["update", "-qq"])?;
            apt(&arguments)
        })
    }

    /// Unpacks the package and whatever it needs that is not installed, as any user can.
    fn below(self, unpacked: &Path) -> anyhow::Result<()> {
        println!("{:<12} is not here: unpacked in {}", self.title, unpacked.display());
        let no_lock = "Debug::NoLocking=1";
        let plan = ["install", "--simulate", "--no-install-recommends", "-o", no_lock, self.name];
        let plan = process::output(Path::new("/"), "apt-get", &plan)
            .context("apt-get does not know how; does `apt-get update` help?")?;
        let named = plan.lines().filter_map(|line| line.strip_prefix("Inst ")?.split(' ').next());
        let archives = unpacked.join("archives");
        // What an earlier run left half done is begun anew.
        let _ = fs::remove_dir_all(unpacked);
        fs::create_dir_all(&archives)?;
        let mut arguments = vec!["download", "-qq"];
        arguments.extend(named);
        process::run(&archives, "apt-get", &arguments)?;
        for entry in fs::read_dir(&archives)? {
            let mut unpack = Command::new("dpkg");
            let status = unpack.arg("-x").arg(entry?.path()).arg(unpacked).status()?;
            anyhow::ensure!(status.success(), "`dpkg -x` ended with {status}");
        }
        Ok(fs::remove_dir_all(&archives)?)
    }
}

fn apt(arguments: &[&str]) -> anyhow::Result<()> {
    let mut command = process::command(Path::new("/"), "apt-get", arguments);
    let status = command.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null()).status()?;
    anyhow::ensure!(status.success(), "`apt-get {}` ended with {status}", arguments.join(" "));
    Ok(())
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
