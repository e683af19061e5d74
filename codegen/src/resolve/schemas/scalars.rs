//! Scalars: what `type` and `format` say together.

use regress::Regex;

use super::Built;
use super::constraints::{constraints, format};
use crate::model::{Constraints, Format, Number, Scalar, Type};
use crate::resolve::Scope;
use crate::source::Cursor;

/// Letters of a UUID, and of the longest date-time a type holds exactly.
const UUID: u64 = 36;
const DATE_TIME: std::ops::RangeInclusive<u64> = 20..=35;

impl<'a> Scope<'a> {
    pub(super) fn scalar(&mut self, at: &Cursor<'a>, ty: &str, nullable: bool) -> Built {
        let mut limits = constraints(at);
        let scalar = match ty {
            "boolean" => Scalar::Boolean,
            "integer" => integer(at.text("format").unwrap_or_default(), &limits),
            "number" if at.text("format") == Some("float") => Scalar::Float,
            "number" => Scalar::Double,
            "string" => text(at, &mut limits),
            other => {
                let why = format!("`{other}` is no type of JSON Schema: the value is any JSON");
                let hint = "string, integer, number, boolean, array, object and null are";
                self.defect(at, why, hint);
                return Built::any();
            }
        };
        Built::plain(Type::Scalar(scalar), limits, nullable)
    }
}

/// The integer type of a format; where none is said, one that holds what the bounds allow.
pub(super) fn integer(format: &str, limits: &Constraints) -> Scalar {
    let beyond = |bound: i128| {
        limits.maximum.is_some_and(|most| most.value.is_above(Number::Integer(bound)))
    };
    let zero = Number::Integer(0);
    let is_natural = limits.minimum.is_some_and(|least| !zero.is_above(least.value));
    match format {
        "int8" => Scalar::Int8,
        "int16" => Scalar::Int16,
        "int32" => Scalar::Int32,
        "uint8" => Scalar::Uint8,
        "uint16" => Scalar::Uint16,
        "uint32" => Scalar::Uint32,
        "uint64" | "uint" => Scalar::Uint64,
        _ if is_natural && beyond(i128::from(i64::MAX)) => Scalar::Uint64,
        _ => Scalar::Int64,
    }
}

/// The type of a text. Where its keywords speak of how it is written and the type forgets that,
/// it stays a text that is held against its format.
fn text(at: &Cursor<'_>, limits: &mut Constraints) -> Scalar {
    if at.text("format") == Some("binary") {
        return Scalar::Binary;
    }
    if at.text("contentEncoding").is_some_and(|encoding| encoding.eq_ignore_ascii_case("base64")) {
        return Scalar::Base64;
    }
    let Some(format) = format(at) else { return Scalar::Text };
    let scalar = match format {
        Format::DateTime => {
            limits.min_length = limits.min_length.filter(|length| length > DATE_TIME.start());
            limits.max_length = limits.max_length.filter(|length| length < DATE_TIME.end());
            let is_free = limits.min_length.is_none()
                && limits.max_length.is_none()
                && limits.patterns.is_empty();
            is_free.then_some(Scalar::DateTime)
        }
        Format::Date => Some(Scalar::Date),
        Format::Uuid => {
            limits.min_length = limits.min_length.filter(|length| *length > UUID);
            limits.max_length = limits.max_length.filter(|length| *length < UUID);
            limits.patterns.iter().all(|pattern| takes_lower_case(pattern)).then_some(Scalar::Uuid)
        }
        Format::Decimal => Some(Scalar::Decimal),
        Format::Base64 => Some(Scalar::Base64),
        Format::Time
        | Format::Duration
        | Format::Uri
        | Format::UriReference
        | Format::Email
        | Format::Hostname
        | Format::Ipv4
        | Format::Ipv6
        | Format::Regex
        | Format::JsonPointer => None,
    };
    scalar.unwrap_or_else(|| {
        limits.format = Some(format);
        Scalar::Text
    })
}

/// Whether a pattern of UUIDs takes them as they are written again: in lower case.
fn takes_lower_case(pattern: &str) -> bool {
    let Ok(regex) = Regex::new(pattern) else { return true };
    ["f47ac10b-58cc-4372-a567-0e02b2c3d479", "018f3b1c-7b1a-7c3e-9a1e-2f8b6d0c4e5a"]
        .into_iter()
        .any(|sample| regex.find(sample).is_some())
}
