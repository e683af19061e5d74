//! What must be known of all types before any of them is spelled.

use std::collections::BTreeSet;

use crate::model::{Answer, Body, BodyKind, Errors, Operation, Shape, System, Type, TypeId};

/// How the named types of a system are used.
#[derive(Debug)]
pub(crate) struct Usage {
    constants: BTreeSet<TypeId>,
    carried_raw: BTreeSet<TypeId>,
}

impl Usage {
    pub(crate) fn of(system: &System) -> Self {
        Self { constants: constants(system), carried_raw: carried_raw(system) }
    }

    /// Whether a type is the single text one property may hold: it is spelled where it stands.
    pub(crate) fn is_constant(&self, id: &TypeId) -> bool {
        self.constants.contains(id)
    }

    /// Whether values of a type travel in parts of their own, where bytes need no text.
    pub(crate) fn is_carried_raw(&self, id: &TypeId) -> bool {
        self.carried_raw.contains(id)
    }
}

fn constants(system: &System) -> BTreeSet<TypeId> {
    let mut constants = BTreeSet::new();
    for (owner, definition) in &system.types {
        let Shape::Object(object) = &definition.shape else { continue };
        for property in &object.properties {
            let Type::Named(id) = property.ty.present() else { continue };
            let own = id.0 == owner.0.then(&property.name);
            if own && single_text(system, id).is_some() {
                constants.insert(id.clone());
            }
        }
    }
    constants
}

/// The text of an enumeration that has no other.
pub(super) fn single_text<'a>(system: &'a System, id: &TypeId) -> Option<&'a str> {
    match &system.definition(id).shape {
        Shape::Enumeration(enumeration) => match enumeration.values.as_slice() {
            [single] => Some(&single.wire),
            _ => None,
        },
        Shape::Object(_) | Shape::Union(_) | Shape::Alias(..) => None,
    }
}

/// The bodies of all answers of an operation.
fn answered(operation: &Operation) -> impl Iterator<Item = &Body> {
    let errors: &[Answer] = match &operation.errors {
        Errors::Statuses(answers) => answers,
        Errors::Problems(_) => &[],
    };
    operation.answers.iter().chain(errors).filter_map(|answer| answer.body.as_ref())
}

fn carried_raw(system: &System) -> BTreeSet<TypeId> {
    let mut waiting: Vec<&TypeId> = Vec::new();
    let all = system.everything_asked();
    for body in all.flat_map(|operation| operation.body.iter().chain(answered(operation))) {
        for offer in body.offers.iter().filter(|offer| offer.kind == BodyKind::Multipart) {
            offer.ty.each_name(&mut |id| waiting.push(id));
        }
    }
    let mut reached = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if reached.insert(id.clone()) {
            system.definition(id).shape.each_name(&mut |name| waiting.push(name));
        }
    }
    reached
}
