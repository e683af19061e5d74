//! Where a value plainly breaks its schema: what most examples that break one do needs no validator
//! to be told.
//!
//! It tells what a validator would, in its words, or nothing.

use serde_json::Value;

use super::fits::{Look, Spelling, is_silent};
use crate::source::Cursor;

/// The types there are.
const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];

/// Where a value breaks its schema, and how.
pub(super) struct Misfit<'a> {
    /// The part of the value that breaks it.
    pub(super) at: Cursor<'a>,
    /// What is wrong, in the words of the validator.
    pub(super) why: String,
}

/// What a look at a value tells.
enum Told<'a> {
    Fits,
    Misfit(Misfit<'a>),
    Nothing,
}

/// The first misfit of a value, unless only a validator can tell.
pub(super) fn misfit<'a>(
    schema: &Cursor<'_>,
    value: &Cursor<'a>,
    spelling: Spelling,
) -> Option<Misfit<'a>> {
    match find(&Look { spelling }, schema, value, super::fits::DEPTH) {
        Told::Misfit(misfit) => Some(misfit),
        Told::Fits | Told::Nothing => None,
    }
}

fn find<'a>(look: &Look, schema: &Cursor<'_>, value: &Cursor<'a>, depth: usize) -> Told<'a> {
    let Some(depth) = depth.checked_sub(1) else { return Told::Nothing };
    let keywords = match schema.value {
        Value::Bool(true) => return Told::Fits,
        Value::Object(keywords) => keywords,
        Value::Null
        | Value::Bool(false)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_) => return Told::Nothing,
    };
    if look.spelling == Spelling::Older && value.value.is_null() && schema.flag("nullable") {
        return Told::Fits;
    }
    let mut keywords: Vec<(&str, &Value)> = keywords
        .iter()
        .map(|(name, asked)| (name.as_str(), asked))
        .filter(|(name, _)| !is_silent(name))
        .collect();
    if look.spelling == Spelling::Older && schema.reference().is_some() {
        keywords.retain(|(name, _)| *name == "$ref");
    }
    keywords.sort_by_key(|(name, _)| rank(name));
    let found = keywords.into_iter().map(|keyword| one(look, schema, keyword, value, depth));
    first(found)
}

/// Misfits in the order in which a validator looks for them: what is cheap comes first.
fn rank(keyword: &str) -> usize {
    match keyword {
        "type" => 0,
        "required" => 2,
        "properties" | "additionalProperties" | "items" => 3,
        "allOf" => 4,
        "anyOf" | "oneOf" | "not" => 5,
        "$ref" => 6,
        _ => 1,
    }
}

fn one<'a>(
    look: &Look,
    schema: &Cursor<'_>,
    (keyword, asked): (&str, &Value),
    value: &Cursor<'a>,
    depth: usize,
) -> Told<'a> {
    let misfit = |why: String| Told::Misfit(Misfit { at: value.clone(), why });
    match (keyword, asked) {
        // A name that is none of these is for a validator to refuse.
        ("type", Value::String(name)) if TYPES.contains(&name.as_str()) => {
            match look.keyword(schema, (keyword, asked), value.value, depth) {
                Some(true) => Told::Fits,
                Some(false) => misfit(format!("value is not of type \"{name}\"")),
                None => Told::Nothing,
            }
        }
        ("required", Value::Array(names)) => {
            let Value::Object(members) = value.value else { return Told::Fits };
            let names = names.iter().map(|name| match name {
                Value::String(text) if members.contains_key(text) => Told::Fits,
                Value::String(_) => misfit(format!("{name} is a required property")),
                _ => Told::Nothing,
            });
            first(names)
        }
        ("properties", _) => {
            let Some(known) = schema.get(keyword) else { return Told::Nothing };
            first(value.members().into_iter().map(|(name, member)| match known.get(name) {
                Some(schema) => find(look, &schema, &member, depth),
                None => Told::Fits,
            }))
        }
        ("items", _) if schema.value.get("prefixItems").is_none() => {
            let Some(schema) = schema.get(keyword) else { return Told::Nothing };
            first(value.elements().iter().map(|element| find(look, &schema, element, depth)))
        }
        ("allOf", _) => {
            let Some(parts) = schema.get(keyword) else { return Told::Nothing };
            first(parts.elements().iter().map(|part| find(look, part, value, depth)))
        }
        ("$ref", Value::String(reference)) => match schema.target(reference) {
            Ok(target) => find(look, &target, value, depth),
            Err(_) => Told::Nothing,
        },
        _ => match look.keyword(schema, (keyword, asked), value.value, depth) {
            Some(true) => Told::Fits,
            Some(false) => {
                let of = |part: &Cursor<'_>| look.at(part, value.value, depth) == Some(true);
                let parts = schema.get(keyword).map(|found| found.elements()).unwrap_or_default();
                words(keyword, asked, parts.iter().any(of)).map_or(Told::Nothing, misfit)
            }
            None => Told::Nothing,
        },
    }
}

/// The words for a value that breaks this keyword, `fits_one` of its parts or none.
fn words(keyword: &str, asked: &Value, fits_one: bool) -> Option<String> {
    let none = "value is not valid under any of the schemas listed in the";
    let several = "value is valid under more than one of the schemas listed in the";
    match (keyword, asked) {
        ("enum", Value::Array(values)) => Some(format!("value is not one of {}", listed(values))),
        ("const", _) => Some(format!("{asked} was expected")),
        ("oneOf", _) if fits_one => Some(format!("{several} 'oneOf' keyword")),
        ("oneOf" | "anyOf", _) => Some(format!("{none} '{keyword}' keyword")),
        _ => None,
    }
}

/// Values as a validator lists them: the first ones, and how many there are besides.
fn listed(values: &[Value]) -> String {
    let spelled =
        |values: &[Value]| values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match values {
        [first, second, _, _, ..] => {
            format!("{first}, {second} or {} other candidates", values.len() - 2)
        }
        [several @ .., last] if !several.is_empty() => format!("{} or {last}", spelled(several)),
        few => spelled(few),
    }
}

/// The first of these that is no fit.
fn first<'a>(mut told: impl Iterator<Item = Told<'a>>) -> Told<'a> {
    told.find(|told| !matches!(told, Told::Fits)).unwrap_or(Told::Fits)
}
