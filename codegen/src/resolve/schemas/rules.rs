//! What no type says of a value, as predicates: `not`, `if`, `contains` and their like.

use serde_json::Value;

use super::all_of::{Parts, is_among};
use super::constraints::{constraints, format, is_pattern, whole};
use super::members::flagged;
use super::tuples::hangs_on_values;
use super::{Built, accepts_null, type_names};
use crate::model::{Additional, Bound, JsonKind, Known, Predicate, Rule, Shape, Type};
use crate::resolve::Scope;
use crate::source::Cursor;

impl Built {
    /// Adds what values must keep to.
    pub(super) fn keeping(mut self, rules: Vec<Rule>) -> Self {
        if let Shape::Object(object) = &mut self.shape {
            let known = |name: &String| object.properties.iter().any(|found| found.wire == *name);
            let asks = |rule: &Rule| mentioned(&rule.predicate).iter().any(|name| !known(name));
            // What is asked of other members must still be there when the question comes.
            if object.additional == Additional::Ignored && rules.iter().any(asks) {
                object.additional = Additional::Kept(Type::Any, Box::default());
            }
        }
        let own = match &mut self.shape {
            Shape::Alias(_, limits) => &mut limits.rules,
            Shape::Object(_) | Shape::Enumeration(_) | Shape::Union(_) => &mut self.rules,
        };
        for rule in rules {
            if !own.contains(&rule) {
                own.push(rule);
            }
        }
        self
    }
}

impl<'a> Scope<'a> {
    /// What the keywords of one schema ask that no type and no constraint says.
    pub(super) fn rules(&mut self, at: &Cursor<'a>) -> Vec<Rule> {
        let mut rules = Vec::new();
        for keyword in
            ["not", "if", "contains", "dependentRequired", "dependentSchemas", "patternProperties"]
        {
            if at.get(keyword).is_some() {
                let predicate = all(self.keyword(at, keyword));
                rules.push(Rule { keyword, predicate });
            }
        }
        if let Some(elements) = self.open_tuple(at) {
            rules.push(Rule { keyword: "prefixItems", predicate: elements });
        }
        if at.get("properties").is_some() {
            rules.extend(self.alternatives_of(at));
        }
        let depends = ["oneOf", "anyOf", "if", "dependentSchemas"];
        if let Some(found) = at.get("unevaluatedProperties")
            && depends.into_iter().any(|keyword| at.get(keyword).is_some())
        {
            let predicate = self.unevaluated(at, &found);
            rules.push(Rule { keyword: "unevaluatedProperties", predicate });
        }
        if at.get("unevaluatedItems").is_some() && hangs_on_values(at) {
            let predicate = all(self.keyword(at, "unevaluatedItems"));
            rules.push(Rule { keyword: "unevaluatedItems", predicate });
        }
        rules
    }

    /// What one keyword of a schema asks, if it asks anything.
    pub(super) fn rule_of(&mut self, at: &Cursor<'a>, keyword: &'static str) -> Option<Rule> {
        let predicate = all(self.keyword(at, keyword));
        let asks = match &predicate {
            Predicate::Others(_, part) => **part != Predicate::Always,
            other => *other != Predicate::Always,
        };
        asks.then_some(Rule { keyword, predicate })
    }

    /// What is asked of members that a schema neither names nor has a pattern for.
    pub(super) fn others(&mut self, at: &Cursor<'a>, parts: &Parts<'a>) -> Predicate {
        let Some(found) = at.get("additionalProperties") else { return Predicate::Always };
        let patterns = at.get("patternProperties").map(|found| found.members());
        let known = Known {
            given: Predicate::Always,
            names: parts.properties.keys().map(|name| (*name).to_owned()).collect(),
            patterns: patterns.into_iter().flatten().map(|(name, _)| name.to_owned()).collect(),
        };
        Predicate::Others(vec![known], Box::new(self.predicate(&found)))
    }

    /// What stands beside alternatives that are the type.
    pub(super) fn beside_alternatives(
        &mut self,
        at: &Cursor<'a>,
        alternatives: &Cursor<'a>,
    ) -> Vec<Rule> {
        let mut rules = Vec::new();
        let required = at.value.get("required").map(texts).unwrap_or_default();
        let demand = |name: &String| {
            alternatives.elements().iter().all(|element| {
                let mut parts = Parts::default();
                parts.take(element);
                parts.required.contains(name.as_str())
            })
        };
        if !required.iter().all(demand) {
            rules.push(Rule { keyword: "required", predicate: Predicate::Required(required) });
        }
        for keyword in ["properties", "oneOf", "anyOf"] {
            if at.get(keyword).is_some() && alternatives.name() != Some(keyword) {
                let mut asked = self.keyword(at, keyword);
                let says_more = |said: &Predicate| match said {
                    Predicate::Member(_, said) => !matches!(**said, Predicate::Kinds(_)),
                    _ => true,
                };
                asked.retain(says_more);
                if !asked.is_empty() {
                    rules.push(Rule { keyword, predicate: all(asked) });
                }
            }
        }
        rules
    }

