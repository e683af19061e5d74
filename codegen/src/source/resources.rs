//! Schemas that are resources of their own (JSON Schema 2020-12, 8.2): what they are called, and
//! what is called something inside of them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::load::{Sources, is_remote, referred};
use super::members::Names;
use super::{Cursor, File, Place, Pointer};

/// A schema with an `$id`, or a document with a `$self`.
#[derive(Debug, Clone)]
pub(super) struct Resource {
    /// Where it stands in its file.
    pub(super) pointer: Pointer,
    /// What it is called, whole.
    pub(super) uri: String,
}

/// A name that a schema gives itself within its resource.
#[derive(Debug, Clone)]
pub(super) struct Anchor {
    pub(super) place: Place,
    /// Whether a `$dynamicRef` may find another of this name instead.
    pub(super) is_dynamic: bool,
}

/// The anchors of one resource, by name.
pub(super) type Anchors = BTreeMap<String, Anchor>;

/// What the files of a contract call their schemas.
#[derive(Debug, Default)]
pub(super) struct Index {
    anchors: BTreeMap<Place, Anchors>,
    /// Whether two resources have a dynamic anchor of one name: only then ways differ.
    pub(super) is_contested: bool,
    /// Dynamic anchors whose names are taken in their resource.
    pub(super) repeated: Vec<Place>,
}

/// Whether `$id` and `$dynamicRef` are keywords in this document: OpenAPI 3.0 has none.
pub(super) fn heeds(document: &Value) -> bool {
    let version = document.get("openapi").and_then(Value::as_str);
    !version.is_some_and(|version| version.starts_with("3.0"))
}

/// The resources of a file, outermost first; `ids` are those written in it, in any order.
pub(super) fn resources(
    path: &str,
    document: &Value,
    mut ids: Vec<(String, Pointer)>,
) -> Vec<Resource> {
    if !heeds(document) {
        return Vec::new();
    }
    ids.sort_by(|(_, left), (_, right)| left.cmp(right));
    let mut found: Vec<Resource> = Vec::new();
    let own = document.get("openapi").and_then(|_| document.get("$self")).and_then(Value::as_str);
    if let Some(uri) = own.map(|own| absolute(path, own)) {
        found.push(Resource { pointer: Pointer::default(), uri });
    }
    for (id, pointer) in ids {
        let base = enclosing(&found, &pointer).map_or(path, |resource| resource.uri.as_str());
        let uri = absolute(base, &id);
        // `#name` is how older drafts spell an anchor.
        if !id.starts_with('#') && !uri.is_empty() {
            found.push(Resource { pointer, uri });
        }
    }
    found
}

/// The innermost of these resources that a place is in.
fn enclosing<'r>(resources: &'r [Resource], pointer: &Pointer) -> Option<&'r Resource> {
    let holds = |resource: &&Resource| pointer.is_within(&resource.pointer);
    resources.iter().filter(holds).max_by_key(|resource| resource.pointer.as_str().len())
}

/// The URI that a reference without its fragment stands for where this is the base.
pub(super) fn absolute(base: &str, reference: &str) -> String {
    let path = reference.split('#').next().unwrap_or_default();
    if path.is_empty() {
        return base.to_owned();
    }
    if has_scheme(path) || (has_scheme(base) && !is_remote(base)) {
        return path.to_owned();
    }
    referred(base, path)
}

fn has_scheme(uri: &str) -> bool {
    uri.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '.' | '-'))
    })
}

impl File {
    /// The URI against which a reference at this place is resolved.
    pub(super) fn base(&self, pointer: &Pointer) -> &str {
        enclosing(&self.resources, pointer).map_or(&self.path, |resource| &resource.uri)
    }

    /// Where the resource begins that holds this place: at the root, if no other does.
    pub(super) fn resource_of(&self, pointer: &Pointer) -> Place {
        let inner = enclosing(&self.resources, pointer).map(|resource| resource.pointer.clone());
        Place::new(&self.path, inner.unwrap_or_default())
    }

    /// Where the resources begin that hold this place, outermost first.
    pub(super) fn resources_of(&self, pointer: &Pointer) -> Vec<Place> {
        let holding = self.resources.iter().filter(|it| pointer.is_within(&it.pointer));
        let mut found = vec![Pointer::default()];
        found.extend(holding.map(|resource| resource.pointer.clone()));
        found.sort();
        found.dedup();
        found.into_iter().map(|pointer| Place::new(&self.path, pointer)).collect()
    }
}

impl Index {
    /// Finds what is called something in these files.
    pub(super) fn new(sources: &Sources) -> Self {
        let mut index = Self::default();
        for file in sources.files().filter(|file| heeds(&file.value)) {
            index.walk(&Cursor::root(sources, file), Names::Keywords);
        }
        let mut seen = BTreeSet::new();
        let named = index.anchors.values().flatten().filter(|(_, anchor)| anchor.is_dynamic);
        index.is_contested = named.into_iter().any(|(name, _)| !seen.insert(name.as_str()));
        index
    }

    fn walk(&mut self, at: &Cursor<'_>, names: Names) {
        if names == Names::Keywords {
            let older = at.text("$id").and_then(|id| id.strip_prefix('#'));
            let named = [at.text("$anchor").or(older), at.text("$dynamicAnchor")];
            for (name, is_dynamic) in named.into_iter().zip([false, true]) {
                if let Some(name) = name.filter(|name| !name.is_empty()) {
                    self.add(at, name, is_dynamic);
                }
            }
        }
        for (name, member) in at.members() {
            if let Some(inner) = names.inside(name, member.value) {
                self.walk(&member, inner);
            }
        }
        at.elements().iter().for_each(|element| self.walk(element, Names::Keywords));
    }

    fn add(&mut self, at: &Cursor<'_>, name: &str, is_dynamic: bool) {
        let place = at.place();
        let anchors = self.anchors.entry(at.file.resource_of(&place.pointer)).or_default();
        match anchors.get(name) {
            Some(_) if is_dynamic => self.repeated.push(place.child("$dynamicAnchor")),
            Some(_) => {}
            None => {
                anchors.insert(name.to_owned(), Anchor { place, is_dynamic });
            }
        }
    }

    /// The anchors of the resource that begins here.
    pub(super) fn anchors(&self, resource: &Place) -> impl Iterator<Item = (&String, &Anchor)> {
        self.anchors.get(resource).into_iter().flatten()
    }

    /// What is called so in the resource that begins here.
    pub(super) fn anchor(&self, resource: &Place, name: &str) -> Option<&Anchor> {
        self.anchors.get(resource)?.get(name)
    }

    /// Every dynamic anchor of this name.
    pub(super) fn dynamic<'i>(&'i self, name: &'i str) -> impl Iterator<Item = &'i Anchor> {
        let found = self.anchors.values().filter_map(move |anchors| anchors.get(name));
        found.filter(|anchor| anchor.is_dynamic)
    }
}

#[cfg(test)]
mod tests {
    use super::absolute;

    #[test]
    fn resolves_against_any_base() {
        assert_eq!(absolute("a/api.yaml", "tree"), "a/tree");
        assert_eq!(absolute("https://host/a/tree", "node#x"), "https://host/a/node");
        assert_eq!(absolute("https://host/a/tree", "/node"), "https://host/node");
        assert_eq!(absolute("https://host/a", "urn:x:y#z"), "urn:x:y");
        assert_eq!(absolute("urn:x:y", "#z"), "urn:x:y");
        assert_eq!(absolute("urn:x:y", "node"), "node");
    }
}
