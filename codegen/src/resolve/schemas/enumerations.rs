//! `enum` and `const`: texts become enumerations, other values are listed beside their type.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::Value;

use super::alternatives::{Alternative, kind, variants};
use super::scalars::integer;
use super::{Built, type_names};
use crate::model::{
    Constraints, Enumeration, EnumerationValue, Name, Number, Predicate, Rule, Scalar, Shape, Type,
    Union, unique_names,
};
use crate::resolve::Scope;
use crate::source::Cursor;

impl<'a> Scope<'a> {
    pub(super) fn enumeration(
        &mut self,
        at: &Cursor<'a>,
        values: &[Value],
        name: &Name,
        nullable: bool,
    ) -> Built {
        let mut present: Vec<Value> = Vec::new();
        for value in values.iter().filter(|value| !value.is_null()) {
            if !present.contains(value) {
                present.push(value.clone());
            }
        }
        if present.is_empty() {
            return Built::null();
        }
        // Written without quotes, `1` and `true` are no texts, and yet are meant so.
        if type_names(at).iter().all(|ty| matches!(*ty, "string" | "null"))
            && type_names(at).contains(&"string")
        {
            for value in present.iter_mut().filter(|value| is_bare(value)) {
                *value = Value::String(value.to_string());
            }
        }
        let texts: Vec<&str> = present.iter().filter_map(Value::as_str).collect();
        if texts.len() == present.len() {
            let values = texts.into_iter().map(|text| (text, None)).collect();
            return Built::of(Shape::Enumeration(texts_enumeration(values)), nullable);
        }
        let format = at.text("format").unwrap_or_default();
        let kinds = by_type(format, &present);
        if kinds.iter().any(|(ty, _)| *ty == Type::Any) {
            // Any JSON may be each of them, `null` too: which it may be is for the list to say.
            let null = nullable.then_some(Value::Null);
            let listed = present.into_iter().chain(null).collect();
            let rules = vec![Rule { keyword: "enum", predicate: Predicate::Listed(listed) }];
            return Built::plain(Type::Any, Constraints { rules, ..Constraints::default() }, false);
        }
        if let [(ty, limits)] = kinds.as_slice() {
            return Built::plain(ty.clone(), limits.clone(), nullable);
        }
        let found = kinds.into_iter().map(|(ty, constraints)| {
            let kind = kind(&ty).unwrap_or("value");
            let (label, content) = (Name::new(kind), Cow::Owned(Value::from(kind)));
            Alternative { ty, label, content, constraints, tags: Vec::new() }
        });
        let variants = variants(found.collect(), name, false);
        Built::of(Shape::Union(Union { tag: None, variants, ruled: false }), nullable)
    }
}

/// The types of these values, each with those that are of it.
fn by_type(format: &str, values: &[Value]) -> Vec<(Type, Constraints)> {
    let of = |is: &dyn Fn(&Value) -> bool| -> Vec<Value> {
        values.iter().filter(|value| is(value)).cloned().collect()
    };
    let is_whole = |value: &Value| matches!(Number::of(value), Some(Number::Integer(_)));
    let is_real = |value: &Value| matches!(Number::of(value), Some(Number::Real(_)));
    let numbers = of(&Value::is_number);
    let mut found: Vec<(Type, Vec<Value>)> = Vec::new();
    if numbers.iter().any(is_real) {
        found.push((Type::Scalar(Scalar::Double), numbers));
    } else if !numbers.is_empty() {
        let format = if numbers.iter().all(|value| fits(value, format)) { format } else { "" };
        let mut limits = Constraints::default();
        // The type must hold every value that is listed.
        for value in numbers.iter().filter(|value| is_whole(value)) {
            if value.as_i64().is_none() {
                limits.maximum =
                    Number::of(value).map(|value| crate::model::Bound { value, exclusive: false });
                limits.minimum =
                    Some(crate::model::Bound { value: Number::Integer(0), exclusive: false });
            }
        }
        found.push((Type::Scalar(integer(format, &limits)), numbers));
    }
    let texts = of(&Value::is_string);
    if !texts.is_empty() {
        found.push((Type::Scalar(Scalar::Text), texts));
    }
    let booleans = of(&Value::is_boolean);
    if !booleans.is_empty() {
        // Both of them are no constraint.
        let listed = if booleans.len() == 1 { booleans } else { Vec::new() };
        found.push((Type::Scalar(Scalar::Boolean), listed));
    }
    let mut found: Vec<(Type, Constraints)> = found
        .into_iter()
        .map(|(ty, listed)| (ty, Constraints { listed, ..Constraints::default() }))
        .collect();
    let structured = of(&|value| value.is_object() || value.is_array());
    if !structured.is_empty() {
        let rule = Rule { keyword: "enum", predicate: Predicate::Listed(structured) };
        found.push((Type::Any, Constraints { rules: vec![rule], ..Constraints::default() }));
    }
    found
}

/// Whether an integer type of this format holds a value.
fn fits(value: &Value, format: &str) -> bool {
    let Some(Number::Integer(whole)) = Number::of(value) else { return false };
    match format {
        "int8" => i8::try_from(whole).is_ok(),
        "int16" => i16::try_from(whole).is_ok(),
        "int32" => i32::try_from(whole).is_ok(),
        "uint8" => u8::try_from(whole).is_ok(),
        "uint16" => u16::try_from(whole).is_ok(),
        "uint32" => u32::try_from(whole).is_ok(),
        "uint" | "uint64" => u64::try_from(whole).is_ok(),
        _ => i64::try_from(whole).is_ok(),
    }
}

fn is_bare(value: &Value) -> bool {
    value.is_number() || value.is_boolean()
}

/// An enumeration of texts, each named apart from the others; repeated values count once.
pub(super) fn texts_enumeration(values: Vec<(&str, Option<String>)>) -> Enumeration {
    let names = unique_names(values.iter().map(|(text, _)| *text));
    let mut seen = BTreeSet::new();
    let values = values
        .into_iter()
        .filter(|(text, _)| seen.insert(*text))
        .map(|(text, description)| EnumerationValue {
            wire: text.to_owned(),
            name: names[text].clone(),
            description,
        })
        .collect();
    Enumeration { values, lifecycle: None }
}
