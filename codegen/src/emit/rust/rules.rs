//! Predicates as the static tables that the edge reads.

use serde_json::Value;

use super::idents::{literal, module_ident};
use crate::model::{Format, JsonKind, Known, KnownItems, Number, Predicate, TypeId};

/// Columns after which an expression is broken into lines.
const COLUMNS: usize = 80;

/// A predicate as an expression, a line each where it does not fit on one.
pub(crate) fn predicate(predicate: &Predicate) -> Vec<String> {
    match predicate {
        Predicate::Always => atom("Always"),
        Predicate::Never => atom("Never"),
        Predicate::Kinds(kinds) => {
            let kinds: Vec<String> =
                kinds.iter().map(|kind| format!("JsonKind::{}", kind_ident(*kind))).collect();
            atom(&format!("Kinds(&[{}])", kinds.join(", ")))
        }
        Predicate::Listed(values) => {
            let text = Value::Array(values.clone()).to_string();
            atom(&format!("Listed(symbolon_wire::values!({}))", literal(&text)))
        }
        Predicate::MinLength(count) => atom(&format!("MinLength({count})")),
        Predicate::MaxLength(count) => atom(&format!("MaxLength({count})")),
        Predicate::Pattern(text) => {
            atom(&format!("Pattern(symbolon_wire::pattern!({}))", literal(text)))
        }
        Predicate::Format(format) => {
            atom(&format!("Format(symbolon_wire::Format::{})", format_ident(*format)))
        }
        Predicate::Minimum(value) => atom(&format!("Minimum({})", number(*value))),
        Predicate::Above(value) => atom(&format!("Above({})", number(*value))),
        Predicate::Maximum(value) => atom(&format!("Maximum({})", number(*value))),
        Predicate::Below(value) => atom(&format!("Below({})", number(*value))),
        Predicate::MultipleOf(value) => atom(&format!("MultipleOf({})", number(*value))),
        Predicate::MinItems(count) => atom(&format!("MinItems({count})")),
        Predicate::MaxItems(count) => atom(&format!("MaxItems({count})")),
        Predicate::Unique => atom("Unique"),
        Predicate::Prefix(elements) => {
            list("Prefix(&[", elements.iter().map(self::predicate), "])")
        }
        Predicate::Rest(from, each) => one(&format!("Rest({from}, &"), each),
        Predicate::Contains { each, least, most } => {
            one(&format!("Contains({least}, {most:?}, &"), each)
        }
        Predicate::MinMembers(count) => atom(&format!("MinMembers({count})")),
        Predicate::MaxMembers(count) => atom(&format!("MaxMembers({count})")),
        Predicate::Required(names) => atom(&format!("Required(&[{}])", literals(names))),
        Predicate::Member(name, each) => one(&format!("Member({}, &", literal(name)), each),
        Predicate::Matching(pattern, each) => {
            one(&format!("Matching(symbolon_wire::pattern!({}), &", literal(pattern)), each)
        }
        Predicate::Others(known, each) => {
            let known = joined("&[", known.iter().map(self::known), "]");
            list("Others(", [known, referred(each)].into_iter(), ")")
        }
        Predicate::OtherItems(known, each) => {
            let known = joined("&[", known.iter().map(known_items), "]");
            list("OtherItems(", [known, referred(each)].into_iter(), ")")
        }
        Predicate::Names(each) => one("Names(&", each),
        Predicate::All(parts) => list("All(&[", parts.iter().map(self::predicate), "])"),
        Predicate::Any(parts) => list("Any(&[", parts.iter().map(self::predicate), "])"),
        Predicate::One(parts) => list("One(&[", parts.iter().map(self::predicate), "])"),
        Predicate::Not(inner) => one("Not(&", inner),
        Predicate::Given(parts) => list("Given(&[", parts.iter().map(self::predicate), "])"),
        Predicate::Named(id) => atom(&format!("Named(&crate::rules::{})", rule_ident(id))),
    }
}

