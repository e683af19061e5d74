//! Rules: what a contract asks of values that no type says, as a tree of predicates.

use serde_json::Value;

use super::{Format, Number, TypeId};

/// What a keyword asks of a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The keyword that a violation is reported under.
    pub keyword: &'static str,
    /// What must hold.
    pub predicate: Predicate,
}

/// What may hold of a JSON value. As in JSON Schema, one that is about values of some kind holds
/// of all others.
#[derive(Debug, Clone, PartialEq)]
pub enum Predicate {
    /// Of every value.
    Always,
    /// Of no value.
    Never,
    /// It is of one of these kinds.
    Kinds(Vec<JsonKind>),
    /// It is one of these, as JSON compares values.
    Listed(Vec<Value>),
    /// A text of at least so many Unicode scalar values.
    MinLength(u64),
    /// A text of at most so many Unicode scalar values.
    MaxLength(u64),
    /// A text in which this pattern (ECMA-262) is found.
    Pattern(String),
    /// A text of this format.
    Format(Format),
    /// A number that is no less.
    Minimum(Number),
    /// A number that is greater.
    Above(Number),
    /// A number that is no greater.
    Maximum(Number),
    /// A number that is less.
    Below(Number),
    /// A number that is a multiple of this one.
    MultipleOf(Number),
    /// An array of at least so many elements.
    MinItems(u64),
    /// An array of at most so many elements.
    MaxItems(u64),
    /// An array in which no two elements are equal.
    Unique,
    /// An array whose elements are as said, by position.
    Prefix(Vec<Predicate>),
    /// An array whose elements from this position on are all so.
    Rest(usize, Box<Predicate>),
    /// An array in which so many elements are so.
    Contains {
        /// What the elements are.
        each: Box<Predicate>,
        /// At least so many.
        least: u64,
        /// At most so many, if there is a limit.
        most: Option<u64>,
    },
    /// An array whose elements that are not known are so.
    OtherItems(Vec<KnownItems>, Box<Predicate>),
    /// An object of at least so many members.
    MinMembers(u64),
    /// An object of at most so many members.
    MaxMembers(u64),
    /// An object that has all of these members.
    Required(Vec<String>),
    /// An object whose member of this name, if it is there, is so.
    Member(String, Box<Predicate>),
    /// An object whose members whose names match the pattern are so.
    Matching(String, Box<Predicate>),
    /// An object whose members that are not known are so.
    Others(Vec<Known>, Box<Predicate>),
    /// An object whose members' names, as texts, are so.
    Names(Box<Predicate>),
    /// All of these hold.
    All(Vec<Predicate>),
    /// At least one of these holds.
    Any(Vec<Predicate>),
    /// Exactly one of these holds.
    One(Vec<Predicate>),
    /// This does not hold.
    Not(Box<Predicate>),
    /// If the first holds the second does too, and else the third.
    Given(Box<[Predicate; 3]>),
    /// What is said of this name in [`super::System::predicates`].
    Named(TypeId),
}

/// Members that are known where a predicate holds of the object.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// Where they are known.
    pub given: Predicate,
    /// Their names.
    pub names: Vec<String>,
    /// Patterns (ECMA-262) of their names.
    pub patterns: Vec<String>,
}

/// Elements that are known where a predicate holds of the array.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownItems {
    /// Where they are known.
    pub given: Predicate,
    /// So many of the first.
    pub first: usize,
    /// And each of which this holds.
    pub each: Predicate,
}

/// The kinds of JSON values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum JsonKind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean,
    /// A number without a fraction, however it is written.
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

impl Predicate {
    /// Calls `visit` for every name this mentions.
    pub fn each_name<'p>(&'p self, visit: &mut dyn FnMut(&'p TypeId)) {
        match self {
            Self::Named(id) => visit(id),
            Self::Prefix(parts) | Self::All(parts) | Self::Any(parts) | Self::One(parts) => {
                parts.iter().for_each(|part| part.each_name(visit));
            }
            Self::Given(parts) => parts.iter().for_each(|part| part.each_name(visit)),
            Self::Rest(_, part)
            | Self::Contains { each: part, .. }
            | Self::Member(_, part)
            | Self::Matching(_, part)
            | Self::Names(part)
            | Self::Not(part) => part.each_name(visit),
            Self::Others(known, part) => {
                known.iter().for_each(|known| known.given.each_name(visit));
                part.each_name(visit);
            }
            Self::OtherItems(known, part) => {
                known.iter().for_each(|known| {
                    known.given.each_name(visit);
                    known.each.each_name(visit);
                });
                part.each_name(visit);
            }
            Self::Always
            | Self::Never
            | Self::Kinds(_)
            | Self::Listed(_)
            | Self::MinLength(_)
            | Self::MaxLength(_)
            | Self::Pattern(_)
            | Self::Format(_)
            | Self::Minimum(_)
            | Self::Above(_)
            | Self::Maximum(_)
            | Self::Below(_)
            | Self::MultipleOf(_)
            | Self::MinItems(_)
            | Self::MaxItems(_)
            | Self::Unique
            | Self::MinMembers(_)
            | Self::MaxMembers(_)
            | Self::Required(_) => {}
        }
    }
}
