//! Checks of the contract's constraint keywords, collected with their JSON pointers.

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::fmt::{Display, LowerExp, Write};
use std::sync::LazyLock;

use regress::Regex;
use serde_json::Value;

use crate::number::is_multiple;
use crate::rule::same;
use crate::{Format, In, Predicate, Violation};

/// A `pattern` of the contract, compiled on first use (ECMA-262, by the `regress` crate).
pub type Pattern = LazyLock<Option<Regex>>;

/// The pattern of a text literal, compiled once per place.
#[macro_export]
macro_rules! pattern {
    ($text:literal) => {{
        static PATTERN: $crate::Pattern = $crate::Pattern::new(|| $crate::compile_pattern($text));
        &PATTERN
    }};
}

/// Compiles a pattern of the contract; none if the engine cannot read it.
pub fn compile_pattern(text: &str) -> Option<Regex> {
    Regex::with_flags(text, "u").or_else(|_| Regex::new(text)).ok()
}

/// Violations of one request that are told: who sends more needs no longer list, and who means harm
/// gets none.
pub(crate) const REPORTED: usize = 100;

/// Values that can be held against the constraints of their contract.
pub trait Validate {
    /// Reports every violated constraint of this value and of what it holds: none, unless said
    /// otherwise.
    fn validate(&self, at: &mut Violations) {
        let _ = at;
    }
}

/// The violations found so far and the place that is being looked at.
#[derive(Debug)]
pub struct Violations {
    location: In,
    pointer: String,
    found: Vec<Violation>,
    sent: Option<Sent>,
    listing: Listing,
}

/// What becomes of values that the contract does not list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listing {
    Closed,
    Open,
}

/// A body as it was sent, read once somebody asks.
type Sent = LazyCell<Option<Value>, Box<dyn FnOnce() -> Option<Value> + Send>>;

impl Default for Violations {
    fn default() -> Self {
        Self {
            location: In::Body,
            pointer: String::new(),
            found: Vec::new(),
            sent: None,
            listing: Listing::Closed,
        }
    }
}

impl Violations {
    /// None yet of a request with this body, which rules are held against: what was read of it
    /// lacks the members that its types do not know.
    pub fn of(body: impl FnOnce() -> Option<Value> + Send + 'static) -> Self {
        Self { sent: Some(Sent::new(Box::new(body))), ..Self::default() }
    }

    /// None yet of what somebody tells who may know a newer contract: values that this one does not
    /// list are borne with, and so is all that rules say, of which such values are a part.
    pub fn bearing_unlisted() -> Self {
        Self { listing: Listing::Open, ..Self::default() }
    }

