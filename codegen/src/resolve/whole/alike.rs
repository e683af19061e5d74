//! Types in place that say the same: every place keeps its name, one definition serves them all.
//!
//! Prose does not tell two types apart, nor do the names of the types they hold if those are alike
//! themselves. Named components stay types of their own, whatever else they are like.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::model::{Definition, Property, Shape, System, Type, TypeId};

/// Notes which types are the same as others; `named` have a name of the contract.
pub(in crate::resolve) fn find(system: &mut System, named: &BTreeSet<TypeId>) {
    let types: Vec<(&TypeId, &Definition)> = system.types.iter().collect();
    let mut alike = Alike {
        numbers: types.iter().enumerate().map(|(number, (id, _))| (*id, number)).collect(),
        looked_at: vec![false; types.len()],
        first: (0..types.len()).collect(),
        known: HashMap::new(),
        types,
    };
    for number in 0..alike.types.len() {
        alike.look_at(number);
    }
    let mut classes: BTreeMap<usize, Vec<&TypeId>> = BTreeMap::new();
    for ((id, _), first) in alike.types.iter().zip(&alike.first) {
        classes.entry(*first).or_default().push(id);
    }
    // Names of the contract lead, then the shortest: they are the ones to read.
    let rank = |id: &TypeId| (!named.contains(id), id.0.key().len());
    let mut same = BTreeMap::new();
    for members in classes.values().filter(|members| members.len() > 1) {
        let Some(leader) = members.iter().min_by_key(|id| (rank(id), **id)) else { continue };
        let others = members.iter().filter(|id| *id != leader && !named.contains(**id));
        same.extend(others.map(|id| ((*id).clone(), (*leader).clone())));
    }
    // What stands for a type that is held against its constraints is held for it.
    let held: Vec<TypeId> = same
        .iter()
        .filter(|(id, _)| system.types.get(*id).is_some_and(|found| found.held))
        .map(|(_, leader)| leader.clone())
        .collect();
    for leader in held {
        system.types.entry(leader).and_modify(|found| found.held = true);
    }
    system.same = same;
}

/// Types go by their number here: names are long, and much alike.
struct Alike<'s> {
    types: Vec<(&'s TypeId, &'s Definition)>,
    numbers: HashMap<&'s TypeId, usize>,
    looked_at: Vec<bool>,
    /// For every type the first one that says the same.
    first: Vec<usize>,
    /// Those, and what they say, by a digest of it.
    known: HashMap<u64, Vec<(usize, Definition)>>,
}

impl Alike<'_> {
    /// Finds the type that this one is the same as, after those that it holds. One that holds
    /// itself is like no other.
    fn look_at(&mut self, start: usize) {
        let mut path = vec![(start, false)];
        while let Some((number, held_done)) = path.pop() {
            if held_done {
                self.settle(number);
            } else if !std::mem::replace(&mut self.looked_at[number], true) {
                path.push((number, true));
                let held = |id: &TypeId| Some((*self.numbers.get(id)?, false));
                self.types[number].1.shape.each_name(&mut |id| path.extend(held(id)));
            }
        }
    }

    fn settle(&mut self, number: usize) {
        let mut said = self.types[number].1.clone();
        said.description = None;
        said.held = false;
        // Where an enumeration is open is said where it is used.
        if matches!(said.shape, Shape::Enumeration(_)) {
            (said.in_requests, said.in_responses, said.in_messages) = (false, false, false);
        }
        said.shape.each_name_mut(&mut |held| {
            if let Some(number) = self.numbers.get(held) {
                *held = self.types[self.first[*number]].0.clone();
            }
        });
        strip(&mut said.shape);
        let known = self.known.entry(digest(&said)).or_default();
        let same = known.iter().find(|(_, other)| *other == said);
        self.first[number] = same.map_or(number, |(first, _)| *first);
        if same.is_none() {
            known.push((number, said));
        }
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
