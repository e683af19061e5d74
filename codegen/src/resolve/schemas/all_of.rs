//! `allOf`: the members of several schemas become one object.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::apart::are_apart;
use super::constraints::constraints;
use super::rules::all;
use super::{Built, type_names};
use crate::model::{Name, Predicate, Rule, Type};
use crate::resolve::Scope;
use crate::source::{Cursor, ValueId};

/// How far compositions of compositions are followed; no contract a person wrote comes near.
const DEPTH: usize = 128;

/// What several schemas of one object say together.
#[derive(Default)]
pub(super) struct Parts<'a> {
    /// The members, each as the last of them describes it.
    pub(super) properties: BTreeMap<&'a str, Cursor<'a>>,
    /// What others say of the same members.
    pub(super) overridden: BTreeMap<&'a str, Vec<Cursor<'a>>>,
    /// The members that only alternatives have, as each of these describes them.
    pub(super) loose: BTreeMap<&'a str, Vec<Cursor<'a>>>,
    pub(super) required: BTreeSet<&'a str>,
    pub(super) additional: Option<Cursor<'a>>,
    pub(super) unions: Vec<Cursor<'a>>,
    /// The schemas below the first, which they come from.
    pub(super) schemas: Vec<Cursor<'a>>,
    seen: BTreeSet<ValueId>,
}

impl<'a> Parts<'a> {
    /// Takes in a schema and everything it is composed of.
    pub(super) fn take(&mut self, at: &Cursor<'a>) {
        self.take_within(at, DEPTH);
    }

    /// Takes in the members of alternatives too: which of them must be there is for a rule to say.
    pub(super) fn take_alternatives(&mut self) {
        for alternatives in std::mem::take(&mut self.unions) {
            for element in alternatives.elements() {
                let mut parts = Self::default();
                parts.take(&element);
                parts.take_nested(DEPTH / 16);
                for (name, member) in parts.properties {
                    if !self.properties.contains_key(name) {
                        self.loose.entry(name).or_default().push(member);
                    }
                }
            }
        }
        for (name, members) in &self.loose {
            self.properties.extend(members.last().map(|last| (*name, last.clone())));
        }
    }

    fn take_nested(&mut self, depth: usize) {
        if depth == 0 {
            return;
        }
        for alternatives in std::mem::take(&mut self.unions) {
            for element in alternatives.elements() {
                self.take(&element);
            }
        }
        if !self.unions.is_empty() {
            self.take_nested(depth - 1);
        }
    }

    fn take_within(&mut self, at: &Cursor<'a>, depth: usize) {
        let Ok(at) = at.follow() else { return };
        self.take_own(&at, depth);
    }

    /// Takes in what a reference leads to and what stands beside it.
    pub(super) fn take_with_siblings(&mut self, at: &Cursor<'a>) {
        self.take_within(at, DEPTH);
        self.take_own(at, DEPTH);
    }

    fn take_own(&mut self, at: &Cursor<'a>, depth: usize) {
        if depth == 0 || !self.seen.insert(at.id()) {
            return;
        }
        if depth < DEPTH {
            self.schemas.push(at.clone());
        }
        for part in at.get("allOf").map(|found| found.elements()).unwrap_or_default() {
            self.take_within(&part, depth - 1);
        }
        if let Some(properties) = at.get("properties") {
            let members = properties.members();
            if self.properties.is_empty() {
                self.properties = members.into_iter().collect();
            } else {
                self.take_members(members);
            }
        }
        if let Some(Value::Array(names)) = at.value.get("required") {
            self.required.extend(names.iter().filter_map(Value::as_str));
        }
        if let Some(additional) =
            at.get("additionalProperties").or_else(|| at.get("unevaluatedProperties"))
        {
            self.additional = Some(additional);
        }
        self.unions.extend(["oneOf", "anyOf"].into_iter().filter_map(|keyword| at.get(keyword)));
    }

    fn take_members(&mut self, members: Vec<(&'a str, Cursor<'a>)>) {
        for (name, member) in members {
            if let Some(other) = self.properties.insert(name, member) {
                self.overridden.entry(name).or_default().push(other);
            }
        }
    }
}

impl<'a> Scope<'a> {
    pub(super) fn all_of(&mut self, at: &Cursor<'a>, name: &Name, nullable: bool) -> Built {
        let Some(list) = at.get("allOf") else { return Built::any() };
        // What a broken reference would have added is unknown; the rest still holds.
        let sound =
            |element: &Cursor<'a>| element.reference().is_none() || self.follow(element).is_some();
        let elements: Vec<Cursor<'a>> = list.elements().into_iter().filter(sound).collect();
        let own = ["properties", "required"].iter().any(|keyword| at.value.get(keyword).is_some())
            || self.children.contains(&at.id());
        let telling: Vec<&Cursor<'a>> =
            elements.iter().filter(|part| !says_nothing(part)).collect();
        if let ([single], false) = (telling.as_slice(), own) {
            // A definition in place is handed on; what a reference leads to keeps its own name.
            if single.reference().is_none() {
                let built = self.build(single, name);
                return Built { nullable: nullable || built.nullable, ..built };
            }
            let (ty, constraints) = self.type_of(single, name);
            return Built::plain(ty, constraints, nullable);
        }
        let mut parts = Parts::default();
        parts.take(at);
        // One of the alternatives says what it is composed of, and not again what it is.
        parts.unions.retain(|alternatives| !is_among(at, alternatives));
        if parts.properties.is_empty() {
            if let [union] = parts.unions.as_slice() {
                let union = union.clone();
                return self.one_of_parts(at, &union, &telling, name, nullable);
            }
            if let Some(first) = telling.iter().find(|part| is_plain(part, 8)) {
                return self.refined(first, &telling, name, nullable);
            }
        }
        let rules = self.of_parts(at, &parts);
        parts.take_alternatives();
        self.object_of(at, parts, name, nullable).keeping(rules)
    }

