//! What callers are told, as constants the runtime reads requests by.

use std::collections::BTreeSet;

use super::{answers, bodies, context_file, free, operations, plan, types};
use crate::emit::typescript::{Speller, doc_comment, function_ident, literal, type_ident};
use crate::model::{
    Answer, Context, Errors, Header, Location, Operation, Parameter, Style, System,
};

/// The file of a system's webhooks or callbacks.
pub(super) fn plan(
    system: &System,
    context: &Context,
    heading: plan::Heading,
    mut speller: Speller<'_>,
) -> plan::Webhooks {
    speller.runtime("Webhook");
    let mut taken: BTreeSet<String> =
        context.operations.iter().map(|operation| type_ident(&operation.name)).collect();
    let mut webhooks = Vec::new();
    for operation in &context.operations {
        webhooks.push(one(system, operation, &mut taken, &mut speller));
    }
    let names_types = speller.names_types();
    plan::Webhooks { heading, webhooks, names_types, imports: speller.into_imports() }
}

/// The file of a context of webhooks, without its ending.
pub(super) fn file(system: &System, context: &Context) -> String {
    let mut taken = system.contexts.iter().map(context_file).collect();
    free(&mut taken, context_file(context))
}

fn one(
    system: &System,
    operation: &Operation,
    taken: &mut BTreeSet<String>,
    speller: &mut Speller<'_>,
) -> plan::Webhook {
    let stem = type_ident(&operation.name);
    let parameters = |location| {
        let found = operation.parameters.iter().filter(move |found| found.location == location);
        found.map(header).collect::<Vec<Header>>()
    };
    let (headers, query) = (parameters(Location::Header), parameters(Location::Query));
    let told: Vec<Header> = headers.iter().chain(&query).cloned().collect();
    let listed = |headers: &[Header]| -> Vec<String> {
        headers.iter().map(|header| answers::header_entry(header, system)).collect()
    };
    let about = |does: &str| doc_comment(Some(&format!("{does} `{}`.", operation.id)), &[]);
    let brings = answers::brought(&told, operation.body.as_ref(), speller);
    let brings =
        plan::Declaration { docs: about("What comes with"), ..types::alternatives(&stem, brings) };
    let errors: &[Answer] = match &operation.errors {
        Errors::Statuses(answers) => answers,
        Errors::Problems(_) => &[],
    };
    let documented = operation.answers.iter().chain(errors);
    let mut answered: Vec<String> = Vec::new();
    for alternative in documented.flat_map(|answer| answers::alternatives(answer, speller)) {
        if !answered.contains(&alternative) {
            answered.push(alternative);
        }
    }
    let answer = (!answered.is_empty()).then(|| plan::Declaration {
        docs: about("How to answer"),
        ..types::alternatives(&free(taken, format!("{stem}Answer")), answered)
    });
    plan::Webhook {
        docs: operations::docs(operation),
        declarations: [Some(brings), answer].into_iter().flatten().collect(),
        constant: function_ident(&operation.name),
        stem,
        id: literal(&operation.id),
        body: operation.body.as_ref().map(|body| bodies::reading(body, system)),
        optional: operation.body.as_ref().is_some_and(|body| !body.required),
        headers: listed(&headers).join(", "),
        query: listed(&query).join(", "),
    }
}

/// A parameter as the runtime reads headers.
fn header(parameter: &Parameter) -> Header {
    Header {
        wire: parameter.wire.clone(),
        name: parameter.name.clone(),
        required: parameter.required,
        style: parameter.style.filter(|style| *style == Style::Json),
        explode: (parameter.location == Location::Query).then(|| parameter.explode != Some(false)),
        ty: parameter.ty.clone(),
    }
}
