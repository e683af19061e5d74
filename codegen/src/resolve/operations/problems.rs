//! The problem codes of an operation held against the responses it documents.

use std::collections::BTreeMap;

use super::answers::status;
use crate::diagnostic::Kind;
use crate::model::{ProblemKind, Status};
use crate::resolve::Scope;
use crate::source::Cursor;

/// Reports codes whose status is not documented, and problem responses no code leads to.
pub(super) fn check<'a>(
    scope: &mut Scope<'a>,
    operation: &Cursor<'a>,
    catalogue: &BTreeMap<String, ProblemKind>,
) {
    let Some(listed) = operation.get("x-problems") else { return };
    let responses = operation.get("responses").map(|found| found.members()).unwrap_or_default();
    let responses: Vec<(Status, Cursor<'a>)> =
        responses.into_iter().filter_map(|(key, at)| Some((status(key)?, at))).collect();
    let mut statuses = Vec::new();
    for element in listed.elements() {
        let Some(kind) = element.value.as_str().and_then(|code| catalogue.get(code)) else {
            continue;
        };
        statuses.push(kind.status);
        if !responses.iter().any(|(status, _)| covers(*status, kind.status)) {
            let kind = Kind::UndocumentedStatus { code: kind.code.clone(), status: kind.status };
            scope.report(&element, kind);
        }
    }
    for (status, at) in responses {
        let Status::Code(code) = status else { continue };
        let media_type = "application/problem+json";
        let is_problem = at.follow().is_ok_and(|at| {
            at.get("content").is_some_and(|content| content.get(media_type).is_some())
        });
        if is_problem && !statuses.contains(&code) {
            scope.report(&at, Kind::UnlistedStatus { status: code });
        }
    }
}

fn covers(documented: Status, status: u16) -> bool {
    match documented {
        Status::Code(code) => code == status,
        Status::Range(hundred) => u16::from(hundred) == status / 100,
        Status::Default => true,
    }
}
