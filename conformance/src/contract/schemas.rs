//! Schemas of the contract as JSON Schema 2020-12 validators, each compiled once.

use std::collections::BTreeMap;
use std::sync::Arc;

use jsonschema::Validator;
use serde_json::{Value, json};
use symbolon_codegen::source::{Cursor, Place, bundle, modern};

/// A schema that can judge values, and where it stands.
#[derive(Debug)]
pub(crate) struct Schema {
    validator: Validator,
    /// The schema with all it refers to.
    pub(crate) value: Value,
}

/// All schemas compiled so far.
#[derive(Debug, Default)]
pub(crate) struct Schemas {
    /// Whether the document is of OpenAPI 3.0, whose schemas differ from JSON Schema.
    pub(crate) older: bool,
    compiled: BTreeMap<Place, Arc<Schema>>,
}

impl Schemas {
    /// The validator of the schema at this place.
    pub(crate) fn compile(&mut self, at: &Cursor<'_>) -> Result<Arc<Schema>, String> {
        let place = at.place();
        if let Some(schema) = self.compiled.get(&place) {
            return Ok(schema.clone());
        }
        let bundled = bundle::schema(at);
        let value = if self.older { modern(bundled) } else { bundled };
        let validator = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(true)
            .build(&value)
            .map_err(|error| error.to_string())?;
        let schema = Arc::new(Schema { validator, value });
        self.compiled.insert(place, schema.clone());
        Ok(schema)
    }
}

impl Schema {
    /// What is wrong with a value, at most three things: where in it, and why.
    pub(crate) fn violations(&self, value: &Value) -> Vec<String> {
        let errors = self.validator.iter_errors(value).take(3);
        let spelled = errors.map(|error| {
            let at = error.instance_path().to_string();
            let why: String = error.to_string().chars().take(240).collect();
            if at.is_empty() { why } else { format!("{why} (at {at})") }
        });
        spelled.collect()
    }

    /// Whether a value fits.
    pub(crate) fn accepts(&self, value: &Value) -> bool {
        self.validator.is_valid(value)
    }

    /// The primitive type that header or parameter text stands for.
    pub(crate) fn primitive(&self) -> Option<&str> {
        let mut schema = &self.value;
        for _ in 0..16 {
            if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
                schema = self.value.pointer(reference.strip_prefix('#')?)?;
                continue;
            }
            return match schema.get("type")? {
                Value::Array(types) => {
                    types.iter().find_map(|ty| ty.as_str().filter(|t| *t != "null"))
                }
                ty => ty.as_str(),
            };
        }
        None
    }

    /// The value that a header's text stands for.
    pub(crate) fn parse(&self, text: &str) -> Value {
        let text = text.trim();
        match self.primitive() {
            Some("integer" | "number" | "boolean") => {
                serde_json::from_str(text).unwrap_or_else(|_| json!(text))
            }
            Some("array") => text.split(',').map(|item| json!(item.trim())).collect(),
            _ => json!(text),
        }
    }
}
