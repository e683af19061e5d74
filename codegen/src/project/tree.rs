//! An expected tree of files held against the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Files that should exist, and folders in which nothing else should.
#[derive(Debug, Default)]
pub struct Tree {
    /// Content by path, relative to the tree's root.
    pub files: BTreeMap<PathBuf, String>,
    /// Folders whose every file is ours: what is not expected there is deleted.
    pub owned: BTreeSet<PathBuf>,
    /// Single files that were ours before and are deleted unless expected.
    pub former: BTreeSet<PathBuf>,
}

/// A difference between the expected tree and the disk.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// The file, relative to the tree's root.
    pub path: PathBuf,
    /// What is to be done.
    pub kind: ChangeKind,
}

/// What is to be done to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// It is missing.
    Create,
    /// Its content differs.
    Update,
    /// It should not be there.
    Delete,
}

impl ChangeKind {
    /// The word shown to people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

impl Tree {
    /// Adds a file.
    pub fn add(&mut self, path: impl Into<PathBuf>, text: String) {
        self.files.insert(path.into(), text);
    }

    /// Bytes of all files together.
    pub fn bytes(&self) -> usize {
        self.files.values().map(String::len).sum()
    }
}

/// Why the disk cannot be read or written, and where.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct TreeError {
    /// The file or folder.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

fn at<T>(path: &Path, result: io::Result<T>) -> Result<T, TreeError> {
    result.map_err(|source| TreeError { path: path.to_owned(), source })
}

/// Everything that must change on disk to make the tree true, sorted by path.
///
/// # Errors
/// When the disk cannot be read.
pub fn compare(root: &Path, tree: &Tree) -> Result<Vec<Change>, TreeError> {
    let mut changes = Vec::new();
    for (path, text) in &tree.files {
        match fs::read(root.join(path)) {
            Ok(found) if found == text.as_bytes() => {}
            Ok(_) => changes.push(Change { path: path.clone(), kind: ChangeKind::Update }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                changes.push(Change { path: path.clone(), kind: ChangeKind::Create });
            }
            Err(source) => return Err(TreeError { path: root.join(path), source }),
        }
    }
    let mut present = tree.former.clone();
    for folder in &tree.owned {
        at(&root.join(folder), list(root, folder, &mut present))?;
    }
    for path in present {
        if !tree.files.contains_key(&path) && root.join(&path).exists() {
            changes.push(Change { path, kind: ChangeKind::Delete });
        }
    }
    changes.sort();
    Ok(changes)
}

/// Makes the changes.
///
/// # Errors
/// When the disk cannot be written; the changes before are made.
pub fn apply(root: &Path, tree: &Tree, changes: &[Change]) -> Result<(), TreeError> {
    for change in changes {
        let path = root.join(&change.path);
        match change.kind {
            ChangeKind::Delete => {
                at(&path, fs::remove_file(&path))?;
                remove_empty(root, &path);
            }
            ChangeKind::Create | ChangeKind::Update => {
                if let Some(folder) = path.parent() {
                    at(folder, fs::create_dir_all(folder))?;
                }
                at(&path, fs::write(&path, &tree.files[&change.path]))?;
            }
        }
    }
    Ok(())
}

/// Removes the folders that a deleted file leaves empty.
fn remove_empty(root: &Path, file: &Path) {
    let folders = file.ancestors().skip(1).take_while(|folder| *folder != root);
    for folder in folders {
        // A folder that is not empty cannot be removed, and that is the end of it.
        if fs::remove_dir(folder).is_err() {
            break;
        }
    }
}

fn list(root: &Path, folder: &Path, found: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    let entries = match fs::read_dir(root.join(folder)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            list(root, &path, found)?;
        } else {
            found.insert(path);
        }
    }
    Ok(())
}
