//! The constraints once more for `schemars`, so that its schemas refuse what the contract's do.

use serde_json::{Map, Value, json};

use crate::emit::rust::literal;
use crate::model::{Bound, Constraints, Number, Property, Scalar, Shape, System, Type};

/// What `schemars` has to know of a field: the type that stands for an `Option` that is never
/// `null`, and the constraint keywords.
pub(super) fn parts(system: &System, property: &Property, never_null: Option<&str>) -> Vec<String> {
    let mut parts = Vec::new();
    if let Some(ty) = never_null {
        parts.push(format!("with = {}", literal(ty)));
    }
    let (ty, limits) = behind(system, property.ty.present(), &property.constraints);
    let mut keywords = keywords(system, ty, limits);
    let may_be_null = never_null.is_none() && (!property.required || property.ty.is_nullable());
    if may_be_null && let Some(Value::Array(known)) = keywords.get_mut("enum") {
        known.push(Value::Null);
    }
    let spelled: Vec<String> = keywords
        .iter()
        .map(|(keyword, value)| format!("{} = {}", literal(keyword), tokens(value)))
        .collect();
    if !spelled.is_empty() {
        parts.push(format!("extend({})", spelled.join(", ")));
    }
    parts
}

/// What an alias stands for: it is no type of its own, so its constraints belong where it is used.
fn behind<'a>(
    system: &'a System,
    ty: &'a Type,
    limits: &'a Constraints,
) -> (&'a Type, &'a Constraints) {
    match ty {
        Type::Named(id) => match &system.definition(id).shape {
            Shape::Alias(ty, limits) => behind(system, ty, limits),
            Shape::Object(_) | Shape::Enumeration(_) | Shape::Union(_) => (ty, limits),
        },
        Type::Scalar(_)
        | Type::List(_)
        | Type::Map(_)
        | Type::Tuple(_)
        | Type::Nullable(_)
        | Type::Problem
        | Type::Any => (ty, limits),
    }
}

/// The keywords that a value of this type is held against, beyond its type.
fn keywords(system: &System, ty: &Type, limits: &Constraints) -> Map<String, Value> {
    match ty {
        Type::Scalar(Scalar::Text) => texts(limits),
        Type::Scalar(
            Scalar::Int8
            | Scalar::Int16
            | Scalar::Int32
            | Scalar::Int64
            | Scalar::Uint8
            | Scalar::Uint16
            | Scalar::Uint32
            | Scalar::Uint64
            | Scalar::Float
            | Scalar::Double,
        ) => numbers(limits),
        Type::List(item) => {
            let mut keywords = counts("minItems", "maxItems", limits);
            if limits.unique {
                keywords.insert("uniqueItems".to_owned(), Value::Bool(true));
            }
            keywords.extend(elements(system, "items", item, limits));
            keywords
        }
        Type::Map(value) => {
            let mut keywords = counts("minProperties", "maxProperties", limits);
            if let Some(names) = &limits.names {
                keywords.insert("propertyNames".to_owned(), Value::Object(texts(names)));
            }
            keywords.extend(elements(system, "additionalProperties", value, limits));
            keywords
        }
        Type::Scalar(_)
        | Type::Tuple(_)
        | Type::Named(_)
        | Type::Nullable(_)
        | Type::Problem
        | Type::Any => Map::new(),
    }
}

/// The schema of elements that are held against something; `schemars` knows only their type.
fn elements(
    system: &System,
    keyword: &str,
    ty: &Type,
    limits: &Constraints,
) -> Option<(String, Value)> {
    let none = Constraints::default();
    let (ty, limits) = behind(system, ty, limits.each.as_deref().unwrap_or(&none));
    let mut schema = keywords(system, ty, limits);
    let name = match ty {
        Type::Scalar(Scalar::Text) => "string",
        Type::Scalar(Scalar::Float | Scalar::Double) => "number",
        Type::Scalar(_) => "integer",
        Type::List(_) | Type::Tuple(_) => "array",
        Type::Map(_) => "object",
        Type::Named(_) | Type::Nullable(_) | Type::Problem | Type::Any => return None,
    };
    if schema.is_empty() {
        return None;
    }
    schema.insert("type".to_owned(), json!(name));
    Some((keyword.to_owned(), Value::Object(schema)))
}

fn texts(limits: &Constraints) -> Map<String, Value> {
    let keywords = [
        ("minLength", limits.min_length.map(Value::from)),
        ("maxLength", limits.max_length.map(Value::from)),
        ("pattern", limits.patterns.first().cloned().map(Value::from)),
    ];
    present(keywords)
}

fn numbers(limits: &Constraints) -> Map<String, Value> {
    let listed = (!limits.listed.is_empty()).then(|| json!(limits.listed));
    let mut keywords = present([
        ("multipleOf", limits.multiples.first().copied().map(Number::to_json)),
        ("enum", listed),
    ]);
    let bounds = [
        (limits.minimum, "minimum", "exclusiveMinimum"),
        (limits.maximum, "maximum", "exclusiveMaximum"),
    ];
    for (bound, inclusive, exclusive) in bounds {
        let Some(Bound { value, exclusive: outside }) = bound else { continue };
        let keyword = if outside { exclusive } else { inclusive };
        keywords.insert(keyword.to_owned(), value.to_json());
    }
    keywords
}

fn counts(least: &str, most: &str, limits: &Constraints) -> Map<String, Value> {
    present([(least, limits.min_count.map(Value::from)), (most, limits.max_count.map(Value::from))])
}

fn present<const N: usize>(keywords: [(&str, Option<Value>); N]) -> Map<String, Value> {
    keywords
        .into_iter()
        .filter_map(|(keyword, value)| value.map(|value| (keyword.to_owned(), value)))
        .collect()
}

/// JSON as the `json!` of `schemars` reads it.
fn tokens(value: &Value) -> String {
    match value {
        Value::String(text) => literal(text),
        Value::Number(number) => match number.as_f64() {
            Some(whole) if whole.fract() == 0.0 && whole.abs() < 9_007_199_254_740_992.0 => {
                // A literal without a suffix is taken for one of 32 bits.
                let suffix = if whole.abs() > f64::from(i32::MAX) { "_i64" } else { "" };
                format!("{whole:.0}{suffix}")
            }
            _ if number.is_u64() => format!("{number}_u64"),
            _ if number.is_i64() => format!("{number}_i64"),
            _ => number.to_string(),
        },
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(tokens).collect();
            format!("[{}]", values.join(", "))
        }
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{}: {}", literal(name), tokens(value)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
        Value::Null | Value::Bool(_) => value.to_string(),
    }
}
