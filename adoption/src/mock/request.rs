//! A request as the contract reads it: parameters and body as values that fit their schemas.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use symbolon_server::{Input, Rejected};
use symbolon_wire::parameter::Refusal;
use symbolon_wire::{In, Style};

use super::body::Loose;
use crate::contract::{
    Location, Media, Operation, Parameter, Schema, essence_of, is_json, primitive, target,
};

/// A request that violates nothing.
#[derive(Debug, Default)]
pub(super) struct Received {
    /// The values of the parameters, in the order of the contract.
    pub(super) parameters: Vec<Option<Value>>,
    /// The index of the body's media type and its value.
    pub(super) body: Option<(usize, Value)>,
}

/// Reads a request; every violation is left in the input.
pub(super) fn read(operation: &Operation, input: &mut Input) -> Result<Received, Rejected> {
    let mut received = Received::default();
    let mut rejected = None;
    for parameter in &operation.parameters {
        // The edge itself asks for the key where `x-idempotency` says so.
        let is_keys = operation.idempotency.is_some_and(|rule| rule.header == parameter.name);
        let read = match is_keys && input.header(parameter.name).is_none() {
            true => Ok(None),
            false => self::parameter(parameter, input),
        };
        match read {
            Ok(value) => received.parameters.push(value),
            Err(found) => rejected = Some(found),
        }
    }
    match body(operation, input) {
        Ok(body) => received.body = body,
        Err(found) => rejected = Some(found),
    }
    rejected.map_or(Ok(received), Err)
}

fn parameter(parameter: &Parameter, input: &mut Input) -> Result<Option<Value>, Rejected> {
    let location = match parameter.location {
        Location::Path => In::Path,
        Location::Query => In::Query,
        Location::Header => In::Header,
        Location::Cookie => In::Cookie,
    };
    let wire = parameter.wire();
    let schema = parameter.schema.as_ref();
    let read = match (wire.style, schema.and_then(Schema::primitive)) {
        (Style::Json | Style::Whole, _) => input.optional::<Value>(wire)?,
        (_, Some("array")) if schema.is_some_and(Schema::nests) => {
            let items = input.optional::<Vec<Loose>>(wire)?;
            items.map(|items| items.into_iter().map(|Loose(item)| item).collect())
        }
        (_, Some("array")) => input.optional::<Vec<String>>(wire)?.map(|list| json!(list)),
        (_, Some("object")) => {
            let members = input.optional::<BTreeMap<String, Loose>>(wire)?;
            members.map(|members| object(members, schema)).filter(|members| *members != json!({}))
        }
        (_, _) => input.optional::<String>(wire)?.map(|text| json!(text)),
    };
    let Some(value) = read else {
        if parameter.is_required {
            let refusal = Refusal::new("required", "must be given").within(parameter.name);
            return Err(input.refuse(location, refusal));
        }
        return Ok(None);
    };
    let Some(schema) = schema else { return Ok(Some(value)) };
    let value = match wire.style {
        Style::Json | Style::Whole => value,
        Style::Simple
        | Style::Label
        | Style::Matrix
        | Style::Form
        | Style::Cookie
        | Style::SpaceDelimited
        | Style::PipeDelimited
        | Style::DeepObject => typed(schema.value(), schema.value(), value),
    };
    judged(schema, &value, location, Some(parameter.name), input).map(|()| Some(value))
}

/// The members that a schema knows of a parameter spread over several pairs.
fn object(members: BTreeMap<String, Loose>, schema: Option<&Schema>) -> Value {
    let known = schema.map(Schema::value).map(|root| target(root, root).unwrap_or(root));
    let known = known.and_then(|schema| schema.get("properties")).and_then(Value::as_object);
    let is_known = |name: &String| known.is_none_or(|known| known.contains_key(name));
    let members = members.into_iter().filter(|(name, _)| is_known(name));
    Value::Object(members.map(|(name, Loose(value))| (name, value)).collect())
}

