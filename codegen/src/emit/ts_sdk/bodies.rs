//! Bodies: their types, and how the runtime writes and reads them.

use super::answers::ANSWERED;
use super::descriptors::style_name;
use super::plan;
use crate::emit::typescript::{
    Carrier, Place, Position, Speller, doc_comment, literal, property_key,
};
use crate::model::{Body, BodyKind, Offer, Stream, Style, System, form};

/// The members of a request that hold its body: with its media type, where that is a choice.
pub(super) fn members(body: &Body, speller: &mut Speller<'_>) -> Vec<plan::Member> {
    let mark = if body.required { "" } else { "?" };
    let variants = body.variants();
    let [single] = variants.as_slice() else { return Vec::new() };
    let ty = sent_type(single[0], speller);
    let member = |key: String, ty: String, docs: Vec<String>| plan::Member { docs, key, ty };
    let mut members = vec![member(format!("body{mark}"), ty, Vec::new())];
    if single.len() > 1 {
        let about = format!("Media type of the body: `{}` if left out.", single[0].media_type());
        let docs = doc_comment(Some(&about), &[]);
        members.push(member("contentType?".to_owned(), content_types(single), docs));
    }
    members
}

/// The alternatives of a body whose forms hold different things; none if they all hold the same.
pub(super) fn alternatives(body: &Body, speller: &mut Speller<'_>) -> Vec<String> {
    let variants = body.variants();
    if variants.len() < 2 {
        return Vec::new();
    }
    let mut alternatives: Vec<String> = Vec::new();
    for (index, group) in variants.iter().enumerate() {
        let mark = if index == 0 { "?" } else { "" };
        let ty = sent_type(group[0], speller);
        alternatives.push(format!("{{ body: {ty}; contentType{mark}: {} }}", content_types(group)));
    }
    if !body.required {
        alternatives.push("{ body?: undefined; contentType?: undefined }".to_owned());
    }
    alternatives
}

/// A request body as the runtime writes it: one form, or a list to choose from.
pub(super) fn writing(body: &Body) -> String {
    if let [single] = body.offers.as_slice() {
        return form(single, usual(single) != Some(single.media_type()));
    }
    let forms: Vec<String> =
        body.offers.iter().map(|offer| format!("    {},\n", form(offer, true))).collect();
    format!("[\n{}  ]", forms.concat())
}

/// An answer's body as the runtime reads it: one kind, or a list to choose from.
pub(super) fn reading(body: &Body, system: &System) -> String {
    if let [single] = body.offers.as_slice() {
        return match fields(single, system) {
            Some(members) => format!("{{ kind: '{}'{members} }}", read_kind(single, system)),
            None => format!("'{}'", read_kind(single, system)),
        };
    }
    let forms: Vec<String> = body
        .offers
        .iter()
        .map(|offer| {
            let media_types: Vec<String> =
                offer.media_types.iter().map(|media_type| literal(media_type)).collect();
            let media_types = media_types.join(", ");
            let members = fields(offer, system).unwrap_or_default();
            let kind = read_kind(offer, system);
            format!("{{ kind: '{kind}', mediaTypes: [{media_types}]{members} }}")
        })
        .collect();
    format!("[\n      {},\n    ]", forms.join(",\n      "))
}

/// What an answer holds in each of its forms: its media types, where there are several forms, and
/// its type.
pub(super) fn answered(body: &Body, speller: &mut Speller<'_>) -> Vec<(Option<String>, String)> {
    let is_plain = body.offers.len() == 1;
    let variants = body.variants();
    let of = |group: &Vec<&Offer>| {
        let told = (!is_plain).then(|| {
            let media_types = group.iter().flat_map(|offer| &offer.media_types);
            alternatives_of(media_types.map(String::as_str))
        });
        (told, answered_type(group[0], speller))
    };
    variants.iter().map(of).collect()
}

fn answered_type(offer: &Offer, speller: &mut Speller<'_>) -> String {
    match (offer.stream, offer.kind) {
        (Some(Stream::Events | Stream::WholeEvents), _) => {
            let event = speller.runtime("ServerEvent");
            let data = speller.spell(&offer.ty, &offer.constraints, ANSWERED);
            format!("AsyncIterable<{event}<{data}>>")
        }
        (Some(Stream::Lines), _) => {
            let item = speller.spell(&offer.ty, &offer.constraints, ANSWERED);
            format!("AsyncIterable<{item}>")
        }
        (None | Some(Stream::Collected), BodyKind::Json) => {
            speller.spell(&offer.ty, &offer.constraints, ANSWERED)
        }
        (_, BodyKind::Text) => "string".to_owned(),
        (_, BodyKind::Parts) => format!("{}[]", speller.runtime("Part")),
        (_, BodyKind::Form | BodyKind::Multipart) if fields(offer, speller.system).is_some() => {
            let carrier = match offer.kind {
                BodyKind::Multipart => Carrier::Raw,
                BodyKind::Json
                | BodyKind::Form
                | BodyKind::Parts
                | BodyKind::Text
                | BodyKind::Bytes => Carrier::Text,
            };
            speller.spell(&offer.ty, &offer.constraints, Place { carrier, ..ANSWERED })
        }
        (_, BodyKind::Form | BodyKind::Multipart | BodyKind::Bytes) => {
            "Uint8Array<ArrayBuffer>".to_owned()
        }
    }
}

fn sent_type(offer: &Offer, speller: &mut Speller<'_>) -> String {
    let carrier = match offer.kind {
        BodyKind::Json | BodyKind::Form | BodyKind::Text => Carrier::Text,
        BodyKind::Multipart | BodyKind::Parts | BodyKind::Bytes => Carrier::Raw,
    };
    let place = Place { position: Position::Closed, carrier };
    speller.spell(&offer.ty, &offer.constraints, place)
}

