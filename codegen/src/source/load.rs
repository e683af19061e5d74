//! Reading an entry file and every file it refers to.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde_json::Value;

use super::json_pointer::percent_decode;
use super::members::Names;
use super::origins::Origins;
use super::overlay::{self, OverlayMistake};
use super::resources::{absolute, heeds, resources};
use super::{File, Place, Pointer, bindings, parse};

/// Reads the text of a file; the only way this room sees a disk or a network.
pub type Reader<'a> = &'a dyn Fn(&str) -> Result<String, Unread>;

/// Why the text of a file cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// It is on another machine, and nothing is fetched.
    #[error("nothing is fetched from there")]
    Remote,
    /// It lies where a contract must not lead.
    #[error("it lies outside the folder of the contract")]
    Outside,
    /// What the system or the other machine said.
    #[error("{0}")]
    Failed(String),
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// All files of one contract.
#[derive(Debug, Default)]
pub struct Sources {
    files: BTreeMap<String, File>,
    /// Files that are referred to and cannot be had, which was reported.
    absent: BTreeSet<String>,
    /// Overlays, each with the document it is laid over, in their order.
    overlays: Vec<(String, String)>,
    /// Where the values of documents come from that overlays have changed.
    origins: BTreeMap<String, Origins>,
    /// Where schemas stand that have an address; more than one place has it only by mistake.
    pub(super) resources: BTreeMap<String, Vec<Place>>,
}

/// Why a file is not among the sources.
#[derive(Debug)]
pub enum LoadError {
    /// The file cannot be read; with the place of the reference to it, if another file led here.
    Unreadable {
        /// Path of the file.
        path: String,
        /// Who refers to it.
        referrer: Option<Place>,
        /// Why not.
        reason: Unread,
    },
    /// The file is neither JSON nor YAML.
    Malformed {
        /// Path of the file.
        path: String,
        /// What is wrong and where.
        error: super::ParseError,
    },
    /// An overlay cannot be laid, or not all of it.
    Overlay {
        /// Where in the overlay.
        place: Place,
        /// What is wrong.
        mistake: OverlayMistake,
    },
}

/// What schemas are called in a way that is ambiguous, or cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameMistake {
    /// A reference leads to an `$id` that several schemas have.
    Id {
        /// The address.
        uri: String,
    },
    /// A `$dynamicAnchor` whose name is taken in its resource.
    Anchor,
    /// A schema reads differently on more ways than can be followed.
    Ways,
}

impl Sources {
    /// Takes an overlay for that of these documents which it extends, else for the first of them;
    /// it is laid over the document when that is added.
    pub fn lay(&mut self, path: &str, documents: &[&str], read: Reader<'_>) -> Vec<LoadError> {
        let text = match read(path) {
            Ok(text) => text,
            Err(reason) => {
                return vec![LoadError::Unreadable { path: path.into(), referrer: None, reason }];
            }
        };
        let value = match parse(path, &text) {
            Ok(value) => value,
            Err(error) => {
                let value = Value::Null;
                self.files.insert(path.to_owned(), File::new(path.to_owned(), text, value));
                return vec![LoadError::Malformed { path: path.into(), error }];
            }
        };
        let extended = value.get("extends").and_then(Value::as_str).map(str::to_owned);
        let over = extended.as_ref().and_then(|extended| {
            let wanted = normal(&referred(path, extended));
            documents.iter().find(|document| normal(document) == wanted)
        });
        let mut errors = Vec::new();
        if let (None, Some(extended)) = (over, extended.filter(|extended| !is_remote(extended))) {
            let place = Place::new(path, Pointer::default().child("extends"));
            errors.push(LoadError::Overlay { place, mistake: OverlayMistake::Elsewhere(extended) });
        }
        if let Some(document) = over.or(documents.first()) {
            self.overlays.push(((*document).to_owned(), path.to_owned()));
        }
        self.files.insert(path.to_owned(), File::new(path.to_owned(), text, value));
        errors
    }

    /// Lays every overlay over the document it is for.
    fn overlaid(&mut self, path: &str, value: &mut Value) -> Vec<LoadError> {
        let overlays = self.overlays.iter().filter(|(document, _)| document == path);
        let files: Vec<&File> =
            overlays.filter_map(|(_, overlay)| self.files.get(overlay)).collect();
        if files.is_empty() {
            return Vec::new();
        }
        let mut origins = Origins::new(path);
        let mut errors = Vec::new();
        for overlay in files {
            for (pointer, mistake) in overlay::apply(value, overlay, &mut origins) {
                let place = Place::new(&overlay.path, pointer);
                errors.push(LoadError::Overlay { place, mistake });
            }
        }
        self.origins.insert(path.to_owned(), origins);
        errors
    }

