//! Definitions and channels as exported types.

use std::collections::BTreeSet;

use super::{free, plan, unions};
use crate::emit::typescript::{
    Carrier, Place, Position, Speller, Usage, default_value, doc_comment, literal, property_key,
    type_ident,
};
use crate::model::{
    Additional, Channel, Constraints, Name, Object, Property, Shape, System, Type, TypeId,
};

/// The module of types: every named type, then a union a channel.
pub(super) fn plan(system: &System, usage: &Usage, heading: plan::Heading) -> plan::Types {
    let mut speller = Speller::inside(system, usage);
    let mut taken = BTreeSet::new();
    let mut declarations = Vec::new();
    for (id, definition) in &system.types {
        if usage.is_constant(id) {
            continue;
        }
        let place = Place::of(definition, id, usage);
        let ident = type_ident(&id.0);
        let first = system.same.get(id).filter(|first| {
            !usage.is_constant(first) && Place::of(system.definition(first), first, usage) == place
        });
        let planned = match first {
            Some(first) => inline(&ident, type_ident(&first.0)),
            None => declaration(id, &definition.shape, place, &mut speller),
        };
        let docs = doc_comment(definition.description.as_deref(), &[]);
        declarations.push(plan::Declaration { docs, ..planned });
        taken.insert(ident);
    }
    for channel in system.channels.iter().filter(|channel| !channel.messages.is_empty()) {
        if !is_a_union(system, channel) {
            declarations.push(messages(channel, &mut taken, &mut speller));
        }
    }
    let empty = declarations.is_empty();
    plan::Types { heading, imports: speller.into_imports(), declarations, empty }
}

fn declaration(
    id: &TypeId,
    shape: &Shape,
    place: Place,
    speller: &mut Speller<'_>,
) -> plan::Declaration {
    let ident = type_ident(&id.0);
    match shape {
        Shape::Object(found) => object(found, &ident, place, speller),
        Shape::Enumeration(found) => {
            let values = found.values.iter().map(|value| literal(&value.wire)).collect();
            alternatives(&ident, values)
        }
        Shape::Union(found) => {
            alternatives(&ident, unions::alternatives(found, id, place, speller))
        }
        Shape::Alias(ty, limits) => inline(&ident, speller.spell(ty, limits, place)),
    }
}

/// A type that is one expression.
pub(super) fn inline(ident: &str, expression: String) -> plan::Declaration {
    plan::Declaration {
        ident: ident.to_owned(),
        inline: Some(expression),
        ..plan::Declaration::default()
    }
}

/// A type that is one of several, a line each if they do not fit on one.
pub(super) fn alternatives(ident: &str, spelled: Vec<String>) -> plan::Declaration {
    if spelled.is_empty() {
        return inline(ident, "never".to_owned());
    }
    let joined = spelled.join(" | ");
    if spelled.len() == 1 || joined.chars().count() + ident.chars().count() < 84 {
        return inline(ident, joined);
    }
    let mut lines = spelled;
    if let Some(last) = lines.last_mut() {
        last.push(';');
    }
    plan::Declaration { ident: ident.to_owned(), lines, ..plan::Declaration::default() }
}

/// An interface; without members it is a type that an object with any is none of.
pub(super) fn interface(ident: &str, members: Vec<plan::Member>) -> plan::Declaration {
    if members.is_empty() {
        return inline(ident, "{ [name: string]: never }".to_owned());
    }
    plan::Declaration { ident: ident.to_owned(), members, ..plan::Declaration::default() }
}

fn object(
    object: &Object,
    ident: &str,
    place: Place,
    speller: &mut Speller<'_>,
) -> plan::Declaration {
    let mut members: Vec<plan::Member> =
        object.properties.iter().map(|property| member(property, place, speller)).collect();
    match &object.additional {
        Additional::Kept(ty, limits) => {
            let kept = speller.spell(ty, limits, place);
            members.push(index_signature(kept, &members));
        }
        Additional::Ignored | Additional::Denied => {}
    }
    interface(ident, members)
}

fn member(property: &Property, place: Place, speller: &mut Speller<'_>) -> plan::Member {
    let mark = if property.required { "" } else { "?" };
    let default = property.default.as_ref().filter(|_| !property.required);
    let default = default.and_then(default_value);
    let deprecated = property.deprecated.then_some("@deprecated");
    let notes: Vec<&str> = default.as_deref().into_iter().chain(deprecated).collect();
    plan::Member {
        docs: doc_comment(property.description.as_deref(), &notes),
        key: format!("{}{mark}", property_key(&property.wire)),
        ty: speller.spell(&property.ty, &property.constraints, place),
    }
}

/// What other members may be. The known ones answer to an index signature too, so it names their
/// types as well: values can then be written without a cast.
fn index_signature(kept: String, members: &[plan::Member]) -> plan::Member {
    let mut spelled = vec![kept];
    for member in members {
        if !spelled.contains(&member.ty) {
            spelled.push(member.ty.clone());
        }
    }
    let unknown = spelled.iter().any(|ty| ty == "unknown");
    spelled.push("undefined".to_owned());
    plan::Member {
        docs: vec!["/** Members the contract does not name. */".to_owned()],
        key: "[name: string]".to_owned(),
        ty: if unknown { "unknown".to_owned() } else { spelled.join(" | ") },
    }
}

/// Whether the contract has a union of just this channel's messages.
fn is_a_union(system: &System, channel: &Channel) -> bool {
    let carried = |ty: &Type| channel.messages.iter().any(|message| message.ty == *ty);
    system.types.values().any(|definition| match &definition.shape {
        Shape::Union(union) => {
            let listed = |ty: &Type| union.variants.iter().any(|variant| variant.ty == *ty);
            union.variants.iter().all(|variant| carried(&variant.ty))
                && channel.messages.iter().all(|message| listed(&message.ty))
        }
        Shape::Object(_) | Shape::Enumeration(_) | Shape::Alias(..) => false,
    })
}

fn messages(
    channel: &Channel,
    taken: &mut BTreeSet<String>,
    speller: &mut Speller<'_>,
) -> plan::Declaration {
    let place = Place { position: Position::Open, carrier: Carrier::Text };
    let mut spelled: Vec<String> = Vec::new();
    for message in &channel.messages {
        let ty = speller.spell(&message.ty, &Constraints::default(), place);
        if !spelled.contains(&ty) {
            spelled.push(ty);
        }
    }
    let ident = free(taken, type_ident(&channel.name.then(&Name::new("message"))));
    let about = format!("A message on `{}`.", channel.address);
    let docs = doc_comment(Some(channel.description.as_deref().unwrap_or(&about)), &[]);
    plan::Declaration { docs, ..alternatives(&ident, spelled) }
}
