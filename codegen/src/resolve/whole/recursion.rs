//! Types that would hold themselves: they need an indirection, or cannot be carried at all.

use std::collections::{BTreeMap, HashMap};

use crate::diagnostic::{Diagnostic, Kind};
use crate::model::{Name, Shape, System, Type, TypeId, Union, Variant};
use crate::resolve::Scope;

/// Marks the members and variants through which a type would hold itself without indirection.
pub(in crate::resolve) fn mark(system: &mut System, scope: &mut Scope<'_>) {
    break_alias_circles(system, scope);
    let direct: BTreeMap<TypeId, Vec<TypeId>> = system
        .types
        .iter()
        .map(|(id, definition)| (id.clone(), directly_held(&definition.shape)))
        .collect();
    let circles = circles(&direct);
    for (id, definition) in &mut system.types {
        let holds_itself = |ty: &Type| {
            let mut held = directly(ty).into_iter();
            held.any(|held| circles.contains_key(id) && circles.get(held) == circles.get(id))
        };
        match &mut definition.shape {
            Shape::Object(object) => {
                for property in &mut object.properties {
                    property.recursive = holds_itself(&property.ty);
                }
            }
            Shape::Union(union) => {
                for variant in &mut union.variants {
                    variant.recursive = holds_itself(&variant.ty);
                }
            }
            Shape::Enumeration(_) | Shape::Alias(..) => {}
        }
    }
}

fn directly_held(shape: &Shape) -> Vec<TypeId> {
    let types: Vec<&Type> = match shape {
        Shape::Object(object) => object.properties.iter().map(|property| &property.ty).collect(),
        Shape::Union(union) => union.variants.iter().map(|variant| &variant.ty).collect(),
        Shape::Alias(ty, _) => vec![ty],
        Shape::Enumeration(_) => Vec::new(),
    };
    types.into_iter().flat_map(directly).cloned().collect()
}

/// The types that a value of this type holds without indirection.
fn directly(ty: &Type) -> Vec<&TypeId> {
    match ty.present() {
        Type::Named(id) => vec![id],
        Type::Tuple(elements) => elements.iter().flat_map(directly).collect(),
        Type::Scalar(_)
        | Type::List(_)
        | Type::Map(_)
        | Type::Nullable(_)
        | Type::Problem
        | Type::Any => Vec::new(),
    }
}

/// The types that lead back to themselves, each with the number of its circle: types lead to each
/// other, however far apart, if their numbers are the same (Kosaraju's algorithm).
fn circles(held: &BTreeMap<TypeId, Vec<TypeId>>) -> BTreeMap<&TypeId, usize> {
    // Types go by their number here: names are long, and much alike.
    let ids: Vec<&TypeId> = held.keys().collect();
    let numbers: HashMap<&TypeId, usize> = ids.iter().copied().zip(0..).collect();
    let number_of = |id| numbers.get(id).copied();
    let forward: Vec<Vec<usize>> =
        held.values().map(|each| each.iter().filter_map(number_of).collect()).collect();
    let mut holders: Vec<Vec<usize>> = vec![Vec::new(); ids.len()];
    for (holder, each) in forward.iter().enumerate() {
        each.iter().for_each(|inner| holders[*inner].push(holder));
    }
    let mut circles: Vec<Option<usize>> = vec![None; ids.len()];
    let mut sizes = vec![0; ids.len()];
    for (circle, start) in finished(&forward).into_iter().rev().enumerate() {
        let mut waiting = vec![start];
        while let Some(number) = waiting.pop() {
            if circles[number].is_none() {
                circles[number] = Some(circle);
                sizes[circle] += 1;
                waiting.extend(&holders[number]);
            }
        }
    }
    let found = ids.into_iter().zip(circles).enumerate().filter_map(|(number, (id, circle))| {
        let circle = circle?;
        (sizes[circle] > 1 || forward[number].contains(&number)).then_some((id, circle))
    });
    found.collect()
}

/// All that is held, what others hold before them.
fn finished(forward: &[Vec<usize>]) -> Vec<usize> {
    let mut seen = vec![false; forward.len()];
    let mut finished = Vec::with_capacity(forward.len());
    for start in 0..forward.len() {
        if std::mem::replace(&mut seen[start], true) {
            continue;
        }
        let mut path = vec![(start, forward[start].iter())];
        while let Some((number, rest)) = path.last_mut() {
            match rest.next() {
                Some(next) if !std::mem::replace(&mut seen[*next], true) => {
                    path.push((*next, forward[*next].iter()));
                }
                Some(_) => {}
                None => {
                    finished.push(*number);
                    path.pop();
                }
            }
        }
    }
    finished
}

/// An alias that leads back to itself through aliases alone has no finite spelling.
fn break_alias_circles(system: &mut System, scope: &mut Scope<'_>) {
    let aliases: BTreeMap<TypeId, Vec<TypeId>> = system
        .types
        .iter()
        .filter_map(|(id, definition)| match &definition.shape {
            Shape::Alias(ty, _) => {
                let mut held = Vec::new();
                ty.each_name(&mut |name| held.push(name.clone()));
                Some((id.clone(), held))
            }
            Shape::Object(_) | Shape::Enumeration(_) | Shape::Union(_) => None,
        })
        .collect();
    for id in circles(&aliases).into_keys().filter(|id| aliases.contains_key(id)) {
        let Some(definition) = system.types.get_mut(id) else { continue };
        if let Shape::Alias(ty, limits) = &definition.shape
            && let Some(label) = container(ty)
        {
            // A list or map of itself is finite once it has a name of its own.
            let variant = Variant {
                name: Name::new(label),
                ty: ty.clone(),
                constraints: (**limits).clone(),
                tags: Vec::new(),
                recursive: false,
            };
            definition.shape =
                Shape::Union(Union { tag: None, variants: vec![variant], ruled: false });
            continue;
        }
        let known = scope.places.values().filter(|(known, _)| known == id);
        if let Some(place) = known.map(|(_, at)| at.place()).min() {
            let why = "it is itself, which no type can say".to_owned();
            let kind = Kind::Degraded { what: "a recursive alias", why };
            let open = Kind::Untyped { why: "it is itself, which no type can say".to_owned() };
            scope.problems.push(Diagnostic::new(place.clone(), kind));
            scope.problems.push(Diagnostic::new(place, open));
        }
        definition.shape = Shape::Alias(Type::Any, Box::default());
    }
}

/// What to call the values of a type that puts what it holds behind an indirection.
fn container(ty: &Type) -> Option<&'static str> {
    match ty {
        Type::List(_) => Some("items"),
        Type::Map(_) => Some("members"),
        Type::Scalar(_)
        | Type::Tuple(_)
        | Type::Named(_)
        | Type::Nullable(_)
        | Type::Problem
        | Type::Any => None,
    }
}
