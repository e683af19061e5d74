//! `x-pagination` held against the parameters and the answer of its operation.

use crate::diagnostic::Kind;
use crate::model::{Object, Operation, Pagination, System, TypeId};
use crate::resolve::Scope;
use crate::source::Cursor;

/// Reports every pagination that clients could not walk.
pub(in crate::resolve) fn check(scope: &mut Scope<'_>, system: &System) {
    for (id, at) in std::mem::take(&mut scope.paginated) {
        let found = system.operations().find(|operation| operation.id == id);
        let Some((operation, pagination)) =
            found.and_then(|operation| Some((operation, operation.pagination.as_ref()?)))
        else {
            continue;
        };
        let Some((page, object)) = system.page(operation) else {
            let why = "needs a success response, all of one JSON object".to_owned();
            scope.report(&at, Kind::BadKeyword { keyword: "x-pagination", why });
            continue;
        };
        for (member, name, why, needs) in mistakes(system, operation, pagination, (page, object)) {
            let place = at.get(member).unwrap_or_else(|| Cursor::clone(&at));
            scope.report(&place, Kind::NotPageable { member, name, why, needs });
        }
    }
}

type Mistake = (&'static str, String, &'static str, &'static str);

fn mistakes(
    system: &System,
    operation: &Operation,
    pagination: &Pagination,
    (page, object): (&TypeId, &Object),
) -> Vec<Mistake> {
    const ABSENT_PROPERTY: &str = "is no property of the response";
    const ABSENT_PARAMETER: &str = "is no query parameter of the operation";
    let mut found: Vec<Mistake> = Vec::new();
    let mut note = |member, name: &str, why, needs| {
        found.push((member, name.to_owned(), why, needs));
    };
    let needs = "name a property that is a list";
    match object.property(&pagination.items) {
        None => note("items", &pagination.items, ABSENT_PROPERTY, needs),
        Some(items) if system.list(items, page).is_none() => {
            note("items", &pagination.items, "is no list", needs);
        }
        Some(_) => {}
    }
    let next = object.property(&pagination.next);
    let cursor = operation.query_parameter(&pagination.cursor);
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
    if let (Some(next), Some(cursor)) = (next, cursor) {
        let (given, taken) = (system.cursor(&next.ty), system.cursor(&cursor.ty));
        if given.is_none() || given != taken {
            note("next", &pagination.next, "is of another type than the cursor", needs);
        }
    }
    if let Some(limit) = &pagination.limit
        && operation.query_parameter(limit).is_none()
    {
        note("limit", limit, ABSENT_PARAMETER, optional);
    }
    found
}
