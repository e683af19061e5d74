//! `readOnly` and `writeOnly`: what is sent and what is answered are two views of one schema.
//!
//! A type that travels one way loses the members of the other. One that travels both ways and
//! holds such members, itself or in what it holds, becomes two: its name stays with what is
//! answered, and what is sent has `input` behind it.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Additional, Answer, Definition, Errors, Name, Shape, System, TypeId};
use crate::resolve::Scope;

/// Splits the types that look different in requests and in responses; returns the name of what is
/// sent for each of them.
pub(in crate::resolve) fn split(
    system: &mut System,
    scope: &mut Scope<'_>,
) -> BTreeMap<TypeId, TypeId> {
    let inputs: BTreeMap<TypeId, TypeId> = differing(&system.types)
        .into_iter()
        .map(|id| {
            let input = scope.free_name(&id.0.then(&Name::new("input")));
            (id, input)
        })
        .collect();
    for (id, input) in &inputs {
        let Some(answered) = system.types.get_mut(id) else { continue };
        answered.in_requests = false;
        let sent = Definition {
            in_requests: true,
            in_responses: false,
            in_messages: false,
            ..answered.clone()
        };
        system.types.insert(input.clone(), sent);
    }
    let mut renamed = |id: &mut TypeId| {
        if let Some(input) = inputs.get(id) {
            *id = input.clone();
        }
    };
    for definition in system.types.values_mut() {
        match (definition.in_requests, definition.in_responses) {
            (true, false) => {
                keep_sent(definition);
                definition.shape.each_name_mut(&mut renamed);
            }
            (false, true) => keep_answered(definition),
            (true, true) | (false, false) => {}
        }
    }
    for frame in system.sockets.iter_mut().flat_map(|socket| &mut socket.received.messages) {
        frame.ty.each_name_mut(&mut renamed);
    }
    let asked = system.contexts.iter_mut().flat_map(|context| &mut context.operations);
    for operation in asked.chain(system.sockets.iter_mut().map(|socket| &mut socket.handshake)) {
        for parameter in &mut operation.parameters {
            parameter.ty.each_name_mut(&mut renamed);
        }
        for offer in operation.body.iter_mut().flat_map(|body| &mut body.offers) {
            offer.ty.each_name_mut(&mut renamed);
        }
    }
    // What callers answer is what they send.
    for operation in system.webhooks.iter_mut().flat_map(|context| &mut context.operations) {
        let errors: &mut [Answer] = match &mut operation.errors {
            Errors::Statuses(answers) => answers,
            Errors::Problems(_) => &mut [],
        };
        for answer in operation.answers.iter_mut().chain(errors) {
            answer.headers.iter_mut().for_each(|header| header.ty.each_name_mut(&mut renamed));
            for offer in answer.body.iter_mut().flat_map(|body| &mut body.offers) {
                offer.ty.each_name_mut(&mut renamed);
            }
        }
    }
    inputs
}

/// The types of both directions that have members of one, or hold a type that has.
fn differing(types: &BTreeMap<TypeId, Definition>) -> BTreeSet<TypeId> {
    let both = |definition: &Definition| definition.in_requests && definition.in_responses;
    let mut holders: BTreeMap<&TypeId, Vec<&TypeId>> = BTreeMap::new();
    let mut waiting: Vec<&TypeId> = Vec::new();
    for (id, definition) in types.iter().filter(|(_, definition)| both(definition)) {
        definition.shape.each_name(&mut |held| holders.entry(held).or_default().push(id));
        if has_one_way_members(&definition.shape) {
            waiting.push(id);
        }
    }
    let mut found = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if found.insert(id.clone()) {
            waiting.extend(holders.get(id).into_iter().flatten());
        }
    }
    found
}

fn has_one_way_members(shape: &Shape) -> bool {
    match shape {
        Shape::Object(object) => {
            object.properties.iter().any(|property| property.read_only || property.write_only)
        }
        Shape::Enumeration(_) | Shape::Union(_) | Shape::Alias(..) => false,
    }
}

/// Takes away the members that only answers hold. A closed object keeps them, though none must be
/// there: who sends back what was answered sends them too, and it may refuse only what is unknown.
fn keep_sent(definition: &mut Definition) {
    match &mut definition.shape {
        Shape::Object(object) if object.additional == Additional::Denied => {
            object.properties.iter_mut().filter(|found| found.read_only).for_each(|found| {
                found.required = false;
            });
        }
        Shape::Object(object) => object.properties.retain(|property| !property.read_only),
        Shape::Enumeration(_) | Shape::Union(_) | Shape::Alias(..) => {}
    }
}

/// Takes away the members that only requests hold.
fn keep_answered(definition: &mut Definition) {
    match &mut definition.shape {
        Shape::Object(object) => object.properties.retain(|property| !property.write_only),
        Shape::Enumeration(_) | Shape::Union(_) | Shape::Alias(..) => {}
    }
}
