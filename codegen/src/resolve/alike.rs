//! Types in place that say the same: every place keeps its name, one definition serves them all.
//!
//! Prose does not tell two types apart, nor do the names of the types they hold if those are alike
//! themselves. Named components stay types of their own, whatever else they are like.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::model::{Definition, Property, Shape, System, Type, TypeId};

/// Notes which types are the same as others; `named` have a name of the contract.
pub(super) fn find(system: &mut System, named: &BTreeSet<TypeId>) {
    let mut alike = Alike {
        types: &system.types,
        looked_at: BTreeSet::new(),
        first: BTreeMap::new(),
        known: HashMap::new(),
    };
    for id in system.types.keys() {
        alike.look_at(id);
    }
    let mut classes: BTreeMap<&TypeId, Vec<&TypeId>> = BTreeMap::new();
    for (id, first) in &alike.first {
        classes.entry(first).or_default().push(id);
    }
    // Names of the contract lead, then the shortest: they are the ones to read.
    let rank = |id: &TypeId| (!named.contains(id), id.0.key().len());
    let mut same = BTreeMap::new();
    for members in classes.values() {
        let Some(leader) = members.iter().min_by_key(|id| (rank(id), **id)) else { continue };
        let others = members.iter().filter(|id| *id != leader && !named.contains(**id));
        same.extend(others.map(|id| ((*id).clone(), (*leader).clone())));
    }
    system.same = same;
}

struct Alike<'s> {
    types: &'s BTreeMap<TypeId, Definition>,
    looked_at: BTreeSet<&'s TypeId>,
    /// Every type with the first one that says the same.
    first: BTreeMap<&'s TypeId, &'s TypeId>,
    /// Those, and what they say, by a digest of it.
    known: HashMap<u64, Vec<(&'s TypeId, Definition)>>,
}

impl<'s> Alike<'s> {
    /// Finds the type that this one is the same as, after those that it holds. One that holds
    /// itself is like no other.
    fn look_at(&mut self, start: &'s TypeId) {
        let mut path = vec![(start, false)];
        while let Some((id, held_done)) = path.pop() {
            let Some(definition) = self.types.get(id) else { continue };
            if held_done {
                self.settle(id, definition);
            } else if self.looked_at.insert(id) {
                path.push((id, true));
                definition.shape.each_name(&mut |held| path.push((held, false)));
            }
        }
    }

    fn settle(&mut self, id: &'s TypeId, definition: &'s Definition) {
        let mut said = definition.clone();
        said.description = None;
        // Where an enumeration is open is said where it is used.
        if matches!(said.shape, Shape::Enumeration(_)) {
            (said.in_requests, said.in_responses) = (false, false);
        }
        said.shape.each_name_mut(&mut |held| {
            if let Some(first) = self.first.get(held) {
                *held = (*first).clone();
            }
        });
        strip(&mut said.shape);
        let known = self.known.entry(digest(&said)).or_default();
        let first = known.iter().find(|(_, other)| *other == said).map_or(id, |(first, _)| *first);
        if first == id {
            known.push((id, said));
        }
        self.first.insert(id, first);
    }
}

/// Takes prose away. A set of states has transitions, which are its own.
fn strip(shape: &mut Shape) {
    match shape {
        Shape::Object(object) => {
            object.properties.iter_mut().for_each(|property| property.description = None);
        }
        Shape::Enumeration(enumeration) => {
            enumeration.values.iter_mut().for_each(|value| value.description = None);
        }
        Shape::Union(_) | Shape::Alias(..) => {}
    }
}

/// What two definitions that are the same agree in.
fn digest(definition: &Definition) -> u64 {
    let mut hasher = DefaultHasher::new();
    (definition.in_requests, definition.in_responses).hash(&mut hasher);
    match &definition.shape {
        Shape::Object(object) => {
            for Property { wire, required, ty, .. } in &object.properties {
                (wire, required, first_name(ty)).hash(&mut hasher);
            }
        }
        Shape::Enumeration(enumeration) => {
            enumeration.values.iter().for_each(|value| value.wire.hash(&mut hasher));
        }
        Shape::Union(union) => {
            for variant in &union.variants {
                (&variant.name, &variant.tags, first_name(&variant.ty)).hash(&mut hasher);
            }
        }
        Shape::Alias(ty, _) => first_name(ty).hash(&mut hasher),
    }
    hasher.finish()
}

fn first_name(ty: &Type) -> Option<&TypeId> {
    let mut first = None;
    ty.each_name(&mut |id| first = first.or(Some(id)));
    first
}
