//! AsyncAPI 2 and 3: channels and messages.

pub(super) mod envelopes;
pub(super) mod messages;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::{Channel, Constraints, Message, Name, System, Type, unique_names};
use crate::resolve::{Scope, examples, sockets};
use crate::source::{Cursor, bundle};

/// Fills in the channels.
pub(super) fn resolve<'a>(scope: &mut Scope<'a>, root: &Cursor<'a>, system: &mut System) {
    let is_older = root.text("asyncapi").is_some_and(|version| version.starts_with("2."));
    let members = root.get("channels").map(|found| found.members()).unwrap_or_default();
    let members: Vec<_> = members.into_iter().filter(|(id, _)| !id.starts_with("x-")).collect();
    let names = unique_names(members.iter().map(|(id, _)| *id));
    for (id, at) in members {
        let Some(at) = scope.follow(&at) else { continue };
        let carriage = sockets::carriage(scope, root, &at);
        if is_older && carriage != sockets::Carriage::Events {
            let why = "WebSockets are read of AsyncAPI 3: its messages are taken for events";
            scope.degrade(&at, "a channel", why);
        }
        if !is_older && carriage == sockets::Carriage::Socket {
            continue;
        }
        let found = if is_older { exchanged(scope, &at, id) } else { listed(scope, &at) };
        let messages = messages(scope, id, found);
        if messages.is_empty() {
            scope.degrade(&at, "a channel", "it has no messages, so nothing is generated for it");
            continue;
        }
        let address = at.text("address").unwrap_or(id).to_owned();
        system.channels.push(Channel {
            id: id.to_owned(),
            name: names[id].clone(),
            address,
            description: at.text("description").map(str::to_owned),
            messages,
        });
    }
    system.channels.sort_by(|left, right| left.address.cmp(&right.address));
}

/// The messages that a channel lists by name (AsyncAPI 3).
pub(in crate::resolve) fn listed<'a>(
    scope: &mut Scope<'a>,
    channel: &Cursor<'a>,
) -> BTreeMap<String, Cursor<'a>> {
    let members = channel.get("messages").map(|found| found.members()).unwrap_or_default();
    let found =
        members.into_iter().filter_map(|(name, at)| Some((name.to_owned(), scope.follow(&at)?)));
    found.collect()
}

/// The messages that the operations of a channel exchange (AsyncAPI 2), each once.
fn exchanged<'a>(
    scope: &mut Scope<'a>,
    channel: &Cursor<'a>,
    id: &str,
) -> BTreeMap<String, Cursor<'a>> {
    let mut found: BTreeMap<String, Cursor<'a>> = BTreeMap::new();
    for action in ["publish", "subscribe"] {
        let Some(message) = channel.get(action).and_then(|operation| operation.get("message"))
        else {
            continue;
        };
        let alternatives = message.get("oneOf").map(|found| found.elements());
        for at in alternatives.unwrap_or_else(|| vec![message]) {
            let Some(target) = scope.follow(&at) else { continue };
            let name = name_of(&at, &target).unwrap_or_else(|| format!("{id}-{action}"));
            match found.get(&name) {
                Some(known) if known.id() != target.id() && known.value != target.value => {
                    let why = format!("another of its channel is called `{name}`; it is left out");
                    scope.degrade(&target, "a message", &why);
                }
                Some(_) => {}
                None => {
                    found.insert(name, target);
                }
            }
        }
    }
    found
}

/// What a message is called: by its key, its id or its name.
fn name_of(at: &Cursor<'_>, target: &Cursor<'_>) -> Option<String> {
    let key = at.reference().and_then(|_| target.name());
    let own = ["messageId", "name"].into_iter().find_map(|member| target.text(member));
    key.or(own).or_else(|| target.text("title")).map(str::to_owned)
}

fn messages<'a>(
    scope: &mut Scope<'a>,
    channel: &str,
    found: BTreeMap<String, Cursor<'a>>,
) -> Vec<Message> {
    let names = unique_names(found.keys().map(String::as_str));
    let mut messages: Vec<Message> = found
        .iter()
        .map(|(wire, at)| {
            let name = names[wire.as_str()].clone();
            scope.told.insert((channel.to_owned(), wire.clone()), at.clone());
            let (ty, constraints, schema) = payload(scope, at, &name.then(&Name::new("payload")));
            let traits = traits(scope, at);
            if let Some(headers) = either(at, &traits, "headers") {
                scope.degrade(&headers, "a message", "its headers have no type");
            }
            let text = |key| either(at, &traits, key)?.value.as_str().map(str::to_owned);
            let description = text("description").or_else(|| text("summary"));
            let (wire, event_type) = (wire.clone(), wire.clone());
            let (versions, data) = (vec![1], None);
            Message { wire, name, event_type, versions, ty, constraints, data, schema, description }
        })
        .collect();
    messages.sort_by(|left, right| left.name.cmp(&right.name));
    messages
}

/// What a message is made of besides its own members, which go before these.
pub(in crate::resolve) fn traits<'a>(scope: &mut Scope<'a>, at: &Cursor<'a>) -> Vec<Cursor<'a>> {
    let listed = at.get("traits").map(|found| found.elements()).unwrap_or_default();
    listed.iter().filter_map(|at| scope.follow(at)).collect()
}

/// A member of a message, else of the last of its traits that has it.
pub(in crate::resolve) fn either<'a>(
    at: &Cursor<'a>,
    traits: &[Cursor<'a>],
    member: &str,
) -> Option<Cursor<'a>> {
    at.get(member).or_else(|| traits.iter().rev().find_map(|each| each.get(member)))
}

/// The type of a payload, what it must keep to, and its schema.
pub(in crate::resolve) fn payload<'a>(
    scope: &mut Scope<'a>,
    at: &Cursor<'a>,
    name: &Name,
) -> (Type, Constraints, Value) {
    let anything = (Type::Any, Constraints::default(), Value::Bool(true));
    let Some(payload) = at.get("payload") else {
        scope.degrade(at, "a message", "it has no payload");
        scope.untyped(at, "it has no payload");
        return anything;
    };
    // AsyncAPI 3 wraps a schema of another format, AsyncAPI 2 says so beside it.
    let (format, schema) = match payload.text("schemaFormat") {
        Some(format) => (Some(format), payload.get("schema").unwrap_or(payload)),
        None => (at.text("schemaFormat"), payload),
    };
    if let Some(format) = format.filter(|format| !is_json_schema(format)) {
        let why = format!("its payload is any JSON: schemas of `{format}` are not read");
        scope.degrade(&schema, "a message", &why);
        scope.untyped(&schema, "its schema is of a format that is not read");
        return anything;
    }
    let (ty, constraints) = scope.type_of(&schema, name);
    let bundled = bundle::schema(&schema);
    examples::check_message(scope, at, &bundled);
    (ty, constraints, bundled)
}

/// Whether a schema format is JSON Schema or something close: that of AsyncAPI and of OpenAPI.
fn is_json_schema(format: &str) -> bool {
    ["application/vnd.aai.asyncapi", "application/vnd.oai.openapi", "application/schema"]
        .iter()
        .any(|known| format.starts_with(known))
}
