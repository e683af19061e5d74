//! Operations as functions, with the types of what they send and get.

use std::collections::BTreeSet;

use super::descriptors::{self, Constants};
use super::pages::{self, Pages};
use super::{answers, bodies, free, plan, types};
use crate::emit::typescript::{
    Carrier, Place, Position, Speller, constant_ident, default_value, doc_comment, function_ident,
    literal, member_ident, type_ident,
};
use crate::model::{Answer, Context, Errors, Operation, Parameter};

/// The operations of a context.
pub(super) fn plan(context: &Context, speller: &mut Speller<'_>) -> Vec<plan::Operation> {
    speller.runtime("CallOptions");
    speller.runtime("Core");
    let mut taken: BTreeSet<String> =
        context.operations.iter().map(|operation| function_ident(&operation.name)).collect();
    context.operations.iter().map(|operation| one(operation, &mut taken, speller)).collect()
}

fn one(
    operation: &Operation,
    taken: &mut BTreeSet<String>,
    speller: &mut Speller<'_>,
) -> plan::Operation {
    let stem = type_ident(&operation.name);
    let constant = constant_ident(&operation.name);
    let constants = Constants {
        descriptor: free(taken, constant.clone()),
        problems: free(taken, format!("{constant}_PROBLEMS")),
    };
    let mut declarations = asked(operation, &stem, speller);
    declarations.push(about(
        union(&format!("{stem}Response"), &operation.answers, speller),
        operation,
        "How",
        "succeeds",
    ));
    declarations.extend(failures(operation, &stem, &constants.problems, speller));
    let pages = pages::of(operation, speller);
    let descriptor = descriptors::plan(operation, &constants, pages.as_ref(), speller);
    let default = if leaves_all_open(operation) { " = {}" } else { "" };
    plan::Operation {
        docs: docs(operation),
        function: function_ident(&operation.name),
        declarations,
        problems: problems(operation, constants.problems),
        descriptor,
        request: format!("request: {stem}Request{default}"),
        returns: returns(operation, "", pages.as_ref()),
        runs: if pages.is_some() { "list" } else { "call" },
    }
}

/// What an operation's function returns; `module` stands before the types of its module.
pub(super) fn returns(operation: &Operation, module: &str, pages: Option<&Pages>) -> String {
    let response = format!("{module}{}Response", type_ident(&operation.name));
    match pages {
        Some(pages) => format!("Listing<{response}, {}>", pages.item),
        None => format!("Promise<{response}>"),
    }
}

/// Whether a request can be left out.
pub(super) fn leaves_all_open(operation: &Operation) -> bool {
    let body = operation.body.as_ref().is_some_and(|body| body.required);
    !body && !operation.parameters.iter().any(|parameter| is_needed(operation, parameter))
}

/// Summary, method and path of an operation.
pub(super) fn docs(operation: &Operation) -> Vec<String> {
    let summary = operation.summary.as_deref().or(operation.description.as_deref());
    let first = summary.unwrap_or_default().trim().split("\n\n").next().unwrap_or_default();
    let first = first.trim_end_matches('.');
    let colon = if first.is_empty() { "" } else { ": " };
    let place = operation.destination.as_ref().map_or(&operation.path, |found| &found.expression);
    let text = format!("{first}{colon}`{} {place}`.", operation.method);
    let notes: &[&str] = if operation.deprecated { &["@deprecated"] } else { &[] };
    doc_comment(Some(&text), notes)
}

/// The member of the request that holds a parameter; `body` and its type are the body's own.
pub(super) fn parameter_key(parameter: &Parameter) -> String {
    let key = member_ident(&parameter.name);
    if ["body", "contentType"].contains(&key.as_str()) { format!("{key}_") } else { key }
}

/// The type of a parameter that is there.
pub(super) fn parameter_type(parameter: &Parameter, speller: &mut Speller<'_>) -> String {
    let place = Place { position: Position::Closed, carrier: Carrier::Text };
    speller.spell(parameter.ty.present(), &parameter.constraints, place)
}