    /// What a part of a composition asks of the whole, which may be one of its alternatives.
    pub(super) fn rules_besides(&mut self, part: &Cursor<'a>, whole: &Cursor<'a>) -> Vec<Rule> {
        let mut rules = self.rules(part);
        rules.extend(self.alternatives_of(part));
        let is_own =
            |rule: &Rule| part.get(rule.keyword).is_some_and(|found| is_among(whole, &found));
        rules.retain(|rule| !is_own(rule));
        rules
    }

    /// What the alternatives of a part of a composition ask, whose members became the whole's.
    pub(super) fn alternatives_of(&mut self, at: &Cursor<'a>) -> Vec<Rule> {
        let mut rules = Vec::new();
        for keyword in ["oneOf", "anyOf"] {
            if at.get(keyword).is_some() {
                let predicate = all(self.keyword(at, keyword));
                rules.push(Rule { keyword, predicate });
            }
        }
        rules
    }

    /// What a schema asks of the count and the names of members, some of which it names.
    pub(super) fn member_rules(&mut self, at: &Cursor<'a>) -> Vec<Rule> {
        let count = |keyword: &str| at.value.get(keyword).and_then(whole);
        let mut rules = Vec::new();
        if let Some(least) = count("minProperties").filter(|least| *least > 0) {
            rules.push(Rule { keyword: "minProperties", predicate: Predicate::MinMembers(least) });
        }
        if let Some(most) = count("maxProperties") {
            rules.push(Rule { keyword: "maxProperties", predicate: Predicate::MaxMembers(most) });
        }
        if at.get("propertyNames").is_some() {
            let predicate = all(self.keyword(at, "propertyNames"));
            rules.push(Rule { keyword: "propertyNames", predicate });
        }
        rules
    }

    /// The elements of an array that is no tuple of one length.
    fn open_tuple(&mut self, at: &Cursor<'a>) -> Option<Predicate> {
        let prefix = prefix(at)?;
        if super::tuples::is_fixed(at) {
            return None;
        }
        let mut parts = vec![Predicate::Prefix(self.each(&prefix))];
        if let Some(rest) = super::tuples::rest(at) {
            let rest = self.predicate(&rest);
            parts.push(Predicate::Rest(prefix.elements().len(), Box::new(rest)));
        }
        Some(all(parts))
    }

    /// A whole schema as one predicate.
    pub(super) fn predicate(&mut self, at: &Cursor<'a>) -> Predicate {
        if at.reference().is_some() {
            let led_to = self.named_predicate(at);
            return match self.has_siblings(at) {
                true => all(vec![led_to, self.own_predicate(at)]),
                false => led_to,
            };
        }
        self.own_predicate(at)
    }

    /// What a schema says apart from its reference.
    pub(super) fn own_predicate(&mut self, at: &Cursor<'a>) -> Predicate {
        match at.value {
            Value::Bool(false) => return Predicate::Never,
            Value::Object(_) => {}
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => {
                return Predicate::Always;
            }
        }
        let mut parts = plain(at);
        for keyword in [
            "properties",
            "patternProperties",
            "additionalProperties",
            "propertyNames",
            "items",
            "contains",
            "allOf",
            "anyOf",
            "oneOf",
            "not",
            "if",
            "dependentRequired",
            "dependentSchemas",
            "unevaluatedProperties",
            "unevaluatedItems",
        ] {
            if at.get(keyword).is_some() {
                parts.extend(self.keyword(at, keyword));
            }
        }
        if at.get("items").is_none() {
            parts.extend(self.items(at));
        }
        let said = all(parts);
        match at.flag("nullable") {
            true if accepts_null(at) => Predicate::Any(vec![null(), said]),
            true | false => said,
        }
    }

    /// What a reference leads to, said once for all that refer to it.
    fn named_predicate(&mut self, at: &Cursor<'a>) -> Predicate {
        let ty = self.led_to(at);
        let Type::Named(id) = ty.present().clone() else { return Predicate::Always };
        if !self.predicates.contains_key(&id) {
            let Some(target) = self.follow(at) else { return Predicate::Always };
            self.predicates.insert(id.clone(), Predicate::Always);
            self.unsaid.push((id.clone(), target));
        }
        Predicate::Named(id)
    }

