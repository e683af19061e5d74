//! Constraints: what a value must keep to beyond its type.

use serde_json::Value;

use super::Rule;

/// Constraint keywords of JSON Schema that a type alone does not carry.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Constraints {
    /// `minLength`.
    pub min_length: Option<u64>,
    /// `maxLength`.
    pub max_length: Option<u64>,
    /// `pattern` (ECMA-262), once for every schema that says one.
    pub patterns: Vec<String>,
    /// `format` of a text that no type carries.
    pub format: Option<Format>,
    /// `minimum` or `exclusiveMinimum`.
    pub minimum: Option<Bound>,
    /// `maximum` or `exclusiveMaximum`.
    pub maximum: Option<Bound>,
    /// `multipleOf`, once for every schema that says one.
    pub multiples: Vec<Number>,
    /// `minItems` or `minProperties`.
    pub min_count: Option<u64>,
    /// `maxItems` or `maxProperties`.
    pub max_count: Option<u64>,
    /// `uniqueItems`.
    pub unique: bool,
    /// `enum` or `const`, where no type says it; empty if any value will do.
    pub listed: Vec<Value>,
    /// The constraints of the elements of an array or the members of a map.
    pub each: Option<Box<Constraints>>,
    /// The constraints of the elements of a tuple, by position; as many as it has, or none.
    pub positions: Vec<Constraints>,
    /// The constraints of the members' names of a map (`propertyNames`).
    pub names: Option<Box<Constraints>>,
    /// What no keyword above says.
    pub rules: Vec<Rule>,
}

impl Constraints {
    /// Whether nothing is constrained.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Calls `visit` for every rule, those of what is held included.
    pub fn each_rule<'c>(&'c self, visit: &mut dyn FnMut(&'c Rule)) {
        self.rules.iter().for_each(&mut *visit);
        for inner in self.each.iter().chain(&self.names) {
            inner.each_rule(visit);
        }
        for inner in &self.positions {
            inner.each_rule(visit);
        }
    }

    /// Keeps the keywords alone.
    pub fn forget_rules(&mut self) {
        self.rules.clear();
        let held = self.each.iter_mut().chain(&mut self.names).map(|inner| &mut **inner);
        held.chain(&mut self.positions).for_each(Self::forget_rules);
    }

    /// Takes in what others ask too: of two bounds the tighter one.
    pub fn take(&mut self, other: Self) {
        self.min_length = self.min_length.max(other.min_length);
        self.max_length = least(self.max_length, other.max_length);
        union(&mut self.patterns, other.patterns);
        self.format = self.format.or(other.format);
        self.minimum = tighter(self.minimum, other.minimum, Number::is_above);
        self.maximum = tighter(self.maximum, other.maximum, |one, two| two.is_above(one));
        union(&mut self.multiples, other.multiples);
        self.min_count = self.min_count.max(other.min_count);
        self.max_count = least(self.max_count, other.max_count);
        self.unique |= other.unique;
        match (self.listed.is_empty(), other.listed.is_empty()) {
            (true, _) => self.listed = other.listed,
            (false, true) => {}
            (false, false) => self.listed.retain(|value| other.listed.contains(value)),
        }
        self.each = both(self.each.take(), other.each);
        self.names = both(self.names.take(), other.names);
        if self.positions.is_empty() {
            self.positions = other.positions;
        } else {
            for (own, more) in self.positions.iter_mut().zip(other.positions) {
                own.take(more);
            }
        }
        union(&mut self.rules, other.rules);
    }
}

fn least(one: Option<u64>, two: Option<u64>) -> Option<u64> {
    match (one, two) {
        (Some(one), Some(two)) => Some(one.min(two)),
        (one, two) => one.or(two),
    }
}

fn tighter(
    one: Option<Bound>,
    two: Option<Bound>,
    is_tighter: impl Fn(Number, Number) -> bool,
) -> Option<Bound> {
    match (one, two) {
        (Some(one), Some(two)) => {
            let second =
                is_tighter(two.value, one.value) || (two.value == one.value && two.exclusive);
            Some(if second { two } else { one })
        }
        (one, two) => one.or(two),
    }
}

fn union<T: PartialEq>(own: &mut Vec<T>, more: Vec<T>) {
    for each in more {
        if !own.contains(&each) {
            own.push(each);
        }
    }
}