    /// Everything found, in the order of the checks.
    pub fn into_found(self) -> Vec<Violation> {
        self.found
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Reports a violation at the current place. `detail` must not hold the value.
    pub fn report(&mut self, code: &str, detail: impl Display) {
        if self.found.len() >= REPORTED {
            return;
        }
        self.found.push(Violation {
            location: self.location,
            pointer: self.pointer.clone(),
            code: code.to_owned(),
            detail: detail.to_string(),
        });
    }

    /// Looks at a value inside another part of the request.
    pub fn inside(&mut self, location: In, check: impl FnOnce(&mut Self)) {
        let outer = (self.location, std::mem::take(&mut self.pointer));
        self.location = location;
        check(self);
        (self.location, self.pointer) = outer;
    }

    /// Looks at a member (an object's property or an array's index).
    pub fn member<T: ?Sized>(
        &mut self,
        name: impl Display,
        value: &T,
        check: impl FnOnce(&T, &mut Self),
    ) {
        let length = self.pointer.len();
        self.pointer.push('/');
        // Writing to a text cannot fail.
        let _ = write!(self.pointer, "{name}");
        let token = length + 1;
        if self.pointer[token..].contains(['~', '/']) {
            let escaped = self.pointer[token..].replace('~', "~0").replace('/', "~1");
            self.pointer.replace_range(token.., &escaped);
        }
        check(value, self);
        self.pointer.truncate(length);
    }

    /// Looks at a member of which there is nothing to check but what its type does.
    pub fn valid<T: Validate>(&mut self, name: &str, value: &T) {
        self.member(name, value, T::validate);
    }

    /// Looks at a member that may be absent.
    pub fn optional<T>(
        &mut self,
        name: &str,
        value: &Option<T>,
        check: impl FnOnce(&T, &mut Self),
    ) {
        if let Some(value) = value {
            self.member(name, value, check);
        }
    }

    /// Looks at a member that may be absent or `null`.
    pub fn nullable<T>(
        &mut self,
        name: &str,
        value: &Option<Option<T>>,
        check: impl FnOnce(&T, &mut Self),
    ) {
        if let Some(Some(value)) = value {
            self.member(name, value, check);
        }
    }

    /// Looks at every element of an array.
    pub fn each<T>(&mut self, values: &[T], mut check: impl FnMut(&T, &mut Self)) {
        for (index, value) in values.iter().enumerate() {
            self.member(index, value, &mut check);
        }
    }

    /// Looks at every value of a map.
    pub fn entries<T>(
        &mut self,
        values: &BTreeMap<String, T>,
        mut check: impl FnMut(&T, &mut Self),
    ) {
        for (name, value) in values {
            self.member(name, value, &mut check);
        }
    }

    /// Looks at every name of a map; a violation points at the member.
    pub fn names<T>(
        &mut self,
        values: &BTreeMap<String, T>,
        mut check: impl FnMut(&str, &mut Self),
    ) {
        // What stands there is the member, and no name.
        let sent = self.sent.take();
        for name in values.keys() {
            self.member(name, name.as_str(), &mut check);
        }
        self.sent = sent;
    }

    /// `minLength`: at least so many Unicode scalar values.
    pub fn min_length(&mut self, value: &str, minimum: usize) {
        if value.chars().count() < minimum {
            self.report("minLength", format_args!("must have at least {minimum} characters"));
        }
    }

    /// `maxLength`: at most so many Unicode scalar values.
    pub fn max_length(&mut self, value: &str, maximum: usize) {
        if value.chars().count() > maximum {
            self.report("maxLength", format_args!("must have at most {maximum} characters"));
        }
    }

    /// `pattern`: must match somewhere. A pattern the engine cannot read refuses nothing.
    pub fn pattern(&mut self, value: &str, pattern: &Pattern) {
        if let Some(regex) = pattern.as_ref()
            && regex.find(value).is_none()
        {
            self.report("pattern", "must match the contract's pattern");
        }
    }

    /// `minimum`.
    pub fn minimum<T: PartialOrd + Display + Copy>(&mut self, value: T, minimum: T) {
        if value < minimum {
            self.report("minimum", format_args!("must be at least {minimum}"));
        }
    }

    /// `maximum`.
    pub fn maximum<T: PartialOrd + Display + Copy>(&mut self, value: T, maximum: T) {
        if value > maximum {
            self.report("maximum", format_args!("must be at most {maximum}"));
        }
    }

    /// `exclusiveMinimum`.
    pub fn above<T: PartialOrd + Display + Copy>(&mut self, value: T, bound: T) {
        if value <= bound {
            self.report("exclusiveMinimum", format_args!("must be above {bound}"));
        }
    }

    /// `exclusiveMaximum`.
    pub fn below<T: PartialOrd + Display + Copy>(&mut self, value: T, bound: T) {
        if value >= bound {
            self.report("exclusiveMaximum", format_args!("must be below {bound}"));
        }
    }

    /// `multipleOf`, for integers.
    pub fn multiple_of(&mut self, value: impl Into<i128>, divisor: i128) {
        if value.into().checked_rem(divisor) != Some(0) {
            self.report("multipleOf", format_args!("must be a multiple of {divisor}"));
        }
    }

    /// `multipleOf` of a number with a fraction: as both are written, in decimals.
    pub fn multiple_of_real<T: LowerExp>(&mut self, value: T, divisor: f64) {
        if !is_multiple(value, divisor) {
            self.report("multipleOf", format_args!("must be a multiple of {divisor}"));
        }
    }

    /// `enum` or `const` of numbers or booleans.
    pub fn one_of<T: PartialEq>(&mut self, value: T, known: &[T]) {
        if !known.contains(&value) {
            self.unlisted();
        }
    }

    /// Reports a value that the contract does not list.
    pub(crate) fn unlisted(&mut self) {
        if self.listing == Listing::Closed {
            self.report("enum", UNLISTED);
        }
    }

    /// `enum` or `const` of texts.
    pub fn one_of_texts(&mut self, value: &str, known: &[&str]) {
        if !known.contains(&value) {
            self.unlisted();
        }
    }

    /// `format`.
    pub fn format(&mut self, value: &str, format: Format) {
        if !format.fits(value) {
            self.report("format", format_args!("must be of the format {}", format.name()));
        }
    }

    /// A keyword that no type says: it is held against the value as it travels.
    pub fn rule<T: serde::Serialize + ?Sized>(
        &mut self,
        value: &T,
        keyword: &str,
        rule: &Predicate,
    ) {
        if self.listing == Listing::Open {
            return;
        }
        let body = self.sent.as_deref().filter(|_| self.location == In::Body);
        let holds = match body.and_then(|body| body.as_ref()?.pointer(&self.pointer)) {
            Some(sent) => rule.holds(sent),
            None => serde_json::to_value(value).map_or(true, |value| rule.holds(&value)),
        };
        if !holds {
            self.report(keyword, "must be as the contract's schema says");
        }
    }

    /// `minItems` or `minProperties`: at least so many members.
    pub fn min_count(&mut self, code: &str, count: usize, minimum: usize) {
        if count < minimum {
            self.report(code, format_args!("must have at least {minimum} members"));
        }
    }

    /// `maxItems` or `maxProperties`: at most so many members.
    pub fn max_count(&mut self, code: &str, count: usize, maximum: usize) {
        if count > maximum {
            self.report(code, format_args!("must have at most {maximum} members"));
        }
    }

    /// `uniqueItems`: no two elements are equal.
    pub fn unique<T: serde::Serialize>(&mut self, values: &[T]) {
        let values: Vec<Value> =
            values.iter().filter_map(|value| serde_json::to_value(value).ok()).collect();
        if same::repeats(&values) {
            self.report("uniqueItems", "must not repeat an element");
        }
    }
}

/// What is said of a value that is none of those listed.
const UNLISTED: &str = "must be one of the values the contract lists";

impl<T: Validate> Validate for Option<T> {
    fn validate(&self, at: &mut Violations) {
        if let Some(value) = self {
            value.validate(at);
        }
    }
}

impl<T: Validate> Validate for Box<T> {
    fn validate(&self, at: &mut Violations) {
        (**self).validate(at);
    }
}

impl<T: Validate> Validate for Vec<T> {
    fn validate(&self, at: &mut Violations) {
        at.each(self, Validate::validate);
    }
}

impl<T: Validate> Validate for BTreeMap<String, T> {
    fn validate(&self, at: &mut Violations) {
        at.entries(self, Validate::validate);
    }
}

impl Validate for Value {
    fn validate(&self, _: &mut Violations) {}
}
