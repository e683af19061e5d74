//! The enums of bodies that come in several forms.

use super::{is_nominal, plan};
use crate::emit::rust::{
    Position, REQUEST_BODY, Speller, answer_body, answer_ident, offer_ident, offer_type,
};
use crate::model::{Answer, Body, Errors, Offer, Operation, System};

/// The enums of an operation: of its request, then of its answers.
pub(super) fn plan(
    system: &System,
    operation: &Operation,
    speller: &mut Speller<'_>,
) -> Vec<plan::Body> {
    let mut planned = Vec::new();
    if let Some(body) = &operation.body {
        let doc = "The forms a request may have.".to_owned();
        planned.extend(one(system, body, REQUEST_BODY, doc, Position::Closed, speller));
    }
    for answer in answers(operation) {
        let Some(body) = &answer.body else { continue };
        let variant = answer_ident(answer.status);
        let ident = answer_body(&variant);
        let doc = format!("The forms that `{variant}` may have.");
        planned.extend(one(system, body, &ident, doc, Position::Open, speller));
    }
    planned
}

/// What derives fit a type that holds these bodies.
pub(super) fn derives<'a>(answers: impl IntoIterator<Item = &'a Answer>) -> &'static str {
    let mut bodies = answers.into_iter().filter_map(|answer| answer.body.as_ref());
    if bodies.any(Body::is_streamed) { "Debug" } else { "Debug, Clone, PartialEq" }
}

fn answers(operation: &Operation) -> impl Iterator<Item = &Answer> {
    let errors: &[Answer] = match &operation.errors {
        Errors::Statuses(answers) => answers,
        Errors::Problems(_) => &[],
    };
    operation.answers.iter().chain(errors)
}

fn one(
    system: &System,
    body: &Body,
    ident: &str,
    doc: String,
    position: Position,
    speller: &mut Speller<'_>,
) -> Option<plan::Body> {
    let variants = body.variants();
    if variants.len() < 2 {
        return None;
    }
    let mut planned: Vec<plan::BodyVariant> = variants
        .iter()
        .map(|group| {
            let media_types: Vec<String> = group
                .iter()
                .flat_map(|offer| &offer.media_types)
                .map(|media_type| format!("`{media_type}`"))
                .collect();
            plan::BodyVariant {
                ident: offer_ident(group[0]),
                doc: format!("{}.", media_types.join(", ")),
                ty: offer_type(group[0], position, speller),
                from: group[0].stream.is_none() && is_nominal(system, &group[0].ty),
            }
        })
        .collect();
    for (group, variant) in variants.iter().zip(&mut planned) {
        let same = |other: &&Vec<&Offer>| {
            other[0].stream == group[0].stream && system.are_same(&other[0].ty, &group[0].ty)
        };
        variant.from &= variants.iter().filter(same).count() == 1;
    }
    let derives = if body.is_streamed() { "Debug" } else { "Debug, Clone, PartialEq" };
    Some(plan::Body { ident: ident.to_owned(), doc, derives, variants: planned })
}
