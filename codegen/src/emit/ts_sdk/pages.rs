//! Paging: where the items of a page and the cursor of the next one are.

use super::{operations, plan};
use crate::emit::typescript::{Place, Speller, access};
use crate::model::{
    BodyKind, Constraints, Object, Operation, Property, Scalar, Shape, System, Type, TypeId,
};

/// How the pages of an operation are taken apart, and of what types their parts are.
pub(super) struct Pages {
    pub(super) item: String,
    pub(super) cursor: String,
    pub(super) plan: plan::Paging,
}

/// The pages of an operation; none if its pages have no shape that can be taken apart, in which
/// case the operation is called like any other.
pub(super) fn of(operation: &Operation, speller: &mut Speller<'_>) -> Option<Pages> {
    let rule = operation.pagination.as_ref()?;
    let (id, page) = page(operation, speller.system)?;
    let items = member(page, &rule.items)?;
    let next = member(page, &rule.next)?;
    let parameter = operation.parameters.iter().find(|found| found.wire == rule.cursor)?;
    let continues = scalar(&next.ty, speller.system)?;
    if scalar(&parameter.ty, speller.system)? != continues {
        return None;
    }
    let item = item(items, id, speller)?;
    let cursor = operations::parameter_type(parameter, speller);
    let key = operations::parameter_key(parameter);
    let set = if key == "cursor" { key } else { format!("{key}: cursor") };
    let rest = if items.required && !items.ty.is_nullable() { "" } else { " ?? []" };
    Some(Pages {
        item,
        cursor,
        plan: plan::Paging {
            items: format!("(response) => response.body{}{rest}", access(&items.wire)),
            next: format!("(response) => response.body{}", access(&next.wire)),
            resume: format!("(request, cursor) => ({{ ...request, {set} }})"),
        },
    })
}

/// The one object that every success answers with.
fn page<'a>(operation: &'a Operation, system: &'a System) -> Option<(&'a TypeId, &'a Object)> {
    let mut bodies = operation.answers.iter().map(|answer| {
        let offer = answer.body.as_ref()?.best();
        (offer.kind == BodyKind::Json).then_some(&offer.ty)
    });
    let mut ty = bodies.next()??;
    if bodies.any(|other| other != Some(ty)) {
        return None;
    }
    while let Type::Named(id) = ty {
        match &system.definition(id).shape {
            Shape::Object(object) => return Some((id, object)),
            Shape::Alias(inner, _) => ty = inner,
            Shape::Enumeration(_) | Shape::Union(_) => return None,
        }
    }
    None
}

fn member<'a>(page: &'a Object, wire: &str) -> Option<&'a Property> {
    page.properties.iter().find(|property| property.wire == wire)
}

/// The type of an item, as the module of types spells it.
fn item(items: &Property, page: &TypeId, speller: &mut Speller<'_>) -> Option<String> {
    let system = speller.system;
    let (mut ty, mut limits, mut owner) = (items.ty.present(), &items.constraints, page);
    while let Type::Named(id) = ty {
        match &system.definition(id).shape {
            Shape::Alias(inner, found) => (ty, limits, owner) = (inner.present(), found, id),
            Shape::Object(_) | Shape::Enumeration(_) | Shape::Union(_) => return None,
        }
    }
    let Type::List(item) = ty else { return None };
    let place = Place::of(system.definition(owner), owner, speller.usage);
    let none = Constraints::default();
    Some(speller.spell(item, limits.each.as_deref().unwrap_or(&none), place))
}

#[derive(PartialEq)]
enum CursorKind {
    Text,
    Number,
}

fn scalar(ty: &Type, system: &System) -> Option<CursorKind> {
    match ty.present() {
        Type::Scalar(scalar) => match scalar {
            Scalar::Text | Scalar::DateTime | Scalar::Date | Scalar::Uuid => Some(CursorKind::Text),
            Scalar::Int32
            | Scalar::Int64
            | Scalar::Uint32
            | Scalar::Uint64
            | Scalar::Float
            | Scalar::Double => Some(CursorKind::Number),
            Scalar::Boolean | Scalar::Binary => None,
        },
        Type::Named(id) => match &system.definition(id).shape {
            Shape::Alias(inner, _) => scalar(inner, system),
            Shape::Object(_) | Shape::Enumeration(_) | Shape::Union(_) => None,
        },
        Type::List(_) | Type::Map(_) | Type::Nullable(_) | Type::Problem | Type::Any => None,
    }
}
