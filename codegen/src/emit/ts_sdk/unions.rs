//! Unions: what tells their variants apart, and unions that hold themselves.

use std::collections::BTreeSet;

use crate::emit::typescript::{Place, Speller, literal, property_key};
use crate::model::{Constraints, Object, Shape, System, Type, TypeId, Union, Variant};

/// The variants of a union, each once.
pub(super) fn alternatives(
    union: &Union,
    id: &TypeId,
    place: Place,
    speller: &mut Speller<'_>,
) -> Vec<String> {
    let mut spelled: Vec<String> = Vec::new();
    for variant in &union.variants {
        let texts = if holds(speller.system, &variant.ty, id) {
            let mut leaves = Vec::new();
            let mut seen = BTreeSet::from([id]);
            gather(speller.system, &variant.ty, &mut seen, &mut leaves);
            leaves.iter().map(|ty| speller.spell(ty, &Constraints::default(), place)).collect()
        } else {
            vec![tagged(union, variant, place, speller)]
        };
        for text in texts {
            if !spelled.contains(&text) {
                spelled.push(text);
            }
        }
    }
    spelled
}

/// A variant; with the values of the tag that choose it, where its own type leaves them open.
fn tagged(union: &Union, variant: &Variant, place: Place, speller: &mut Speller<'_>) -> String {
    let ty = speller.spell(&variant.ty, &variant.constraints, place);
    let Some(tag) = union.tag.as_ref().filter(|_| !variant.tags.is_empty()) else { return ty };
    let Some(object) = object(speller.system, &variant.ty) else { return ty };
    if !leaves_open(object, &tag.wire, &variant.tags, speller) {
        return ty;
    }
    let values: Vec<String> = variant.tags.iter().map(|value| literal(value)).collect();
    format!("({ty} & {{ {}: {} }})", property_key(&tag.wire), values.join(" | "))
}

/// Whether an object's tag may hold these values, and others too.
fn leaves_open(object: &Object, tag: &str, values: &[String], speller: &Speller<'_>) -> bool {
    let Some(property) = object.properties.iter().find(|property| property.wire == tag) else {
        return true;
    };
    let mut ty = property.ty.present();
    loop {
        let id = match ty {
            Type::Named(id) => id,
            Type::Scalar(scalar) => return *scalar == crate::model::Scalar::Text,
            Type::List(_)
            | Type::Map(_)
            | Type::Tuple(_)
            | Type::Nullable(_)
            | Type::Problem
            | Type::Any => return false,
        };
        match &speller.system.definition(id).shape {
            Shape::Alias(inner, _) => ty = inner.present(),
            Shape::Enumeration(found) => {
                let known = |text: &String| found.values.iter().any(|value| value.wire == *text);
                let settled = speller.usage.is_constant(id) && property.required;
                return !settled && values.iter().all(known);
            }
            Shape::Object(_) | Shape::Union(_) => return false,
        }
    }
}

fn object<'a>(system: &'a System, ty: &'a Type) -> Option<&'a Object> {
    match ty {
        Type::Named(id) => match &system.definition(id).shape {
            Shape::Object(object) => Some(object),
            Shape::Alias(inner, _) => object(system, inner),
            Shape::Enumeration(_) | Shape::Union(_) => None,
        },
        Type::Scalar(_)
        | Type::List(_)
        | Type::Map(_)
        | Type::Tuple(_)
        | Type::Nullable(_)
        | Type::Problem
        | Type::Any => None,
    }
}

/// Whether a type leads to a union through names alone, which TypeScript cannot unfold.
fn holds(system: &System, ty: &Type, union: &TypeId) -> bool {
    let mut waiting = vec![ty];
    let mut seen = BTreeSet::new();
    while let Some(ty) = waiting.pop() {
        let Type::Named(id) = ty.present() else { continue };
        if id == union {
            return true;
        }
        if !seen.insert(id) {
            continue;
        }
        match &system.definition(id).shape {
            Shape::Alias(inner, _) => waiting.push(inner),
            Shape::Union(found) => waiting.extend(found.variants.iter().map(|found| &found.ty)),
            Shape::Object(_) | Shape::Enumeration(_) => {}
        }
    }
    false
}

/// Everything a type is in the end, unfolded through aliases and unions.
fn gather<'a>(
    system: &'a System,
    ty: &'a Type,
    seen: &mut BTreeSet<&'a TypeId>,
    leaves: &mut Vec<Type>,
) {
    let Type::Named(id) = ty.present() else {
        leaves.push(ty.clone());
        return;
    };
    match &system.definition(id).shape {
        Shape::Object(_) | Shape::Enumeration(_) => leaves.push(ty.clone()),
        Shape::Alias(inner, _) if seen.insert(id) => gather(system, inner, seen, leaves),
        Shape::Union(found) if seen.insert(id) => {
            for variant in &found.variants {
                gather(system, &variant.ty, seen, leaves);
            }
        }
        Shape::Alias(..) | Shape::Union(_) => {}
    }
}