fn body(operation: &Operation, input: &mut Input) -> Result<Option<(usize, Value)>, Rejected> {
    let found = operation.bodies.iter().enumerate().find(|(_, media)| input.is(media.name));
    let Some((index, media)) = found else {
        // Another media type was refused before; what is left has no body.
        return match operation.is_body_required && !operation.bodies.is_empty() {
            true => Err(input.refuse(In::Body, Refusal::new("required", "must be given"))),
            false => Ok(None),
        };
    };
    let Some(value) = submitted(media, input)? else {
        return match operation.is_body_required {
            true => Err(input.refuse(In::Body, Refusal::new("required", "must be given"))),
            false => Ok(None),
        };
    };
    let Some(schema) = media.schema.as_ref().filter(|_| is_judged(media)) else {
        return Ok(Some((index, value)));
    };
    let value = match is_json(media.name) {
        true => value,
        false => typed(schema.value(), schema.value(), value),
    };
    judged(schema, &value, In::Body, None, input).map(|()| Some((index, value)))
}

fn submitted(media: &Media, input: &mut Input) -> Result<Option<Value>, Rejected> {
    let essence = essence_of(media.name);
    if is_json(&essence) {
        return input.optional_json::<Value>();
    }
    let members = match essence.as_str() {
        "application/x-www-form-urlencoded" => input.optional_form::<BTreeMap<String, Loose>>()?,
        "multipart/form-data" => input.optional_multipart::<BTreeMap<String, Loose>>()?,
        _ if essence.starts_with("text/") => return Ok(input.optional_text()?.map(Value::from)),
        _ => {
            let bytes = input.optional_bytes()?;
            return Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes.bytes).into()));
        }
    };
    Ok(members.map(|members| object(members, None)))
}

/// Whether the value of a body says what its schema speaks of.
fn is_judged(media: &Media) -> bool {
    let essence = essence_of(media.name);
    is_json(&essence)
        || essence == "application/x-www-form-urlencoded"
        || essence == "multipart/form-data"
        || essence.starts_with("text/") && !media.is_of_items
}

/// Leaves every violation in the input.
fn judged(
    schema: &Schema,
    value: &Value,
    location: In,
    name: Option<&'static str>,
    input: &mut Input,
) -> Result<(), Rejected> {
    let refusals = schema.refusals(value).into_iter();
    let refusals = refusals.map(|refusal| name.into_iter().fold(refusal, Refusal::within));
    refusals.map(|refusal| input.refuse(location, refusal)).last().map_or(Ok(()), Err)
}

/// Text as the number or truth that its schema takes it for; text that is none stays what it is.
fn typed(root: &Value, schema: &Value, value: Value) -> Value {
    let schema = target(root, schema).unwrap_or(schema);
    match (primitive(root, schema), value) {
        (Some("integer" | "number" | "boolean"), Value::String(text)) => {
            let read = serde_json::from_str::<Value>(&text).ok();
            read.filter(|read| read.is_number() || read.is_boolean()).unwrap_or(json!(text))
        }
        (Some("array"), Value::Array(items)) => match schema.get("items") {
            Some(element) => items.into_iter().map(|item| typed(root, element, item)).collect(),
            None => Value::Array(items),
        },
        (Some("string"), Value::Number(number)) => json!(number.to_string()),
        (Some("string"), Value::Bool(value)) => json!(value.to_string()),
        // One pair is a list of one.
        (Some("array"), one @ Value::String(_)) => typed(root, schema, json!([one])),
        (Some("object"), Value::Object(members)) => {
            let properties = schema.get("properties");
            let typed_member = |(name, value): (String, Value)| {
                let member = properties.and_then(|properties| properties.get(&name));
                let member = member.or_else(|| schema.get("additionalProperties"));
                let value = match member {
                    Some(member) => typed(root, member, value),
                    None => value,
                };
                (name, value)
            };
            Value::Object(members.into_iter().map(typed_member).collect::<Map<_, _>>())
        }
        (_, value) => value,
    }
}