    /// Says of every name what was asked by name; more names may come of it.
    pub(super) fn say_by_name(&mut self) {
        while let Some((id, at)) = self.unsaid.pop() {
            let said = self.predicate(&at);
            self.predicates.insert(id, said);
        }
    }

    fn each(&mut self, list: &Cursor<'a>) -> Vec<Predicate> {
        list.elements().iter().map(|element| self.predicate(element)).collect()
    }

    /// What one keyword asks.
    fn keyword(&mut self, at: &Cursor<'a>, keyword: &str) -> Vec<Predicate> {
        let Some(found) = at.get(keyword) else { return Vec::new() };
        let members = |at: &Cursor<'a>, of: &str| at.get(of).map(|of| of.members());
        match keyword {
            "allOf" => self.each(&found),
            "anyOf" => vec![Predicate::Any(self.each(&found))],
            "oneOf" => vec![Predicate::One(self.each(&found))],
            "not" => vec![Predicate::Not(Box::new(self.predicate(&found)))],
            "if" => {
                let [then, or] = ["then", "else"].map(|branch| match at.get(branch) {
                    Some(branch) => self.predicate(&branch),
                    None => Predicate::Always,
                });
                vec![Predicate::Given(Box::new([self.predicate(&found), then, or]))]
            }
            "properties" => found
                .members()
                .iter()
                .map(|(name, member)| (*name, self.predicate(member)))
                .filter(|(_, said)| *said != Predicate::Always)
                .map(|(name, said)| Predicate::Member(name.to_owned(), Box::new(said)))
                .collect(),
            "patternProperties" => found
                .members()
                .iter()
                .filter(|(pattern, _)| is_pattern(pattern))
                .map(|(pattern, member)| {
                    Predicate::Matching((*pattern).to_owned(), Box::new(self.predicate(member)))
                })
                .collect(),
            "additionalProperties" => {
                let names = |of: &str| -> Vec<String> {
                    let members = members(at, of).unwrap_or_default();
                    members.into_iter().map(|(name, _)| name.to_owned()).collect()
                };
                let known = Known {
                    given: Predicate::Always,
                    names: names("properties"),
                    patterns: names("patternProperties"),
                };
                vec![Predicate::Others(vec![known], Box::new(self.predicate(&found)))]
            }
            "propertyNames" => vec![Predicate::Names(Box::new(self.predicate(&found)))],
            "unevaluatedProperties" => vec![self.unevaluated(at, &found)],
            "unevaluatedItems" if hangs_on_values(at) => vec![self.unevaluated_items(at, &found)],
            "items" => self.items(at),
            "contains" => {
                let count = |keyword: &str| at.value.get(keyword).and_then(whole);
                let (least, most) = (count("minContains").unwrap_or(1), count("maxContains"));
                let each = Box::new(self.predicate(&found));
                vec![Predicate::Contains { each, least, most }]
            }
            "dependentRequired" => found
                .members()
                .iter()
                .map(|(name, needed)| needs(name, Predicate::Required(texts(needed.value))))
                .collect(),
            "dependentSchemas" => found
                .members()
                .iter()
                .map(|(name, schema)| needs(name, self.predicate(schema)))
                .collect(),
            _ => Vec::new(),
        }
    }

    fn items(&mut self, at: &Cursor<'a>) -> Vec<Predicate> {
        let mut parts = Vec::new();
        let mut from = 0;
        if let Some(prefix) = prefix(at) {
            from = prefix.elements().len();
            parts.push(Predicate::Prefix(self.each(&prefix)));
        }
        if let Some(rest) = super::tuples::rest(at) {
            parts.push(Predicate::Rest(from, Box::new(self.predicate(&rest))));
        }
        parts
    }
}

/// The members a predicate asks for.
fn mentioned(predicate: &Predicate) -> Vec<String> {
    match predicate {
        Predicate::Required(names) => names.clone(),
        Predicate::Member(name, _) => vec![name.clone()],
        Predicate::All(parts) | Predicate::Any(parts) | Predicate::One(parts) => {
            parts.iter().flat_map(mentioned).collect()
        }
        Predicate::Given(parts) => parts.iter().flat_map(mentioned).collect(),
        Predicate::Not(part) => mentioned(part),
        Predicate::Always
        | Predicate::Never
        | Predicate::Kinds(_)
        | Predicate::Listed(_)
        | Predicate::MinLength(_)
        | Predicate::MaxLength(_)
        | Predicate::Pattern(_)
        | Predicate::Format(_)
        | Predicate::Minimum(_)
        | Predicate::Above(_)
        | Predicate::Maximum(_)
        | Predicate::Below(_)
        | Predicate::MultipleOf(_)
        | Predicate::MinItems(_)
        | Predicate::MaxItems(_)
        | Predicate::Unique
        | Predicate::Prefix(_)
        | Predicate::Rest(..)
        | Predicate::Contains { .. }
        | Predicate::OtherItems(..)
        | Predicate::MinMembers(_)
        | Predicate::MaxMembers(_)
        | Predicate::Matching(..)
        | Predicate::Others(..)
        | Predicate::Names(_)
        | Predicate::Named(_) => Vec::new(),
    }
}

