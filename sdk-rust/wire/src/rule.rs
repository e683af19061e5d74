//! Rules of a contract that no type says, held against values as they travel.

pub(crate) mod same;

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::{Format, Number, Pattern};

/// Values of the contract, read on first use.
pub type Values = LazyLock<Vec<Value>>;

/// The values in a literal JSON array, read once per place.
#[macro_export]
macro_rules! values {
    ($text:literal) => {{
        static VALUES: $crate::Values = $crate::Values::new(|| $crate::parse_values($text));
        &VALUES
    }};
}

/// A rule as a static table.
#[macro_export]
macro_rules! rule {
    ($($predicate:tt)*) => {{
        #[allow(unused_imports, reason = "not every rule mentions all of them")]
        use $crate::{JsonKind, Known, KnownItems, Number, Predicate};
        static RULE: Predicate = $($predicate)*;
        &RULE
    }};
}

/// Reads a literal JSON array; none of what is no array.
pub fn parse_values(text: &str) -> Vec<Value> {
    serde_json::from_str(text).unwrap_or_default()
}

/// What may hold of a JSON value. As in JSON Schema, one that is about values of some kind holds
/// of all others.
#[derive(Debug)]
pub enum Predicate {
    /// Of every value.
    Always,
    /// Of no value.
    Never,
    /// It is of one of these kinds (`type`).
    Kinds(&'static [JsonKind]),
    /// It is one of these (`enum`, `const`).
    Listed(&'static Values),
    /// `minLength`.
    MinLength(usize),
    /// `maxLength`.
    MaxLength(usize),
    /// `pattern`.
    Pattern(&'static Pattern),
    /// `format`.
    Format(Format),
    /// `minimum`.
    Minimum(Number),
    /// `exclusiveMinimum`.
    Above(Number),
    /// `maximum`.
    Maximum(Number),
    /// `exclusiveMaximum`.
    Below(Number),
    /// `multipleOf`.
    MultipleOf(Number),
    /// `minItems`.
    MinItems(usize),
    /// `maxItems`.
    MaxItems(usize),
    /// `uniqueItems`.
    Unique,
    /// `prefixItems`.
    Prefix(&'static [Predicate]),
    /// The elements from a position on (`items`).
    Rest(usize, &'static Predicate),
    /// `contains`: at least so many elements, and at most.
    Contains(usize, Option<usize>, &'static Predicate),
    /// Elements nothing else speaks of (`unevaluatedItems`).
    OtherItems(&'static [KnownItems], &'static Predicate),
    /// `minProperties`.
    MinMembers(usize),
    /// `maxProperties`.
    MaxMembers(usize),
    /// `required`.
    Required(&'static [&'static str]),
    /// A member (`properties`).
    Member(&'static str, &'static Predicate),
    /// Members whose names match (`patternProperties`).
    Matching(&'static Pattern, &'static Predicate),
    /// Members nothing else speaks of (`additionalProperties`, `unevaluatedProperties`).
    Others(&'static [Known], &'static Predicate),
    /// `propertyNames`.
    Names(&'static Predicate),
    /// `allOf`.
    All(&'static [Predicate]),
    /// `anyOf`.
    Any(&'static [Predicate]),
    /// `oneOf`.
    One(&'static [Predicate]),
    /// `not`.
    Not(&'static Predicate),
    /// `if`, `then` and `else`.
    Given(&'static [Predicate; 3]),
    /// A schema with a name.
    Named(&'static Predicate),
}

/// Where a predicate holds of an object, members of these names and name patterns are known.
#[derive(Debug)]
pub struct Known(pub Predicate, pub &'static [&'static str], pub &'static [&'static Pattern]);

/// Where a predicate holds of an array, so many of its first elements are known, and each of which
/// the other holds.
#[derive(Debug)]
pub struct KnownItems(pub Predicate, pub usize, pub Predicate);

/// The kinds of JSON values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonKind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean,
    /// A number without a fraction.
    Integer,
    /// Any number.
    Number,
    /// A text.
    Text,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// Predicates in predicates on the way into a value, which is as deep as JSON may be; more says
/// nothing.
const DEPTH: usize = 1024;

/// What was found of named schemas so far, by the schema and the value it is held against: where
/// many lead to the same place, each place is looked at once.
type Verdicts = RefCell<HashMap<(*const Predicate, *const Value), bool>>;

impl Predicate {
    /// Whether it holds of a value.
    pub fn holds(&self, value: &Value) -> bool {
        self.holds_within(value, DEPTH, &Verdicts::default())
    }

    fn named(&self, value: &Value, depth: usize, verdicts: &Verdicts) -> bool {
        let place = (std::ptr::from_ref(self), std::ptr::from_ref(value));
        if let Some(verdict) = verdicts.borrow().get(&place) {
            return *verdict;
        }
        // A schema that leads back to itself at one value says nothing more of it.
        verdicts.borrow_mut().insert(place, true);
        let verdict = self.holds_within(value, depth, verdicts);
        verdicts.borrow_mut().insert(place, verdict);
        verdict
    }

    fn holds_within(&self, value: &Value, depth: usize, verdicts: &Verdicts) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return true };
        let holds = |part: &Self, value: &Value| part.holds_within(value, depth, verdicts);
        let text = |is: &dyn Fn(&str) -> bool| value.as_str().is_none_or(is);
        let number = |is: &dyn Fn(Number) -> bool| Number::of(value).is_none_or(is);
        let order = |bound: &Number, is: fn(Ordering) -> bool| {
            number(&|number| number.order(*bound).is_none_or(is))
        };
        let items = |is: &dyn Fn(&Vec<Value>) -> bool| value.as_array().is_none_or(is);
        let members = |is: &dyn Fn(&Map<String, Value>) -> bool| value.as_object().is_none_or(is);
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Kinds(kinds) => kinds.iter().any(|kind| kind.is_of(value)),
            Self::Listed(listed) => listed.iter().any(|known| same::same(known, value)),
            Self::All(parts) => parts.iter().all(|part| holds(part, value)),
            Self::Any(parts) => parts.iter().any(|part| holds(part, value)),
            Self::One(parts) => parts.iter().filter(|part| holds(part, value)).count() == 1,
            Self::Not(part) => !holds(part, value),
            Self::Given([given, then, _]) if holds(given, value) => holds(then, value),
            Self::Given([_, _, or]) => holds(or, value),
            Self::Named(part) => part.named(value, depth, verdicts),
            Self::MinLength(least) => text(&|text| text.chars().count() >= *least),
            Self::MaxLength(most) => text(&|text| text.chars().count() <= *most),
            Self::Pattern(pattern) => text(&|text| found(pattern, text)),
            Self::Format(format) => text(&|text| format.fits(text)),
            Self::Minimum(bound) => order(bound, Ordering::is_ge),
            Self::Above(bound) => order(bound, Ordering::is_gt),
            Self::Maximum(bound) => order(bound, Ordering::is_le),
            Self::Below(bound) => order(bound, Ordering::is_lt),
            Self::MultipleOf(divisor) => number(&|number| number.is_multiple_of(*divisor)),
            Self::MinItems(least) => items(&|items| items.len() >= *least),
            Self::MaxItems(most) => items(&|items| items.len() <= *most),
            Self::Unique => items(&|items| !same::repeats(items)),
            Self::Prefix(parts) => {
                items(&|items| parts.iter().zip(items).all(|(part, item)| holds(part, item)))
            }
            Self::Rest(from, part) => {
                items(&|items| items.iter().skip(*from).all(|item| holds(part, item)))
            }
            Self::Contains(least, most, part) => items(&|items| {
                let count = items.iter().filter(|item| holds(part, item)).count();
                count >= *least && most.is_none_or(|most| count <= most)
            }),
            Self::OtherItems(known, part) => {
                items(&|items| other_items(known, items, value, &holds).all(|it| holds(part, it)))
            }
            Self::MinMembers(least) => members(&|members| members.len() >= *least),
            Self::MaxMembers(most) => members(&|members| members.len() <= *most),
            Self::Required(names) => {
                members(&|members| names.iter().all(|name| members.contains_key(*name)))
            }
            Self::Member(name, part) => {
                members(&|members| members.get(*name).is_none_or(|found| holds(part, found)))
            }
            Self::Matching(pattern, part) => members(&|members| {
                let mut matching = members.iter().filter(|(name, _)| found(pattern, name));
                matching.all(|(_, member)| holds(part, member))
            }),
            Self::Others(known, part) => {
                members(&|members| others(known, members, value, &holds).all(|it| holds(part, it)))
            }
            Self::Names(part) => members(&|members| {
                // A name is no value of its own: what is found of it holds no longer than it does.
                members.keys().all(|name| part.holds(&Value::String(name.clone())))
            }),
        }
    }
}

/// Whether a predicate holds of a value.
type Holds<'h> = &'h dyn Fn(&Predicate, &Value) -> bool;

/// The elements of an array that are not known.
fn other_items<'v>(
    known: &'static [KnownItems],
    items: &'v [Value],
    array: &Value,
    holds: Holds<'v>,
) -> impl Iterator<Item = &'v Value> {
    let known: Vec<_> = known.iter().filter(|known| holds(&known.0, array)).collect();
    let is_known = move |index: usize, item: &Value| {
        known.iter().any(|known| index < known.1 || holds(&known.2, item))
    };
    let others = items.iter().enumerate().filter(move |(index, item)| !is_known(*index, item));
    others.map(|(_, item)| item)
}

/// The members of an object that are not known.
fn others<'v>(
    known: &'static [Known],
    members: &'v Map<String, Value>,
    object: &Value,
    holds: Holds<'v>,
) -> impl Iterator<Item = &'v Value> {
    let known: Vec<_> = known.iter().filter(|known| holds(&known.0, object)).collect();
    let is_known = move |name: &str| known.iter().any(|known| known.has(name));
    members.iter().filter(move |(name, _)| !is_known(name)).map(|(_, member)| member)
}

impl Known {
    fn has(&self, name: &str) -> bool {
        self.1.contains(&name) || self.2.iter().any(|pattern| found(pattern, name))
    }
}

impl JsonKind {
    fn is_of(self, value: &Value) -> bool {
        match self {
            Self::Null => value.is_null(),
            Self::Boolean => value.is_boolean(),
            Self::Integer => Number::of(value).is_some_and(Number::is_whole),
            Self::Number => value.is_number(),
            Self::Text => value.is_string(),
            Self::Array => value.is_array(),
            Self::Object => value.is_object(),
        }
    }
}

/// Whether a pattern is found in a text; one that the engine cannot read is found in all.
fn found(pattern: &Pattern, text: &str) -> bool {
    pattern.as_ref().is_none_or(|regex| regex.find(text).is_some())
}