/// What is sent: an interface; where the body's media type decides what it holds, that and a union.
fn asked(operation: &Operation, stem: &str, speller: &mut Speller<'_>) -> Vec<plan::Declaration> {
    let members = members(operation, speller);
    let body = operation.body.as_ref();
    let alternatives = body.map(|body| bodies::alternatives(body, speller)).unwrap_or_default();
    let (request, body) = (format!("{stem}Request"), format!("{stem}Body"));
    if alternatives.is_empty() {
        return vec![about(types::interface(&request, members), operation, "What", "sends")];
    }
    let forms = types::alternatives(&body, alternatives);
    let mut declarations = vec![about(forms, operation, "What the body of", "may be")];
    let mut whole = body;
    if !members.is_empty() {
        let parameters = format!("{stem}Parameters");
        whole = format!("{parameters} & {whole}");
        let parameters = types::interface(&parameters, members);
        declarations.push(about(parameters, operation, "What", "sends besides its body"));
    }
    declarations.push(about(types::inline(&request, whole), operation, "What", "sends"));
    declarations
}

/// The members of a request.
pub(super) fn members(operation: &Operation, speller: &mut Speller<'_>) -> Vec<plan::Member> {
    let mut members: Vec<plan::Member> = operation
        .parameters
        .iter()
        .map(|parameter| {
            let mark = if is_needed(operation, parameter) { "" } else { "?" };
            let made_up = descriptors::carries_key(operation, parameter)
                .then_some("Made up where it is left out.");
            let default = parameter.default.as_ref().filter(|_| !parameter.required);
            let default = default.and_then(default_value);
            let notes: Vec<&str> = made_up.into_iter().chain(default.as_deref()).collect();
            plan::Member {
                docs: doc_comment(parameter.description.as_deref(), &notes),
                key: format!("{}{mark}", parameter_key(parameter)),
                ty: parameter_type(parameter, speller),
            }
        })
        .collect();
    if let Some(body) = &operation.body {
        members.extend(bodies::members(body, speller));
    }
    members
}

/// The runtime makes an idempotency key up, so that even a required one can be left out.
pub(super) fn is_needed(operation: &Operation, parameter: &Parameter) -> bool {
    parameter.required && !descriptors::carries_key(operation, parameter)
}

fn failures(
    operation: &Operation,
    stem: &str,
    constant: &str,
    speller: &mut Speller<'_>,
) -> Option<plan::Declaration> {
    match &operation.errors {
        Errors::Problems(codes) if codes.is_empty() => None,
        Errors::Problems(_) => {
            let codes =
                types::inline(&format!("{stem}Problem"), format!("(typeof {constant})[number]"));
            Some(about(codes, operation, "Codes of the problems", "documents"))
        }
        Errors::Statuses(answers) if answers.is_empty() => None,
        Errors::Statuses(answers) => {
            let failed = union(&format!("{stem}Error"), answers, speller);
            Some(about(failed, operation, "How", "fails, as `isApiError` tells"))
        }
    }
}

fn problems(operation: &Operation, constant: String) -> Option<plan::Problems> {
    match &operation.errors {
        Errors::Problems(codes) if !codes.is_empty() => Some(plan::Problems {
            constant,
            codes: codes.iter().map(|code| literal(code)).collect(),
        }),
        Errors::Problems(_) | Errors::Statuses(_) => None,
    }
}

fn union(ident: &str, listed: &[Answer], speller: &mut Speller<'_>) -> plan::Declaration {
    let mut spelled: Vec<String> = Vec::new();
    for answer in listed {
        for alternative in answers::alternatives(answer, speller) {
            if !spelled.contains(&alternative) {
                spelled.push(alternative);
            }
        }
    }
    types::alternatives(ident, spelled)
}

fn about(
    declaration: plan::Declaration,
    operation: &Operation,
    what: &str,
    does: &str,
) -> plan::Declaration {
    let docs = doc_comment(Some(&format!("{what} `{}` {does}.", operation.id)), &[]);
    plan::Declaration { docs, ..declaration }
}
