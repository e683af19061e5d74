//! Random schemas and values: what the edge accepts of them is what an independent validator does.
//!
//! Nothing is compiled: the model of each schema is walked as generated code walks it, and holds
//! values with the functions that generated code calls.

mod random;
mod runtime;
mod walk;

use random::Random;
use serde_json::{Value, json};
use symbolon_codegen::model::{Offer, System};
use symbolon_codegen::project::collect;
use symbolon_codegen::resolve::Entry;
use symbolon_codegen::source::Unread;
use walk::Walk;

/// Schemas that are tried, and values of each.
const SCHEMAS: u64 = 2000;
const VALUES: usize = 40;

#[test]
fn what_no_type_says_is_asked_as_json_schema_means_it() {
    let mut differences = Vec::new();
    for seed in 0..SCHEMAS {
        let mut random = Random::new(seed);
        let schema = random.any_schema(3);
        // As what it is not, a schema is nothing but a rule.
        compare(&json!({ "not": { "not": schema } }), &mut random, &mut differences);
    }
    assert!(differences.is_empty(), "{}\n{}", differences.len(), shown(&differences));
}

#[test]
fn types_and_checks_accept_what_json_schema_does() {
    let mut differences = Vec::new();
    for seed in 0..SCHEMAS {
        let mut random = Random::new(seed);
        let schema = random.typed_schema(3);
        compare(&schema, &mut random, &mut differences);
    }
    assert!(differences.is_empty(), "{}\n{}", differences.len(), shown(&differences));
}

fn shown(differences: &[String]) -> String {
    let mut shortest: Vec<&String> = differences.iter().collect();
    shortest.sort_by_key(|text| text.len());
    shortest.into_iter().take(12).cloned().collect::<Vec<_>>().join("\n")
}

fn compare(schema: &Value, random: &mut Random, differences: &mut Vec<String>) {
    let validator = jsonschema::draft202012::new(schema).unwrap();
    let (system, problems) = resolved(schema);
    let offer = body(&system);
    for _ in 0..VALUES {
        let value = random.value(3);
        let mut walk = Walk::new(&system);
        let ours = walk.accepts(&offer.ty, &offer.constraints, &value);
        let theirs = validator.is_valid(&value);
        // `null` is taken where any alternative of a `oneOf` takes it.
        let null = schema.to_string().contains("oneOf") && value.to_string().contains("null");
        let borne = ours && null;
        if ours != theirs && !borne && problems == 0 {
            differences.push(format!("{schema}\n    {value}: we say {ours}"));
            return;
        }
    }
}

/// The model of a contract with this schema for a body, and how much of it is not carried.
fn resolved(schema: &Value) -> (System, usize) {
    let text = json!({
        "openapi": "3.1.0",
        "info": { "title": "Case", "version": "1" },
        "paths": { "/": { "put": {
            "operationId": "put",
            "requestBody": { "content": { "application/json": { "schema": schema } } },
            "responses": { "204": { "description": "Done." } },
        } } },
    })
    .to_string();
    let read = |path: &str| match path {
        "openapi.json" => Ok(text.clone()),
        _ => Err(Unread::Outside),
    };
    let entry =
        Entry { name: "case", openapi: "openapi.json", asyncapi: None, command: "symbolon gen" };
    let contract = collect(entry, &read);
    let lost = contract.problems.iter().filter(|problem| problem.is_degradation()).count();
    (contract.system, lost)
}

fn body(system: &System) -> &Offer {
    let operation = system.operations().next().unwrap();
    &operation.body.as_ref().unwrap().offers[0]
}
