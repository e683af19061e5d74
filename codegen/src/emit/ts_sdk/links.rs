//! Links of answers as functions that make the request they lead to.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{answers, context_file, free, operations, plan};
use crate::emit::typescript::{Speller, doc_comment, function_ident, literal, type_ident};
use crate::model::{Answer, Context, Link, Operation, Parameter, Source, Status, System};

/// The functions for the links of a context's successes.
pub(super) fn plan(
    system: &System,
    context: &Context,
    taken: &mut BTreeSet<String>,
    speller: &mut Speller<'_>,
) -> Vec<plan::Link> {
    let mut planned = Vec::new();
    for operation in &context.operations {
        for answer in &operation.answers {
            for link in &answer.links {
                let Some((owner, target)) = target(system, &link.target) else { continue };
                speller.runtime("Rest");
                let own = context_file(owner) == context_file(context);
                let stem = format!("{}Request", type_ident(&target.name));
                let asked = match own {
                    true => stem,
                    false => format!("import('./{}.js').{stem}", context_file(owner)),
                };
                let name = operation.name.then(&link.name);
                let function = free(taken, format!("follow{}", type_ident(&name)));
                planned.push(one(operation, answer, link, target, asked, function));
            }
        }
    }
    planned
}

/// The names that links must keep out of the way of.
pub(super) fn taken(system: &System) -> BTreeSet<String> {
    system.operations().map(|operation| function_ident(&operation.name)).collect()
}

fn target<'s>(system: &'s System, id: &str) -> Option<(&'s Context, &'s Operation)> {
    let find = |context: &'s Context| context.operations.iter().find(|found| found.id == id);
    system.contexts.iter().find_map(|context| Some((context, find(context)?)))
}

fn one(
    operation: &Operation,
    answer: &Answer,
    link: &Link,
    target: &Operation,
    asked: String,
    function: String,
) -> plan::Link {
    let mut keys = Vec::new();
    let (mut needed, mut wanted) = (Vec::new(), Vec::new());
    let mut is_whole = true;
    for parameter in &target.parameters {
        let is_it = |(at, wire, _): &&(_, String, Source)| {
            *at == parameter.location && *wire == parameter.wire
        };
        let key = operations::parameter_key(parameter);
        match link.parameters.iter().find(is_it) {
            Some((_, _, source)) => {
                let list = if parameter.required { &mut needed } else { &mut wanted };
                list.push(format!("{key}: {}", value(operation, answer, source)));
                keys.push(literal(&key));
            }
            None => is_whole &= !operations::is_needed(target, parameter),
        }
    }
    match (&link.body, &target.body) {
        (Some(source), Some(_)) => {
            needed.push(format!("body: {}", value(operation, answer, source)));
            keys.push(literal("body"));
        }
        (None, Some(body)) => is_whole &= !body.required,
        (_, None) => {}
    }
    let about = format!(
        "Link `{}` of `{}`: the request of `{}`, unless the answer lacks a part of it.",
        link.wire, operation.id, link.target
    );
    let about = match &link.description {
        Some(said) => format!("{about} {said}"),
        None => about,
    };
    let keys = if keys.is_empty() { "never".to_owned() } else { keys.join(" | ") };
    let object = |entries: Vec<String>| match entries.is_empty() {
        true => "{}".to_owned(),
        false => format!("{{ {} }}", entries.join(", ")),
    };
    plan::Link {
        docs: doc_comment(Some(&about), &[]),
        function,
        request: format!("{}Request", type_ident(&operation.name)),
        response: format!("{}Response", type_ident(&operation.name)),
        rest: format!("Rest<{asked}, {keys}>{}", if is_whole { " = {}" } else { "" }),
        asked,
        status: status(answer.status),
        needed: object(needed),
        wanted: object(wanted),
    }
}

/// The status as the runtime looks for it.
fn status(status: Status) -> String {
    match status {
        Status::Code(code) => code.to_string(),
        Status::Range(hundred) => format!("'{hundred}XX'"),
        Status::Default => literal("default"),
    }
}

/// Where the runtime finds a value: a constant, or a pointer into request and answer.
fn value(operation: &Operation, answer: &Answer, source: &Source) -> String {
    let constant = |value: &Value| match value {
        Value::String(text) => format!("{{ value: {} }}", literal(text)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            format!("{{ value: {value} }}")
        }
    };
    match source {
        Source::Constant(value) => constant(value),
        Source::Method => constant(&Value::from(operation.method.as_str())),
        Source::Url => constant(&Value::Null),
        Source::Status => literal("/answer/status"),
        Source::RequestBody(pointer) => literal(&format!("/request/body{pointer}")),
        Source::AnswerBody(pointer) => literal(&format!("/answer/body{pointer}")),
        Source::Parameter(location, wire) => {
            let is_it = |found: &&Parameter| {
                found.location == *location && found.wire.eq_ignore_ascii_case(wire)
            };
            let key = operation.parameters.iter().find(is_it).map(operations::parameter_key);
            literal(&format!("/request/{}", key.unwrap_or_default()))
        }
        Source::Header(wire) => {
            let mut headers = answer.headers.iter();
            let found = headers.find(|header| header.wire.eq_ignore_ascii_case(wire));
            let key = found.map(|found| answers::header_key(&found.name)).unwrap_or_default();
            literal(&format!("/answer/{key}"))
        }
    }
}
