//! Answers: the types of what comes back, and how the runtime reads it.

use super::{bodies, plan};
use crate::emit::typescript::{Carrier, Place, Position, Speller, literal, member_ident};
use crate::model::{Answer, Body, Constraints, Header, Name, Scalar, Shape, Status, System, Type};

/// Where everything in an answer stands.
pub(super) const ANSWERED: Place = Place { position: Position::Open, carrier: Carrier::Text };

/// An answer as types, one for each thing its body may be: its status, its headers and its body.
pub(super) fn alternatives(answer: &Answer, speller: &mut Speller<'_>) -> Vec<String> {
    let status = match answer.status {
        Status::Code(code) => format!("status: {code}"),
        Status::Range(_) | Status::Default => "status: number".to_owned(),
    };
    let mut found = whole(vec![status], &answer.headers, answer.body.as_ref(), "", speller);
    if answer.status == Status::NOT_MODIFIED {
        // Who has not asked by a version need not look at the status to reach the body.
        found.iter_mut().for_each(|it| it.insert_str(it.len() - 2, "; body?: undefined"));
    }
    found
}

/// What a webhook brings as types, one for each thing its body may be.
pub(super) fn brought(
    headers: &[Header],
    body: Option<&Body>,
    speller: &mut Speller<'_>,
) -> Vec<String> {
    let mark = if body.is_some_and(|body| !body.required) { "?" } else { "" };
    whole(Vec::new(), headers, body, mark, speller)
}

fn whole(
    mut members: Vec<String>,
    headers: &[Header],
    body: Option<&Body>,
    mark: &str,
    speller: &mut Speller<'_>,
) -> Vec<String> {
    for header in headers {
        let mark = if header.required { "" } else { "?" };
        let ty = header_type(header, speller);
        members.push(format!("{}{mark}: {ty}", header_key(&header.name)));
    }
    let Some(body) = body else {
        return vec![match members.is_empty() {
            true => "object".to_owned(),
            false => format!("{{ {} }}", members.join("; ")),
        }];
    };
    let of = |(told, ty): (Option<String>, String)| {
        let told = told.map(|told| format!("contentType: {told}"));
        let all = members.iter().cloned().chain(told).chain([format!("body{mark}: {ty}")]);
        format!("{{ {} }}", all.collect::<Vec<_>>().join("; "))
    };
    bodies::answered(body, speller).into_iter().map(of).collect()
}

/// A header as the runtime reads it.
pub(super) fn header_entry(header: &Header, system: &System) -> String {
    let mut members = vec![
        format!("name: {}", literal(&header.wire)),
        format!("key: '{}'", header_key(&header.name)),
    ];
    members.extend(header_conversion(header, system).map(|ty| format!("type: '{ty}'")));
    if header.required {
        members.push("required: true".to_owned());
    }
    format!("{{ {} }}", members.join(", "))
}

/// An answer as the runtime reads it.
pub(super) fn plan(answer: &Answer, system: &System) -> plan::Answer {
    let body = answer.body.as_ref().map(|body| bodies::reading(body, system));
    let headers: Vec<plan::Header> = answer
        .headers
        .iter()
        .enumerate()
        .map(|(index, header)| plan::Header {
            wire: literal(&header.wire),
            key: header_key(&header.name),
            ty: header_conversion(header, system),
            required: header.required,
            comma: if index + 1 < answer.headers.len() { ", " } else { "" },
        })
        .collect();
    let bare = headers.is_empty().then(|| match &body {
        Some(kind) => format!("{{ body: {kind} }}"),
        None => "{}".to_owned(),
    });
    let status = match answer.status {
        Status::Code(code) => code.to_string(),
        Status::Range(hundred) => format!("'{hundred}XX'"),
        Status::Default => "default".to_owned(),
    };
    plan::Answer { status, bare, body, headers }
}

/// `body`, its type and `status` are members of their own.
pub(super) fn header_key(name: &Name) -> String {
    let key = member_ident(name);
    if ["body", "contentType", "status"].contains(&key.as_str()) { format!("{key}_") } else { key }
}

/// The type of a header: text, unless the runtime makes something else of it.
fn header_type(header: &Header, speller: &mut Speller<'_>) -> String {
    match header_conversion(header, speller.system) {
        Some("json") => speller.spell(header.ty.present(), &Constraints::default(), ANSWERED),
        Some("list" | "values") => "string[]".to_owned(),
        Some(converted) => converted.to_owned(),
        None => match header.ty.present() {
            Type::Named(id) => match &speller.system.definition(id).shape {
                Shape::Enumeration(_) => {
                    speller.spell(header.ty.present(), &Constraints::default(), ANSWERED)
                }
                Shape::Object(_) | Shape::Union(_) | Shape::Alias(..) => "string".to_owned(),
            },
            Type::Scalar(_)
            | Type::List(_)
            | Type::Map(_)
            | Type::Tuple(_)
            | Type::Nullable(_)
            | Type::Problem
            | Type::Any => "string".to_owned(),
        },
    }
}

fn header_conversion(header: &Header, system: &System) -> Option<&'static str> {
    match header.style {
        Some(_) => Some("json"),
        None => match conversion(&header.ty, system) {
            Some("list") if header.explode == Some(true) => Some("values"),
            other => other,
        },
    }
}

fn conversion(ty: &Type, system: &System) -> Option<&'static str> {
    match ty.present() {
        Type::Scalar(scalar) => match scalar {
            Scalar::Boolean => Some("boolean"),
            Scalar::Int8
            | Scalar::Int16
            | Scalar::Int32
            | Scalar::Int64
            | Scalar::Uint8
            | Scalar::Uint16
            | Scalar::Uint32
            | Scalar::Uint64
            | Scalar::Float
            | Scalar::Double => Some("number"),
            Scalar::Null
            | Scalar::Text
            | Scalar::DateTime
            | Scalar::Date
            | Scalar::Uuid
            | Scalar::Decimal
            | Scalar::Base64
            | Scalar::Binary => None,
        },
        Type::List(_) | Type::Tuple(_) => Some("list"),
        Type::Named(id) => match &system.definition(id).shape {
            Shape::Alias(inner, _) => conversion(inner, system),
            Shape::Object(_) | Shape::Enumeration(_) | Shape::Union(_) => None,
        },
        Type::Map(_) | Type::Nullable(_) | Type::Problem | Type::Any => None,
    }
}