    /// Where what stands at a place was written: elsewhere, if an overlay put it there.
    pub fn origin(&self, place: Place) -> Place {
        match self.origins.get(&place.file) {
            Some(origins) => {
                let tokens: Vec<String> = place.pointer.tokens().map(Into::into).collect();
                origins.of(&tokens)
            }
            None => place,
        }
    }

    /// Adds a file and every file its references lead to; reports every file that cannot be had.
    pub fn add(&mut self, path: &str, read: Reader<'_>) -> Vec<LoadError> {
        let mut errors: Vec<(String, LoadError)> = Vec::new();
        let mut waiting = vec![Awaited { path: path.to_owned(), ..Awaited::default() }];
        let mut seen: BTreeSet<String> = self.files.keys().cloned().collect();
        while let Some(Awaited { path, uri, referrer }) = waiting.pop() {
            if !seen.insert(path.clone()) {
                continue;
            }
            let text = match read(&path) {
                Ok(text) => text,
                // Whoever needs what stands there is told at the reference, where there is one.
                Err(Unread::Remote) if referrer.is_some() => continue,
                Err(reason) => {
                    self.absent.insert(path.clone());
                    errors.push((uri, LoadError::Unreadable { path, referrer, reason }));
                    continue;
                }
            };
            match parse(&path, &text) {
                Ok(mut value) => {
                    let laid = self.overlaid(&path, &mut value);
                    errors.extend(laid.into_iter().map(|error| (String::new(), error)));
                    waiting.extend(self.keep(path, text, value));
                }
                Err(error) => {
                    errors.push((uri, LoadError::Malformed { path: path.clone(), error }));
                    self.absent.insert(path.clone());
                    let value = Value::Null;
                    self.files.insert(path.clone(), File::new(path, text, value));
                }
            }
        }
        // A schema may have the address at which there is no file.
        errors.retain(|(uri, _)| !self.resources.contains_key(uri));
        errors.into_iter().map(|(_, error)| error).collect()
    }

    /// Keeps a file; says which others its references lead to.
    fn keep(&mut self, path: String, text: String, value: Value) -> Vec<Awaited> {
        let mut found = Found::default();
        outward(&value, &mut Pointer::default(), Names::Keywords, &mut found);
        let resources = resources(&path, &value, found.ids);
        for resource in &resources {
            let place = Place::new(&path, resource.pointer.clone());
            self.resources.entry(resource.uri.clone()).or_default().push(place);
        }
        let is_dynamic = found.is_dynamic && heeds(&value);
        let file = File { resources, is_dynamic, ..File::new(path, text, value) };
        let mut waiting = Vec::new();
        for (target, pointer) in found.references {
            let uri = absolute(file.base(&pointer), &target);
            if !self.resources.contains_key(&uri) {
                let referrer = Some(Place::new(&file.path, pointer));
                waiting.push(Awaited { path: referred(&file.path, &target), uri, referrer });
            }
        }
        self.files.insert(file.path.clone(), file);
        waiting
    }

    /// Once all files are there: makes plain references of those by address.
    pub fn settle(&mut self) -> Vec<(Place, NameMistake)> {
        bindings::settle(self)
    }

    /// Where the values of a file come from.
    pub(super) fn origins_of(&self, path: &str) -> Origins {
        self.origins.get(path).cloned().unwrap_or_else(|| Origins::new(path))
    }

    /// Puts these values in the place of those that the files had.
    pub(super) fn rewrite(
        &mut self,
        written: BTreeMap<String, Value>,
        origins: BTreeMap<String, Origins>,
    ) {
        for (path, value) in written {
            if let Some(file) = self.files.get_mut(&path) {
                let text = std::mem::take(&mut file.text);
                *file = File::new(path, text, value);
            }
        }
        self.origins.extend(origins);
    }

    /// The file of this path.
    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.get(path)
    }

    /// Whether a file was reported as one that cannot be had.
    pub fn is_absent(&self, path: &str) -> bool {
        self.absent.contains(path)
    }

    /// Whether a reference written in the file `from` leads to such a file.
    pub fn leads_nowhere(&self, from: &str, reference: &str) -> bool {
        let path = reference.split('#').next().unwrap_or_default();
        !path.is_empty() && self.is_absent(&referred(from, path))
    }

    /// All files, by path.
    pub fn files(&self) -> impl Iterator<Item = &File> {
        self.files.values()
    }
}

