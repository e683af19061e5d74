//! Values that differ from a valid one at a single place, most of them invalid.

use serde_json::{Map, Value, json};

use super::contract::Contract;
use super::instances::{Extent, Instances};

/// The name of a member that no schema has.
pub(super) const UNKNOWN: &str = "xUnknownMember";

const AS_OBJECT: &str = "as an object";
const AS_ARRAY: &str = "as an array";

/// A value that was changed, and how.
pub(super) type Mutant = (String, Value);

/// Every mutant of a value of this schema.
pub(super) fn mutants(
    contract: &Contract,
    instances: &mut Instances<'_>,
    schema: &Value,
    value: &Value,
) -> Vec<Mutant> {
    let mut found = of_any(value);
    of_schema(contract, instances, schema, value, &mut found);
    found.retain(|(_, mutant)| mutant != value);
    found
}

/// What is wrong almost everywhere.
fn of_any(value: &Value) -> Vec<Mutant> {
    let others = [
        Value::Null,
        json!(true),
        json!(7),
        json!(1.5),
        json!("text"),
        json!(""),
        json!([]),
        json!([null]),
        json!([value]),
        json!({}),
        json!({ UNKNOWN: 1 }),
    ];
    others.into_iter().map(|other| (format!("replaced by {other:.20}"), other)).collect()
}

fn of_schema(
    contract: &Contract,
    instances: &mut Instances<'_>,
    schema: &Value,
    value: &Value,
    found: &mut Vec<Mutant>,
) {
    let schema = contract.follow(schema);
    for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        let mut of_part = Vec::new();
        of_schema(contract, instances, part, value, &mut of_part);
        // Whether a union takes an array for an object depends on how it tells its variants apart.
        found.extend(of_part.into_iter().filter(|(label, _)| label != AS_ARRAY));
    }
    for choice in schema.get("oneOf").and_then(Value::as_array).into_iter().flatten() {
        let tag = Contract::target(choice).map(|name| contract.at(name)["allOf"][1].clone());
        let told = tag.map(|tag| tag["properties"]["type"]["const"] == value["type"]);
        if told.unwrap_or(true) {
            let mut of_choice = Vec::new();
            of_schema(contract, instances, choice, value, &mut of_choice);
            // What tells the variants apart is read as a text, not as an enum.
            let tag = format!("/type {AS_OBJECT}");
            found.extend(of_choice.into_iter().filter(|(label, _)| *label != tag));
        }
    }
    match value {
        Value::String(text) => of_text(instances, schema, text, found),
        Value::Number(number) => of_number(schema, number.as_i64().unwrap(), found),
        Value::Array(items) => of_array(contract, instances, schema, items, found),
        Value::Object(members) => of_object(contract, instances, schema, members, found),
        Value::Null | Value::Bool(_) => {}
    }
}

/// Texts that look like what a format wants.
const INSTANTS: [&str; 18] = [
    "2026-01-31",
    "2026-01-31T10:00:00",
    "2026-01-31 10:00:00Z",
    "2026-01-31t10:00:00z",
    "2026-01-31T10:00Z",
    "2026-01-31T10Z",
    "20260131T100000Z",
    "2026-02-30T10:00:00Z",
    "2026-13-01T10:00:00Z",
    "2026-01-31T24:00:00Z",
    "2026-01-31T10:00:00+0100",
    "2026-01-31T10:00:00+01",
    "2026-01-31T10:00:00,5Z",
    "2026-01-31T10:00:00+01:00[Europe/Berlin]",
    "2016-12-31T23:59:60Z",
    "2026-01-31T10:00:00.1234567891Z",
    "9999-12-31T23:59:59Z",
    " 2026-01-31T10:00:00Z",
];

const UUIDS: [&str; 8] = [
    "0197f6a27c1e7b449d0a3f2b1c4d5e6f",
    "urn:uuid:0197f6a2-7c1e-7b44-9d0a-3f2b1c4d5e6f",
    "{0197f6a2-7c1e-7b44-9d0a-3f2b1c4d5e6f}",
    "0197F6A2-7C1E-7B44-9D0A-3F2B1C4D5E6F",
    "0197f6a2-7c1e-7b44-9d0a-3f2b1c4d5e6",
    "0197f6a2-7c1e-7b44-9d0a-3f2b1c4d5e6g",
    "00000000-0000-0000-0000-000000000000",
    "0197f6a27c1e-7b44-9d0a-3f2b1c4d5e6f0",
];

const ADDRESSES: [&str; 9] = [
    "http://a b",
    "http://a/b c",
    "http://a<b",
    "http://a/%zz",
    "http://user@a/",
    "ftp://example.com",
    "//a/b",
    "http://a/\u{e4}",
    "%zz",
];

