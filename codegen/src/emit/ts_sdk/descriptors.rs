//! Operations as the constants the runtime works by.

use std::collections::BTreeSet;

use super::operations::parameter_key;
use super::pages::Pages;
use super::{answers, bodies, credentials, plan, servers};
use crate::emit::typescript::{Speller, literal, type_ident};
use crate::model::{Answer, Body, Errors, Location, Operation, Parameter, Style};

const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

/// Names of the constants of one operation.
pub(super) struct Constants {
    pub(super) descriptor: String,
    pub(super) problems: String,
}

/// The constant of an operation.
pub(super) fn plan(
    operation: &Operation,
    constants: &Constants,
    pages: Option<&Pages>,
    speller: &mut Speller<'_>,
) -> plan::Descriptor {
    let ty = if pages.is_some() { "Paged" } else { "Operation" };
    speller.runtime(ty);
    if pages.is_some() {
        speller.runtime("Listing");
    }
    let (errors, problems): (&[Answer], _) = match &operation.errors {
        Errors::Problems(codes) => (&[], !codes.is_empty()),
        Errors::Statuses(listed) => (listed, false),
    };
    let read = |listed: &[Answer]| -> Vec<plan::Answer> {
        listed.iter().map(|answer| answers::plan(answer, speller.system)).collect()
    };
    plan::Descriptor {
        constant: constants.descriptor.clone(),
        ty,
        arguments: arguments(operation, pages),
        id: literal(&operation.id),
        method: literal(&operation.method),
        path: literal(&operation.path),
        accept: accept(operation).map(|text| literal(&text)),
        idempotency: idempotency(operation),
        server: servers::own(operation),
        security: credentials::security(operation, speller.system),
        parameters: operation.parameters.iter().map(parameter).collect(),
        body: operation.body.as_ref().map(bodies::writing),
        responses: read(&operation.answers),
        errors: read(errors),
        problems: problems.then(|| constants.problems.clone()),
        paging: pages.map(|pages| pages.plan.clone()),
    }
}

/// Whether a parameter holds the idempotency key.
pub(super) fn carries_key(operation: &Operation, parameter: &Parameter) -> bool {
    operation.idempotency.is_some()
        && parameter.location == Location::Header
        && parameter.wire.eq_ignore_ascii_case(IDEMPOTENCY_KEY)
}

fn idempotency(operation: &Operation) -> Option<String> {
    operation.idempotency.as_ref()?;
    let declared = operation.parameters.iter().find(|found| carries_key(operation, found));
    Some(literal(declared.map_or(IDEMPOTENCY_KEY, |parameter| &parameter.wire)))
}

fn arguments(operation: &Operation, pages: Option<&Pages>) -> Vec<String> {
    let stem = type_ident(&operation.name);
    let mut arguments = vec![format!("{stem}Request"), format!("{stem}Response")];
    if let Some(pages) = pages {
        arguments.push(pages.item.clone());
        arguments.push(pages.cursor.clone());
    }
    let last = arguments.len() - 1;
    for argument in &mut arguments[..last] {
        argument.push(',');
    }
    arguments
}

/// The media types of all answers, where they are not just JSON and problem documents.
fn accept(operation: &Operation) -> Option<String> {
    let mut accepted: BTreeSet<&str> = BTreeSet::new();
    let errors: &[Answer] = match &operation.errors {
        Errors::Problems(_) => {
            accepted.insert(PROBLEM);
            &[]
        }
        Errors::Statuses(listed) => listed,
    };
    let answers = operation.answers.iter().chain(errors);
    let answered: Vec<&Body> = answers.filter_map(|answer| answer.body.as_ref()).collect();
    let best = answered.iter().flat_map(|body| &body.best().media_types);
    accepted.extend(best.map(String::as_str));
    let others = answered.iter().flat_map(|body| body.offers.iter().skip(1));
    let others: BTreeSet<&str> = others
        .flat_map(|offer| &offer.media_types)
        .map(String::as_str)
        .filter(|media_type| !accepted.contains(media_type))
        .collect();
    let usual = accepted.iter().all(|media_type| [JSON, PROBLEM].contains(media_type));
    let accepted = accepted.into_iter().map(str::to_owned);
    let others: Vec<String> = others.into_iter().map(|found| format!("{found};q=0.5")).collect();
    let unusual = !usual || !others.is_empty();
    unusual.then(|| accepted.chain(others).collect::<Vec<_>>().join(", "))
}

pub(super) fn parameter(parameter: &Parameter) -> plan::Parameter {
    let (location, usual) = match parameter.location {
        Location::Path => ("path", Style::Simple),
        Location::Query => ("query", Style::Form),
        Location::Header => ("header", Style::Simple),
        Location::Cookie => ("cookie", Style::Form),
    };
    let style = parameter.style.unwrap_or(usual);
    let is_spread = matches!(style, Style::Form | Style::Cookie);
    let explode = parameter.explode.filter(|explode| *explode != is_spread);
    plan::Parameter {
        location,
        wire: literal(&parameter.wire),
        key: parameter_key(parameter),
        style: (style != usual).then(|| style_name(style)),
        explode: explode.map(|explode| if explode { "true" } else { "false" }),
        reserved: parameter.allow_reserved,
    }
}

/// A style as OpenAPI names it; `json` for what has `content`.
pub(super) fn style_name(style: Style) -> &'static str {
    match style {
        Style::Simple => "simple",
        Style::Label => "label",
        Style::Matrix => "matrix",
        Style::Form => "form",
        Style::Cookie => "cookie",
        Style::SpaceDelimited => "spaceDelimited",
        Style::PipeDelimited => "pipeDelimited",
        Style::DeepObject => "deepObject",
        Style::Json => "json",
        Style::Whole => "whole",
    }
}
