//! Folding every file a document refers to into the document itself.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Cursor, Place, file_stem};

/// The whole document with no reference that leaves it: what other files hold moves to
/// `components.schemas` (or stands in place where it is no schema).
pub fn bundle(root: &Cursor<'_>) -> Value {
    let mut folder = Folder::new(root, "#/components/schemas/");
    let mut value = folder.fold(root);
    folder.drain();
    if !folder.moved.is_empty()
        && let Value::Object(document) = &mut value
    {
        let components = document.entry("components").or_insert_with(|| Map::new().into());
        if let Value::Object(components) = components {
            let schemas = components.entry("schemas").or_insert_with(|| Map::new().into());
            if let Value::Object(schemas) = schemas {
                schemas.extend(folder.moved);
            }
        }
    }
    value
}

/// One schema with everything it refers to under `$defs` (JSON Schema 2020-12).
pub fn schema(at: &Cursor<'_>) -> Value {
    let mut folder = Folder::new(at, "#/$defs/");
    folder.inward = true;
    let mut value = folder.fold(at);
    folder.drain();
    if let Value::Object(schema) = &mut value {
        let dialect = "https://json-schema.org/draft/2020-12/schema";
        schema.insert("$schema".into(), dialect.into());
        if !folder.moved.is_empty() {
            schema.insert("$defs".into(), folder.moved.into());
        }
    }
    value
}

struct Folder<'a> {
    home: &'a str,
    prefix: &'static str,
    /// Whether references inside the home file move too, since only a part of it is kept.
    inward: bool,
    names: BTreeMap<Place, String>,
    taken: BTreeSet<String>,
    waiting: Vec<(String, Cursor<'a>)>,
    moved: Map<String, Value>,
}

impl<'a> Folder<'a> {
    fn new(root: &Cursor<'a>, prefix: &'static str) -> Self {
        let mut taken = BTreeSet::new();
        let mut names = BTreeMap::new();
        let file = Cursor::root(root.sources, root.file);
        let schemas = file.get("components").and_then(|found| found.get("schemas"));
        for (name, at) in schemas.map(|found| found.members()).unwrap_or_default() {
            taken.insert(name.to_owned());
            names.insert(at.place(), name.to_owned());
        }
        Self {
            home: &root.file.path,
            prefix,
            inward: false,
            names,
            taken,
            waiting: Vec::new(),
            moved: Map::new(),
        }
    }

    fn drain(&mut self) {
        while let Some((name, at)) = self.waiting.pop() {
            let value = self.fold(&at);
            self.moved.insert(name, value);
        }
    }

    fn fold(&mut self, at: &Cursor<'a>) -> Value {
        match at.value {
            Value::Object(members) => {
                if let Some(reference) = at.reference() {
                    return self.reference(at, reference);
                }
                let folded = members.iter().map(|(name, value)| {
                    let plain = name.starts_with("x-") || name == "example" || name == "default";
                    let value = match at.get(name) {
                        Some(member) if !plain => self.fold(&member),
                        _ => value.clone(),
                    };
                    (name.clone(), value)
                });
                Value::Object(folded.collect())
            }
            Value::Array(_) => at.elements().iter().map(|element| self.fold(element)).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => at.value.clone(),
        }
    }

    fn reference(&mut self, at: &Cursor<'a>, reference: &str) -> Value {
        let Ok(target) = at.target(reference) else { return at.value.clone() };
        let stays = target.file.path == self.home && at.file.path == self.home && !self.inward;
        if stays {
            return at.value.clone();
        }
        if self.home == target.file.path && !self.inward {
            let mut folded = at.value.clone();
            folded["$ref"] = format!("#{}", target.pointer).into();
            return folded;
        }
        if !looks_like_schema(&target) {
            return self.fold(&target);
        }
        let place = target.place();
        let name = match self.names.get(&place) {
            Some(name) if !self.inward || self.moved.contains_key(name) => name.clone(),
            _ => self.move_here(&place, &target),
        };
        let mut folded = at.value.clone();
        folded["$ref"] = format!("{}{name}", self.prefix).into();
        folded
    }

    fn move_here(&mut self, place: &Place, target: &Cursor<'a>) -> String {
        if self.inward
            && let Some(name) = self.names.get(place)
            && self.waiting.iter().any(|(waiting, _)| waiting == name)
        {
            return name.clone();
        }
        let wanted = match place.pointer.last() {
            Some(token) => token,
            None => file_stem(&place.file).to_owned(),
        };
        let known = self.names.get(place).cloned();
        let name = known.unwrap_or_else(|| {
            let mut name = wanted.clone();
            let mut number = 2;
            while !self.taken.insert(name.clone()) {
                name = format!("{wanted}{number}");
                number += 1;
            }
            name
        });
        self.names.insert(place.clone(), name.clone());
        self.moved.insert(name.clone(), Value::Null);
        self.waiting.push((name.clone(), target.clone()));
        name
    }
}

/// Whether what stands in another file is a schema, rather than a response, parameter or example.
fn looks_like_schema(at: &Cursor<'_>) -> bool {
    const SCHEMA_KEYWORDS: [&str; 12] = [
        "type",
        "properties",
        "allOf",
        "oneOf",
        "anyOf",
        "enum",
        "const",
        "$ref",
        "items",
        "not",
        "additionalProperties",
        "format",
    ];
    let is_other = ["in", "content", "payload", "schema", "operationId", "value", "responses"]
        .iter()
        .any(|keyword| at.value.get(keyword).is_some());
    !is_other && SCHEMA_KEYWORDS.iter().any(|keyword| at.value.get(keyword).is_some())
}
