//! Values made from schemas: the same ones from the same seed, valid wherever that can be had.

mod pattern;
mod text;

use serde_json::{Map, Value, json};

use crate::contract::{Direction, Schema, is_of_other_way, primitive, target};

/// How deep references may nest before only what is required is made.
const DEEP: usize = 4;

/// How deep anything may nest.
const DEEPEST: usize = 24;

/// How many sets of alternatives are tried until the value is valid.
const TRIES: u64 = 8;

/// How many elements or members are made at most, whatever a schema asks.
const MOST: u64 = 64;

/// A value made from a schema.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The value.
    pub value: Value,
    /// Whether the schema accepts it: some ask for more than can be made up.
    pub is_valid: bool,
}

/// A value that the schema accepts, if one can be had: an example of the schema itself, else one
/// made of its keywords.
pub fn sample(schema: &Schema, seed: u64) -> Sample {
    let root = schema.value();
    let mut last = Value::Null;
    for attempt in 0..TRIES {
        for wealth in [Wealth::All, Wealth::Required] {
            let random = Random(seed);
            let direction = schema.direction();
            let mut maker = Maker { root, direction, wealth, attempt, random, depth: 0, refs: 0 };
            let value = maker.value(root, "value");
            if schema.accepts(&value) {
                return Sample { value, is_valid: true };
            }
            last = value;
        }
    }
    Sample { value: last, is_valid: false }
}

/// How much of what is optional is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wealth {
    All,
    Required,
}

/// Numbers that look random and are the same for the same seed (SplitMix64).
#[derive(Debug, Clone)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }
}

struct Maker<'s> {
    root: &'s Value,
    direction: Direction,
    wealth: Wealth,
    /// Which alternatives are taken: the first, then the others.
    attempt: u64,
    random: Random,
    depth: usize,
    refs: usize,
}

impl<'s> Maker<'s> {
    fn value(&mut self, schema: &'s Value, name: &str) -> Value {
        if self.depth >= DEEPEST {
            return Value::Null;
        }
        self.depth += 1;
        let value = self.made(schema, name);
        self.depth -= 1;
        value
    }