fn both(one: Option<Box<Constraints>>, two: Option<Box<Constraints>>) -> Option<Box<Constraints>> {
    match (one, two) {
        (Some(mut one), Some(two)) => {
            one.take(*two);
            Some(one)
        }
        (one, two) => one.or(two),
    }
}

/// A bound of a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bound {
    /// The bound.
    pub value: Number,
    /// Whether the bound itself is outside.
    pub exclusive: bool,
}

/// A number of the contract; integers are exact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// An integer, also where it is written `1.0` or `1e3`.
    Integer(i128),
    /// Any other number, finite.
    Real(f64),
}

impl Number {
    /// The number in a JSON value; none for anything else.
    pub fn of(value: &Value) -> Option<Self> {
        let Value::Number(number) = value else { return None };
        if let Some(integer) = number.as_i128() {
            return Some(Self::Integer(integer));
        }
        let real = number.as_f64().filter(|real| real.is_finite())?;
        // Up to 2^53 a double holds every integer; from there on, only what was written.
        Some(match real.fract() == 0.0 && real.abs() < 9_007_199_254_740_992.0 {
            true => Self::Integer(real as i128),
            false => Self::Real(real),
        })
    }

    /// The number as a double, rounded if it must be.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Integer(integer) => integer as f64,
            Self::Real(real) => real,
        }
    }

    /// Whether this is the greater one.
    pub fn is_above(self, other: Self) -> bool {
        match (self, other) {
            (Self::Integer(one), Self::Integer(two)) => one > two,
            (one, two) => one.as_f64() > two.as_f64(),
        }
    }

    /// This number as JSON.
    pub fn to_json(self) -> Value {
        match self {
            Self::Integer(integer) => match (i64::try_from(integer), u64::try_from(integer)) {
                (Ok(signed), _) => Value::from(signed),
                (_, Ok(unsigned)) => Value::from(unsigned),
                (Err(_), Err(_)) => Value::from(integer as f64),
            },
            Self::Real(real) => Value::from(real),
        }
    }
}

/// Formats of texts that are held against their standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// `date-time` (RFC 3339).
    DateTime,
    /// `date` (RFC 3339).
    Date,
    /// `time` (RFC 3339).
    Time,
    /// `duration` (ISO 8601, as in RFC 3339, appendix A).
    Duration,
    /// `uuid` (RFC 9562).
    Uuid,
    /// `decimal`: a number as JSON spells it.
    Decimal,
    /// `byte`: Base64 (RFC 4648).
    Base64,
    /// `uri` (RFC 3986).
    Uri,
    /// `uri-reference` (RFC 3986).
    UriReference,
    /// `email` (RFC 5321, the common form).
    Email,
    /// `hostname` (RFC 1123).
    Hostname,
    /// `ipv4` (RFC 2673).
    Ipv4,
    /// `ipv6` (RFC 4291).
    Ipv6,
    /// `regex` (ECMA-262).
    Regex,
    /// `json-pointer` (RFC 6901).
    JsonPointer,
}

impl Format {
    /// The format of this name, if it is one that is held against anything.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "date-time" => Self::DateTime,
            "date" => Self::Date,
            "time" => Self::Time,
            "duration" => Self::Duration,
            "uuid" => Self::Uuid,
            "decimal" => Self::Decimal,
            "byte" => Self::Base64,
            "uri" => Self::Uri,
            "uri-reference" => Self::UriReference,
            "email" => Self::Email,
            "hostname" => Self::Hostname,
            "ipv4" => Self::Ipv4,
            "ipv6" => Self::Ipv6,
            "regex" => Self::Regex,
            "json-pointer" => Self::JsonPointer,
            _ => return None,
        })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::DateTime => "date-time",
            Self::Date => "date",
            Self::Time => "time",
            Self::Duration => "duration",
            Self::Uuid => "uuid",
            Self::Decimal => "decimal",
            Self::Base64 => "byte",
            Self::Uri => "uri",
            Self::UriReference => "uri-reference",
            Self::Email => "email",
            Self::Hostname => "hostname",
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Regex => "regex",
            Self::JsonPointer => "json-pointer",
        }
    }
}