/// The name of the static that says what is said of a name.
pub(crate) fn rule_ident(id: &TypeId) -> String {
    module_ident(&id.0).trim_start_matches("r#").to_uppercase()
}

/// The variant of a format.
pub(crate) fn format_ident(format: Format) -> &'static str {
    match format {
        Format::DateTime => "DateTime",
        Format::Date => "Date",
        Format::Time => "Time",
        Format::Duration => "Duration",
        Format::Uuid => "Uuid",
        Format::Decimal => "Decimal",
        Format::Base64 => "Base64",
        Format::Uri => "Uri",
        Format::UriReference => "UriReference",
        Format::Email => "Email",
        Format::Hostname => "Hostname",
        Format::Ipv4 => "Ipv4",
        Format::Ipv6 => "Ipv6",
        Format::Regex => "Regex",
        Format::JsonPointer => "JsonPointer",
    }
}

fn kind_ident(kind: JsonKind) -> &'static str {
    match kind {
        JsonKind::Null => "Null",
        JsonKind::Boolean => "Boolean",
        JsonKind::Integer => "Integer",
        JsonKind::Number => "Number",
        JsonKind::Text => "Text",
        JsonKind::Array => "Array",
        JsonKind::Object => "Object",
    }
}

fn number(number: Number) -> String {
    match number {
        Number::Integer(whole) => format!("Number::Integer({whole})"),
        Number::Real(real) => format!("Number::Real({real:?})"),
    }
}

fn known(known: &Known) -> Vec<String> {
    let patterns: Vec<String> = known
        .patterns
        .iter()
        .map(|pattern| format!("symbolon_wire::pattern!({})", literal(pattern)))
        .collect();
    let names = format!("&[{}]", literals(&known.names));
    let parts = [predicate(&known.given), vec![names], vec![format!("&[{}]", patterns.join(", "))]];
    joined("Known(", parts.into_iter(), ")")
}

fn known_items(known: &KnownItems) -> Vec<String> {
    let first = vec![known.first.to_string()];
    let parts = [predicate(&known.given), first, predicate(&known.each)];
    joined("KnownItems(", parts.into_iter(), ")")
}

/// A reference to a predicate.
fn referred(inner: &Predicate) -> Vec<String> {
    let mut lines = predicate(inner);
    lines[0].insert(0, '&');
    lines
}

fn literals(names: &[String]) -> String {
    names.iter().map(|name| literal(name)).collect::<Vec<_>>().join(", ")
}

fn atom(text: &str) -> Vec<String> {
    vec![format!("Predicate::{text}")]
}

fn one(head: &str, inner: &Predicate) -> Vec<String> {
    let mut lines = predicate(inner);
    lines[0].insert_str(0, &format!("Predicate::{head}"));
    if let Some(last) = lines.last_mut() {
        last.push(')');
    }
    lines
}

fn list(head: &str, parts: impl Iterator<Item = Vec<String>>, tail: &str) -> Vec<String> {
    joined(&format!("Predicate::{head}"), parts, tail)
}

/// Expressions between brackets: on one line if they fit, else indented.
fn joined(head: &str, parts: impl Iterator<Item = Vec<String>>, tail: &str) -> Vec<String> {
    let parts: Vec<Vec<String>> = parts.collect();
    let length: usize = parts.iter().flatten().map(|line| line.len() + 2).sum();
    if parts.iter().all(|lines| lines.len() == 1) && head.len() + length < COLUMNS {
        let spelled: Vec<String> = parts.into_iter().flatten().collect();
        return vec![format!("{head}{}{tail}", spelled.join(", "))];
    }
    let mut lines = vec![head.to_owned()];
    for part in parts {
        let last = part.len() - 1;
        for (index, line) in part.into_iter().enumerate() {
            lines.push(format!("    {line}{}", if index == last { "," } else { "" }));
        }
    }
    lines.push(tail.to_owned());
    lines
}
