//! The contract's schemas as one document, which exceptions may rewrite.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jsonschema::paths::Location;
use jsonschema::{Draft, Keyword, ValidationError, Validator};
use serde_json::{Map, Value, json};

use super::exceptions;

/// Where named schemas stand, and how they are referred to.
const SCHEMAS: &str = "#/components/schemas/";

/// The messages that callers send on sockets: they are read as requests are.
const FROM_CALLERS: [&str; 2] = ["Unwatch", "Watch"];

/// The named schemas of a contract, or of one of its messages.
#[derive(Debug, Clone)]
pub(super) struct Contract {
    pub(super) schemas: Map<String, Value>,
    /// Names of the schemas a request can hold.
    pub(super) in_requests: BTreeSet<String>,
    /// Names of the schemas that a response or a message can hold.
    pub(super) in_answers: BTreeSet<String>,
}

pub(super) fn generated(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../generated").join(path)
}

pub(super) fn read(path: &str) -> String {
    let path = generated(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

impl Contract {
    /// The bundled contract.
    pub(super) fn load() -> Self {
        let document: Value = serde_json::from_str(&read("calls-server/src/openapi.json")).unwrap();
        let mut schemas = document["components"]["schemas"].as_object().unwrap().clone();
        let messages: Value =
            serde_json::from_str(&read("calls-server/src/asyncapi.json")).unwrap();
        for (name, schema) in messages["components"]["schemas"].as_object().unwrap() {
            schemas.entry(name).or_insert_with(|| schema.clone());
        }
        let mut in_requests = BTreeSet::new();
        let mut in_answers = BTreeSet::new();
        for path in document["paths"].as_object().unwrap().values() {
            reach(&schemas, path.get("parameters"), &mut in_requests);
            for operation in path.as_object().unwrap().values() {
                reach(&schemas, operation.get("parameters"), &mut in_requests);
                reach(&schemas, operation.get("requestBody"), &mut in_requests);
                reach(&schemas, operation.get("responses"), &mut in_answers);
            }
        }
        for (name, message) in messages["components"]["messages"].as_object().unwrap() {
            let is_asked = FROM_CALLERS.contains(&name.as_str());
            let found = if is_asked { &mut in_requests } else { &mut in_answers };
            reach(&schemas, message.get("payload"), found);
        }
        Self { schemas, in_requests, in_answers }
    }

    /// The schemas of one message, as its file has them.
    pub(super) fn message(&self, name: &str) -> Self {
        let channels = ["service-call-commands", "service-call-events"];
        let paths = channels.map(|channel| format!("schemas/calls/{channel}/{name}.json"));
        let path = paths.iter().find(|path| generated(path).exists());
        let text = read(path.unwrap()).replace("#/$defs/", SCHEMAS);
        let mut document: Value = serde_json::from_str(&text).unwrap();
        let Value::Object(schemas) = document["$defs"].take() else { panic!("{name}: no $defs") };
        assert_eq!(document["$ref"], format!("{SCHEMAS}{name}"));
        Self { schemas, ..self.clone() }
    }

    /// The schema at a pointer below the named schemas: a name, or a place inside one.
    pub(super) fn at(&self, pointer: &str) -> &Value {
        let (name, inside) = pointer.split_once('/').unwrap_or((pointer, ""));
        let inside = if inside.is_empty() { String::new() } else { format!("/{inside}") };
        let found = self.schemas.get(name).and_then(|schema| schema.pointer(&inside));
        found.unwrap_or_else(|| panic!("the contract has no schema {pointer}"))
    }

    /// The schema behind references.
    pub(super) fn follow<'a>(&'a self, mut schema: &'a Value) -> &'a Value {
        while let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            schema = self.at(target.strip_prefix(SCHEMAS).unwrap());
        }
        schema
    }

    /// The name a reference leads to.
    pub(super) fn target(schema: &Value) -> Option<&str> {
        schema.get("$ref")?.as_str()?.strip_prefix(SCHEMAS)
    }

    /// A validator of the schema at this pointer.
    pub(super) fn validator(&self, pointer: &str) -> Validator {
        let mut schemas = Value::Object(self.schemas.clone());
        bound_numbers(&mut schemas);
        validator(&json!({
            "$ref": format!("{SCHEMAS}{pointer}"),
            "components": { "schemas": schemas },
        }))
    }
}

/// Adds the named schemas that a value of the contract leads to.
fn reach(schemas: &Map<String, Value>, value: Option<&Value>, found: &mut BTreeSet<String>) {
    match value {
        Some(Value::Object(members)) => {
            for (name, member) in members {
                let target = member.as_str().filter(|_| name == "$ref");
                match target.and_then(|target| target.strip_prefix(SCHEMAS)) {
                    Some(target) if found.insert(target.to_owned()) => {
                        reach(schemas, schemas.get(target), found);
                    }
                    _ => reach(schemas, Some(member), found),
                }
            }
        }
        Some(Value::Array(values)) => {
            values.iter().for_each(|value| reach(schemas, Some(value), found));
        }
        _ => {}
    }
}

/// A validator that asserts formats, those of numbers included.
pub(super) fn validator(schema: &Value) -> Validator {
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .with_format("x-uuid", exceptions::is_spelled_uuid)
        .with_format("x-spelled-instant", exceptions::is_spelled_instant)
        .with_format("x-held-instant", exceptions::is_held_instant)
        .with_keyword("x-unfractioned", unfractioned)
        .build(schema)
        .unwrap()
}

/// Spells the formats of numbers, which validators do not assert, as bounds.
pub(super) fn bound_numbers(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            let bounds = match members.get("format").and_then(Value::as_str) {
                Some("int32") => Some((i64::from(i32::MIN), i64::from(i32::MAX))),
                Some("int64") => Some((i64::MIN, i64::MAX)),
                _ => None,
            };
            if let Some((least, most)) = bounds {
                members.entry("minimum").or_insert(least.into());
                members.entry("maximum").or_insert(most.into());
            }
            members.values_mut().for_each(bound_numbers);
        }
        Value::Array(values) => values.iter_mut().for_each(bound_numbers),
        _ => {}
    }
}

/// A keyword of exceptions: whole numbers are spelled without a fraction.
struct Unfractioned;

#[allow(clippy::unnecessary_wraps, reason = "the signature is that of keyword factories")]
fn unfractioned<'a>(
    _: &'a Map<String, Value>,
    _: &'a Value,
    _: Location,
) -> Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'a>> {
    Ok(Box::new(Unfractioned))
}

impl<'i> Keyword<'i> for Unfractioned {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        match Keyword::is_valid(self, instance) {
            true => Ok(()),
            false => Err(ValidationError::custom("spelled with a fraction")),
        }
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        !instance.is_f64()
    }
}
