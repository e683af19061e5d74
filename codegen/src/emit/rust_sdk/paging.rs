//! `x-pagination` as an implementation of the client's `Paged`.

use super::plan;
use crate::emit::rust::{Position, Presence, Speller, field_ident, parameter_ident};
use crate::model::{Object, Operation, Shape, System, Type};

/// How an operation is walked, if its answer is shaped as its pagination says.
pub(super) fn plan(system: &System, operation: &Operation) -> Option<plan::Paged> {
    let pagination = operation.pagination.as_ref()?;
    let [answer] = operation.answers.as_slice() else { return None };
    let page = object(system, &answer.body.as_ref()?.ty)?;
    let items = page.properties.iter().find(|found| found.wire == pagination.items)?;
    let next = page.properties.iter().find(|found| found.wire == pagination.next)?;
    let parameter = operation
        .parameters
        .iter()
        .find(|found| found.wire == pagination.cursor && !found.required)?;
    let Type::List(item) = &items.ty else { return None };
    if !items.required || next.ty.present() != parameter.ty.present() {
        return None;
    }
    let prefix = "super::wire::types::";
    let mut speller = Speller::new(system, prefix);
    let next_ident = field_ident(&next.name);
    Some(plan::Paged {
        item: speller.spell(item, Position::Open),
        cursor: speller.spell(next.ty.present(), Position::Open),
        items: field_ident(&items.name),
        next: match Presence::of(&next.ty, next.required) {
            Presence::Required => format!("Some(body.{next_ident})"),
            Presence::Optional => format!("body.{next_ident}"),
            Presence::OptionalNullable => format!("body.{next_ident}.flatten()"),
        },
        parameter: parameter_ident(&parameter.name),
    })
}

fn object<'s>(system: &'s System, ty: &Type) -> Option<&'s Object> {
    let Type::Named(id) = ty else { return None };
    match &system.definition(id).shape {
        Shape::Object(object) => Some(object),
        Shape::Enumeration(_) | Shape::Union(_) | Shape::Alias(..) => None,
    }
}
