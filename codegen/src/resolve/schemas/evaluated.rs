//! Which members and elements the keywords of a schema evaluate: `unevaluatedProperties` and
//! `unevaluatedItems` speak of the others.

use serde_json::Value;

use super::constraints::is_pattern;
use super::rules::{all, has, prefix};
use crate::model::{Known, KnownItems, Predicate};
use crate::resolve::Scope;
use crate::source::{Cursor, ValueId};

impl<'a> Scope<'a> {
    /// What is asked of the members that nothing else of a schema evaluates.
    pub(super) fn unevaluated(&mut self, at: &Cursor<'a>, found: &Cursor<'a>) -> Predicate {
        let mut known = Vec::new();
        self.evaluate(at, &[], &mut Vec::new(), &mut known);
        Predicate::Others(known, Box::new(self.predicate(found)))
    }

    /// Adds the members that a schema evaluates where what is given holds.
    fn evaluate(
        &mut self,
        at: &Cursor<'a>,
        given: &[Predicate],
        within: &mut Vec<ValueId>,
        known: &mut Vec<Known>,
    ) {
        if within.contains(&at.id()) {
            return;
        }
        let names = |keyword: &str| -> Vec<String> {
            let members = at.get(keyword).map(|found| found.members()).unwrap_or_default();
            members.into_iter().map(|(name, _)| name.to_owned()).collect()
        };
        let mut patterns: Vec<String> =
            names("patternProperties").into_iter().filter(|pattern| is_pattern(pattern)).collect();
        let inner = at.get("unevaluatedProperties").filter(|_| !within.is_empty());
        if at.get("additionalProperties").or(inner).is_some() {
            patterns = vec![String::new()];
        }
        let names = names("properties");
        if !names.is_empty() || !patterns.is_empty() {
            known.push(Known { given: all(given.to_vec()), names, patterns });
        }
        let parts = self.parts(at);
        within.push(at.id());
        for (part, more) in parts {
            if matches!(part.value, Value::Object(_)) {
                self.evaluate(&part, &[given, &more].concat(), within, known);
            }
        }
        within.pop();
    }

    /// What is asked of the elements that nothing else of a schema evaluates.
    pub(super) fn unevaluated_items(&mut self, at: &Cursor<'a>, found: &Cursor<'a>) -> Predicate {
        let mut known = Vec::new();
        self.evaluate_items(at, &[], &mut Vec::new(), &mut known);
        Predicate::OtherItems(known, Box::new(self.predicate(found)))
    }

    /// Adds the elements that a schema evaluates where what is given holds.
    fn evaluate_items(
        &mut self,
        at: &Cursor<'a>,
        given: &[Predicate],
        within: &mut Vec<ValueId>,
        known: &mut Vec<KnownItems>,
    ) {
        if within.contains(&at.id()) {
            return;
        }
        let first = prefix(at).map(|found| found.elements().len()).unwrap_or_default();
        let is_listed = at.get("items").is_some_and(|items| items.value.is_array());
        let rest = at.get(if is_listed { "additionalItems" } else { "items" });
        let inner = at.get("unevaluatedItems").filter(|_| !within.is_empty());
        let each = match (rest.or(inner), at.get("contains")) {
            (Some(_), _) => Predicate::Always,
            (None, Some(contained)) => self.predicate(&contained),
            (None, None) => Predicate::Never,
        };
        if first > 0 || each != Predicate::Never {
            known.push(KnownItems { given: all(given.to_vec()), first, each });
        }
        let parts = self.parts(at);
        within.push(at.id());
        for (part, more) in parts {
            if matches!(part.value, Value::Object(_)) {
                self.evaluate_items(&part, &[given, &more].concat(), within, known);
            }
        }
        within.pop();
    }

    /// The schemas whose annotations are those of this one, each with where it holds.
    fn parts(&mut self, at: &Cursor<'a>) -> Vec<(Cursor<'a>, Vec<Predicate>)> {
        let mut parts: Vec<(Cursor<'a>, Vec<Predicate>)> = Vec::new();
        if let Some(target) = at.reference().and_then(|_| self.follow(at)) {
            parts.push((target, Vec::new()));
        }
        let listed = |keyword: &str| at.get(keyword).map(|found| found.elements());
        parts.extend(listed("allOf").into_iter().flatten().map(|part| (part, Vec::new())));
        for part in ["oneOf", "anyOf"].into_iter().filter_map(listed).flatten() {
            let holds = self.predicate(&part);
            parts.push((part, vec![holds]));
        }
        if let Some(condition) = at.get("if") {
            let holds = self.predicate(&condition);
            let fails = Predicate::Not(Box::new(holds.clone()));
            parts.extend(at.get("then").map(|then| (then, vec![holds.clone()])));
            parts.extend(at.get("else").map(|or| (or, vec![fails])));
            parts.push((condition, vec![holds]));
        }
        for (name, schema) in at.get("dependentSchemas").map(|it| it.members()).unwrap_or_default()
        {
            parts.push((schema, vec![has(name)]));
        }
        parts
    }
}
