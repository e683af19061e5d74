//! Bodies: one type, or an enum of the forms a body may have.

use super::calls::part_descriptor;
use super::idents::{literal, variant_ident};
use super::layout::{arm, bracketed};
use super::types::{Position, Speller};
use crate::model::{Body, BodyKind, Offer, Part, Stream, Style};

/// The enum of a request's forms, in the module of its operation.
pub(crate) const REQUEST_BODY: &str = "Body";

/// The enum of the forms of the answer that is this variant.
pub(crate) fn answer_body(answer: &str) -> String {
    format!("{answer}Body")
}

/// The type of a body: that of all its forms, or the enum of this name.
pub(crate) fn body_type(
    body: &Body,
    ident: &str,
    position: Position,
    speller: &mut Speller<'_>,
) -> String {
    match body.variants().as_slice() {
        [single] => offer_type(single[0], position, speller),
        _ => ident.to_owned(),
    }
}

/// The type of what an offer holds.
pub(crate) fn offer_type(offer: &Offer, position: Position, speller: &mut Speller<'_>) -> String {
    let item = speller.spell(&offer.ty, position);
    match offer.stream {
        None | Some(Stream::Collected) => item,
        Some(Stream::Events | Stream::WholeEvents) => {
            format!("{}<{item}>", speller.name("symbolon_wire::Events"))
        }
        Some(Stream::Lines) => {
            format!("{}<{item}>", speller.name("symbolon_wire::Lines"))
        }
    }
}

/// The variant of an offer.
pub(crate) fn offer_ident(offer: &Offer) -> String {
    variant_ident(&offer.name)
}

/// `owner.offer(..)` behind `indent` columns: the media types of offers, to choose from.
pub(crate) fn choice(indent: usize, owner: &str, offers: &[&Offer]) -> String {
    let each: Vec<String> = offers
        .iter()
        .map(|offer| {
            let media_types: Vec<String> =
                offer.media_types.iter().map(|media_type| literal(media_type)).collect();
            format!("&[{}]", media_types.join(", "))
        })
        .collect();
    bracketed(indent, &format!("{owner}.offer(&["), &each, "])")
}

/// Every offer with the enum variant it is wrapped in: none where the body is of one type.
pub(crate) fn wrapped(body: &Body) -> Vec<(Option<String>, &Offer)> {
    let variants = body.variants();
    let is_plain = variants.len() == 1;
    let mut wrapped = Vec::new();
    for group in variants {
        let ident = (!is_plain).then(|| offer_ident(group[0]));
        wrapped.extend(group.into_iter().map(|offer| (ident.clone(), offer)));
    }
    wrapped
}

/// The method of the runtimes that reads or writes an offer of a request.
pub(crate) fn offer_method(offer: &Offer) -> &'static str {
    match (offer.kind, offer.stream) {
        (BodyKind::Json, Some(_)) => "lines",
        (BodyKind::Json, None) => "json",
        (BodyKind::Form, _) => "form",
        (BodyKind::Multipart, _) => "multipart",
        (BodyKind::Parts, _) => "parts",
        (BodyKind::Text, _) => "text",
        (BodyKind::Bytes, _) => "bytes",
    }
}

/// `pattern => match body { .. }` behind `indent` columns.
pub(crate) fn nested(indent: usize, pattern: &str, arms: &[(String, String)]) -> String {
    let pad = " ".repeat(indent);
    let mut text = format!("{pattern} => match body {{\n");
    for (pattern, value) in arms {
        text.push_str(&format!("{pad}    {}\n", arm(indent + 4, pattern, value)));
    }
    text.push_str(&format!("{pad}}},"));
    text
}

/// `match chosen { 0 => .., _ => .. }` behind `indent` columns; the last arm is for all the rest.
pub(crate) fn chosen(indent: usize, choice: &str, arms: Vec<String>) -> String {
    let pad = " ".repeat(indent);
    let last = arms.len().saturating_sub(1);
    let mut text = format!("match {choice} {{\n");
    for (index, value) in arms.into_iter().enumerate() {
        let pattern = if index == last { "_".to_owned() } else { index.to_string() };
        text.push_str(&format!("{pad}    {}\n", arm(indent + 4, &pattern, &value)));
    }
    text.push_str(&format!("{pad}}}"));
    text
}

/// The members of a multipart body that are one part each.
fn unspread(offer: &Offer) -> impl Iterator<Item = &Part> {
    offer.parts.iter().filter(|part| part.style != Some(Style::DeepObject))
}

/// The names of the members of a multipart body that are spread over parts of their own; none if
/// there are none.
pub(crate) fn spread_list(indent: usize, offer: &Offer) -> Option<String> {
    let is_spread = |part: &&Part| part.style == Some(Style::DeepObject);
    let parts = offer.parts.iter().filter(|_| offer.kind == BodyKind::Multipart);
    let names: Vec<String> = parts.filter(is_spread).map(|part| literal(&part.wire)).collect();
    (!names.is_empty()).then(|| bracketed(indent, "&[", &names, "]"))
}

/// What the contract says of the encoding of a form's members, behind `indent` columns: parameters
/// of a form, media types of parts. None where it says nothing that matters.
pub(crate) fn part_list(indent: usize, offer: &Offer) -> Option<String> {
    let parts: Vec<String> = match offer.kind {
        BodyKind::Form => offer.parts.iter().map(part_descriptor).collect(),
        BodyKind::Multipart => {
            let media_types = unspread(offer).filter_map(|part| {
                let media_type = part.media_types.first()?;
                Some(format!("({}, {})", literal(&part.wire), literal(media_type)))
            });
            media_types.collect()
        }
        BodyKind::Json | BodyKind::Text | BodyKind::Parts | BodyKind::Bytes => Vec::new(),
    };
    (!parts.is_empty()).then(|| bracketed(indent, "&[", &parts, "]"))
}
