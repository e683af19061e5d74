//! The differences that are meant: each rewrites the contract's schemas into what a judge keeps to.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::WITHOUT_TYPE;
use super::contract::Contract;
use super::rust::Subject;

/// Who judges besides the contract's own schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Judge {
    /// The schema that `schemars` derives from the Rust type.
    Derived,
    /// The Rust type: deserialization and `Validate`.
    Type,
}

/// A difference that is meant.
pub(super) struct Exception {
    pub(super) name: &'static str,
    /// The judges that differ. Each must differ somewhere, or the test fails.
    pub(super) judges: &'static [Judge],
    pub(super) rewrite: fn(&mut Contract, &Subject),
}

/// Types of the runtimes whose codecs are derived by serde.
const SERDE_DERIVED: [&str; 3] = ["Problem", "Violation", "ViolationLocation"];

const BOTH: &[Judge] = &[Judge::Derived, Judge::Type];
const TYPE: &[Judge] = &[Judge::Type];
const DERIVED: &[Judge] = &[Judge::Derived];

/// Every difference that is meant, in the order the rewrites build on each other.
pub(super) const EXCEPTIONS: &[Exception] = &[
    // ADR 0014: what only responses hold reads `null` as absent; no SDK refuses a response for it.
    Exception { name: "null is absent in responses", judges: BOTH, rewrite: null_is_absent },
    // ADR 0011: a newer server may answer with values that this contract does not list.
    Exception { name: "enums are open in responses", judges: TYPE, rewrite: open_enums },
    // The edge holds callers to the contract; what a server answers is conformance's to judge.
    Exception { name: "responses are not validated", judges: TYPE, rewrite: unchecked },
    // A Rust alias is no type: its constraints stand in the types that hold it.
    Exception { name: "an alias alone is unconstrained", judges: BOTH, rewrite: alias_alone },
    // Addresses are texts in Rust, held to their format by validation.
    Exception { name: "uri formats are texts", judges: DERIVED, rewrite: text_formats },
    // The `uuid` crate also reads the simple, braced and urn spellings of RFC 9562.
    Exception { name: "uuids in other spellings", judges: TYPE, rewrite: uuids },
    // `jiff` also reads the other spellings of ISO 8601.
    Exception { name: "instants in other spellings", judges: TYPE, rewrite: spelled_instants },
    // A `Timestamp` holds nanoseconds, up to the end of 9999 in any time zone.
    Exception { name: "instants past what is held", judges: TYPE, rewrite: held_instants },
    // JSON Schema takes 1.0 for an integer, serde does not.
    Exception { name: "whole numbers with a fraction", judges: TYPE, rewrite: unfractioned },
    // The runtimes' problem serves every contract: any document in problem+json can be read.
    Exception { name: "problems of any contract", judges: BOTH, rewrite: any_problem },
    // serde's derived types also read the members of an object from an array, in their order. The
    // runtimes' problem is the only such type; generated codecs do not.
    Exception { name: "arrays for objects", judges: TYPE, rewrite: arrays_for_objects },
    // serde's derived enums also read `{"value": null}`; so the runtimes' parts of a request.
    Exception { name: "objects for enum values", judges: TYPE, rewrite: objects_for_enums },
];

/// The schemas as a judge keeps to them, but for one exception if one is left out.
pub(super) fn rewritten(
    contract: &Contract,
    subject: &Subject,
    judge: Judge,
    left_out: Option<&str>,
) -> Contract {
    let mut contract = contract.clone();
    for exception in EXCEPTIONS {
        if exception.judges.contains(&judge) && left_out != Some(exception.name) {
            (exception.rewrite)(&mut contract, subject);
        }
    }
    contract
}

/// The keywords that Rust types do not carry by themselves.
const CONSTRAINTS: [&str; 11] = [
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "propertyNames",
];

fn each_object(schema: &mut Value, visit: &mut dyn FnMut(&mut Map<String, Value>)) {
    match schema {
        Value::Object(members) => {
            visit(members);
            members.values_mut().for_each(|member| each_object(member, visit));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| each_object(value, visit)),
        _ => {}
    }
}

/// Visits every schema with properties that only responses hold.
fn each_answer(contract: &mut Contract, visit: &mut dyn FnMut(&mut Map<String, Value>)) {
    let Contract { schemas, in_requests, .. } = contract;
    for (_, schema) in schemas.iter_mut().filter(|(name, _)| !in_requests.contains(*name)) {
        each_holder(schema, visit);
    }
}

/// Visits every schema with properties.
fn each_holder(schema: &mut Value, visit: &mut dyn FnMut(&mut Map<String, Value>)) {
    each_object(schema, &mut |members| {
        if members.get("properties").is_some_and(|it| it.get("type").is_none_or(Value::is_object)) {
            visit(members);
        }
    });
}