    /// A union among parts that name no members: what they ask is asked of the whole.
    fn one_of_parts(
        &mut self,
        at: &Cursor<'a>,
        alternatives: &Cursor<'a>,
        parts: &[&Cursor<'a>],
        name: &Name,
        nullable: bool,
    ) -> Built {
        let (holders, others): (Vec<&Cursor<'a>>, Vec<&Cursor<'a>>) =
            parts.iter().partition(|part| has_alternatives(part, alternatives));
        let others = others.into_iter().map(|part| self.predicate(part)).collect();
        let rules = asked("allOf", others);
        let holder = holders.first().copied().unwrap_or(at);
        let (ty, mut limits) = match holder.reference() {
            Some(_) => self.type_of(holder, name),
            None => return self.union(holder, alternatives, name, nullable).keeping(rules),
        };
        limits.rules.extend(rules);
        Built::plain(ty, limits, nullable)
    }

    /// What the parts of an object ask of it that no member says.
    pub(super) fn of_parts(&mut self, at: &Cursor<'a>, parts: &Parts<'a>) -> Vec<Rule> {
        let mut rules = Vec::new();
        for part in &parts.schemas {
            rules.extend(self.rules_besides(part, at));
            // What a part says of other members it says of those of the other parts too.
            let own = part.get("properties").map(|found| found.members()).unwrap_or_default();
            let others = |name: &&&str| !own.iter().any(|(known, _)| known == *name);
            if parts.properties.keys().any(|name| others(&name)) {
                rules.extend(self.rule_of(part, "additionalProperties"));
            }
        }
        rules.extend(self.alternatives_of(at));
        rules
    }

    /// A value that is no object, with what the other parts ask of it.
    pub(super) fn refined(
        &mut self,
        first: &Cursor<'a>,
        parts: &[&Cursor<'a>],
        name: &Name,
        nullable: bool,
    ) -> Built {
        let (ty, mut limits) = self.type_of(first, name);
        let mut rest = Vec::new();
        if are_apart(&parts.iter().map(|part| (*part).clone()).collect::<Vec<_>>()) {
            limits.rules.push(Rule { keyword: "allOf", predicate: Predicate::Never });
        }
        for part in parts.iter().filter(|part| part.id() != first.id()) {
            let Ok(target) = part.follow() else { continue };
            let is_plain =
                target.object().is_some_and(|schema| schema.keys().all(|key| is_limit(key)));
            // A type with a name of its own is not changed here: the rest is asked beside it.
            match is_plain && !matches!(ty.present(), Type::Named(_)) {
                true => limits.take(constraints(&target)),
                false => rest.push(self.predicate(part)),
            }
        }
        limits.rules.extend(asked("allOf", rest));
        Built::plain(ty, limits, nullable)
    }
}

/// Whether a schema is one of these alternatives.
pub(super) fn is_among(at: &Cursor<'_>, alternatives: &Cursor<'_>) -> bool {
    alternatives.elements().iter().any(|it| it.follow().is_ok_and(|found| found.id() == at.id()))
}

/// The rule that all of these hold, where any of them asks for more than a kind.
pub(super) fn asked(keyword: &'static str, parts: Vec<Predicate>) -> Vec<Rule> {
    let asks = |part: &Predicate| !matches!(part, Predicate::Always | Predicate::Kinds(_));
    match parts.iter().any(asks) {
        true => vec![Rule { keyword, predicate: all(parts) }],
        false => Vec::new(),
    }
}

/// Whether these alternatives are said in this part.
fn has_alternatives(part: &Cursor<'_>, alternatives: &Cursor<'_>) -> bool {
    let mut parts = Parts::default();
    parts.take(part);
    parts.unions.iter().any(|found| found.id() == alternatives.id())
}

/// Whether a part of `allOf` describes a value that is no object.
fn is_plain(part: &Cursor<'_>, depth: usize) -> bool {
    let Ok(part) = part.follow() else { return false };
    let says = |keyword: &str| part.value.get(keyword).is_some();
    let types = type_names(&part);
    let names_no_object =
        types.iter().any(|ty| *ty != "null") && !types.contains(&"object") && !says("properties");
    let nested = part.get("allOf").map(|found| found.elements()).unwrap_or_default();
    says("enum")
        || says("const")
        || names_no_object
        || (depth > 0 && nested.iter().any(|part| is_plain(part, depth - 1)))
}

/// Whether a part of `allOf` only carries prose, or keywords that do not change the type.
pub(super) fn says_nothing(part: &Cursor<'_>) -> bool {
    part.object().is_some_and(|schema| schema.keys().all(|key| is_prose(key)))
}

/// Whether a keyword is one that a type without a name of its own takes in.
fn is_limit(key: &str) -> bool {
    let limits = [
        "type",
        "minLength",
        "maxLength",
        "pattern",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minItems",
        "maxItems",
        "uniqueItems",
    ];
    is_prose(key) || limits.contains(&key)
}

/// Whether a keyword of schemas is prose, or does not change the type.
pub(super) fn is_prose(key: &str) -> bool {
    key.starts_with("x-")
        || matches!(
            key,
            "$comment"
                | "summary"
                | "description"
                | "title"
                | "nullable"
                | "example"
                | "examples"
                | "default"
                | "readOnly"
                | "writeOnly"
                | "deprecated"
        )
}
