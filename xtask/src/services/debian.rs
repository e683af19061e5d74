//! Installs packages of Debian's where they are not: by root into the system, by anyone else below
//! target/.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

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

    /// What installing it would install, as apt-get tells it.
    fn plan(self, options: &[String]) -> anyhow::Result<String> {
        let lock = no_lock();
        let options = lock.iter().chain(options).map(String::as_str);
        let simulate = ["install", "--simulate", "--no-install-recommends"];
        let arguments: Vec<&str> = simulate.into_iter().chain(options).chain([self.name]).collect();
        process::output(Path::new("/"), "apt-get", &arguments)
    }

    /// Unpacks the package and whatever it needs that is not installed, as any user can.
    fn below(self, unpacked: &Path) -> anyhow::Result<()> {
        println!("{:<12} is not here: unpacked in {}", self.title, unpacked.display());
        let (plan, own) = match self.plan(&[]) {
            Ok(plan) => (plan, Vec::new()),
            // As in an image of which somebody has removed them.
            Err(_) => {
                println!("{:<12} is in no list of this machine: lists are fetched", self.title);
                let own = own_lists(unpacked)?;
                let lock = no_lock();
                let update = lock.iter().chain(&own).map(String::as_str);
                let update: Vec<&str> = ["update", "-qq"].into_iter().chain(update).collect();
                process::run(Path::new("/"), "apt-get", &update)?;
                (self.plan(&own)?, own)
            }
        };
        let named = plan.lines().filter_map(|line| line.strip_prefix("Inst ")?.split(' ').next());
        let archives = unpacked.join("archives");
        // What an earlier run left half done is begun anew.
        let _ = fs::remove_dir_all(unpacked);
        fs::create_dir_all(&archives)?;
        let mut arguments = vec!["download", "-qq"];
        arguments.extend(own.iter().map(String::as_str));
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

/// Options that have apt-get keep lists of packages where an ordinary user may: beside what it
/// unpacks.
fn own_lists(unpacked: &Path) -> anyhow::Result<Vec<String>> {
    let apt = unpacked.with_file_name("apt");
    for folder in ["lists/partial", "cache/archives/partial"] {
        fs::create_dir_all(apt.join(folder))?;
    }
    let apt = apt.display();
    let options = [format!("Dir::State::Lists={apt}/lists"), format!("Dir::Cache={apt}/cache")];
    Ok(options.into_iter().flat_map(|option| ["-o".into(), option]).collect())
}

/// Only root may lock what apt-get reads.
fn no_lock() -> [String; 2] {
    ["-o".into(), "Debug::NoLocking=1".into()]
}

fn apt(arguments: &[&str]) -> anyhow::Result<()> {
    let mut command = process::command(Path::new("/"), "apt-get", arguments);
    let status = command.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null()).status()?;
    anyhow::ensure!(status.success(), "`apt-get {}` ended with {status}", arguments.join(" "));
    Ok(())
}

/// Where libraries are that were unpacked, as `LD_LIBRARY_PATH` says it. Debian has them in both
/// places, and those of PulseAudio in a third that only its own path leads to.
pub(super) fn libraries(unpacked: &Path) -> Option<OsString> {
    let of_machine = |name: &OsStr| name.to_str().is_some_and(|name| name.contains("-linux-"));
    let mut found = Vec::new();
    for libraries in ["usr/lib", "lib"].map(|folder| unpacked.join(folder)) {
        let entries = fs::read_dir(libraries).into_iter().flatten().flatten();
        let folders = entries.filter(|entry| of_machine(&entry.file_name()));
        found.extend(folders.flat_map(|entry| [entry.path(), entry.path().join("pulseaudio")]));
    }
    found.retain(|folder| folder.is_dir());
    std::env::join_paths(found).ok().filter(|paths| !paths.is_empty())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::libraries;

    #[test]
    fn libraries_are_found_in_every_place_that_packages_have_them_in() {
        let unpacked = tempfile::tempdir().expect("a folder");
        assert_eq!(libraries(unpacked.path()), None);
        let triplet = "x86_64-linux-gnu";
        let places = ["usr/lib", "lib"].map(|folder| unpacked.path().join(folder).join(triplet));
        let pulse = places[0].join("pulseaudio");
        for folder in [&places[1], &pulse, &unpacked.path().join("usr/lib/chromium")] {
            fs::create_dir_all(folder).expect("a folder is made");
        }
        let found = libraries(unpacked.path()).expect("there are libraries");
        let found: Vec<_> = std::env::split_paths(&found).collect();
        assert_eq!(found, [places[0].clone(), pulse, places[1].clone()]);
    }
}
