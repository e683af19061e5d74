//! Which types travel in requests, which in responses and events.

use std::collections::BTreeSet;

use crate::model::{System, Type, TypeId};

/// Marks every definition with the directions it can travel in.
pub(super) fn mark(system: &mut System) {
    let mut requests: Vec<TypeId> = Vec::new();
    let mut responses: Vec<TypeId> = Vec::new();
    let note = |into: &mut Vec<TypeId>, ty: &Type| {
        ty.each_name(&mut |id| into.push(id.clone()));
    };
    for operation in system.operations() {
        operation.each_asked(&mut |ty| note(&mut requests, ty));
        operation.each_answered(&mut |ty| note(&mut responses, ty));
    }
    // Callers answer what the system asks: the halves are swapped.
    for operation in system.webhooks.iter().flat_map(|context| &context.operations) {
        operation.each_asked(&mut |ty| note(&mut responses, ty));
        operation.each_answered(&mut |ty| note(&mut requests, ty));
    }
    for message in system.channels.iter().flat_map(|channel| &channel.messages) {
        note(&mut responses, &message.ty);
    }
    let requests = reach(system, requests);
    let responses = reach(system, responses);
    for (id, definition) in &mut system.types {
        definition.in_requests = requests.contains(id);
        definition.in_responses = responses.contains(id);
    }
}

fn reach(system: &System, mut waiting: Vec<TypeId>) -> BTreeSet<TypeId> {
    let mut reached = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if let Some(definition) = system.types.get(&id)
            && reached.insert(id)
        {
            definition.shape.each_name(&mut |name| waiting.push(name.clone()));
        }
    }
    reached
}
