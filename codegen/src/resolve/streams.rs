//! What the items of a stream are: the payload of an event, or a line.

use super::Scope;
use crate::model::{Answer, Constraints, Location, Name, Offer, Parameter, Scalar, Stream, Type};
use crate::source::Cursor;

/// Members of an event, as OpenAPI 3.2 describes it (HTML Standard, 9.2).
const EVENT_MEMBERS: [&str; 4] = ["data", "event", "id", "retry"];

/// The type of `data`. A schema that describes the event as a whole has it as a member; any other
/// schema, as most documents have it, is the payload's own.
pub(super) fn event_data<'a>(
    scope: &mut Scope<'a>,
    schema: Option<&Cursor<'a>>,
    name: &Name,
) -> (Type, Constraints) {
    let text = (Type::Scalar(Scalar::Text), Constraints::default());
    let Some(found) = schema.and_then(|schema| element(scope, schema)) else { return text };
    let Ok(target) = found.follow() else { return scope.type_of(&found, name) };
    if let Some(data) = data(&target) {
        let payload = data.get("contentSchema").filter(|_| is_json(&data));
        return scope.type_of(payload.as_ref().unwrap_or(&data), name);
    }
    if is_union_of_events(&target) {
        let why = "its events are of several kinds; their `data` is carried as text";
        scope.degrade(&found, "a stream", why);
        return text;
    }
    scope.type_of(&found, name)
}

/// The type of a line.
pub(super) fn line<'a>(
    scope: &mut Scope<'a>,
    schema: Option<&Cursor<'a>>,
    name: &Name,
) -> (Type, Constraints) {
    match schema.and_then(|schema| element(scope, schema)) {
        Some(found) => scope.type_of(&found, name),
        None => (Type::Any, Constraints::default()),
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
    let variants = schema.get("oneOf").or_else(|| schema.get("anyOf"));
    let variants = variants.map(|found| found.elements()).unwrap_or_default();
    let is_event = |at: &Cursor<'_>| {
        let at = at.follow().ok();
        at.is_some_and(|at| {
            data(&at).is_some()
                && at.get("properties").is_some_and(|found| found.get("event").is_some())
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
    let is_events = |offer: &Offer| offer.stream == Some(Stream::Events);
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
        ty: Type::Scalar(Scalar::Text),
        constraints: Constraints::default(),
        description: Some(about.to_owned()),
    });
    parameters
        .sort_by(|left, right| (left.location, &left.wire).cmp(&(right.location, &right.wire)));
}