fn is_required(members: &Map<String, Value>, name: &str) -> bool {
    let required = members.get("required").and_then(Value::as_array);
    required.is_some_and(|required| required.iter().any(|one| one == name))
}

fn null_is_absent(contract: &mut Contract, _: &Subject) {
    each_answer(contract, &mut |members| {
        let names = members["properties"].as_object().unwrap().keys();
        let optional: Vec<String> =
            names.filter(|name| !is_required(members, name)).cloned().collect();
        for name in optional {
            let property = members["properties"][&name].take();
            members.get_mut("properties").unwrap()[&name] =
                json!({ "anyOf": [property, { "type": "null" }] });
        }
    });
}

fn open_enums(contract: &mut Contract, subject: &Subject) {
    // Who is held to the contract may send nothing that it does not list.
    if subject.checked {
        return;
    }
    let enums: Vec<String> = contract
        .schemas
        .iter()
        .filter(|(_, schema)| schema["enum"].as_array().is_some_and(|values| values.len() > 1))
        // The parts of a request are what HTTP has, in every contract.
        .filter(|(name, _)| *name != "ViolationLocation")
        .map(|(name, _)| name.clone())
        .collect();
    let mut open = |members: &mut Map<String, Value>| {
        each_object(members.get_mut("properties").unwrap(), &mut |schema| {
            let target = schema.get("$ref").and_then(Value::as_str);
            let name = target.and_then(|target| target.rsplit('/').next());
            if name.is_some_and(|name| enums.iter().any(|one| one == name)) {
                schema.clear();
                schema.insert("type".into(), "string".into());
            }
        });
    };
    // What requests hold alone is closed.
    let Contract { schemas, in_requests, in_answers } = contract;
    for (name, schema) in schemas {
        if !in_requests.contains(name) || in_answers.contains(name) {
            each_holder(schema, &mut open);
        }
    }
}

fn unconstrained(schema: &mut Value) {
    each_object(schema, &mut |members| {
        let integer = members.get("type").is_some_and(|ty| ty == "integer");
        if members.get("type").is_some_and(Value::is_string) {
            members.retain(|name, _| {
                !CONSTRAINTS.contains(&name.as_str()) && (name != "const" || !integer)
            });
        }
        if integer {
            members.entry("format").or_insert("int64".into());
        }
    });
}

fn unchecked(contract: &mut Contract, subject: &Subject) {
    if !subject.checked && !subject.alias {
        contract.schemas.values_mut().for_each(unconstrained);
        text_formats(contract, subject);
    }
}

fn alias_alone(contract: &mut Contract, subject: &Subject) {
    if subject.alias {
        contract.schemas.values_mut().for_each(unconstrained);
        text_formats(contract, subject);
    }
}

fn each_schema(contract: &mut Contract, visit: &mut dyn FnMut(&mut Map<String, Value>)) {
    contract.schemas.values_mut().for_each(|schema| each_object(schema, visit));
}

fn text_formats(contract: &mut Contract, _: &Subject) {
    each_schema(contract, &mut |schema| {
        let format = schema.get("format").and_then(Value::as_str);
        if matches!(format, Some("uri" | "uri-reference")) {
            schema.remove("format");
        }
    });
}

fn uuids(contract: &mut Contract, _: &Subject) {
    each_schema(contract, &mut |schema| {
        if schema.get("format").is_some_and(|format| format == "uuid") {
            schema.insert("format".into(), "x-uuid".into());
        }
    });
}

fn spelled_instants(contract: &mut Contract, _: &Subject) {
    each_schema(contract, &mut |schema| {
        if schema.get("format").is_some_and(|format| format == "date-time") {
            schema.insert("format".into(), "x-spelled-instant".into());
        }
    });
}

fn held_instants(contract: &mut Contract, _: &Subject) {
    each_schema(contract, &mut |schema| {
        let format = schema.get("format").and_then(Value::as_str);
        if matches!(format, Some("date-time" | "x-spelled-instant")) {
            schema.insert("allOf".into(), json!([{ "format": "x-held-instant" }]));
        }
    });
}

fn unfractioned(contract: &mut Contract, _: &Subject) {
    each_schema(contract, &mut |schema| {
        if schema.get("type").is_some_and(|ty| ty == "integer") {
            schema.insert("x-unfractioned".into(), true.into());
        }
    });
}

fn any_problem(contract: &mut Contract, _: &Subject) {
    for name in ["Problem", "Violation"] {
        let Some(schema) = contract.schemas.get_mut(name) else { continue };
        unconstrained(schema);
        if name == "Problem" {
            schema.as_object_mut().unwrap().remove("required");
            let status = schema["properties"]["status"].as_object_mut().unwrap();
            status.insert("minimum".into(), 0.into());
            status.insert("maximum".into(), u16::MAX.into());
        }
    }
}

