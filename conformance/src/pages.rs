//! `x-pagination`: walks lists to their end.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::contract::{In, Operation, Pagination};
use crate::derive::valid;
use crate::report::Complaint;
use crate::request::{Draft, Request};
use crate::session::Session;

/// The limit of the walk in small steps.
const SMALL: u64 = 2;

/// The limit of the walk in large steps, if the contract allows it.
const LARGE: u64 = 100;

/// Pages of the small walk; a longer list is walked that far.
const SMALL_PAGES: usize = 100;

/// Pages after which a list is taken for endless.
const MOST_PAGES: usize = 10_000;

/// Walks every list that says `x-pagination`, in large steps and in small ones.
pub(crate) async fn walk_all(session: &mut Session<'_>) {
    let contract = session.contract;
    for operation in &contract.operations {
        let Some(rule) = &operation.pagination else { continue };
        let large = Walk { rule, limit: allowed(operation, rule, LARGE), pages: MOST_PAGES };
        let Some(whole) = large.walk(session, operation).await else { continue };
        let small = Walk { rule, limit: allowed(operation, rule, SMALL), pages: SMALL_PAGES };
        let Some(parts) = small.walk(session, operation).await else { continue };
        if let Some(lost) = lost(session, operation, &large, (&whole, &parts)).await {
            let complaint =
                Complaint::new("item lost between pages", &rule.at, lost, "no such item");
            session.fail(complaint, operation, &small.cause(), None);
        }
        if parts.pages < 2 {
            let complaint = Complaint::new("pagination", &rule.at, "two pages to walk", "one");
            session.gap(complaint, &operation.id, "put three items into the list first");
        }
    }
}

/// An item that the walk in parts should have met: it was there before that began, and is there
/// after it has ended. What has gone in between was not lost.
async fn lost<'c>(
    session: &mut Session<'c>,
    operation: &'c Operation<'c>,
    large: &Walk<'_, 'c>,
    (whole, parts): (&Walked, &Walked),
) -> Option<String> {
    let reach = if parts.ended { whole.items.len() } else { parts.items.len() };
    let before = whole.items.iter().take(reach);
    let missed: Vec<_> = before.filter(|item| !parts.items.contains(item)).collect();
    if missed.is_empty() {
        return None;
    }
    let after = large.walk(session, operation).await?;
    missed.into_iter().find(|item| after.items.contains(item)).cloned()
}

/// The nearest limit that the contract allows.
fn allowed(operation: &Operation<'_>, rule: &Pagination<'_>, wanted: u64) -> u64 {
    let parameter = operation.parameter(In::Query, rule.limit);
    let schema = parameter.and_then(|parameter| parameter.schema.as_ref());
    let bound = |name: &str| schema.and_then(|schema| schema.value.get(name)?.as_u64());
    wanted.max(bound("minimum").unwrap_or(0)).min(bound("maximum").unwrap_or(u64::MAX))
}

struct Walk<'r, 'c> {
    rule: &'r Pagination<'c>,
    limit: u64,
    pages: usize,
}

/// What a walk met.
struct Walked {
    items: Vec<String>,
    pages: usize,
    ended: bool,
}

impl<'c> Walk<'_, 'c> {
    fn cause(&self) -> String {
        format!("pagination: limit {}", self.limit)
    }

    /// Walks the pages; none if something was wrong on the way.
    async fn walk(
        &self,
        session: &mut Session<'c>,
        operation: &'c Operation<'c>,
    ) -> Option<Walked> {
        let mut draft = start(session, operation);
        draft.set(In::Query, self.rule.limit, json!(self.limit));
        let mut met = BTreeSet::new();
        let mut walked = Walked { items: Vec::new(), pages: 0, ended: false };
        while walked.pages < self.pages {
            let (request, answer) = session.send(operation, &draft, &self.cause()).await?;
            let page = answer.json.as_ref().filter(|_| answer.is_success());
            let items = page.and_then(|page| page.get(self.rule.items)).and_then(Value::as_array);
            let Some(items) = items else {
                let got = answer.summary();
                self.complain(session, operation, &request, "page", "a page of items", &got);
                return None;
            };
            walked.pages += 1;
            if u64::try_from(items.len()).is_ok_and(|length| length > self.limit) {
                let (expected, got) = (self.limit.to_string(), format!("{} items", items.len()));
                self.complain(session, operation, &request, "limit", &expected, &got);
                return None;
            }
            for item in items {
                let identity = identity(item);
                if !met.insert(identity.clone()) {
                    let expected = "each item once";
                    self.complain(
                        session,
                        operation,
                        &request,
                        "repeated item",
                        expected,
                        &identity,
                    );
                    return None;
                }
                walked.items.push(identity);
            }
            let next = answer.json.as_ref().and_then(|page| page.get(self.rule.next));
            match next.filter(|next| !next.is_null()) {
                Some(next) => draft.set(In::Query, self.rule.cursor, next.clone()),
                None => {
                    walked.ended = true;
                    return Some(walked);
                }
            }
        }
        Some(walked)
    }

    fn complain(
        &self,
        session: &mut Session<'c>,
        operation: &Operation<'_>,
        request: &Request,
        check: &str,
        expected: &str,
        got: &str,
    ) {
        let complaint = Complaint::new(check, &self.rule.at, expected, got);
        session.fail(complaint, operation, &self.cause(), Some(request));
    }
}

/// A request with the required parameters only: the whole list.
fn start<'c>(session: &mut Session<'c>, operation: &'c Operation<'c>) -> Draft {
    let mut draft = valid(session, operation).unwrap_or_default();
    draft.parameters.retain(|(location, name, _)| {
        operation.parameter(*location, name).is_some_and(|parameter| parameter.required)
    });
    draft
}

/// What tells an item from the others: its members called `id` or `…Id`, else all of it.
fn identity(item: &Value) -> String {
    let members = item.as_object().into_iter().flatten();
    let named =
        members.filter(|(name, _)| *name == "id" || name.ends_with("Id") || name.ends_with("_id"));
    let named: Vec<String> = named.map(|(name, value)| format!("{name} {value}")).collect();
    if named.is_empty() { item.to_string() } else { named.join(", ") }
}
