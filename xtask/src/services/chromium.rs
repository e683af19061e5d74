//! Debian's Chromium, for pages that are tested in a real browser.

use std::path::{Path, PathBuf};

use super::debian::{Package, libraries};
use super::{folder, on_path};
use crate::process;

const PACKAGE: Package = Package { title: "Chromium", name: "chromium" };
/// The program itself: the script in front of it looks for the system's folders.
const UNPACKED: &str = "usr/lib/chromium/chromium";

/// A browser on this machine.
#[derive(Debug)]
pub struct Chromium {
    /// Its program.
    pub program: PathBuf,
    libraries: Option<PathBuf>,
}

impl Chromium {
    /// Finds it, or installs it.
    ///
    /// # Errors
    /// [`super::Absent`] when it cannot be had.
    pub fn find(root: &Path) -> anyhow::Result<Self> {
        let installed = || on_path("chromium").or_else(|| on_path("chromium-browser"));
        if let Some(program) = installed() {
            return Ok(Self { program, libraries: None });
        }
        let unpacked = folder(root)?.join("chromium");
        let program = unpacked.join(UNPACKED);
        if !program.is_file() {
            PACKAGE.install(&unpacked)?;
        }
        if let Some(program) = installed() {
            return Ok(Self { program, libraries: None });
        }
        Ok(Self { libraries: libraries(&unpacked), program })
    }

    /// Runs a program that starts the browser.
    ///
    /// # Errors
    /// When it cannot be started or does not succeed.
    pub fn run(&self, folder: &Path, program: &str, arguments: &[&str]) -> anyhow::Result<()> {
        let mut command = process::command(folder, program, arguments);
        if let Some(libraries) = &self.libraries {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        let status = command.status()?;
        anyhow::ensure!(status.success(), "`{program}` ended with {status}");
        Ok(())
    }
}