fn arrays_for_objects(contract: &mut Contract, subject: &Subject) {
    if !SERDE_DERIVED.contains(&subject.name.as_str()) {
        return;
    }
    let Contract { schemas, in_requests, .. } = contract;
    // A part of others is no type of its own.
    let wholes = schemas.iter_mut().filter(|(name, _)| !WITHOUT_TYPE.contains(&name.as_str()));
    for (name, schema) in wholes {
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            continue;
        };
        let members = schema.as_object().unwrap();
        // Trailing members may be missing where serde has a default for them.
        let has_default = |member: &String| match name.as_str() {
            "Problem" => true,
            "Violation" => member == "detail",
            _ => in_requests.contains(name) && !is_required(members, member),
        };
        let order = members_in_order(name, properties);
        let needed = order.iter().rposition(|member| !has_default(member)).map_or(0, |at| at + 1);
        let items: Vec<Value> = order.iter().map(|member| properties[member].clone()).collect();
        let count = items.len();
        let array = json!({
            "type": "array",
            "prefixItems": items,
            "minItems": needed,
            "maxItems": count,
        });
        *schema = json!({ "anyOf": [schema.take(), array] });
    }
}

/// Fields stand in the order of their names, but for the types of the runtimes.
fn members_in_order(name: &str, properties: &Map<String, Value>) -> Vec<String> {
    let order: &[&str] = match name {
        "Problem" => {
            &["type", "title", "status", "detail", "instance", "code", "correlationId", "errors"]
        }
        "Violation" => &["in", "pointer", "code", "detail"],
        _ => return properties.keys().cloned().collect(),
    };
    order.iter().map(|&member| member.to_owned()).collect()
}

fn objects_for_enums(contract: &mut Contract, subject: &Subject) {
    if !SERDE_DERIVED.contains(&subject.name.as_str()) {
        return;
    }
    each_schema(contract, &mut |schema| {
        if schema.get("type").is_none_or(|ty| ty != "string") {
            return;
        }
        let values: Vec<Value> = match (schema.get("enum"), schema.get("const")) {
            (Some(Value::Array(values)), _) => values.clone(),
            (_, Some(value)) => vec![value.clone()],
            _ => return,
        };
        let names: Map<String, Value> = values
            .iter()
            .map(|value| (value.as_str().unwrap().to_owned(), json!({ "const": null })))
            .collect();
        schema.clear();
        let object = json!({
            "type": "object",
            "properties": names,
            "additionalProperties": false,
            "minProperties": 1,
            "maxProperties": 1,
        });
        schema.insert("anyOf".into(), json!([{ "enum": values }, object]));
    });
}

/// The spellings of RFC 9562 and its forerunners.
pub(super) fn is_spelled_uuid(text: &str) -> bool {
    let bare = text.strip_prefix("urn:uuid:");
    let bare = bare.or_else(|| text.strip_prefix('{').and_then(|text| text.strip_suffix('}')));
    let hyphens = |text: &str| -> Vec<usize> {
        text.char_indices().filter(|(_, sign)| *sign == '-').map(|(at, _)| at).collect()
    };
    let digits = |text: &str| text.chars().filter(char::is_ascii_hexdigit).count();
    let hyphened =
        |text: &str| text.len() == 36 && digits(text) == 32 && hyphens(text) == [8, 13, 18, 23];
    let simple = text.len() == 32 && digits(text) == 32;
    hyphened(bare.unwrap_or(text)) || simple
}

/// RFC 3339, and what else `jiff` reads if it is spelled with the signs of ISO 8601.
pub(super) fn is_spelled_instant(text: &str) -> bool {
    let bare = text.split_once('[').map_or(text, |(bare, _)| bare);
    let signs = |sign: char| sign.is_ascii_digit() || "-:+.,TtZz ".contains(sign);
    is_rfc_3339(text) || (bare.chars().all(signs) && text.parse::<jiff::Timestamp>().is_ok())
}

/// Whether a `Timestamp` can hold an instant: to the nanosecond, and not in the last days of 9999.
pub(super) fn is_held_instant(text: &str) -> bool {
    let fraction = text.split_once('.').map_or("", |(_, rest)| rest);
    let digits = fraction.chars().take_while(char::is_ascii_digit).count();
    !is_rfc_3339(text) || (digits <= 9 && !text.starts_with("9999-12-31"))
}

fn is_rfc_3339(text: &str) -> bool {
    static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
        super::contract::validator(&json!({ "type": "string", "format": "date-time" }))
    });
    SCHEMA.is_valid(&json!(text))
}