/// The schemas of the first elements: `prefixItems`, or in 3.0 and before a list in `items`.
pub(super) fn prefix<'a>(at: &Cursor<'a>) -> Option<Cursor<'a>> {
    let listed = |keyword: &str| at.get(keyword).filter(|found| found.value.is_array());
    listed("prefixItems").or_else(|| listed("items"))
}

/// What the keywords ask that hold no schemas.
fn plain(at: &Cursor<'_>) -> Vec<Predicate> {
    let limits = constraints(at);
    let count = |keyword: &str| at.value.get(keyword).and_then(whole);
    let kinds: Vec<JsonKind> = type_names(at).into_iter().filter_map(kind).collect();
    let listed = match (at.value.get("const"), at.value.get("enum")) {
        (Some(value), _) => Some(vec![value.clone()]),
        (None, Some(Value::Array(values))) => Some(values.clone()),
        (None, _) => None,
    };
    let bounds = |bound: Option<Bound>, inclusive: fn(_) -> _, exclusive: fn(_) -> _| {
        bound.map(|bound| (if bound.exclusive { exclusive } else { inclusive })(bound.value))
    };
    // What only answers hold is not asked of requests, and nothing else is held against rules.
    let is_read_only = |name: &String| {
        let members = at.get("properties");
        members.and_then(|of| of.get(name)).is_some_and(|member| flagged(&member, "readOnly"))
    };
    let mut required = at.value.get("required").map(texts).unwrap_or_default();
    required.retain(|name| !is_read_only(name));
    let required = Some(required).filter(|names| !names.is_empty());
    let single = [
        (!kinds.is_empty()).then_some(Predicate::Kinds(kinds)),
        listed.map(Predicate::Listed),
        limits.min_length.map(Predicate::MinLength),
        limits.max_length.map(Predicate::MaxLength),
        format(at).map(Predicate::Format),
        bounds(limits.minimum, Predicate::Minimum, Predicate::Above),
        bounds(limits.maximum, Predicate::Maximum, Predicate::Below),
        count("minItems").map(Predicate::MinItems),
        count("maxItems").map(Predicate::MaxItems),
        limits.unique.then_some(Predicate::Unique),
        count("minProperties").map(Predicate::MinMembers),
        count("maxProperties").map(Predicate::MaxMembers),
        required.map(Predicate::Required),
    ];
    let mut parts: Vec<Predicate> = single.into_iter().flatten().collect();
    parts.extend(limits.patterns.into_iter().map(Predicate::Pattern));
    parts.extend(limits.multiples.into_iter().map(Predicate::MultipleOf));
    parts
}

fn kind(name: &str) -> Option<JsonKind> {
    Some(match name {
        "null" => JsonKind::Null,
        "boolean" => JsonKind::Boolean,
        "integer" => JsonKind::Integer,
        "number" => JsonKind::Number,
        "string" => JsonKind::Text,
        "array" => JsonKind::Array,
        "object" => JsonKind::Object,
        _ => return None,
    })
}

fn null() -> Predicate {
    Predicate::Kinds(vec![JsonKind::Null])
}

/// All of these: nothing is asked by none, and one stands for itself.
pub(super) fn all(mut parts: Vec<Predicate>) -> Predicate {
    parts.retain(|part| *part != Predicate::Always);
    match parts.len() {
        0 => Predicate::Always,
        1 => parts.remove(0),
        _ => Predicate::All(parts),
    }
}

/// What holds where an object has a member.
fn needs(name: &str, said: Predicate) -> Predicate {
    Predicate::Given(Box::new([has(name), said, Predicate::Always]))
}

/// That a value is an object with a member: of what is no object, that it has no such member goes
/// without saying.
pub(super) fn has(name: &str) -> Predicate {
    Predicate::All(vec![
        Predicate::Kinds(vec![JsonKind::Object]),
        Predicate::Required(vec![name.to_owned()]),
    ])
}

fn texts(value: &Value) -> Vec<String> {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}
