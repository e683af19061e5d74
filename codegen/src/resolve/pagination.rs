//! `x-pagination` held against the parameters and the answer of its operation.

use super::Scope;
use crate::diagnostic::Kind;
use crate::model::{
    Location, Object, Operation, Pagination, Parameter, Property, Shape, System, Type,
};
use crate::source::Cursor;

/// Reports every pagination that clients could not walk.
pub(super) fn check(scope: &mut Scope<'_>, system: &System) {
    for (id, at) in std::mem::take(&mut scope.paginated) {
        let found = system.operations().find(|operation| operation.id == id);
        let Some((operation, pagination)) =
            found.and_then(|operation| Some((operation, operation.pagination.as_ref()?)))
        else {
            continue;
        };
        let Some(page) = page(system, operation) else {
            let why = "needs one success response, whose body is an object".to_owned();
            scope.report(&at, Kind::BadKeyword { keyword: "x-pagination", why });
            continue;
        };
        for (member, name, why, needs) in mistakes(operation, pagination, page) {
            let place = at.get(member).unwrap_or_else(|| Cursor::clone(&at));
            scope.report(&place, Kind::NotPageable { member, name, why, needs });
        }
    }
}

type Mistake = (&'static str, String, &'static str, &'static str);

fn mistakes(operation: &Operation, pagination: &Pagination, page: &Object) -> Vec<Mistake> {
    const ABSENT_PROPERTY: &str = "is no property of the response";
    const ABSENT_PARAMETER: &str = "is no query parameter of the operation";
    let mut found: Vec<Mistake> = Vec::new();
    let mut note = |member, name: &str, why, needs| {
        found.push((member, name.to_owned(), why, needs));
    };
    let items = property(page, &pagination.items);
    let next = property(page, &pagination.next);
    let cursor = parameter(operation, &pagination.cursor);
    let needs = "name a required property that is a list";
    match items {
        None => note("items", &pagination.items, ABSENT_PROPERTY, needs),
        Some(items) if !items.required || !matches!(items.ty, Type::List(_)) => {
            note("items", &pagination.items, "is optional or no list", needs);
        }
        Some(_) => {}
    }
    let needs = "name a property of the type of the cursor";
    if next.is_none() {
        note("next", &pagination.next, ABSENT_PROPERTY, needs);
    }
    let optional = "name an optional query parameter";
    match cursor {
        None => note("cursor", &pagination.cursor, ABSENT_PARAMETER, optional),
        Some(cursor) if cursor.required => {
            note("cursor", &pagination.cursor, "is required", optional);
        }
        Some(_) => {}
    }
    if let (Some(next), Some(cursor)) = (next, cursor)
        && next.ty.present() != cursor.ty.present()
    {
        note("next", &pagination.next, "is of another type than the cursor", needs);
    }
    if let Some(limit) = &pagination.limit
        && parameter(operation, limit).is_none()
    {
        note("limit", limit, ABSENT_PARAMETER, optional);
    }
    found
}

fn property<'s>(page: &'s Object, name: &str) -> Option<&'s Property> {
    page.properties.iter().find(|property| property.wire == name)
}

fn parameter<'s>(operation: &'s Operation, name: &str) -> Option<&'s Parameter> {
    operation
        .parameters
        .iter()
        .find(|parameter| parameter.location == Location::Query && parameter.wire == name)
}

fn page<'s>(system: &'s System, operation: &Operation) -> Option<&'s Object> {
    let [answer] = operation.answers.as_slice() else { return None };
    let Type::Named(id) = &answer.body.as_ref()?.best().ty else { return None };
    match &system.types.get(id)?.shape {
        Shape::Object(object) => Some(object),
        Shape::Enumeration(_) | Shape::Union(_) | Shape::Alias(..) => None,
    }
}
