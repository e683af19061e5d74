//! Whether two schemas can have a value in common, `null` aside.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value;

use super::all_of::Parts;
use super::{accepts_null, type_names};
use crate::source::{Cursor, ValueId};

/// How far schemas in schemas are looked into; what lies deeper may be in common.
const DEPTH: usize = 4;

/// Whether no value but `null` is one of two of these alternatives.
pub(super) fn are_apart(alternatives: &[Cursor<'_>]) -> bool {
    let mut known = Known::default();
    let facts: Vec<Rc<Facts<'_>>> = alternatives.iter().map(|at| known.facts(at)).collect();
    facts.iter().enumerate().all(|(index, one)| {
        facts[index + 1..].iter().all(|other| one.is_apart_from(other, &mut known, DEPTH))
    })
}

/// What was found of schemas, each of which is held against several others.
#[derive(Default)]
struct Known<'a>(BTreeMap<ValueId, Rc<Facts<'a>>>);

impl<'a> Known<'a> {
    fn facts(&mut self, at: &Cursor<'a>) -> Rc<Facts<'a>> {
        Rc::clone(self.0.entry(at.id()).or_insert_with(|| Rc::new(Facts::of(at))))
    }
}

/// What is certain of every value of a schema.
struct Facts<'a> {
    /// The kinds of its values; none if nothing is said of them.
    kinds: Vec<&'a str>,
    /// Its values, where they are listed.
    listed: Option<Vec<&'a Value>>,
    /// The format of its texts, where no text has two of these.
    format: Option<&'a str>,
    parts: Parts<'a>,
}

impl<'a> Facts<'a> {
    fn of(at: &Cursor<'a>) -> Self {
        let mut parts = Parts::default();
        parts.take_with_siblings(at);
        let mut schemas = parts.schemas.clone();
        schemas.extend(at.follow());
        schemas.push(at.clone());
        let listed = schemas.iter().find_map(listed);
        let mut kinds: Vec<&str> = match &listed {
            Some(values) => values.iter().map(|value| kind(value)).collect(),
            None => {
                schemas.iter().map(type_names).find(|names| !names.is_empty()).unwrap_or_default()
            }
        };
        // Members are read from objects alone.
        if kinds.is_empty() && !(parts.properties.is_empty() && parts.required.is_empty()) {
            kinds.push("object");
        }
        kinds.retain(|kind| *kind != "null");
        let format = schemas.iter().find_map(|at| at.text("format"));
        let format = format.filter(|format| matches!(*format, "date-time" | "date" | "uuid"));
        Self { kinds, listed, format, parts }
    }

    fn is_apart_from(&self, other: &Self, known: &mut Known<'a>, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        if let (Some(own), Some(others)) = (&self.listed, &other.listed) {
            return !own.iter().any(|value| !value.is_null() && others.contains(value));
        }
        if self.kinds.is_empty() || other.kinds.is_empty() {
            return false;
        }
        let is_number = |kind: &str| matches!(kind, "integer" | "number");
        let alike = |one: &str, two: &str| one == two || (is_number(one) && is_number(two));
        let common = |one: &&str| other.kinds.iter().any(|two| alike(one, two));
        let shared: Vec<&str> = self.kinds.iter().filter(|kind| common(kind)).copied().collect();
        match shared.as_slice() {
            [] => true,
            ["object"] => {
                self.demands_otherwise(other, known, depth)
                    || other.demands_otherwise(self, known, depth)
            }
            ["string"] => self.format.zip(other.format).is_some_and(|(own, theirs)| own != theirs),
            _ => false,
        }
    }

    /// Whether a member that every object here has is one that no object there can have.
    fn demands_otherwise(&self, other: &Self, known: &mut Known<'a>, depth: usize) -> bool {
        let is_closed = other.parts.additional.as_ref().is_some_and(|additional| {
            additional.value == &Value::Bool(false)
                && additional.name() == Some("additionalProperties")
        });
        let patterned = |at: &Cursor<'_>| at.get("patternProperties").is_some();
        let lists_all = is_closed && !other.parts.schemas.iter().any(patterned);
        self.parts.required.iter().any(|name| match other.parts.properties.get(name) {
            None => lists_all && other.parts.unions.is_empty(),
            Some(theirs) => self.parts.properties.get(name).is_some_and(|own| {
                let both_null = accepts_null(own) && accepts_null(theirs);
                let mut apart = || {
                    let (own, theirs) = (known.facts(own), known.facts(theirs));
                    own.is_apart_from(&theirs, known, depth)
                };
                !both_null && apart()
            }),
        })
    }
}

fn listed<'a>(at: &Cursor<'a>) -> Option<Vec<&'a Value>> {
    match (at.value.get("const"), at.value.get("enum")) {
        (Some(value), _) => Some(vec![value]),
        (None, Some(Value::Array(values))) => Some(values.iter().collect()),
        (None, _) => None,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
