//! Replays the named examples: what the contract shows is what a server must do.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use symbolon_codegen::source::Cursor;

use crate::Extent;
use crate::answer::Answer;
use crate::contract::{Documented, Example, In, Operation, Parameter};
use crate::echo;
use crate::expressions::{Scope, evaluate};
use crate::report::Complaint;
use crate::request::{Draft, Request};
use crate::session::Session;

/// A named request example, and the response examples of that name.
#[derive(Debug)]
pub(crate) struct Case<'c> {
    pub(crate) name: &'c str,
    /// The request as the examples have it.
    pub(crate) written: Draft,
    /// Where each value comes from, in the order of the draft.
    sources: Vec<Source<'c>>,
    pub(crate) answers: Vec<(Documented, &'c Example<'c>)>,
    at: Cursor<'c>,
}

#[derive(Debug)]
struct Source<'c> {
    from: Option<&'c str>,
    at: Cursor<'c>,
}

impl Case<'_> {
    /// Whether a success of the default credential is expected.
    pub(crate) fn succeeds(&self) -> bool {
        let success = |(status, _): &(Documented, _)| {
            matches!(status, Documented::Exactly(200..300) | Documented::Range(2))
        };
        self.written.credential.is_none() && self.answers.iter().any(success)
    }
}

/// Replays every example of every operation: first what makes things, last what deletes them.
pub(crate) async fn replay_all(session: &mut Session<'_>) {
    let contract = session.contract;
    let mut operations: Vec<&Operation<'_>> = contract.operations.iter().collect();
    operations.sort_by_key(|operation| match operation.method.as_str() {
        "POST" | "PUT" | "PATCH" => 0,
        "DELETE" => 2,
        _ => 1,
    });
    for operation in operations {
        for case in cases(operation) {
            replay(session, operation, &case).await;
        }
    }
}

/// The named requests of an operation.
pub(crate) fn cases<'c>(operation: &'c Operation<'c>) -> Vec<Case<'c>> {
    let parameters = operation.parameters.iter().flat_map(|parameter| &parameter.examples);
    let bodies = operation.body.iter().flat_map(|media| &media.examples);
    let names: BTreeSet<&str> = parameters.chain(bodies).map(|example| example.name).collect();
    let mut cases: Vec<Case<'c>> = names.iter().map(|name| case(operation, name)).collect();
    let required = operation.parameters.iter().any(|parameter| parameter.required);
    if !required && !operation.body_required {
        // A success that no request example stands for is the answer to the bare request.
        let bare = successes(operation).filter(|name| !names.contains(name));
        cases.extend(bare.map(|name| case(operation, name)));
    }
    cases
}

fn successes<'c>(operation: &'c Operation<'c>) -> impl Iterator<Item = &'c str> {
    let responses = operation.responses.iter();
    let successes = responses.filter(|one| matches!(one.status, Documented::Exactly(200..300)));
    successes.flat_map(|one| &one.content).flat_map(|media| &media.examples).map(|one| one.name)
}

fn case<'c>(operation: &'c Operation<'c>, name: &'c str) -> Case<'c> {
    let mut written = Draft::default();
    let mut sources = Vec::new();
    let source = |example: &'c Example<'c>, draft: &mut Draft| {
        draft.credential = draft.credential.take().or(example.credential.map(str::to_owned));
        Source { from: example.from, at: example.at.clone() }
    };
    let named = |examples: &'c [Example<'c>]| examples.iter().find(|example| example.name == name);
    for parameter in &operation.parameters {
        if let Some(example) = named(&parameter.examples) {
            let value = example.value.clone();
            written.parameters.push((parameter.location, parameter.name.to_owned(), value));
            sources.push(source(example, &mut written));
        } else if parameter.location == In::Path
            && let Some((value, from, at)) = stand_in(parameter)
        {
            let (location, name) = (parameter.location, parameter.name.to_owned());
            written.parameters.push((location, name, value.clone()));
            sources.push(Source { from, at });
        }
    }
    for media in &operation.body {
        if let Some(example) = named(&media.examples) {
            written.body = Some((media.name.to_owned(), example.value.clone()));
            sources.push(source(example, &mut written));
            break;
        }
    }
    let answers = operation.responses.iter().filter_map(|response| {
        let body = response.content.iter().find_map(|media| named(&media.examples));
        // Of an answer without a body the examples of its headers tell what it answers.
        let bare = || response.headers.iter().find_map(|header| named(&header.examples));
        let example = if response.content.is_empty() { bare() } else { body };
        Some((response.status, example?))
    });
    let at = sources.first().map_or_else(|| operation.at.clone(), |source| source.at.clone());
    Case { name, written, answers: answers.collect(), sources, at }
}

/// What stands in a path where no example has the name of the case: its first
/// one, or that of its schema.
fn stand_in<'c>(parameter: &'c Parameter<'c>) -> Option<(&'c Value, Option<&'c str>, Cursor<'c>)> {
    if let Some(first) = parameter.examples.first() {
        return Some((first.value, first.from, first.at.clone()));
    }
    let at = parameter.schema.as_ref()?.get("example")?;
    Some((at.value, None, at))
}

