//! Folding every file a document refers to into the document itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::members::Names;
use super::{Cursor, Pointer, ValueId, file_stem};

/// The whole document with no reference that leaves it: what other files hold moves to
/// `components.schemas` (or stands in place where it is no schema).
pub fn bundle(root: &Cursor<'_>) -> Arc<Value> {
    if root.sources.files().nth(1).is_none() {
        return Arc::clone(&root.file.value);
    }
    let mut folder = Folder::new(root, "#/components/schemas");
    let mut value = folder.fold(root, Names::Keywords);
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
    Arc::new(value)
}

/// One schema with everything it refers to under `$defs` (JSON Schema 2020-12).
pub fn schema(at: &Cursor<'_>) -> Value {
    let mut folder = Folder::new(at, "#/$defs");
    folder.inward = true;
    let mut value = folder.fold(at, Names::Keywords);
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

/// Where a reference leads after folding.
enum Address {
    /// Where it led before.
    Same,
    /// Here.
    New(String),
}

struct Folder<'a> {
    home: &'a str,
    prefix: &'static str,
    /// Whether references inside the home file move too, since only a part of it is kept.
    inward: bool,
    /// The schemas of the home file that have names already.
    components: Option<&'a Value>,
    names: BTreeMap<ValueId, String>,
    taken: BTreeSet<String>,
    waiting: Vec<(String, Cursor<'a>)>,
    moved: Map<String, Value>,
    /// What is being folded in place right now.
    standing: Vec<ValueId>,
}

impl<'a> Folder<'a> {
    fn new(root: &Cursor<'a>, prefix: &'static str) -> Self {
        let components = root.file.value.get("components");
        Self {
            home: &root.file.path,
            prefix,
            inward: false,
            components: components.and_then(|found| found.get("schemas")),
            names: BTreeMap::new(),
            taken: BTreeSet::new(),
            waiting: Vec::new(),
            moved: Map::new(),
            standing: Vec::new(),
        }
    }

    fn drain(&mut self) {
        while let Some((name, at)) = self.waiting.pop() {
            let value = self.fold(&at, Names::Keywords);
            self.moved.insert(name, value);
        }
    }

    fn fold(&mut self, at: &Cursor<'a>, names: Names) -> Value {
        match at.value {
            Value::Object(members) => {
                let target = at.reference().and_then(|reference| at.target(reference).ok());
                let address = match &target {
                    None => Address::Same,
                    Some(target) => match self.address(at, target) {
                        None => return self.in_place(at, target),
                        Some(address) => address,
                    },
                };
                let is_discriminator = at.name() == Some("discriminator");
                let folded = members.iter().map(|(name, value)| {
                    let member = names.inside(name, value).and_then(|inner| {
                        let nested = value.is_object() || value.is_array();
                        nested.then(|| at.get(name)).flatten().map(|member| (member, inner))
                    });
                    let value = match (member, &address) {
                        (Some((member, _)), _) if is_discriminator && name == "mapping" => {
                            self.mapping(&member)
                        }
                        (Some((member, inner)), _) => self.fold(&member, inner),
                        (None, Address::New(address)) if name == "$ref" => address.clone().into(),
                        (None, Address::New(_) | Address::Same) => value.clone(),
                    };
                    (name.clone(), value)
                });
                Value::Object(folded.collect())
            }
            Value::Array(_) => {
                let elements = at.elements();
                elements.iter().map(|element| self.fold(element, Names::Keywords)).collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => at.value.clone(),
        }
    }

    /// A discriminator's mapping names schemas as references do, in plain texts.
    fn mapping(&mut self, at: &Cursor<'a>) -> Value {
        let mut folded = at.value.clone();
        for (tag, name) in at.members() {
            let Some(reference) = name.value.as_str().filter(|text| text.contains(['#', '/']))
            else {
                continue;
            };
            let Ok(target) = at.target(reference) else { continue };
            if let Some(Address::New(address)) = self.address(at, &target) {
                folded[tag] = address.into();
            }
        }
        folded
    }

    /// What to write for a reference from here to there; nothing if what stands there is to be
    /// written in place.
    fn address(&mut self, at: &Cursor<'a>, target: &Cursor<'a>) -> Option<Address> {
        let at_home = target.file.path == self.home && !self.inward;
        if at_home && at.file.path == self.home {
            return Some(Address::Same);
        }
        if at_home {
            return Some(Address::New(format!("#{}", target.pointer())));
        }
        if !looks_like_schema(target) {
            return None;
        }
        let name = match self.name_of(target) {
            Some(name) if !self.inward || self.moved.contains_key(&name) => name,
            _ => self.move_here(target),
        };
        Some(Address::New(format!("{}{}", self.prefix, Pointer::default().child(&name))))
    }

    /// What is no schema stands where it is used; a circle of such things stays a reference.
    fn in_place(&mut self, at: &Cursor<'a>, target: &Cursor<'a>) -> Value {
        if self.standing.contains(&target.id()) {
            return at.value.clone();
        }
        self.standing.push(target.id());
        let folded = self.fold(target, Names::Keywords);
        self.standing.pop();
        folded
    }

    /// The name of a schema that has one.
    fn name_of(&self, target: &Cursor<'a>) -> Option<String> {
        let of_component = || {
            let components = self.components?;
            target.name().filter(|_| target.stands_in(components)).map(str::to_owned)
        };
        self.names.get(&target.id()).cloned().or_else(of_component)
    }

    /// Takes a name if it is free.
    fn takes(&mut self, name: &str) -> bool {
        let is_component = self.components.is_some_and(|found| found.get(name).is_some());
        !is_component && self.taken.insert(name.to_owned())
    }

    fn move_here(&mut self, target: &Cursor<'a>) -> String {
        if self.inward
            && let Some(name) = self.name_of(target)
            && self.waiting.iter().any(|(waiting, _)| *waiting == name)
        {
            return name;
        }
        let wanted = match target.pointer().last() {
            Some(token) => token,
            None => file_stem(&target.file.path).to_owned(),
        };
        let wanted = wanted.replace(|c: char| !is_component_key(c), "_");
        let known = self.name_of(target);
        let name = known.unwrap_or_else(|| {
            let mut name = wanted.clone();
            let mut number = 2;
            while !self.takes(&name) {
                name = format!("{wanted}{number}");
                number += 1;
            }
            name
        });
        self.names.insert(target.id(), name.clone());
        self.moved.insert(name.clone(), Value::Null);
        self.waiting.push((name.clone(), target.clone()));
        name
    }
}

/// OpenAPI: keys of components match `^[a-zA-Z0-9._-]+$`.
fn is_component_key(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
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

#[cfg(test)]
mod tests {
    use std::io;

    use super::super::{Cursor, Sources};

    #[test]
    fn what_other_files_hold_moves_in_with_every_name_of_it() {
        let root = "components: { schemas: { Event: { oneOf: [{ $ref: 'e.yaml#/Made' }], \
            discriminator: { propertyName: type, mapping: { made: 'e.yaml#/Made' } } } } }\n";
        let other = "Made: { type: object, properties: { by: { $ref: '#/Who' } } }\n\
            Who: { type: string }\n";
        let read = |path: &str| match path {
            "root.yaml" => Ok(root.to_owned()),
            "e.yaml" => Ok(other.to_owned()),
            _ => Err(io::Error::from(io::ErrorKind::NotFound).into()),
        };
        let mut sources = Sources::default();
        assert!(sources.add("root.yaml", &read).is_empty());
        let Some(file) = sources.file("root.yaml") else { panic!("the file was added") };
        let bundled = super::bundle(&Cursor::root(&sources, file));
        let schemas = &bundled["components"]["schemas"];
        let made = "#/components/schemas/Made";
        assert_eq!(schemas["Event"]["oneOf"][0]["$ref"], made);
        assert_eq!(schemas["Event"]["discriminator"]["mapping"]["made"], made);
        assert_eq!(schemas["Made"]["properties"]["by"]["$ref"], "#/components/schemas/Who");
        assert_eq!(schemas["Who"]["type"], "string");
    }
}
