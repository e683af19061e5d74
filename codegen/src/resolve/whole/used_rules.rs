//! Which rules are kept: those a request or an event can be held against, and can break.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::model::{Definition, Predicate, Rule, Shape, System, TypeId};

/// Takes from unions the rules that nothing can break which is read: there, types say it all.
pub(in crate::resolve) fn drop_read(
    types: &mut BTreeMap<TypeId, Definition>,
    said: &BTreeMap<TypeId, Predicate>,
) {
    for definition in types.values_mut() {
        let Shape::Union(union) = &mut definition.shape else { continue };
        let is_read = |rule: &Rule| match &rule.predicate {
            Predicate::Any(parts) => parts.iter().all(|part| is_read(part, said)),
            other => is_read(other, said),
        };
        let dropped = |rule: &Rule| rule.keyword == "anyOf" && is_read(rule);
        if union.ruled && definition.rules.iter().any(dropped) {
            union.ruled = false;
            definition.rules.retain(|rule| !dropped(rule));
        }
    }
}

/// Whether every value of a type keeps to what is said of it.
fn is_read(predicate: &Predicate, said: &BTreeMap<TypeId, Predicate>) -> bool {
    let mut waiting = vec![predicate];
    let mut seen = BTreeSet::new();
    while let Some(predicate) = waiting.pop() {
        match predicate {
            Predicate::Always | Predicate::Kinds(_) | Predicate::Required(_) => {}
            // Texts are enumerations; of any other type there are more values than these.
            Predicate::Listed(values) if values.iter().all(Value::is_string) => {}
            Predicate::Others(_, part) if **part == Predicate::Never => {}
            Predicate::Member(_, part) | Predicate::Rest(0, part) | Predicate::Others(_, part) => {
                waiting.push(part)
            }
            Predicate::All(parts) => waiting.extend(parts),
            Predicate::Named(id) => {
                if seen.insert(id) {
                    waiting.extend(said.get(id));
                }
            }
            Predicate::Never
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
            | Predicate::Names(_)
            | Predicate::Any(_)
            | Predicate::One(_)
            | Predicate::Not(_)
            | Predicate::Given(_) => return false,
        }
    }
    true
}

/// Keeps of what is said by name what a request or an event can be held against.
pub(in crate::resolve) fn keep_used(system: &mut System, mut said: BTreeMap<TypeId, Predicate>) {
    let mut waiting: Vec<TypeId> = Vec::new();
    let mut note = |rule: &Rule| rule.predicate.each_name(&mut |id| waiting.push(id.clone()));
    let contexts = system.contexts.iter().chain(&system.webhooks);
    for operation in contexts.flat_map(|context| &context.operations) {
        operation.each_rule(&mut note);
    }
    for message in system.channels.iter().flat_map(|channel| &channel.messages) {
        message.constraints.each_rule(&mut note);
    }
    system.sockets.iter().for_each(|socket| socket.each_rule(&mut note));
    for definition in system.types.values().filter(|definition| definition.is_ruled()) {
        definition.each_rule(&mut note);
    }
    while let Some(id) = waiting.pop() {
        if let Some(predicate) = said.remove(&id) {
            predicate.each_name(&mut |found| waiting.push(found.clone()));
            system.predicates.insert(id, predicate);
        }
    }
}
