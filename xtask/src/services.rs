//! Servers that tests need: found or installed, started for this machine alone, ended with the
//! value that stands for them.

mod account;
pub mod broker;
pub mod chromium;
mod debian;
pub mod postgres;
pub mod prometheus;

use std::fmt;
use std::path::{Path, PathBuf};

/// A server cannot be had on this machine, and why.
#[derive(Debug)]
pub struct Absent(pub String);

impl fmt::Display for Absent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Absent {}

/// Where a program is that the shell would find.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&path).map(|folder| folder.join(program));
    found.into_iter().find(|file| file.is_file())
}

/// Where servers keep what they need for longer than one run.
pub(crate) fn folder(root: &Path) -> anyhow::Result<PathBuf> {
    Ok(crate::server::target(root)?.join("services"))
}
