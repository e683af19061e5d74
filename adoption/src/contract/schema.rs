//! Schemas as validators, compiled when they are first needed.

use std::sync::OnceLock;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use serde_json::{Value, json};
use symbolon_codegen::source::{Cursor, bundle, modern};
use symbolon_wire::parameter::Refusal;

/// Which way a value travels: `readOnly` and `writeOnly` depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From client to server.
    Request,
    /// From server to client.
    Response,
}

/// A schema of the contract.
#[derive(Debug)]
pub struct Schema {
    at: Cursor<'static>,
    direction: Direction,
    compiled: OnceLock<Compiled>,
}

#[derive(Debug)]
struct Compiled {
    value: Value,
    /// None for a schema that the library cannot read: it judges nothing.
    validator: Option<Validator>,
}

impl Schema {
    pub(crate) fn new(at: Cursor<'static>, direction: Direction) -> Self {
        Self { at, direction, compiled: OnceLock::new() }
    }

    /// Which way its values travel.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// The schema with all it refers to under `$defs`, in JSON Schema 2020-12.
    pub fn value(&self) -> &Value {
        &self.compiled().value
    }

    /// Whether a value fits; a schema that cannot be read refuses nothing.
    pub fn accepts(&self, value: &Value) -> bool {
        self.compiled().validator.as_ref().is_none_or(|validator| validator.is_valid(value))
    }

    /// Everything that is wrong with a value. The value itself is in none of it.
    pub fn refusals(&self, value: &Value) -> Vec<Refusal> {
        let Some(validator) = &self.compiled().validator else { return Vec::new() };
        validator.iter_errors(value).flat_map(|error| refusals(&error)).collect()
    }

    /// The JSON type its values have, as far as one is said.
    pub fn primitive(&self) -> Option<&str> {
        primitive(self.value(), self.value())
    }

    /// Whether values are lists or objects that may hold lists or objects.
    pub fn nests(&self) -> bool {
        let root = self.value();
        let is_nested = |inner: &Value| matches!(primitive(root, inner), Some("array" | "object"));
        let schema = target(root, root).unwrap_or(root);
        let members = schema.get("properties").and_then(Value::as_object);
        let mut inner = ["items", "additionalProperties"].iter().filter_map(|key| schema.get(key));
        is_nested(schema)
            && (inner.any(is_nested) || members.is_some_and(|all| all.values().any(is_nested)))
    }

    fn compiled(&self) -> &Compiled {
        self.compiled.get_or_init(|| {
            let file = &self.at.file.value;
            let is_older = file
                .get("openapi")
                .or_else(|| self.at.sources.files().find_map(|file| file.value.get("openapi")))
                .and_then(Value::as_str)
                .is_some_and(|version| version.starts_with("3.0"));
            let bundled = bundle::schema(&self.at);
            let mut value = if is_older { modern(bundled) } else { bundled };
            let definitions = value.clone();
            one_way(&mut value, &definitions, self.direction);
            let validator = jsonschema::options()
                .with_draft(jsonschema::Draft::Draft202012)
                .should_validate_formats(true)
                .build(&value)
                .ok();
            Compiled { value, validator }
        })
    }
}

/// The JSON type that a schema's values have, through references, `allOf` and alternatives.
pub(crate) fn primitive<'s>(root: &'s Value, schema: &'s Value) -> Option<&'s str> {
    let mut schema = schema;
    for _ in 0..16 {
        if let Some(target) = target(root, schema) {
            schema = target;
            continue;
        }
        let first = |types: &'s Vec<Value>| {
            types.iter().find_map(|ty| ty.as_str().filter(|ty| *ty != "null"))
        };
        match schema.get("type") {
            Some(Value::Array(types)) => return first(types),
            Some(ty) => return ty.as_str(),
            None => {}
        }
        let inner = ["allOf", "anyOf", "oneOf"].iter().find_map(|key| {
            let list = schema.get(key)?.as_array()?;
            list.iter().find(|one| one.get("type") != Some(&json!("null")))
        });
        schema = inner?;
    }
    None
}

/// What a schema's `$ref` leads to within its bundle.
pub(crate) fn target<'s>(root: &'s Value, schema: &Value) -> Option<&'s Value> {
    root.pointer(schema.get("$ref")?.as_str()?.strip_prefix('#')?)
}

/// Lifts what is required only of the other way: a request need not hold what is read-only.
fn one_way(schema: &mut Value, root: &Value, direction: Direction) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(|item| one_way(item, root, direction)),
        Value::Object(members) => {
            members.values_mut().for_each(|member| one_way(member, root, direction));
            let other: Vec<Value> = match members.get("properties") {
                Some(Value::Object(properties)) => properties
                    .iter()
                    .filter(|(_, property)| is_of_other_way(property, root, direction))
                    .map(|(name, _)| json!(name))
                    .collect(),
                _ => return,
            };
            if let Some(Value::Array(required)) = members.get_mut("required") {
                required.retain(|name| !other.contains(name));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Whether a property travels the other way only.
pub(crate) fn is_of_other_way(property: &Value, root: &Value, direction: Direction) -> bool {
    let keyword = match direction {
        Direction::Request => "readOnly",
        Direction::Response => "writeOnly",
    };
    let says = |schema: &Value| schema.get(keyword) == Some(&json!(true));
    says(property) || target(root, property).is_some_and(says)
}

/// A violation as the edge tells it: a member that is missing, or should be, is the place.
fn refusals(error: &ValidationError<'_>) -> Vec<Refusal> {
    let at = error.instance_path().to_string();
    let refusal = |code: &'static str, detail: String, member: Option<&str>| {
        let refusal = Refusal::new(code, detail);
        let mut refusal = member.into_iter().fold(refusal, Refusal::within);
        refusal.pointer = format!("{at}{}", refusal.pointer);
        refusal
    };
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            vec![refusal("required", "must be given".to_owned(), property.as_str())]
        }
        ValidationErrorKind::AdditionalProperties { unexpected } => unexpected
            .iter()
            .map(|name| {
                refusal("additionalProperties", "is not a known member".to_owned(), Some(name))
            })
            .collect(),
        _ => {
            let path = error.schema_path().to_string();
            let keyword = keyword(path.rsplit('/').next().unwrap_or_default());
            vec![refusal(keyword, error.masked().to_string(), None)]
        }
    }
}

/// The keyword of this name, if it is one that judges values.
fn keyword(name: &str) -> &'static str {
    const KEYWORDS: [&str; 25] = [
        "type",
        "enum",
        "const",
        "format",
        "pattern",
        "minLength",
        "maxLength",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minItems",
        "maxItems",
        "uniqueItems",
        "contains",
        "minProperties",
        "maxProperties",
        "propertyNames",
        "dependentRequired",
        "oneOf",
        "anyOf",
        "not",
        "unevaluatedProperties",
        "unevaluatedItems",
    ];
    KEYWORDS.into_iter().find(|known| *known == name).unwrap_or("schema")
}
