//! Which of the documented answers a request gets.

use serde_json::Value;
use symbolon_server::{Input, Rejected};
use symbolon_wire::In;
use symbolon_wire::parameter::Refusal;

use super::preference::Preference;
use super::request::Received;
use crate::contract::{Case, Example, Operation, Response};

/// A documented answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pick<'c> {
    /// The status to send.
    pub(super) code: u16,
    /// The response; none where the contract documents none.
    pub(super) response: Option<&'c Response>,
    /// The example, where a certain one is meant.
    pub(super) example: Option<&'c Example>,
}

/// The answer that the caller prefers, else the one whose example pairs with the request, else
/// the success.
pub(super) fn pick<'c>(
    operation: &'c Operation,
    received: &Received,
    preference: &Preference,
    input: &mut Input,
) -> Result<Pick<'c>, Rejected> {
    if let Some(name) = &preference.example {
        let mut named = operation.shown().filter(|shown| shown.example.name == name);
        let fits = |code: u16| preference.code.is_none_or(|wanted| wanted == code);
        return match named.find(|shown| fits(shown.response.status.code())) {
            Some(shown) => Ok(Pick {
                code: preference.code.unwrap_or(shown.response.status.code()),
                response: Some(shown.response),
                example: Some(shown.example),
            }),
            None => Err(unknown(input, "is the name of no response example")),
        };
    }
    if let Some(code) = preference.code {
        return match operation.response(code) {
            Some(response) => Ok(Pick { code, response: Some(response), example: None }),
            None => Err(unknown(input, "is a status that the contract does not document")),
        };
    }
    let cases = operation.cases();
    if let Some(case) = paired(&cases, received)
        && let Some(shown) = case.answers.first()
    {
        let (response, example) = (shown.response, shown.example);
        let code = response.status.code();
        return Ok(Pick { code, response: Some(response), example: Some(example) });
    }
    Ok(usual(operation, &cases))
}

/// The answer to a request that the contract does not show.
pub(super) fn usual<'c>(operation: &'c Operation, cases: &[Case<'c>]) -> Pick<'c> {
    let Some(response) = operation.success() else {
        return Pick { code: 204, response: None, example: None };
    };
    // An example that no request example stands for is the answer to any other request.
    let is_free = |example: &&Example| cases.iter().all(|case| case.name != example.name);
    let mut examples = response.content.iter().flat_map(|media| &media.examples);
    Pick { code: response.status.code(), response: Some(response), example: examples.find(is_free) }
}

fn unknown(input: &mut Input, what: &str) -> Rejected {
    input.refuse(In::Header, Refusal::new("enum", what).within("Prefer"))
}

/// The request example that says most of what was received, and nothing else.
fn paired<'a, 'c>(cases: &'a [Case<'c>], received: &Received) -> Option<&'a Case<'c>> {
    let parts = |case: &Case<'_>| case.parameters.len() + usize::from(case.body.is_some());
    let fitting = cases.iter().filter(|case| {
        let parameters = case.parameters.iter().all(|(index, shown)| {
            let given = received.parameters.get(*index).and_then(Option::as_ref);
            given.is_some_and(|given| fits(shown, given))
        });
        let body = case.body.is_none_or(|(index, shown)| match &received.body {
            Some((media, given)) => *media == index && fits(shown, given),
            None => false,
        });
        parameters && body && !case.is_of_another_caller && !case.answers.is_empty()
    });
    // Of equals, `max_by_key` takes the last: so from behind.
    fitting.rev().max_by_key(|case| parts(case))
}

/// Whether a value is the one shown; what stands for a fresh value (`{$uuid}`) is any text.
fn fits(shown: &Value, given: &Value) -> bool {
    match (shown, given) {
        (Value::String(shown), Value::String(_)) if shown.contains("{$") => true,
        (Value::Number(shown), Value::Number(given)) => shown.as_f64() == given.as_f64(),
        (Value::Array(shown), Value::Array(given)) => {
            shown.len() == given.len()
                && shown.iter().zip(given).all(|(shown, given)| fits(shown, given))
        }
        (Value::Object(shown), Value::Object(given)) => {
            shown.len() == given.len()
                && shown
                    .iter()
                    .all(|(name, shown)| given.get(name).is_some_and(|given| fits(shown, given)))
        }
        (_, _) => shown == given,
    }
}