fn content_types(group: &[&Offer]) -> String {
    alternatives_of(group.iter().map(|offer| match offer.media_types.first() {
        Some(range) if range.contains('*') => range,
        _ => offer.media_type(),
    }))
}

/// A range may be any text, so that nothing else tells it apart.
fn alternatives_of<'a>(media_types: impl Iterator<Item = &'a str>) -> String {
    let listed: Vec<&str> = media_types.collect();
    if listed.iter().any(|media_type| media_type.contains('*')) {
        return "string".to_owned();
    }
    listed.into_iter().map(literal).collect::<Vec<_>>().join(" | ")
}

fn form(offer: &Offer, says_media_type: bool) -> String {
    let kind = match (offer.stream, offer.kind) {
        (Some(_), _) => "lines",
        (None, BodyKind::Json) => "json",
        (None, BodyKind::Form) => "form",
        (None, BodyKind::Multipart) => "multipart",
        (None, BodyKind::Text) => "text",
        (None, BodyKind::Parts) => "parts",
        (None, BodyKind::Bytes) => "bytes",
    };
    let mut members = vec![format!("kind: '{kind}'")];
    if says_media_type {
        members.push(format!("mediaType: {}", literal(offer.media_type())));
    }
    members.extend(parts(offer));
    members.extend(spread(offer));
    format!("{{ {} }}", members.join(", "))
}

/// The members of a multipart body that are spread over parts of their own.
fn spread(offer: &Offer) -> Option<String> {
    let parts = offer.parts.iter().filter(|_| offer.kind == BodyKind::Multipart);
    let spread = parts.filter(|part| part.style == Some(Style::DeepObject));
    let names: Vec<String> = spread.map(|part| literal(&part.wire)).collect();
    (!names.is_empty()).then(|| format!("spread: [{}]", names.join(", ")))
}

/// What the contract says of the encoding of a form's members.
fn parts(offer: &Offer) -> Option<String> {
    let (name, members): (&str, Vec<String>) = match offer.kind {
        BodyKind::Multipart => {
            let parts = offer.parts.iter();
            let whole = parts.filter(|part| part.style != Some(Style::DeepObject));
            let media_types = whole.filter_map(|part| {
                let media_type = literal(part.media_types.first()?);
                Some(format!("{}: {media_type}", property_key(&part.wire)))
            });
            ("parts", media_types.collect())
        }
        BodyKind::Form => {
            let styles = offer.parts.iter().map(|part| {
                let style = part.style.map(|style| format!("style: '{}'", style_name(style)));
                let explode = part.explode.map(|explode| format!("explode: {explode}"));
                let said: Vec<String> = [style, explode].into_iter().flatten().collect();
                format!("{}: {{ {} }}", property_key(&part.wire), said.join(", "))
            });
            ("styles", styles.collect())
        }
        BodyKind::Json | BodyKind::Text | BodyKind::Parts | BodyKind::Bytes => {
            ("parts", Vec::new())
        }
    };
    (!members.is_empty()).then(|| format!("{name}: {{ {} }}", members.join(", ")))
}

fn usual(offer: &Offer) -> Option<&'static str> {
    match (offer.stream, offer.kind) {
        (Some(_), _) => None,
        (None, BodyKind::Json) => Some("application/json"),
        (None, BodyKind::Form) => Some("application/x-www-form-urlencoded"),
        (None, BodyKind::Multipart) => Some("multipart/form-data"),
        (None, BodyKind::Text) => Some("text/plain"),
        (None, BodyKind::Parts) => Some("multipart/mixed"),
        (None, BodyKind::Bytes) => Some("application/octet-stream"),
    }
}

/// The members of a form that the runtime reads, where they are not text; nothing for what is no
/// form, or none whose members it can tell.
fn fields(offer: &Offer, system: &System) -> Option<String> {
    if !matches!(offer.kind, BodyKind::Form | BodyKind::Multipart) {
        return None;
    }
    let members = form::members(&system.types, offer)?;
    let told = members.iter().filter(|member| member.is_list || member.value != form::Value::Text);
    let told = told.map(|member| {
        let value = match member.value {
            form::Value::Text => "text",
            form::Value::Number => "number",
            form::Value::Boolean => "boolean",
            form::Value::Json => "json",
            form::Value::File => "file",
        };
        let list = if member.is_list { "[]" } else { "" };
        format!("{}: '{value}{list}'", property_key(&member.wire))
    });
    let told: Vec<String> = told.collect();
    Some(if told.is_empty() {
        String::new()
    } else {
        format!(", members: {{ {} }}", told.join(", "))
    })
}

fn read_kind(offer: &Offer, system: &System) -> &'static str {
    match (offer.stream, offer.kind) {
        (Some(Stream::Events), BodyKind::Text) => "textEvents",
        (Some(Stream::Events), _) => "events",
        (Some(Stream::WholeEvents), _) => "wholeEvents",
        (Some(Stream::Lines), _) => "lines",
        (None | Some(Stream::Collected), BodyKind::Json) => "json",
        (None | Some(Stream::Collected), BodyKind::Text) => "text",
        (_, BodyKind::Parts) => "parts",
        (_, BodyKind::Form) if fields(offer, system).is_some() => "form",
        (_, BodyKind::Multipart) if fields(offer, system).is_some() => "multipart",
        (_, BodyKind::Form | BodyKind::Multipart | BodyKind::Bytes) => "bytes",
    }
}
