//! Which members the keywords of a schema evaluate: `unevaluatedProperties` speaks of the others.

use serde_json::Value;

use super::Scope;
use super::constraints::is_pattern;
use super::rules::all;
use crate::model::{Known, Predicate};
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
            parts.push((schema, vec![Predicate::Required(vec![name.to_owned()])]));
        }
        within.push(at.id());
        for (part, more) in parts {
            if matches!(part.value, Value::Object(_)) {
                self.evaluate(&part, &[given, &more].concat(), within, known);
            }
        }
        within.pop();
    }
}
