//! Media types to the forms a body may have: one offer for all that share a schema and an encoding.

use serde_json::Value;

use super::media::{self, Media};
use super::streams;
use crate::model::{
    Body, BodyKind, Constraints, Name, Offer, Part, Scalar, Stream, Style, Type, unique_names,
};
use crate::resolve::Scope;
use crate::source::Cursor;

/// Which way a body travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// From the caller.
    Request,
    /// To the caller.
    Answer,
}

/// One media type with what stands under it.
struct Entry<'a> {
    media_type: &'a str,
    media: Media,
    at: Cursor<'a>,
    schema: Option<Cursor<'a>>,
}

/// The body that a `content` describes; none if it names no media type.
pub(super) fn resolve<'a>(
    scope: &mut Scope<'a>,
    content: &Cursor<'a>,
    name: &Name,
    side: Side,
) -> Option<Body> {
    let mut entries: Vec<Entry<'a>> = media_types(scope, content)
        .into_iter()
        .map(|(media_type, at)| entry(media_type, scope.follow(&at).unwrap_or(at)))
        .collect();
    entries.sort_by_key(|entry| (entry.media, media::rank(entry.media_type), entry.media_type));
    let mut groups: Vec<Vec<Entry<'a>>> = Vec::new();
    for entry in entries {
        match groups.iter_mut().find(|group| is_same(&group[0], &entry)) {
            Some(group) => group.push(entry),
            None => groups.push(vec![entry]),
        }
    }
    if side == Side::Answer {
        drop_renditions(&mut groups);
    }
    let labels: Vec<String> =
        groups.iter().map(|group| media::label(group[0].media, group[0].media_type)).collect();
    let labels = distinct(labels);
    let names = unique_names(labels.iter().map(String::as_str));
    let mut offers: Vec<Offer> = Vec::new();
    let mut known: Vec<(&Value, Type, Constraints)> = Vec::new();
    for (index, (group, label)) in groups.iter().zip(&labels).enumerate() {
        let label = &names[label.as_str()];
        let owner = if index == 0 { name.clone() } else { name.then(label) };
        let offer = offer(scope, group, label.clone(), &owner, side, &known);
        if let Some(schema) = &group[0].schema {
            known.push((schema.value, offer.ty.clone(), offer.constraints.clone()));
        }
        offers.push(offer);
    }
    (!offers.is_empty()).then_some(Body { required: true, offers })
}

/// The media types of a `content` with what stands under each. A key that is none is taken for the
/// one it means, unless that one is there already or the key describes nothing.
fn media_types<'a>(scope: &mut Scope<'a>, content: &Cursor<'a>) -> Vec<(&'a str, Cursor<'a>)> {
    let members = content.members().into_iter().filter(|(key, _)| !key.starts_with("x-"));
    let (mut found, strays): (Vec<_>, Vec<_>) =
        members.partition(|(key, _)| media::is_media_type(key));
    let mut left_out = None;
    for (key, at) in strays {
        let meant = media::meant(key, &at).or_else(|| found.is_empty().then(|| undescribed(&at)));
        match meant.filter(|meant| !found.iter().any(|(known, _)| media::essence(known) == *meant))
        {
            Some(meant) => {
                let why = format!("`{key}` is no media type: it is taken for `{meant}`");
                scope.defect(&at, why, "write the media type of the body here");
                found.push((meant, at));
            }
            None => left_out = left_out.or(Some((key, at))),
        }
    }
    if let Some((key, at)) = left_out {
        let why = format!("`{key}` is no media type: it is left out");
        scope.defect(
            &at,
            why,
            "take it out, or put it where it belongs: `content` has media types",
        );
    }
    found
}

