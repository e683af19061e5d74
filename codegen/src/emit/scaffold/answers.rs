//! Answers as expressions: the variant that documents the status, and the example it holds.

use std::collections::BTreeSet;

use serde_json::Value;

use super::plan;
use crate::emit::rust::{
    answer_body, answer_ident, braced, header_ident, literal, variant_ident, wrapped,
};
use crate::model::{
    Answer, Body, BodyKind, Errors, Exchange, Operation, Origin, Scalar, Stream, System, Type,
};

/// Columns that a text in place may have.
const IN_PLACE: usize = 56;

/// What the expressions of one file use.
#[derive(Debug, Default)]
pub(super) struct Used {
    /// From the wire module of the operation.
    pub(super) wire: BTreeSet<String>,
    /// From `symbolon_server`.
    pub(super) server: BTreeSet<&'static str>,
    /// From the service's own `example`.
    pub(super) example: BTreeSet<&'static str>,
    /// Long texts, as constants.
    pub(super) texts: Vec<plan::Text>,
}

/// The answer of an exchange; none if the model has no place for it.
pub(super) fn answer(
    system: &System,
    operation: &Operation,
    exchange: &Exchange,
    used: &mut Used,
) -> Option<plan::Answer> {
    let comment = match (exchange.origin, &exchange.name) {
        (Origin::Shown, Some(_)) => String::new(),
        (Origin::Shown, None) => "What the contract shows.".to_owned(),
        (Origin::Made, _) => "Made up: the contract shows nothing that its schema accepts.".into(),
        (Origin::Unfit, _) => "Made up, though the schema accepts nothing of the kind.".into(),
    };
    let of = |answers: &[Answer]| answers.iter().find(|it| it.status == exchange.status).cloned();
    if let Some(found) = of(&operation.answers) {
        let value = variant("Response", &found, exchange, used)?;
        used.wire.insert("Response".to_owned());
        return Some(plan::Answer { comment, value: format!("Ok({value})"), is_success: true });
    }
    let value = match &operation.errors {
        Errors::Statuses(answers) => variant("Error", &of(answers)?, exchange, used)?,
        Errors::Problems(codes) => {
            let value = exchange.answer.as_ref()?.1.first()?;
            let told = value.get("code").and_then(Value::as_str);
            let of_status = |code: &&String| {
                system.problems.get(*code).is_some_and(|kind| kind.status == exchange.code)
            };
            let code = codes.iter().find(|code| Some(code.as_str()) == told);
            let kind = system.problems.get(code.or_else(|| codes.iter().find(of_status))?)?;
            let value = text(exchange, "ANSWER", value, used);
            used.example.insert("example");
            format!("Error::{}(example({value})?)", variant_ident(&kind.name))
        }
    };
    used.wire.insert("Error".to_owned());
    Some(plan::Answer { comment, value: format!("Err({value}.into())"), is_success: false })
}

/// What stands where the model has no place for an answer.
pub(super) fn unwritten(operation: &Operation, used: &mut Used) -> plan::Answer {
    used.server.insert("Failure");
    let told = literal(&format!("nobody has written {}", operation.id));
    plan::Answer {
        comment: "The contract documents no answer that could be shown.".to_owned(),
        value: format!("Err(Failure::message({told}).into())"),
        is_success: false,
    }
}

fn variant(owner: &str, answer: &Answer, exchange: &Exchange, used: &mut Used) -> Option<String> {
    let ident = answer_ident(answer.status);
    let mut fields = Vec::new();
    if !matches!(answer.status, crate::model::Status::Code(_)) {
        fields.push(format!("status: {}", exchange.code));
    }
    for header in &answer.headers {
        let found = exchange.headers.iter().find(|(name, _)| *name == header.wire);
        let value = match found {
            Some((_, value)) => {
                used.example.insert("example");
                format!("example({})?", text(exchange, "HEADER", value, used))
            }
            None if header.required => return None,
            None => "None".to_owned(),
        };
        fields.push(format!("{}: {value}", header_ident(&header.name)));
    }
    if let Some(body) = &answer.body {
        fields.push(format!("body: {}", self::body(body, &answer_body(&ident), exchange, used)?));
    }
    Some(braced(8, &format!("{owner}::{ident}"), &fields, ""))
}

fn body(body: &Body, owner: &str, exchange: &Exchange, used: &mut Used) -> Option<String> {
    let (media_type, values) = exchange.answer.as_ref()?;
    let offers = wrapped(body);
    let fits = |offered: &String| offered.eq_ignore_ascii_case(media_type);
    let found = offers.iter().find(|(_, offer)| offer.media_types.iter().any(fits));
    let (variant, offer) = found.or(offers.first())?;
    let first = values.first().cloned().unwrap_or_default();
    let decoded = |function: &'static str, value: &Value, used: &mut Used| {
        used.example.insert(function);
        format!("{function}({})?", text(exchange, "ANSWER", value, used))
    };
    let value = match (offer.stream, offer.kind, &offer.ty) {
        (Some(Stream::Events), ..) => decoded("events", &values.clone().into(), used),
        (Some(Stream::Lines), ..) => decoded("lines", &values.clone().into(), used),
        (Some(Stream::WholeEvents), ..) | (None, BodyKind::Parts, _) => return None,
        (Some(Stream::Collected), ..) => decoded("example", &values.clone().into(), used),
        (None, _, Type::Scalar(Scalar::Binary)) => {
            used.example.insert("bytes");
            format!("bytes({})", literal(&plain(&first)))
        }
        (None, BodyKind::Text | BodyKind::Bytes, Type::Scalar(Scalar::Text)) => {
            decoded("example", &Value::from(plain(&first)), used)
        }
        (None, ..) => decoded("example", &first, used),
    };
    Some(match variant {
        Some(variant) => {
            used.wire.insert(owner.to_owned());
            format!("{owner}::{variant}({value})")
        }
        None => value,
    })
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A value as JSON in a string literal, in place or as a constant.
pub(super) fn text(exchange: &Exchange, role: &str, value: &Value, used: &mut Used) -> String {
    let short = value.to_string();
    if short.chars().count() <= IN_PLACE {
        return raw(&short);
    }
    let long = raw(&serde_json::to_string_pretty(value).unwrap_or(short));
    if let Some(known) = used.texts.iter().find(|known| known.literal == long) {
        return known.ident.clone();
    }
    let name = exchange.name.as_deref().map(|name| crate::model::Name::new(name).ascii());
    let words = name.map(|name| name.words().join("_").to_uppercase());
    let wanted = words.map_or_else(|| role.to_owned(), |words| format!("{words}_{role}"));
    let is_free = |ident: &String| used.texts.iter().all(|known| known.ident != *ident);
    let numbered = (2..).map(|number| format!("{wanted}_{number}"));
    let ident = std::iter::once(wanted.clone())
        .chain(numbered)
        .find(is_free)
        .expect("numbers do not run out");
    used.texts.push(plan::Text { ident: ident.clone(), literal: long });
    ident
}

/// A raw string literal with as many signs around it as the text needs.
fn raw(text: &str) -> String {
    if !text.contains(['"', '\\']) {
        return format!("\"{text}\"");
    }
    let signs = (0..)
        .map(|count| "#".repeat(count))
        .find(|signs| !text.contains(&format!("\"{signs}")))
        .expect("no text holds every number of signs");
    format!("r{signs}\"{text}\"{signs}")
}
