//! What the items of a stream are: the payload of an event, or a line.

use crate::model::{Answer, Constraints, Location, Name, Offer, Parameter, Scalar, Stream, Type};
use crate::resolve::Scope;
use crate::source::Cursor;

/// Members of an event, as OpenAPI 3.2 describes it (HTML Standard, 9.2).
const EVENT_MEMBERS: [&str; 4] = ["data", "event", "id", "retry"];

/// The type of `data`. A schema that describes the event as a whole has it as a member; any other
/// schema, as most documents have it, is the payload's own. Events of several kinds are told apart
/// as wholes.
pub(super) fn event<'a>(
    scope: &mut Scope<'a>,
    schema: Option<&Cursor<'a>>,
    name: &Name,
) -> (Stream, (Type, Constraints)) {
    let text = (Type::Scalar(Scalar::Text), Constraints::default());
    let Some(found) = schema.and_then(|schema| element(scope, schema)) else {
        return (Stream::Events, text);
    };
    let Ok(target) = found.follow() else { return (Stream::Events, scope.type_of(&found, name)) };
    if let Some(data) = data(&target) {
        let payload = data.get("contentSchema").filter(|_| is_json(&data));
        return (Stream::Events, scope.type_of(payload.as_ref().unwrap_or(&data), name));
    }
    let stream = if is_union_of_events(&target) { Stream::WholeEvents } else { Stream::Events };
    (stream, scope.type_of(&found, name))
}

/// The type of a line.
pub(super) fn line<'a>(
    scope: &mut Scope<'a>,
    at: &Cursor<'a>,
    schema: Option<&Cursor<'a>>,
    name: &Name,
) -> (Type, Constraints) {
    match schema.and_then(|schema| element(scope, schema)) {
        Some(found) => scope.type_of(&found, name),
        None => {
            scope.untyped(schema.unwrap_or(at), "nothing is said of its lines");
            (Type::Any, Constraints::default())
        }
    }
}

/// Some documents describe the stream as an array.
fn element<'a>(scope: &mut Scope<'a>, schema: &Cursor<'a>) -> Option<Cursor<'a>> {
    let target = scope.follow(schema)?;
    match (target.text("type"), target.get("items")) {
        (Some("array"), Some(items)) => Some(items),
        _ => Some(schema.clone()),
    }
}

fn data<'a>(event: &Cursor<'a>) -> Option<Cursor<'a>> {
    let properties = event.get("properties")?;
    let data = properties.get("data")?;
    let members = properties.members();
    let only = members.iter().all(|(name, _)| EVENT_MEMBERS.contains(name));
    (only && data.value.is_object()).then_some(data)
}

fn is_union_of_events(schema: &Cursor<'_>) -> bool {
    is_union(schema, UNIONS)
}

/// Unions stand in unions; deeper ones are payloads of their own.
const UNIONS: usize = 3;

fn is_union(schema: &Cursor<'_>, left: usize) -> bool {
    let variants = schema.get("oneOf").or_else(|| schema.get("anyOf"));
    let variants = variants.map(|found| found.elements()).unwrap_or_default();
    let is_event = |at: &Cursor<'_>| {
        at.follow().is_ok_and(|at| {
            let tag = at.get("properties").and_then(|found| found.get("event"));
            data(&at).is_some() && tag.is_some() || left > 1 && is_union(&at, left - 1)
        })
    };
    !variants.is_empty() && variants.iter().all(is_event)
}

fn is_json(data: &Cursor<'_>) -> bool {
    data.text("contentMediaType").is_some_and(|media_type| media_type.contains("json"))
}

/// What a client sends that comes back to a stream of events (HTML Standard, 9.2.3).
const LAST_EVENT_ID: &str = "Last-Event-ID";

/// Adds the header by which a stream of events is taken up again, unless it is declared.
pub(super) fn resumable(parameters: &mut Vec<Parameter>, answers: &[Answer]) {
    let offers = answers.iter().filter_map(|answer| answer.body.as_ref());
    let is_events =
        |offer: &Offer| matches!(offer.stream, Some(Stream::Events | Stream::WholeEvents));
    let has_events = offers.flat_map(|body| &body.offers).any(is_events);
    let name = Name::new(LAST_EVENT_ID);
    let is_taken = parameters.iter().any(|parameter| {
        parameter.wire.eq_ignore_ascii_case(LAST_EVENT_ID) || parameter.name == name
    });
    if !has_events || is_taken {
        return;
    }
    let about = "The `id` of the last event that was seen: the stream goes on behind it.";
    parameters.push(Parameter {
        wire: LAST_EVENT_ID.to_owned(),
        name,
        location: Location::Header,
        required: false,
        style: None,
        explode: None,
        allow_reserved: false,
        allow_empty: false,
        spread: Vec::new(),
        ty: Type::Scalar(Scalar::Text),
        constraints: Constraints::default(),
        default: None,
        description: Some(about.to_owned()),
    });
    parameters
        .sort_by(|left, right| (left.location, &left.wire).cmp(&(right.location, &right.wire)));
}
