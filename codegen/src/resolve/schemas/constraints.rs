//! Constraint keywords of one schema.

use regress::Regex;
use serde_json::Value;

use crate::model::{Bound, Constraints, Format, Number};
use crate::source::Cursor;

/// What the schema at this place asks of its values beyond their type.
pub(super) fn constraints(at: &Cursor<'_>) -> Constraints {
    // Most schemas ask nothing: one look tells.
    if !at.object().is_some_and(|members| members.keys().any(|name| is_limit(name))) {
        return Constraints::default();
    }
    let count = |keyword: &str| whole(at.value.get(keyword)?);
    let one_pattern = at.text("pattern").filter(|text| is_pattern(text)).map(str::to_owned);
    let multiple = at.value.get("multipleOf").and_then(Number::of);
    let zero = Number::Integer(0);
    Constraints {
        min_length: count("minLength").filter(|length| *length > 0),
        max_length: count("maxLength"),
        patterns: one_pattern.into_iter().collect(),
        format: None,
        minimum: bound(at, Number::is_above, ["minimum", "exclusiveMinimum"]),
        maximum: bound(at, |one, two| two.is_above(one), ["maximum", "exclusiveMaximum"]),
        multiples: multiple.filter(|by| by.is_above(zero)).into_iter().collect(),
        min_count: count("minItems").or_else(|| count("minProperties")).filter(|min| *min > 0),
        max_count: count("maxItems").or_else(|| count("maxProperties")),
        unique: at.flag("uniqueItems"),
        listed: Vec::new(),
        each: None,
        positions: Vec::new(),
        names: at
            .get("propertyNames")
            .map(|names| Box::new(constraints(&names)))
            .filter(|names| !names.is_empty()),
        rules: Vec::new(),
    }
}

/// Whether a keyword is one that [`constraints`] reads.
pub(super) fn is_limit(name: &str) -> bool {
    matches!(
        name,
        "minLength"
            | "maxLength"
            | "pattern"
            | "multipleOf"
            | "minimum"
            | "maximum"
            | "exclusiveMinimum"
            | "exclusiveMaximum"
            | "minItems"
            | "maxItems"
            | "minProperties"
            | "maxProperties"
            | "uniqueItems"
            | "propertyNames"
    )
}

/// The format of the texts here, where it is one that is held against anything.
pub(super) fn format(at: &Cursor<'_>) -> Option<Format> {
    at.text("format").and_then(Format::named)
}

/// A count, also where it is written `1.0`.
pub(super) fn whole(value: &Value) -> Option<u64> {
    match Number::of(value)? {
        Number::Integer(count) => u64::try_from(count).ok(),
        Number::Real(_) => None,
    }
}

/// Whether the engine that holds values against patterns can read this one.
pub(super) fn is_pattern(text: &str) -> bool {
    Regex::with_flags(text, "u").or_else(|_| Regex::new(text)).is_ok()
}

/// 3.0 spells an exclusive bound as a flag beside the bound, 3.1 as a bound of its own; of two
/// the tighter one holds.
fn bound(
    at: &Cursor<'_>,
    is_tighter: impl Fn(Number, Number) -> bool,
    [inclusive, exclusive]: [&str; 2],
) -> Option<Bound> {
    let number = |keyword: &str| at.value.get(keyword).and_then(Number::of);
    let outer = number(exclusive).map(|value| Bound { value, exclusive: true });
    let inner = number(inclusive).map(|value| Bound { value, exclusive: at.flag(exclusive) });
    match (outer, inner) {
        (Some(outer), Some(inner)) if is_tighter(inner.value, outer.value) => Some(inner),
        (outer, inner) => outer.or(inner),
    }
}
