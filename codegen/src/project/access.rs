//! What a contract may be read from: its folder, and other machines only where allowed.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use crate::source::{Unread, is_remote};

/// Fetches the text at an address.
pub type Fetch<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// How far references may lead.
#[derive(Default)]
pub struct Access<'a> {
    /// The folder that holds all of the contract; that of each document if absent.
    pub root: Option<PathBuf>,
    /// Overlays, in the order they are laid over the documents.
    pub overlays: Vec<String>,
    /// How to fetch what is on other machines; nothing is fetched if absent.
    pub fetch: Option<Fetch<'a>>,
}

impl fmt::Debug for Access<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Access")
            .field("root", &self.root)
            .field("overlays", &self.overlays)
            .field("fetch", &self.fetch.is_some())
            .finish()
    }
}

/// Reads files of a contract with these documents, which somebody named and may lie anywhere.
/// Everything else must lie in a folder that may be read, links followed.
pub fn reader<'r>(
    documents: &'r [&str],
    access: &'r Access<'_>,
) -> impl Fn(&str) -> Result<String, Unread> + 'r {
    let folders: Vec<PathBuf> = match &access.root {
        Some(root) => vec![root.clone()],
        None => documents.iter().map(|path| folder_of(path)).collect(),
    };
    let folders: Vec<PathBuf> =
        folders.iter().filter_map(|folder| folder.canonicalize().ok()).collect();
    move |path| {
        if is_remote(path) {
            let fetch = access.fetch.ok_or(Unread::Remote)?;
            return fetch(path).map_err(Unread::Failed);
        }
        if documents.contains(&path) {
            return Ok(fs::read_to_string(path)?);
        }
        let found = Path::new(path).canonicalize()?;
        if !folders.iter().any(|folder| found.starts_with(folder)) {
            return Err(Unread::Outside);
        }
        if !found.is_file() {
            return Err(Unread::Failed("it is no file".to_owned()));
        }
        Ok(fs::read_to_string(found)?)
    }
}

fn folder_of(path: &str) -> PathBuf {
    match Path::new(path).parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        Some(_) | None => PathBuf::from("."),
    }
}
