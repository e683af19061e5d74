//! Which types travel in requests, which in responses, which in events.

use std::collections::BTreeSet;

use crate::model::{Constraints, System, Type, TypeId};

/// Marks every definition with the directions it can travel in.
pub(in crate::resolve) fn mark(system: &mut System) {
    let mut requests: Vec<TypeId> = Vec::new();
    let mut responses: Vec<TypeId> = Vec::new();
    let mut messages: Vec<TypeId> = Vec::new();
    let note = |into: &mut Vec<TypeId>, ty: &Type| {
        ty.each_name(&mut |id| into.push(id.clone()));
    };
    for operation in system.operations().chain(system.handshakes()) {
        operation.each_asked(&mut |ty| note(&mut requests, ty));
        operation.each_answered(&mut |ty| note(&mut responses, ty));
    }
    // Callers answer what the system asks: the halves are swapped.
    for operation in system.webhooks.iter().flat_map(|context| &context.operations) {
        operation.each_asked(&mut |ty| note(&mut responses, ty));
        operation.each_answered(&mut |ty| note(&mut requests, ty));
    }
    for message in system.channels.iter().flat_map(|channel| &channel.messages) {
        note(&mut messages, &message.ty);
    }
    for socket in &system.sockets {
        socket.received.messages.iter().for_each(|frame| note(&mut requests, &frame.ty));
        socket.sent.messages.iter().for_each(|frame| note(&mut messages, &frame.ty));
    }
    let requests = reach(system, requests);
    let responses = reach(system, responses);
    let messages = reach(system, messages);
    for (id, definition) in &mut system.types {
        definition.in_requests = requests.contains(id);
        definition.in_messages = messages.contains(id);
        definition.in_responses = definition.in_messages || responses.contains(id);
    }
}

/// Marks what is held against its constraints, once every type has its views. Who is told something
/// must survive a newer teller: of what only ever is told no rule is kept, since what else may
/// stand in a value is a part of what rules say.
pub(in crate::resolve) fn hold(system: &mut System) {
    let mut told: Vec<TypeId> = Vec::new();
    for operation in system.webhooks.iter().flat_map(|context| &context.operations) {
        operation.each_asked(&mut |ty| ty.each_name(&mut |id| told.push(id.clone())));
    }
    let told = reach(system, told);
    for (id, definition) in &mut system.types {
        definition.held = definition.is_ruled() || told.contains(id);
        if definition.held && !definition.is_ruled() {
            definition.forget_rules();
        }
    }
    for operation in system.webhooks.iter_mut().flat_map(|context| &mut context.operations) {
        let parameters = operation.parameters.iter_mut().map(|found| &mut found.constraints);
        let offers = operation.body.iter_mut().flat_map(|body| &mut body.offers);
        let offers = offers.map(|offer| &mut offer.constraints);
        parameters.chain(offers).for_each(Constraints::forget_rules);
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
