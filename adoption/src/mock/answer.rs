//! The answer to one request: picked, negotiated, and written in its media type.

use http::HeaderName;
use serde_json::Value;
use symbolon_server::{Input, ProblemKind, Rejected, Reply};
use symbolon_wire::Problem;

use super::emitted::Emitted;
use super::pick::{self, Pick};
use super::preference::Preference;
use super::{body, negotiation, request};
use crate::contract::{Media, Operation, Response, plain};
use crate::sample::sample;

/// How many events or lines are made up for a stream that shows none.
const STREAMED: u64 = 3;

const NOT_ACCEPTABLE: ProblemKind = ProblemKind {
    code: "not-acceptable",
    status: 406,
    title: "The operation answers in no media type that is accepted",
    type_: "",
};

/// Headers that the edge or the connection writes.
const WRITTEN_ELSEWHERE: [&str; 5] =
    ["content-type", "content-length", "transfer-encoding", "connection", "x-correlation-id"];

/// Answers one request as the contract shows.
pub(super) fn answer(
    operation: &Operation,
    input: &mut Input,
    seed: u64,
    emitted: &Emitted,
) -> Result<Reply, Rejected> {
    let received = request::read(operation, input)?;
    let preference = Preference::read(input.header("prefer"));
    let pick = pick::pick(operation, &received, &preference, input)?;
    let seed = operation
        .id
        .bytes()
        .fold(seed, |seed, byte| (seed ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let Some(response) = pick.response else { return Ok(Reply::empty(pick.code)) };
    let media = negotiation::wanted(&response.content, input.header("accept"));
    // A refusal is told in whatever media type there is (RFC 9110, 15.5.7).
    let media = media.or_else(|| response.content.first().filter(|_| pick.code >= 400));
    let reply = match media {
        Some(media) => written(media, &pick, &preference, seed),
        None if response.content.is_empty() => Reply::empty(pick.code),
        None => return Ok(not_acceptable(response)),
    };
    if pick.code < 300 {
        emitted.publish(&operation.emits, input.header("x-correlation-id"));
    }
    Ok(headers(response, seed)
        .into_iter()
        .fold(reply, |reply, (name, text)| reply.literal(name, &text)))
}

fn not_acceptable(response: &Response) -> Reply {
    let names: Vec<&str> = response.content.iter().map(|media| media.name).collect();
    let detail = format!("the operation answers in {}", names.join(", "));
    Reply::problem(&NOT_ACCEPTABLE, Problem::new(detail))
}

fn written(media: &Media, pick: &Pick<'_>, preference: &Preference, seed: u64) -> Reply {
    let values = values(media, pick, preference, seed);
    if media.is_event_stream() {
        return Reply::bytes(pick.code, media.name, body::events(&values));
    }
    if media.is_json_lines() {
        return Reply::bytes(pick.code, media.name, body::lines(&values));
    }
    let value = values.into_iter().next().unwrap_or_default();
    if matches!(pick.code, 204 | 205 | 304) {
        return Reply::empty(pick.code);
    }
    let media_type = body::media_type(media, &value);
    Reply::bytes(pick.code, &media_type, body::bytes(&media_type, &value))
}

/// What to send: of a stream every element, else one value.
pub(super) fn values(
    media: &Media,
    pick: &Pick<'_>,
    preference: &Preference,
    seed: u64,
) -> Vec<Value> {
    let is_stream = media.is_event_stream() || media.is_json_lines();
    let of_media = |name: &str| media.examples.iter().find(|example| example.name == name);
    let certain = pick.example.and_then(|example| of_media(example.name));
    let shown: Vec<&Value> = match certain {
        _ if preference.is_dynamic => Vec::new(),
        Some(example) if !is_stream || preference.example.is_some() => vec![example.value],
        Some(_) | None => media.examples.iter().map(|example| example.value).collect(),
    };
    if is_stream && !shown.is_empty() {
        let elements = shown.into_iter().flat_map(|value| match value {
            Value::Array(items) => items.clone(),
            _ => vec![value.clone()],
        });
        return elements.collect();
    }
    if let Some(first) = shown.first() {
        return vec![(*first).clone()];
    }
    let Some(schema) = &media.schema else { return vec![Value::from("")] };
    let count = if is_stream { STREAMED } else { 1 };
    let made = (0..count).map(|number| sample(schema, seed.wrapping_add(number)).value);
    let made: Vec<Value> = made.collect();
    match made.as_slice() {
        [Value::Array(items), ..] if is_stream && !media.is_of_items => items.clone(),
        _ => made,
    }
}

/// The headers that the contract shows, and those that every such response has.
pub(super) fn header_values(response: &Response, seed: u64) -> Vec<(&'static str, Value)> {
    let wanted = response.headers.iter().filter(|header| {
        !WRITTEN_ELSEWHERE.iter().any(|other| header.name.eq_ignore_ascii_case(other))
    });
    let given = wanted.filter_map(|header| {
        let shown = header.examples.first().map(|example| example.value.clone());
        let schema = header.schema.as_ref();
        let own = || {
            let value = schema?.value();
            value.get("example").or_else(|| value.get("examples")?.get(0)).cloned()
        };
        let made =
            || schema.filter(|_| header.is_required).map(|schema| sample(schema, seed).value);
        Some((header.name, shown.or_else(own).or_else(made)?))
    });
    given.collect()
}

fn headers(response: &Response, seed: u64) -> Vec<(HeaderName, String)> {
    let spelled = header_values(response, seed).into_iter();
    spelled
        .filter_map(|(name, value)| {
            Some((HeaderName::from_bytes(name.as_bytes()).ok()?, simple(&value)))
        })
        .collect()
}

/// A header's value in OpenAPI's `simple` style.
fn simple(value: &Value) -> String {
    match value {
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        Value::Object(members) => {
            let pairs = members.iter().flat_map(|(name, value)| [name.clone(), plain(value)]);
            pairs.collect::<Vec<_>>().join(",")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => plain(value),
    }
}
