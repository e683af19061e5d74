//! Predicates of a model as the tables the edge reads, which are static in generated code.

use std::cell::Cell;
use std::sync::LazyLock;

use serde_json::Value;
use symbolon_codegen::model::{self, Bound, System};
use symbolon_wire::{
    JsonKind, Known, KnownItems, Number, Pattern, Predicate, Values, compile_pattern,
};

thread_local! {
    static TEXT: Cell<String> = const { Cell::new(String::new()) };
    static LISTED: Cell<Vec<Value>> = const { Cell::new(Vec::new()) };
}

/// A pattern that was read at once, though a static is read on first use.
pub(super) fn pattern_of(text: &str) -> &'static Pattern {
    let pattern: &Pattern =
        Box::leak(Box::new(Pattern::new(|| compile_pattern(&TEXT.replace(String::new())))));
    TEXT.set(text.to_owned());
    LazyLock::force(pattern);
    pattern
}

fn values_of(listed: &[Value]) -> &'static Values {
    let values: &Values = Box::leak(Box::new(Values::new(|| LISTED.take())));
    LISTED.set(listed.to_vec());
    LazyLock::force(values);
    values
}

/// Numbers as the edge has them.
pub(super) fn number(number: model::Number) -> Number {
    match number {
        model::Number::Integer(whole) => Number::Integer(whole),
        model::Number::Real(real) => Number::Real(real),
    }
}

/// A bound as the predicate it is.
pub(super) fn lower(bound: Bound) -> Predicate {
    let value = number(bound.value);
    if bound.exclusive { Predicate::Above(value) } else { Predicate::Minimum(value) }
}

/// A bound as the predicate it is.
pub(super) fn upper(bound: Bound) -> Predicate {
    let value = number(bound.value);
    if bound.exclusive { Predicate::Below(value) } else { Predicate::Maximum(value) }
}

/// A predicate as generated code spells it.
pub(super) fn predicate(system: &System, said: &model::Predicate) -> Predicate {
    let one = |part: &model::Predicate| &*Box::leak(Box::new(predicate(system, part)));
    let many = |parts: &[model::Predicate]| {
        let parts: Vec<Predicate> = parts.iter().map(|part| predicate(system, part)).collect();
        &*Box::leak(parts.into_boxed_slice())
    };
    let count = |count: u64| usize::try_from(count).unwrap();
    match said {
        model::Predicate::Always => Predicate::Always,
        model::Predicate::Never => Predicate::Never,
        model::Predicate::Kinds(kinds) => {
            Predicate::Kinds(Box::leak(kinds.iter().map(|kind| kind_of(*kind)).collect()))
        }
        model::Predicate::Listed(listed) => Predicate::Listed(values_of(listed)),
        model::Predicate::MinLength(least) => Predicate::MinLength(count(*least)),
        model::Predicate::MaxLength(most) => Predicate::MaxLength(count(*most)),
        model::Predicate::Pattern(text) => Predicate::Pattern(pattern_of(text)),
        model::Predicate::Format(format) => panic!("{format:?}"),
        model::Predicate::Minimum(value) => Predicate::Minimum(number(*value)),
        model::Predicate::Above(value) => Predicate::Above(number(*value)),
        model::Predicate::Maximum(value) => Predicate::Maximum(number(*value)),
        model::Predicate::Below(value) => Predicate::Below(number(*value)),
        model::Predicate::MultipleOf(value) => Predicate::MultipleOf(number(*value)),
        model::Predicate::MinItems(least) => Predicate::MinItems(count(*least)),
        model::Predicate::MaxItems(most) => Predicate::MaxItems(count(*most)),
        model::Predicate::Unique => Predicate::Unique,
        model::Predicate::Prefix(parts) => Predicate::Prefix(many(parts)),
        model::Predicate::Rest(from, part) => Predicate::Rest(*from, one(part)),
        model::Predicate::Contains { each, least, most } => {
            Predicate::Contains(count(*least), most.map(count), one(each))
        }
        model::Predicate::MinMembers(least) => Predicate::MinMembers(count(*least)),
        model::Predicate::MaxMembers(most) => Predicate::MaxMembers(count(*most)),
        model::Predicate::Required(names) => Predicate::Required(texts(names)),
        model::Predicate::Member(name, part) => Predicate::Member(text(name), one(part)),
        model::Predicate::Matching(text, part) => Predicate::Matching(pattern_of(text), one(part)),
        model::Predicate::Others(known, part) => {
            let known = known.iter().map(|known| {
                let patterns = known.patterns.iter().map(|text| pattern_of(text)).collect();
                Known(predicate(system, &known.given), texts(&known.names), Box::leak(patterns))
            });
            Predicate::Others(Box::leak(known.collect()), one(part))
        }
        model::Predicate::OtherItems(known, part) => {
            let known = known.iter().map(|known| {
                let [given, each] = [&known.given, &known.each].map(|it| predicate(system, it));
                KnownItems(given, known.first, each)
            });
            Predicate::OtherItems(Box::leak(known.collect()), one(part))
        }
        model::Predicate::Names(part) => Predicate::Names(one(part)),
        model::Predicate::All(parts) => Predicate::All(many(parts)),
        model::Predicate::Any(parts) => Predicate::Any(many(parts)),
        model::Predicate::One(parts) => Predicate::One(many(parts)),
        model::Predicate::Not(part) => Predicate::Not(one(part)),
        model::Predicate::Given(parts) => {
            let parts = [0, 1, 2].map(|index| predicate(system, &parts[index]));
            Predicate::Given(Box::leak(Box::new(parts)))
        }
        model::Predicate::Named(id) => Predicate::Named(one(&system.predicates[id])),
    }
}

fn text(text: &str) -> &'static str {
    text.to_owned().leak()
}

fn texts(names: &[String]) -> &'static [&'static str] {
    Box::leak(names.iter().map(|name| text(name)).collect())
}

fn kind_of(kind: model::JsonKind) -> JsonKind {
    match kind {
        model::JsonKind::Null => JsonKind::Null,
        model::JsonKind::Boolean => JsonKind::Boolean,
        model::JsonKind::Integer => JsonKind::Integer,
        model::JsonKind::Number => JsonKind::Number,
        model::JsonKind::Text => JsonKind::Text,
        model::JsonKind::Array => JsonKind::Array,
        model::JsonKind::Object => JsonKind::Object,
    }
}