/// A file to be read.
#[derive(Debug, Default)]
struct Awaited {
    path: String,
    /// What a schema might be called that is meant instead.
    uri: String,
    referrer: Option<Place>,
}

/// What a file says of others, and of its own schemas.
#[derive(Debug, Default)]
struct Found {
    /// Other files that references lead to.
    references: Vec<(String, Pointer)>,
    /// The addresses of its schemas, as written.
    ids: Vec<(String, Pointer)>,
    is_dynamic: bool,
}

/// What is said inside `value`. Extensions (`x-*`) and plain values are data.
fn outward(value: &Value, at: &mut Pointer, names: Names, found: &mut Found) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if name == "$ref" || name == "$dynamicRef" => {
                        found.is_dynamic |= name == "$dynamicRef";
                        let path = text.split('#').next().unwrap_or_default();
                        if !path.is_empty() {
                            found.references.push((path.to_owned(), at.child(name)));
                        }
                    }
                    Value::String(id) if name == "$id" && names == Names::Keywords => {
                        found.ids.push((id.clone(), at.clone()));
                    }
                    Value::Object(_) | Value::Array(_) => {
                        if let Some(inner) = names.inside(name, member) {
                            at.within(name, |at| outward(member, at, inner, found));
                        }
                    }
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                if item.is_object() || item.is_array() {
                    let visit = |at: &mut Pointer| outward(item, at, Names::Keywords, found);
                    at.within(&index.to_string(), visit);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Whether a reference leads out of the file system: nothing is fetched from there.
pub fn is_remote(reference: &str) -> bool {
    reference.split('#').next().is_some_and(|path| path.contains("://"))
}

/// The path that a URI reference names when written in the file `from`.
pub(super) fn referred(from: &str, reference: &str) -> String {
    if is_remote(from) || is_remote(reference) {
        return join(from, reference);
    }
    let decoded = percent_decode(reference);
    join(from, decoded.as_deref().unwrap_or(reference))
}

/// A path as references from other files spell it: without `./`.
pub fn normal(path: &str) -> String {
    join("", path)
}

/// The path that `relative` names when written in the file `from`.
fn join(from: &str, relative: &str) -> String {
    let rooted = relative.starts_with('/');
    if is_remote(relative) || (rooted && !is_remote(from)) {
        return relative.to_owned();
    }
    // `https:`, nothing and the host stay whatever the path is.
    let fixed = if is_remote(from) { 3 } else { 0 };
    let mut parts: Vec<&str> = from.split('/').collect();
    let folder = if rooted { fixed } else { parts.len().saturating_sub(1).max(fixed) };
    parts.truncate(folder);
    for part in relative.split('/') {
        match part {
            "." | "" => {}
            ".." if fixed > 0 && parts.len() <= fixed => {}
            ".." if parts.last().is_some_and(|last| !matches!(*last, ".." | "")) => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    parts.join("/")
}

/// The name of a file without its folders and endings.
pub fn file_stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.split('.').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::{join, referred};

    #[test]
    fn joins_relative_paths() {
        assert_eq!(join("a/b.yaml", "schemas/c.yaml"), "a/schemas/c.yaml");
        assert_eq!(join("a/b/c.yaml", "../d.yaml"), "a/d.yaml");
        assert_eq!(join("c.yaml", "../../d.yaml"), "../../d.yaml");
        assert_eq!(join("/x/c.yaml", "./d.yaml"), "/x/d.yaml");
        assert_eq!(referred("c.yaml", "two%20words.yaml"), "two words.yaml");
        assert_eq!(join("", "./a/../b.yaml"), "b.yaml");
    }

    #[test]
    fn joins_addresses() {
        let from = "https://host/a/b.yaml";
        assert_eq!(referred("c.yaml", from), from);
        assert_eq!(referred(from, "c%20d.yaml"), "https://host/a/c%20d.yaml");
        assert_eq!(referred(from, "../../../c.yaml"), "https://host/c.yaml");
        assert_eq!(referred(from, "/c.yaml"), "https://host/c.yaml");
        assert_eq!(referred("https://host", "c.yaml"), "https://host/c.yaml");
    }
}
