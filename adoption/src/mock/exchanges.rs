//! What a mock would answer, as data: for handlers that nobody has written yet.

use std::collections::BTreeMap;

use serde_json::Value;
use symbolon_codegen::model::{self, Exchange, Origin};

use super::answer::{header_values, values};
use super::pick::{Pick, usual};
use super::preference::Preference;
use crate::contract::{Case, Contract, Location, Media, Operation, Status, is_json};
use crate::sample::sample;

/// The exchanges of every operation, by its id: the most particular request first, and last the
/// answer to every other.
pub fn exchanges(contract: &Contract, seed: u64) -> BTreeMap<String, Vec<Exchange>> {
    let of = |operation: &Operation| (operation.id.to_owned(), of_operation(operation, seed));
    contract.operations.iter().map(of).collect()
}

fn of_operation(operation: &Operation, seed: u64) -> Vec<Exchange> {
    let cases: Vec<Case<'_>> = operation
        .cases()
        .into_iter()
        .filter(|case| !case.is_of_another_caller && !case.answers.is_empty())
        .collect();
    let otherwise = exchange(&usual(operation, &operation.cases()), seed);
    let mut found: Vec<Exchange> = Vec::new();
    for case in &cases {
        let Some(shown) = case.answers.first() else { continue };
        let code = shown.response.status.code();
        let pick = Pick { code, response: Some(shown.response), example: Some(shown.example) };
        let Some(exchange) = exchange(&pick, seed) else { continue };
        let parameters = case.parameters.iter().filter_map(|(index, value)| {
            let parameter = operation.parameters.get(*index)?;
            Some((location(parameter.location), parameter.name.to_owned(), (*value).clone()))
        });
        let body = case.body.and_then(|(index, value)| {
            Some((operation.bodies.get(index)?.name.to_owned(), value.clone()))
        });
        let name = Some(case.name.to_owned());
        found.push(Exchange { name, parameters: parameters.collect(), body, ..exchange });
    }
    found.sort_by_key(|one| {
        std::cmp::Reverse(one.parameters.len() + usize::from(one.body.is_some()))
    });
    let answers = |one: &Exchange| (one.status, one.headers.clone(), one.answer.clone());
    if let Some(otherwise) = otherwise {
        let is_needed = |one: &Exchange| {
            answers(one) != answers(&otherwise)
                || found
                    .iter()
                    .any(|other| answers(one) != answers(other) && !contradicts(one, other))
        };
        let mut needed: Vec<Exchange> =
            found.iter().filter(|one| is_needed(one)).cloned().collect();
        needed.push(otherwise);
        return needed;
    }
    found
}

/// Whether no request can be both.
fn contradicts(one: &Exchange, other: &Exchange) -> bool {
    let differs = |part: &(model::Location, String, Value)| {
        other.parameters.iter().any(|it| (it.0, &it.1) == (part.0, &part.1) && it.2 != part.2)
    };
    let bodies = one.body.as_ref().zip(other.body.as_ref());
    one.parameters.iter().any(differs) || bodies.is_some_and(|(one, other)| one != other)
}

fn exchange(pick: &Pick<'_>, seed: u64) -> Option<Exchange> {
    let response = pick.response?;
    let holds = |media: &&Media| {
        pick.example
            .is_some_and(|example| media.examples.iter().any(|one| one.name == example.name))
    };
    let media = response.content.iter().find(holds).or(response.content.first());
    let (answer, origin) = match media {
        None => (None, Origin::Shown),
        Some(media) => {
            let (values, origin) = fitting(media, pick, seed);
            (Some((media.name.to_owned(), values)), origin)
        }
    };
    let headers = header_values(response, seed);
    Some(Exchange {
        name: None,
        parameters: Vec::new(),
        body: None,
        status: status(response.status),
        code: pick.code,
        headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        answer,
        origin,
    })
}

/// What is shown, if the schema accepts it; else what can be made up.
fn fitting(media: &Media, pick: &Pick<'_>, seed: u64) -> (Vec<Value>, Origin) {
    let shown = values(media, pick, &Preference::default(), seed);
    let is_stream = media.is_event_stream() || media.is_json_lines();
    let Some(schema) = media.schema.as_ref().filter(|_| !is_stream && is_json(media.name)) else {
        let origin = if media.examples.is_empty() { Origin::Made } else { Origin::Shown };
        return (shown, origin);
    };
    let accepted = shown.first().is_some_and(|value| schema.accepts(value));
    if accepted {
        let origin = if media.examples.is_empty() { Origin::Made } else { Origin::Shown };
        return (shown, origin);
    }
    let made = sample(schema, seed);
    (vec![made.value], if made.is_valid { Origin::Made } else { Origin::Unfit })
}

fn status(status: Status) -> model::Status {
    match status {
        Status::Exactly(code) => model::Status::Code(code),
        Status::Range(digit) => model::Status::Range(u8::try_from(digit).unwrap_or(2)),
        Status::Default => model::Status::Default,
    }
}

fn location(location: Location) -> model::Location {
    match location {
        Location::Path => model::Location::Path,
        Location::Query => model::Location::Query,
        Location::Header => model::Location::Header,
        Location::Cookie => model::Location::Cookie,
    }
}