/// What a body of which nothing is said may be; one that has examples is taken for what they are.
fn undescribed(at: &Cursor<'_>) -> &'static str {
    let has_examples = at.get("examples").or_else(|| at.get("example")).is_some();
    if has_examples { "application/json" } else { "*/*" }
}

/// Leaves out what an answer may be besides JSON of the same schema, in encodings that are carried
/// as they come: a server chooses what it answers, a client what it asks for, and JSON has it all.
/// A request may come in any of them.
fn drop_renditions<'a>(groups: &mut Vec<Vec<Entry<'a>>>) {
    let schema = |group: &[Entry<'a>]| group[0].schema.as_ref().map(|schema| schema.value);
    let json = groups.iter().filter(|group| group[0].media == Media::Json);
    let json: Vec<&'a Value> = json.filter_map(|group| schema(group)).collect();
    groups.retain(|group| match group[0].media {
        Media::Xml | Media::Parts | Media::Bytes | Media::Form | Media::Multipart => {
            !schema(group).is_some_and(|schema| json.contains(&schema))
        }
        Media::Json | Media::Text | Media::Lines | Media::Events => true,
    });
}

/// The offer that carries an offer's body as it comes.
pub(in crate::resolve) fn as_bytes(offer: &mut Offer) {
    offer.kind = BodyKind::Bytes;
    offer.ty = Type::Scalar(Scalar::Binary);
    offer.constraints = Constraints::default();
    offer.parts.clear();
}

fn entry<'a>(media_type: &'a str, at: Cursor<'a>) -> Entry<'a> {
    let schema = at.get("itemSchema").or_else(|| at.get("schema"));
    Entry { media: media::of(media_type, schema.as_ref()), media_type, at, schema }
}

/// Labels of which none is another.
fn distinct(labels: Vec<String>) -> Vec<String> {
    let mut distinct: Vec<String> = Vec::new();
    for label in labels {
        let numbered = (2..).map(|number| format!("{label}-{number}"));
        let free = std::iter::once(label.clone()).chain(numbered);
        distinct.extend(free.into_iter().find(|label| !distinct.contains(label)));
    }
    distinct
}

fn offer<'a>(
    scope: &mut Scope<'a>,
    group: &[Entry<'a>],
    name: Name,
    owner: &Name,
    side: Side,
    known: &[(&Value, Type, Constraints)],
) -> Offer {
    let first = &group[0];
    let text = || (Type::Scalar(Scalar::Text), Constraints::default());
    let mut stream = None;
    let mut kind = media::kind(first.media);
    let typed = |scope: &mut Scope<'a>| match &first.schema {
        Some(schema) => match known.iter().find(|(value, ..)| *value == schema.value) {
            Some((_, ty, constraints)) => (ty.clone(), constraints.clone()),
            None => scope.type_of(schema, owner),
        },
        None => {
            scope.untyped(&first.at, "it has no schema");
            (Type::Any, Constraints::default())
        }
    };
    let (ty, constraints) = match (first.media, side) {
        (Media::Json | Media::Form | Media::Multipart, _) => typed(scope),
        (Media::Events, Side::Answer) => {
            let (found, data) = streams::event(scope, first.schema.as_ref(), owner);
            stream = Some(found);
            data
        }
        (Media::Lines, Side::Answer) => {
            stream = Some(Stream::Lines);
            streams::line(scope, &first.at, first.schema.as_ref(), owner)
        }
        (Media::Lines, Side::Request) => {
            stream = Some(Stream::Collected);
            let (item, each) = streams::line(scope, &first.at, first.schema.as_ref(), owner);
            let each = (!each.is_empty()).then(|| Box::new(each));
            (Type::List(Box::new(item)), Constraints { each, ..Constraints::default() })
        }
        (Media::Events, Side::Request) => {
            scope.degrade(&first.at, "a body", "a stream of events is sent as one text");
            text()
        }
        (Media::Text, _) => match &first.schema {
            Some(schema) if media::is_text(schema) => {
                let (_, constraints) = scope.type_of(schema, owner);
                (Type::Scalar(Scalar::Text), constraints)
            }
            Some(_) | None => text(),
        },
        (Media::Xml, _) => text(),
        (Media::Parts, _) => {
            let part = Box::new(Type::Scalar(Scalar::Binary));
            (Type::List(part), Constraints::default())
        }
        (Media::Bytes, _) => (Type::Scalar(Scalar::Binary), Constraints::default()),
    };
    if stream.is_some() && ty == Type::Scalar(Scalar::Text) {
        kind = BodyKind::Text;
    }
    Offer {
        name,
        kind,
        media_types: group.iter().map(|entry| entry.media_type.to_owned()).collect(),
        ty,
        constraints,
        stream,
        parts: parts(scope, first.media, &first.at),
    }
}

/// What `encoding` says of the members of a form.
fn parts<'a>(scope: &mut Scope<'a>, media: Media, at: &Cursor<'a>) -> Vec<Part> {
    let members = at.get("encoding").map(|found| found.members()).unwrap_or_default();
    let properties = at.get("schema").and_then(|schema| schema.follow().ok()?.get("properties"));
    for (name, member) in &members {
        let schema = properties.as_ref().and_then(|properties| properties.get(name));
        if let Some(headers) = member.get("headers").filter(|_| media == Media::Multipart)
            && !schema.is_some_and(|schema| is_file(&schema))
        {
            let why = "parts that are no files have no headers of their own";
            scope.degrade(&headers, "an encoding", why);
        }
    }
    members
        .into_iter()
        .map(|(wire, at)| Part {
            wire: wire.to_owned(),
            media_types: at.text("contentType").map(listed).unwrap_or_default(),
            style: at.text("style").and_then(style),
            explode: at.value.get("explode").and_then(Value::as_bool),
        })
        .collect()
}

/// Whether a schema describes raw bytes, or a list of them.
fn is_file(schema: &Cursor<'_>) -> bool {
    let Ok(schema) = schema.follow() else { return false };
    let items = || schema.get("items").and_then(|items| items.follow().ok());
    let is_raw = |at: &Cursor<'_>| at.text("format") == Some("binary");
    is_raw(&schema) || items().is_some_and(|items| is_raw(&items))
}

fn listed(list: &str) -> Vec<String> {
    list.split(',').map(|media_type| media_type.trim().to_owned()).collect()
}

/// The style of a name of OpenAPI.
pub(super) fn style(text: &str) -> Option<Style> {
    match text {
        "simple" => Some(Style::Simple),
        "label" => Some(Style::Label),
        "matrix" => Some(Style::Matrix),
        "form" => Some(Style::Form),
        "spaceDelimited" => Some(Style::SpaceDelimited),
        "pipeDelimited" => Some(Style::PipeDelimited),
        "deepObject" => Some(Style::DeepObject),
        _ => None,
    }
}

/// Whether two media types hold the same: JSON of one schema under several names. Frameworks list
/// `text/plain` beside JSON of an object, and mean JSON.
fn is_same(left: &Entry<'_>, right: &Entry<'_>) -> bool {
    let same_schema = left.schema.as_ref().map(|schema| schema.value)
        == right.schema.as_ref().map(|schema| schema.value);
    let is_disguised = right.media == Media::Text
        && media::essence(right.media_type) == "text/plain"
        && right.schema.as_ref().is_some_and(|schema| !media::is_text(schema));
    let alike = match left.media {
        Media::Json => right.media == Media::Json || is_disguised,
        Media::Lines => right.media == Media::Lines,
        Media::Form
        | Media::Multipart
        | Media::Text
        | Media::Xml
        | Media::Parts
        | Media::Bytes
        | Media::Events => false,
    };
    alike && same_schema
}