/// The request of a case, with fresh values and what workflows gave.
///
/// # Errors
/// The expression that leads to nothing.
pub(crate) fn realise<'c>(session: &mut Session<'c>, case: &Case<'c>) -> Result<Draft, &'c str> {
    let mut sent = case.written.clone();
    let body = sent.body.as_mut().map(|(_, value)| value);
    let values = sent.parameters.iter_mut().map(|(_, _, value)| value).chain(body);
    for (value, source) in values.zip(&case.sources) {
        *value = match source.from {
            Some(expression) => output(session, expression).ok_or(expression)?,
            None => session.fresh.fill(value),
        };
    }
    Ok(sent)
}

fn output(session: &Session<'_>, expression: &str) -> Option<Value> {
    let (inputs, steps) = (Map::new(), BTreeMap::new());
    let scope =
        Scope { inputs: &inputs, steps: &steps, workflows: &session.outcomes, exchange: None };
    Some(evaluate(expression, &scope)).filter(|value| !value.is_null())
}

async fn replay<'c>(session: &mut Session<'c>, operation: &'c Operation<'c>, case: &Case<'c>) {
    let cause = format!("example {}", case.name);
    let sent = match realise(session, case) {
        Ok(sent) => sent,
        Err(expression) => return not_replayed(session, operation, case, expression),
    };
    let Some((request, answer)) = session.send(operation, &sent, &cause).await else {
        for (status, _) in &case.answers {
            session.block(operation, *status);
        }
        return;
    };
    let matching = |(status, _): &&(Documented, _)| match status {
        Documented::Exactly(status) => *status == answer.status,
        Documented::Range(digit) => *digit == answer.status / 100,
        Documented::Default => true,
    };
    let complaints = match (case.answers.iter().find(matching), case.answers.first()) {
        (Some((status, example)), _) => {
            let mut found = differences(operation, &answer, (*status, example));
            // What nobody has written yet answers with the example whatever was sent.
            if session.options.extent == Extent::Everything {
                found.extend(echoes(case, &request, &answer, example));
            }
            found
        }
        (None, Some((status, example))) => {
            let code = example.value.get("code").and_then(Value::as_str).unwrap_or_default();
            let expected = format!("{status} {code}");
            let at = operation.place_of(*status);
            vec![Complaint::new("status", &at, expected.trim_end(), answer.summary())]
        }
        (None, None) => Vec::new(),
    };
    for complaint in complaints {
        session.fail(complaint, operation, &cause, Some(&request));
    }
}

fn not_replayed<'c>(
    session: &mut Session<'c>,
    operation: &'c Operation<'c>,
    case: &Case<'c>,
    expression: &str,
) {
    for (status, _) in &case.answers {
        session.block(operation, *status);
    }
    let check = format!("example {}: not replayed", case.name);
    let complaint = Complaint::new(check, &case.at, format!("`{expression}`"), "nothing");
    let hint = match session.options.workflows {
        Some(_) => "that workflow did not run to its end",
        None => "pass --workflows FILE",
    };
    session.gap(complaint, &operation.id, hint);
}

/// How an answer of the right status differs from its example.
fn differences<'c>(
    operation: &Operation<'c>,
    answer: &Answer,
    (status, example): (Documented, &'c Example<'c>),
) -> Vec<Complaint<'c>> {
    let mut complaints = Vec::new();
    let Some(body) = &answer.json else { return complaints };
    let code = example.value.get("code").and_then(Value::as_str);
    if let Some(code) = code.filter(|code| answer.text("code") != Some(code)) {
        let at = operation.place_of(status);
        complaints.push(Complaint::new("problem", &at, format!("`{code}`"), answer.summary()));
    }
    let place =
        |violation: &Value| (violation.get("in").cloned(), violation.get("pointer").cloned());
    let errors = |body: &Value| body.get("errors").and_then(Value::as_array).cloned();
    let got: Vec<_> = errors(body).unwrap_or_default().iter().map(place).collect();
    for violation in errors(example.value).unwrap_or_default() {
        if violation.get("pointer").is_some() && !got.contains(&place(&violation)) {
            let expected = format!("{} {}", violation["in"], violation["pointer"]);
            let found = body.get("errors").map_or("none".to_owned(), Value::to_string);
            complaints.push(Complaint::new("place of the error", &example.at, expected, found));
        }
    }
    complaints
}

/// What was sent, should have come back, and did not.
fn echoes<'c>(
    case: &Case<'c>,
    request: &Request,
    answer: &Answer,
    example: &'c Example<'c>,
) -> Vec<Complaint<'c>> {
    let Some(body) = &answer.json else { return Vec::new() };
    let lost = echo::lost(&case.written, &request.draft, example.value, body);
    let complaint = |lost: echo::Lost| {
        let check = format!("echo of {}", lost.pointer);
        Complaint::new(check, &example.at, lost.expected, lost.got)
    };
    lost.into_iter().map(complaint).collect()
}