    fn made(&mut self, schema: &'s Value, name: &str) -> Value {
        if let Some(target) = target(self.root, schema) {
            self.refs += 1;
            let value = self.value(target, name);
            self.refs -= 1;
            return value;
        }
        if let Some(given) = self.given(schema) {
            return given;
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(value) = self.alternative(schema, key, name) {
                return value;
            }
        }
        if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
            return self.all_of(schema, parts, name);
        }
        self.plain(schema, name)
    }

    /// What the schema itself says its value is, or may be.
    fn given(&self, schema: &Value) -> Option<Value> {
        if let Some(only) = schema.get("const") {
            return Some(only.clone());
        }
        if self.attempt == 0 {
            let listed = schema.get("examples").and_then(Value::as_array);
            let example = schema.get("example").or_else(|| listed?.first());
            if let Some(example) = example.or_else(|| schema.get("default")) {
                return Some(example.clone());
            }
        }
        let values = schema.get("enum")?.as_array()?;
        values.iter().find(|value| !value.is_null()).or(values.first()).cloned()
    }

    /// One of some schemas, joined with what stands beside them.
    fn alternative(&mut self, schema: &'s Value, key: &str, name: &str) -> Option<Value> {
        let list = schema.get(key)?.as_array()?;
        let null = json!("null");
        let mut open: Vec<&Value> =
            list.iter().filter(|one| one.get("type") != Some(&null)).collect();
        // Deep down, what leads on comes last.
        if self.refs >= DEEP {
            open.sort_by_key(|one| one.get("$ref").is_some());
        }
        let count = u64::try_from(open.len()).ok().filter(|count| *count > 0)?;
        let chosen = open[usize::try_from(self.attempt % count).ok()?];
        let beside = self.plain_beside(schema, name);
        let mut value = joined(beside, self.value(chosen, name));
        if let Some((property, tag)) = self.tag(schema, chosen)
            && let Value::Object(members) = &mut value
        {
            members.insert(property.to_owned(), json!(tag));
        }
        Some(value)
    }

    /// The discriminating property and the text in it that says which alternative this is.
    fn tag(&self, schema: &'s Value, chosen: &'s Value) -> Option<(&'s str, String)> {
        let discriminator = schema.get("discriminator")?;
        let property = discriminator.get("propertyName")?.as_str()?;
        let reference = chosen.get("$ref")?.as_str()?;
        let short = reference.rsplit('/').next()?;
        let mapping = discriminator.get("mapping").and_then(Value::as_object);
        let mapped = mapping.into_iter().flatten().find(|(_, target)| {
            target.as_str().is_some_and(|target| target.rsplit(['/', '#']).next() == Some(short))
        });
        Some((property, mapped.map_or_else(|| short.to_owned(), |(tag, _)| tag.clone())))
    }

    fn all_of(&mut self, schema: &'s Value, parts: &'s [Value], name: &str) -> Value {
        let mut value = self.plain_beside(schema, name);
        for part in parts {
            value = joined(value, self.value(part, name));
        }
        value
    }

    /// What the keywords beside an applicator make, if they make an object.
    fn plain_beside(&mut self, schema: &'s Value, name: &str) -> Value {
        match schema.get("properties").or_else(|| schema.get("additionalProperties")) {
            Some(_) => self.plain(schema, name),
            None => Value::Null,
        }
    }

    fn plain(&mut self, schema: &'s Value, name: &str) -> Value {
        let ty = primitive(self.root, schema).or_else(|| implied(schema));
        match ty {
            Some("object") => self.object(schema),
            Some("array") => self.array(schema, name),
            Some("integer") => self.integer(schema),
            Some("number") => self.number(schema),
            Some("boolean") => json!(true),
            Some("null") => Value::Null,
            Some("string") => json!(text::text(schema, name, &mut self.random)),
            // Anything goes, or a combination that only a validator understands.
            Some(_) | None => match schema {
                Value::Object(members) if members.is_empty() => json!({}),
                _ => json!(text::text(schema, name, &mut self.random)),
            },
        }
    }

    fn object(&mut self, schema: &'s Value) -> Value {
        let mut members = Map::new();
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let is_wealthy = self.wealth == Wealth::All && self.refs < DEEP;
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            let wanted = required.contains(&name.as_str())
                || is_wealthy && !is_of_other_way(property, self.root, self.direction);
            if wanted && property != &json!(false) {
                members.insert(name.clone(), self.value(property, name));
            }
        }
        let other = schema.get("additionalProperties").filter(|other| other.is_object());
        for name in required {
            if !members.contains_key(name) {
                let value = other.map(|other| self.value(other, name));
                members.insert(name.to_owned(), value.unwrap_or_else(|| json!(name)));
            }
        }
        let least = count(schema, "minProperties").unwrap_or(0).min(MOST);
        let one_more = other.is_some() && is_wealthy && members.is_empty();
        let least = if one_more { least.max(1) } else { least };
        let mut number = 0;
        while u64::try_from(members.len()).is_ok_and(|have| have < least) {
            number += 1;
            let name = self.free_name(schema, number);
            let value = match other {
                Some(other) => self.value(other, &name),
                None => json!(name.clone()),
            };
            members.insert(name, value);
        }
        Value::Object(members)
    }

    /// A member name that the schema lets stand.
    fn free_name(&mut self, schema: &'s Value, number: u64) -> String {
        match schema.get("propertyNames") {
            Some(names) => match self.value(names, "key") {
                Value::String(name) => name,
                _ => format!("key{number}"),
            },
            None => format!("key{number}"),
        }
    }

    fn array(&mut self, schema: &'s Value, name: &str) -> Value {
        let tuple = schema.get("prefixItems").and_then(Value::as_array);
        let mut items: Vec<Value> = Vec::new();
        for item in tuple.into_iter().flatten() {
            items.push(self.value(item, name));
        }
        let least = count(schema, "minItems").unwrap_or(0).min(MOST);
        let most = count(schema, "maxItems").unwrap_or(MOST);
        let wanted = match self.wealth {
            Wealth::All if self.refs < DEEP => least.max(1).min(most),
            Wealth::All | Wealth::Required => least,
        };
        let element = schema.get("items").or_else(|| schema.get("contains"));
        let Some(element) = element.filter(|element| **element != json!(false)) else {
            return Value::Array(items);
        };
        let is_unique = schema.get("uniqueItems") == Some(&json!(true));
        let mut tries = 0;
        while u64::try_from(items.len()).is_ok_and(|have| have < wanted) && tries < MOST * 4 {
            tries += 1;
            let value = match self.enumerated(element, items.len()) {
                Some(value) if is_unique => value,
                Some(_) | None => self.value(element, name),
            };
            if !is_unique || !items.contains(&value) {
                items.push(value);
            }
        }
        Value::Array(items)
    }

    /// The value of this place in the element's `enum`, so that all of a set differ.
    fn enumerated(&self, element: &'s Value, index: usize) -> Option<Value> {
        let element = target(self.root, element).unwrap_or(element);
        element.get("enum")?.as_array()?.get(index).cloned()
    }

    fn integer(&mut self, schema: &Value) -> Value {
        let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
        let least = bound("minimum").map(f64::ceil);
        let least = least.or(bound("exclusiveMinimum").map(|bound| bound.floor() + 1.0));
        let most = bound("maximum").map(f64::floor);
        let most = most.or(bound("exclusiveMaximum").map(|bound| bound.ceil() - 1.0));
        let least = least.unwrap_or_else(|| most.map_or(1.0, |most| most.min(1.0)));
        let most = most.unwrap_or(least + 99.0).min(least + 99.0);
        let step = bound("multipleOf").filter(|step| *step >= 1.0).unwrap_or(1.0);
        let first = (least / step).ceil();
        let last = (most / step).floor();
        let choices = (last - first).max(0.0) + 1.0;
        let picked = first + (self.random.below(1 << 20) as f64 % choices).floor();
        let value = picked * step;
        // What a 64-bit integer cannot hold stays the number that the document wrote.
        if value.abs() < 9e15 { json!(value as i64) } else { json!(value) }
    }

    fn number(&mut self, schema: &Value) -> Value {
        let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
        if let Some(step) = bound("multipleOf").filter(|step| *step > 0.0) {
            let least = bound("minimum").or(bound("exclusiveMinimum").map(|least| least + step));
            return json!((least.unwrap_or(step) / step).ceil() * step);
        }
        let least = bound("minimum").or(bound("exclusiveMinimum"));
        let most = bound("maximum").or(bound("exclusiveMaximum"));
        let least = least.unwrap_or_else(|| most.map_or(0.0, |most| most.min(0.0) - 1.0));
        let most = most.unwrap_or(least + 100.0);
        // Quarters, so that a reader sees a short number.
        let steps = ((most - least) * 4.0).floor();
        if steps < 2.0 {
            return json!(least + (most - least) / 2.0);
        }
        let step = 1.0 + (self.random.below(1 << 20) as f64 % (steps - 1.0)).floor();
        json!(least + step / 4.0)
    }
}

/// The type that keywords imply where none is said.
fn implied(schema: &Value) -> Option<&'static str> {
    let has = |keys: &[&str]| keys.iter().any(|key| schema.get(key).is_some());
    if has(&["properties", "required", "additionalProperties", "minProperties"]) {
        Some("object")
    } else if has(&["items", "prefixItems", "minItems"]) {
        Some("array")
    } else if has(&["minimum", "maximum", "multipleOf", "exclusiveMinimum"]) {
        Some("number")
    } else {
        None
    }
}

fn count(schema: &Value, key: &str) -> Option<u64> {
    let bound = schema.get(key)?;
    bound.as_u64().or_else(|| bound.as_f64().map(|bound| bound as u64))
}

/// Two parts of one value: members of objects together, else the later one.
fn joined(one: Value, other: Value) -> Value {
    match (one, other) {
        (Value::Object(mut members), Value::Object(more)) => {
            members.extend(more);
            Value::Object(members)
        }
        (one, Value::Null) => one,
        (_, other) => other,
    }
}

#[cfg(test)]
mod tests;
