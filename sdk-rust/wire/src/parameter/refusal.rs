//! Why a submitted value was refused: where and by which rule, never the value itself.

use std::fmt;

use jiff::Timestamp;
use serde::de;

use crate::record::REFUSED;
use crate::{In, Violation};

/// A submitted value that cannot be read as its type.
///
/// Error texts of serde quote values. This type keeps only what comes from our own types: it is
/// safe to send back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// JSON pointer (RFC 6901) relative to what was read.
    pub pointer: String,
    /// The violated rule: a JSON Schema keyword, or `type`, or `syntax`.
    pub code: &'static str,
    /// The rule in words.
    pub detail: String,
    absent: bool,
    /// What was refused besides.
    also: Vec<Refusal>,
}

impl Refusal {
    /// A refusal of the value itself (empty pointer).
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            pointer: String::new(),
            code,
            detail: detail.into(),
            absent: false,
            also: Vec::new(),
        }
    }

    /// Nothing was submitted.
    pub(super) fn absent() -> Self {
        Self { absent: true, ..Self::new("required", "must be given") }
    }

    pub(super) fn is_absent(&self) -> bool {
        self.absent
    }

    /// The same refusal, seen from one level further out.
    #[must_use]
    pub fn within(mut self, token: impl fmt::Display) -> Self {
        let token = token.to_string().replace('~', "~0").replace('/', "~1");
        self.pointer = format!("/{token}{}", self.pointer);
        for refusal in &mut self.also {
            refusal.pointer = format!("/{token}{}", refusal.pointer);
        }
        self.absent = false;
        self
    }

    /// The same, each apart that was refused with it: the members of one value.
    pub fn apart(mut self) -> Vec<Self> {
        let also = std::mem::take(&mut self.also);
        std::iter::once(self).chain(also.into_iter().flat_map(Self::apart)).collect()
    }

    /// Several as one; nothing of none.
    pub(crate) fn of_all(refusals: Vec<Self>) -> Option<Self> {
        let mut refusals = refusals.into_iter();
        let first = refusals.next()?;
        Some(Self { also: refusals.collect(), ..first })
    }

    /// The refusal as a violation of this part of a request.
    pub fn into_violation(self, location: In) -> Violation {
        Violation {
            location,
            pointer: self.pointer,
            code: self.code.to_owned(),
            detail: self.detail,
        }
    }

    /// What may be said about a JSON error. The pointer is that of a missing member, or empty.
    pub fn from_json(error: &serde_json::Error) -> Self {
        use serde_json::error::Category;
        match error.classify() {
            Category::Data => Self::from_text(&error.to_string()),
            Category::Syntax | Category::Eof | Category::Io => Self::new(
                "syntax",
                format!("not valid JSON at line {}, column {}", error.line(), error.column()),
            ),
        }
    }

    /// Reads serde's own wording. What it expected comes from our types; the rest may be a value.
    fn from_text(message: &str) -> Self {
        let message = message.rsplit_once(" at line ").map_or(message, |(text, _)| text);
        let expected = message.rsplit_once(", expected ").map(|(_, expected)| expected);
        let named = |prefix: &str| {
            message.strip_prefix(prefix).and_then(|rest| rest.split('`').next()).map(str::to_owned)
        };
        if message == REFUSED {
            return Self::new("type", REFUSED);
        }
        if let Some(names) = message.strip_prefix("missing fields ") {
            let names: Vec<String> = serde_json::from_str(names).unwrap_or_default();
            let missing = |name| Self::new("required", "must be given").within(name);
            let all = Self::of_all(names.into_iter().map(missing).collect());
            return all.unwrap_or_else(|| missing(String::new()));
        }
        if let Some(field) = named("missing field `") {
            return Self::new("required", "must be given").within(field);
        }
        if message.starts_with("unknown variant `") {
            return match expected {
                Some(expected) => Self::new("enum", format!("must be {expected}")),
                None => Self::new("enum", "must be a value the contract lists"),
            };
        }
        if message.starts_with("unknown field `") {
            return Self::new("additionalProperties", "has a member the contract does not list");
        }
        if message.starts_with("duplicate field `") {
            return Self::new("syntax", "has a member twice");
        }
        let typed = ["invalid type: ", "invalid value: ", "invalid length "];
        match expected {
            Some(expected) if typed.iter().any(|prefix| message.starts_with(prefix)) => {
                Self::new("type", format!("must be {}", plainly(expected)))
            }
            Some(_) | None => Self::new("format", form(message)),
        }
    }
}

/// What a type expects, said to somebody who does not see its Rust.
fn plainly(expected: &str) -> &str {
    match expected {
        "i32" => "an integer of 32 bits",
        "i8" | "i16" | "i64" | "i128" => "an integer",
        "u8" | "u16" | "u32" | "u64" | "u128" => "an integer from 0",
        "f32" | "f64" => "a number",
        "a sequence" => "an array",
        "a map" => "an object",
        "unit" => "null",
        "variant identifier" => "a string",
        "a formatted UUID string" => "a UUID",
        "a timestamp string" => DATE_TIME,
        "a date string" => DATE,
        _ if expected.starts_with("struct ") => "an object",
        _ if expected.starts_with("enum ") => "a string the contract lists",
        _ => expected,
    }
}

const DATE_TIME: &str = "an RFC 3339 date-time";
const DATE: &str = "an RFC 3339 date";

/// The form that a text lacks, told by how the parsers of our formats begin to complain. What
/// follows there may be the value.
fn form(message: &str) -> String {
    const OF_DATES: [&str; 6] = [
        "failed to parse ",
        "expected four digit ",
        "expected two digit ",
        "parsed value ",
        "parsed date ",
        "expected separator",
    ];
    const OF_DATE_TIMES: [&str; 2] =
        ["failed to find time component", "failed to find offset component"];
    let begins = |beginnings: &[&str]| beginnings.iter().any(|it| message.starts_with(it));
    if begins(&["UUID parsing failed"]) {
        "must be a UUID".to_owned()
    } else if begins(&["failed to convert civil datetime to timestamp"]) {
        format!("must be {DATE_TIME} from {} to {}", Timestamp::MIN, Timestamp::MAX)
    } else if begins(&OF_DATE_TIMES) {
        format!("must be {DATE_TIME}")
    } else if begins(&["cannot parse civil date"]) {
        format!("must be {DATE}")
    } else if begins(&OF_DATES) {
        format!("must be {DATE} or date-time")
    } else {
        "does not have the form the contract asks for".to_owned()
    }
}

impl From<Refusal> for Vec<Refusal> {
    fn from(refusal: Refusal) -> Self {
        refusal.apart()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` {}", self.pointer, self.detail)
    }
}

impl std::error::Error for Refusal {}

impl de::Error for Refusal {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::from_text(&message.to_string())
    }

    fn invalid_type(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::new("type", format!("must be {}", plainly(&expected.to_string())))
    }

    fn invalid_value(unexpected: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::invalid_type(unexpected, expected)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new("required", "must be given").within(field)
    }
}
