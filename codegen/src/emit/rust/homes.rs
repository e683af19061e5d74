//! Where types and rules live: what the operations of one tag alone need has a file of its own,
//! which is there only with the feature of that tag.

use std::collections::{BTreeMap, HashMap};

use super::features::split;
use crate::model::{System, TypeId};

/// Where a type or a rule lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Home {
    /// With what several tags need, or events, or webhooks.
    Shared,
    /// With what the context of this index needs alone.
    Tag(usize),
    /// With what nothing needs.
    Unreferenced,
}

/// The homes of everything; without features, all is shared.
#[derive(Debug)]
pub(crate) struct Homes<'s> {
    types: HashMap<&'s TypeId, Home>,
    rules: HashMap<&'s TypeId, Home>,
    /// The home of everything else.
    otherwise: Home,
}

impl<'s> Homes<'s> {
    /// Finds them: whoever needs something needs what that holds. A type that stands for others is
    /// needed by whoever needs one of those.
    pub(crate) fn of(system: &'s System) -> Self {
        if split(system).is_empty() {
            let (types, rules) = Default::default();
            return Self { types, rules, otherwise: Home::Shared };
        }
        let told = system.webhooks.iter().map(|context| (context, Home::Shared));
        let asked = system.contexts.iter().enumerate();
        let asked = asked.map(|(index, context)| (context, Home::Tag(index)));
        let (mut types, mut rules) = (Vec::new(), Vec::new());
        for (context, home) in asked.chain(told) {
            for operation in &context.operations {
                let mut needs = |ty: &'s crate::model::Type| {
                    ty.each_name(&mut |id| types.push((id, home)));
                };
                operation.each_asked(&mut needs);
                operation.each_answered(&mut needs);
                operation.each_rule(&mut |rule| {
                    rule.predicate.each_name(&mut |id| rules.push((id, home)));
                });
            }
        }
        for socket in &system.sockets {
            let mut needs = |ty: &'s crate::model::Type| {
                ty.each_name(&mut |id| types.push((id, Home::Shared)));
            };
            socket.handshake.each_asked(&mut needs);
            socket.every_frame().for_each(|frame| needs(&frame.ty));
            socket.each_rule(&mut |rule| {
                rule.predicate.each_name(&mut |id| rules.push((id, Home::Shared)));
            });
        }
        let messages = system.channels.iter().flat_map(|channel| &channel.messages);
        messages.for_each(|message| {
            message.ty.each_name(&mut |id| types.push((id, Home::Shared)));
        });
        types.extend(system.webhook_payload.iter().map(|id| (id, Home::Shared)));
        let types = spread(types, |id, visit| {
            system.definition(id).shape.each_name(visit);
            if let Some(first) = system.same.get(id) {
                visit(first);
            }
        });
        for (id, home) in system.types.keys().filter_map(|id| Some((id, *types.get(id)?))) {
            system.definition(id).each_rule(&mut |rule| {
                rule.predicate.each_name(&mut |named| rules.push((named, home)));
            });
        }
        let rules = spread(rules, |id, visit| {
            if let Some(predicate) = system.predicates.get(id) {
                predicate.each_name(visit);
            }
        });
        Self { types, rules, otherwise: Home::Unreferenced }
    }

    /// The home of a type.
    pub(crate) fn of_type(&self, id: &TypeId) -> Home {
        self.types.get(id).copied().unwrap_or(self.otherwise)
    }

    /// The home of what is said of a name.
    pub(crate) fn of_rule(&self, id: &TypeId) -> Home {
        self.rules.get(id).copied().unwrap_or(self.otherwise)
    }
}

/// Names by where what they name lives, in their order.
pub(crate) fn grouped<'s>(
    ids: impl Iterator<Item = &'s TypeId>,
    home_of: impl Fn(&TypeId) -> Home,
) -> BTreeMap<Home, Vec<&'s TypeId>> {
    let mut grouped: BTreeMap<Home, Vec<&TypeId>> = BTreeMap::new();
    ids.for_each(|id| grouped.entry(home_of(id)).or_default().push(id));
    grouped
}

/// Goes from what is needed to all that it holds.
fn spread<'s>(
    mut waiting: Vec<(&'s TypeId, Home)>,
    each_held: impl Fn(&'s TypeId, &mut dyn FnMut(&'s TypeId)),
) -> HashMap<&'s TypeId, Home> {
    let mut homes: HashMap<&TypeId, Home> = HashMap::new();
    while let Some((id, home)) = waiting.pop() {
        let joined = match homes.get(id) {
            Some(known) if *known != home => Home::Shared,
            Some(_) | None => home,
        };
        if homes.insert(id, joined) != Some(joined) {
            each_held(id, &mut |held| waiting.push((held, joined)));
        }
    }
    homes
}
