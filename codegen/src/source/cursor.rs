//! Walking a document and following its references without losing the place.

use serde_json::{Map, Value};

use super::load::{Sources, referred};
use super::{File, Place, Pointer};

/// References that may be followed on the way to one value; more can only be a circle.
const STEPS: usize = 128;

/// A value together with its place.
#[derive(Debug, Clone)]
pub struct Cursor<'a> {
    /// All files of the contract.
    pub sources: &'a Sources,
    /// The file of this value.
    pub file: &'a File,
    /// Where in that file.
    pub pointer: Pointer,
    /// The value.
    pub value: &'a Value,
}

/// Why a reference leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefError {
    /// Nothing stands at the address; the siblings of the missing member, to suggest one.
    Missing {
        /// The reference as written.
        reference: String,
        /// The members that do stand where the last found part leads.
        siblings: Vec<String>,
    },
    /// The reference leads to itself.
    Cycle {
        /// The reference as written.
        reference: String,
    },
}

impl<'a> Cursor<'a> {
    /// The root of a file.
    pub fn root(sources: &'a Sources, file: &'a File) -> Self {
        Self { sources, file, pointer: Pointer::default(), value: &file.value }
    }

    /// Where this value stands.
    pub fn place(&self) -> Place {
        Place::new(&self.file.path, self.pointer.clone())
    }

    /// The member of this name.
    pub fn get(&self, name: &str) -> Option<Self> {
        let value = self.value.as_object()?.get(name)?;
        Some(Self { pointer: self.pointer.child(name), value, ..self.clone() })
    }

    /// The members of an object, by name; none for anything else.
    pub fn members(&self) -> Vec<(&'a str, Self)> {
        let Value::Object(members) = self.value else { return Vec::new() };
        let mut found: Vec<_> = members
            .iter()
            .map(|(name, value)| {
                let pointer = self.pointer.child(name);
                (name.as_str(), Self { pointer, value, ..self.clone() })
            })
            .collect();
        found.sort_by_key(|(name, _)| *name);
        found
    }

    /// The elements of an array; none for anything else.
    pub fn elements(&self) -> Vec<Self> {
        let Value::Array(items) = self.value else { return Vec::new() };
        items
            .iter()
            .enumerate()
            .map(|(index, value)| {
                let pointer = self.pointer.child(&index.to_string());
                Self { pointer, value, ..self.clone() }
            })
            .collect()
    }

    /// The text of the member of this name.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.value.get(name)?.as_str()
    }

    /// Whether the member of this name is `true`.
    pub fn flag(&self, name: &str) -> bool {
        self.value.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// This value as an object.
    pub fn object(&self) -> Option<&'a Map<String, Value>> {
        self.value.as_object()
    }

    /// The text of this value's `$ref`, if it is a reference.
    pub fn reference(&self) -> Option<&'a str> {
        self.text("$ref")
    }

    /// What this value stands for: itself, or what its `$ref` leads to in the end.
    ///
    /// # Errors
    /// When a reference leads nowhere or in a circle.
    pub fn follow(&self) -> Result<Self, RefError> {
        let mut steps = STEPS;
        self.follow_within(&mut steps)
    }

    /// What a reference written at this place leads to, one step.
    ///
    /// # Errors
    /// When it leads nowhere.
    pub fn target(&self, reference: &str) -> Result<Self, RefError> {
        let mut steps = STEPS;
        self.target_within(reference, &mut steps)
    }

    fn follow_within(&self, steps: &mut usize) -> Result<Self, RefError> {
        let mut current = self.clone();
        while let Some(reference) = current.reference() {
            let Some(left) = steps.checked_sub(1) else {
                return Err(RefError::Cycle { reference: reference.to_owned() });
            };
            *steps = left;
            current = current.target_within(reference, steps)?;
        }
        Ok(current)
    }

    fn target_within(&self, reference: &str, steps: &mut usize) -> Result<Self, RefError> {
        let missing = |siblings| RefError::Missing { reference: reference.to_owned(), siblings };
        let (path, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let file = if path.is_empty() {
            self.file
        } else {
            let path = referred(&self.file.path, path);
            self.sources.file(&path).ok_or_else(|| missing(Vec::new()))?
        };
        let pointer = Pointer::from_fragment(fragment).ok_or_else(|| missing(Vec::new()))?;
        let mut cursor = Self::root(self.sources, file);
        for token in pointer.tokens() {
            let Some(next) = cursor.step(&token, steps)? else {
                let names = cursor.members().into_iter().map(|(name, _)| name.to_owned());
                return Err(missing(names.collect()));
            };
            cursor = next;
        }
        Ok(cursor)
    }

    fn step(&self, token: &str, steps: &mut usize) -> Result<Option<Self>, RefError> {
        if let Value::Array(items) = self.value {
            let value = token.parse::<usize>().ok().and_then(|index| items.get(index));
            let pointer = self.pointer.child(token);
            return Ok(value.map(|value| Self { pointer, value, ..self.clone() }));
        }
        // A reference on the way is followed: real documents point through references.
        match self.get(token) {
            None if self.reference().is_some() => Ok(self.follow_within(steps)?.get(token)),
            found => Ok(found),
        }
    }
}
