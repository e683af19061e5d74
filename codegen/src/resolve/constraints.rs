//! Constraint keywords of one schema.

use regress::Regex;
use serde_json::Value;

use crate::model::{Bound, Constraints};
use crate::source::Cursor;

/// What the schema at this place asks of its values beyond their type.
pub(super) fn constraints(at: &Cursor<'_>) -> Constraints {
    let count = |keyword: &str| at.value.get(keyword).and_then(Value::as_u64);
    Constraints {
        min_length: count("minLength").filter(|length| *length > 0),
        max_length: count("maxLength"),
        pattern: at.text("pattern").filter(|text| is_pattern(text)).map(str::to_owned),
        minimum: bound(at, "minimum", "exclusiveMinimum"),
        maximum: bound(at, "maximum", "exclusiveMaximum"),
        multiple_of: at.value.get("multipleOf").and_then(Value::as_i64).filter(|by| *by > 1),
        min_count: count("minItems").or_else(|| count("minProperties")).filter(|min| *min > 0),
        max_count: count("maxItems").or_else(|| count("maxProperties")),
        unique: at.flag("uniqueItems"),
        integers: Vec::new(),
        each: None,
        names: at
            .get("propertyNames")
            .map(|names| Box::new(constraints(&names)))
            .filter(|names| !names.is_empty()),
    }
}

/// Whether the engine that holds values against patterns can read this one.
pub(super) fn is_pattern(text: &str) -> bool {
    Regex::with_flags(text, "u").or_else(|_| Regex::new(text)).is_ok()
}

/// 3.0 spells an exclusive bound as a flag beside the bound, 3.1 as a bound of its own.
fn bound(at: &Cursor<'_>, inclusive: &str, exclusive: &str) -> Option<Bound> {
    let number = |keyword: &str| at.value.get(keyword).and_then(Value::as_f64);
    if let Some(value) = number(exclusive) {
        return Some(Bound { value, exclusive: true });
    }
    number(inclusive).map(|value| Bound { value, exclusive: at.flag(exclusive) })
}
