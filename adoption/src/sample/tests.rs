//! Values of many schemas: each is valid, and the same every time.

use serde_json::{Value, json};
use symbolon_codegen::project::collect;
use symbolon_codegen::resolve::Entry;

use super::{Sample, sample};
use crate::contract::Contract;

/// What is made of a schema, and whether the schema accepts it.
fn made(schema: Value) -> Sample {
    let document = json!({
        "openapi": "3.1.0",
        "info": { "title": "T", "version": "1" },
        "paths": { "/a": { "get": { "operationId": "a", "responses": { "200": {
            "description": "A.", "content": { "application/json": { "schema": schema } }
        } } } } },
        "components": { "schemas": { "Tree": { "type": "object", "required": ["name", "children"],
            "properties": { "name": { "type": "string" }, "children": { "type": "array",
            "items": { "$ref": "#/components/schemas/Tree" } } } } } },
    });
    let text = document.to_string();
    let entry = Entry { name: "t", openapi: "t.json", asyncapi: None, command: "test" };
    let contract = collect(entry, &|_: &str| Ok(text.clone()));
    let contract = Contract::new(contract, "t.json", None);
    let response = contract.operations[0].success().expect("200 is documented");
    sample(response.content[0].schema.as_ref().expect("it has a schema"), 7)
}

#[test]
fn what_is_made_is_valid_and_the_same_every_time() {
    let schemas = [
        json!({ "type": "string", "pattern": "^[A-Z]{3}-\\d{4}(-x)?$" }),
        json!({ "type": "string", "minLength": 40, "maxLength": 41 }),
        json!({ "type": "string", "pattern": "^[a-z]+$", "minLength": 9 }),
        json!({ "type": "integer", "minimum": 7, "maximum": 20, "multipleOf": 6 }),
        json!({ "type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 2 }),
        json!({ "type": "number", "minimum": 0.5, "exclusiveMaximum": 0.75 }),
        json!({ "type": "array", "uniqueItems": true, "minItems": 3,
            "items": { "enum": ["a", "b", "c"] } }),
        json!({ "type": "array", "prefixItems": [{ "type": "integer" }, { "type": "string" }],
            "items": false, "minItems": 2 }),
        json!({ "type": "object", "minProperties": 2, "propertyNames": { "pattern": "^[a-z]{2}$" },
            "additionalProperties": { "type": "integer" } }),
        json!({ "$ref": "#/components/schemas/Tree" }),
        json!({ "allOf": [{ "type": "object", "required": ["a"], "properties":
            { "a": { "type": "boolean" } } }, { "type": "object", "required": ["b"],
            "properties": { "b": { "type": "string", "format": "uuid" } } }] }),
        json!({ "oneOf": [{ "type": "string", "not": {} }, { "type": "integer" }] }),
        json!({ "type": ["null", "string"], "format": "date-time" }),
        json!({ "type": "string", "example": "beyond", "maxLength": 3 }),
    ];
    for schema in schemas {
        let first = made(schema.clone());
        assert!(first.is_valid, "{schema} made {}", first.value);
        assert_eq!(first, made(schema));
    }
}

#[test]
fn what_no_value_can_be_is_said_to_be_none() {
    assert!(!made(json!({ "type": "string", "enum": [] })).is_valid);
    assert!(!made(json!(false)).is_valid);
}