fn of_text(instances: &mut Instances<'_>, schema: &Value, text: &str, found: &mut Vec<Mutant>) {
    let mut texts: Vec<String> = ["\n", "\r\n", "\0", " ", "\t", "é", "@", "🚀"]
        .iter()
        .flat_map(|sign| [format!("{text}{sign}"), format!("{sign}{text}")])
        .collect();
    texts.extend([text.to_uppercase(), text.to_lowercase()]);
    let listed: &[&str] = match schema.get("format").and_then(Value::as_str) {
        Some("date-time") => &INSTANTS,
        Some("uuid") => &UUIDS,
        Some("uri" | "uri-reference") => &ADDRESSES,
        _ => &[],
    };
    texts.extend(listed.iter().map(|&text| text.to_owned()));
    let limits = ["minLength", "maxLength"].map(|keyword| schema.get(keyword)?.as_u64());
    for limit in limits.into_iter().flatten() {
        let limit = usize::try_from(limit).unwrap();
        for length in [limit.saturating_sub(1), limit, limit + 1] {
            texts.extend(instances.text_of_length(schema, length));
        }
        // Characters count, not bytes.
        texts.push("é".repeat(limit));
    }
    let label = |text: &str| format!("text {:?}", text.chars().take(40).collect::<String>());
    found.extend(texts.into_iter().map(|text| (label(&text), json!(text))));
    if schema.get("enum").is_some() || schema.get("const").is_some() {
        found.push((AS_OBJECT.to_owned(), json!({ text: null })));
    }
}

fn of_number(schema: &Value, number: i64, found: &mut Vec<Mutant>) {
    let mut numbers = vec![0, -1, 1, number + 1, 1 << 31, (1 << 31) - 1, i64::MAX, i64::MIN];
    for keyword in ["minimum", "maximum", "const"] {
        let bound = schema.get(keyword).and_then(Value::as_i64);
        numbers.extend(bound.iter().flat_map(|bound| [bound - 1, *bound, bound + 1]));
    }
    let mut values: Vec<Value> = numbers.into_iter().map(|number| json!(number)).collect();
    values.extend([json!(i64::MAX as u64 + 1), json!(1e30), json!(number as f64)]);
    values.extend([json!(number as f64 + 0.5), json!(number.to_string())]);
    found.extend(values.into_iter().map(|value| (format!("number {value}"), value)));
}

fn of_array(
    contract: &Contract,
    instances: &mut Instances<'_>,
    schema: &Value,
    items: &[Value],
    found: &mut Vec<Mutant>,
) {
    for (index, item) in items.iter().enumerate() {
        for (label, mutant) in mutants(contract, instances, &schema["items"], item) {
            let mut changed = items.to_vec();
            changed[index] = mutant;
            found.push((format!("/{index} {label}"), Value::Array(changed)));
        }
    }
    if let Some(first) = items.first() {
        found.push(("repeated".to_owned(), json!([first, first])));
    }
    if let Some(most) = schema.get("maxItems").and_then(Value::as_u64) {
        for count in [most, most + 1] {
            let mut many: Vec<Value> = Vec::new();
            while (many.len() as u64) < count {
                let item = instances.value(&schema["items"], Extent::Minimal);
                if schema.get("uniqueItems").is_none() || !many.contains(&item) {
                    many.push(item);
                }
            }
            found.push((format!("{count} items"), Value::Array(many)));
        }
    }
}

fn of_object(
    contract: &Contract,
    instances: &mut Instances<'_>,
    schema: &Value,
    members: &Map<String, Value>,
    found: &mut Vec<Mutant>,
) {
    let with = |name: &str, value: Value| {
        let mut changed = members.clone();
        changed.insert(name.to_owned(), value);
        Value::Object(changed)
    };
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, property) in properties.into_iter().flatten() {
        let Some(value) = members.get(name) else {
            found.push((format!("/{name} null"), with(name, Value::Null)));
            continue;
        };
        let mut without = members.clone();
        without.remove(name);
        found.push((format!("without {name}"), Value::Object(without)));
        for (label, mutant) in mutants(contract, instances, property, value) {
            found.push((format!("/{name} {label}"), with(name, mutant)));
        }
    }
    if properties.is_some() {
        found.push(("an unknown member".to_owned(), with(UNKNOWN, json!("text"))));
        let values: Vec<&Value> = members.values().collect();
        found.push((AS_ARRAY.to_owned(), json!(values)));
    }
    if schema["additionalProperties"].is_object() {
        of_map(contract, instances, schema, members, found);
    }
}

fn of_map(
    contract: &Contract,
    instances: &mut Instances<'_>,
    schema: &Value,
    members: &Map<String, Value>,
    found: &mut Vec<Mutant>,
) {
    let element = &schema["additionalProperties"];
    let with = |name: String, value: Value| {
        let mut changed = members.clone();
        changed.insert(name, value);
        Value::Object(changed)
    };
    if let Some((name, value)) = members.iter().next() {
        for (label, mutant) in mutants(contract, instances, element, value) {
            found.push((format!("/{name} {label}"), with(name.clone(), mutant)));
        }
    }
    for name in ["", "a b", "a:b", "é", "a\n", "(a)", "a/b~c"] {
        let value = instances.value(element, Extent::Full);
        found.push((format!("name {name:?}"), with(name.to_owned(), value)));
    }
    if let Some(most) = schema["propertyNames"].get("maxLength").and_then(Value::as_u64) {
        for length in [most, most + 1] {
            let name = "a".repeat(usize::try_from(length).unwrap());
            let value = instances.value(element, Extent::Full);
            found.push((format!("a name of {length}"), with(name, value)));
        }
    }
    if let Some(most) = schema.get("maxProperties").and_then(Value::as_u64) {
        for count in [most, most + 1] {
            let mut many = Map::new();
            while (many.len() as u64) < count {
                many.insert(instances.name(schema), instances.value(element, Extent::Full));
            }
            found.push((format!("{count} members"), Value::Object(many)));
        }
    }
}
