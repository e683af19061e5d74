//! Debian's Chromium, for pages that are tested in a real browser.

use std::ffi::OsString;
use std::fs;
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
    /// What a browser that was unpacked needs to find the rest of what was.
    variables: Vec<(&'static str, OsString)>,
}

impl Chromium {
    /// Finds it, or installs it.
    ///
    /// # Errors
    /// [`super::Absent`] when it cannot be had.
    pub fn find(root: &Path) -> anyhow::Result<Self> {
        let installed = || on_path("chromium").or_else(|| on_path("chromium-browser"));
        if let Some(program) = installed() {
            return Ok(Self { program, variables: Vec::new() });
        }
        let unpacked = folder(root)?.join("chromium");
        let program = unpacked.join(UNPACKED);
        if !program.is_file() {
            PACKAGE.install(&unpacked)?;
        }
        if let Some(program) = installed() {
            return Ok(Self { program, variables: Vec::new() });
        }
        let mut variables = vec![("FONTCONFIG_FILE", fonts(&unpacked)?.into())];
        variables.extend(libraries(&unpacked).map(|found| ("LD_LIBRARY_PATH", found)));
        Ok(Self { program, variables })
    }

    /// Runs a program that starts the browser.
    ///
    /// # Errors
    /// When it cannot be started or does not succeed.
    pub fn run(&self, folder: &Path, program: &str, arguments: &[&str]) -> anyhow::Result<()> {
        let mut command = process::command(folder, program, arguments);
        let variables = self.variables.iter().map(|(name, value)| (name, value));
        let status = command.envs(variables).status()?;
        anyhow::ensure!(status.success(), "`{program}` ended with {status}");
        Ok(())
    }
}

/// Has fonts looked for among what was unpacked: a machine without any has no text, and Chromium
/// ends there.
fn fonts(unpacked: &Path) -> anyhow::Result<PathBuf> {
    let configuration = unpacked.join("fonts.conf");
    let (fonts, cache) = (unpacked.join("usr/share/fonts"), unpacked.join("fonts"));
    let text = format!(
        "<?xml version=\"1.0\"?>\n<fontconfig>\n<dir>/usr/share/fonts</dir>\n<dir>{}</dir>\n\
         <cachedir>{}</cachedir>\n</fontconfig>\n",
        fonts.display(),
        cache.display()
    );
    fs::write(&configuration, text)?;
    Ok(configuration)
}
