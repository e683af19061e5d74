//! The AsyncAPI document: where events can be watched, and what each one is.

use std::collections::BTreeSet;
use std::sync::Arc;

use symbolon_codegen::source::Cursor;

use super::{Reading, Schema};

/// What the AsyncAPI document says of events.
#[derive(Debug)]
pub(crate) struct Events<'a> {
    /// The path of the server-sent events, if a server of that protocol is described.
    pub(crate) pathname: Option<&'a str>,
    pub(crate) messages: Vec<Message<'a>>,
    pub(crate) at: Cursor<'a>,
}

/// A message of the document.
#[derive(Debug)]
pub(crate) struct Message<'a> {
    pub(crate) name: &'a str,
    pub(crate) payload: Option<Arc<Schema>>,
    /// Pointer to the correlation id in the payload.
    pub(crate) correlation: String,
    pub(crate) at: Cursor<'a>,
}

impl<'a> Events<'a> {
    /// The message of this name.
    pub(crate) fn message(&self, name: &str) -> Option<&Message<'a>> {
        self.messages.iter().find(|message| message.name == name)
    }
}

/// The server-sent events server, and all messages under `components` and in channels but those of
/// channels that are on other servers alone.
pub(super) fn read<'a>(reading: &mut Reading<'a>, root: &Cursor<'a>) -> Events<'a> {
    let servers = reading.members(root, "servers");
    let live = servers.iter().find(|(_, server)| server.text("protocol") == Some("sse"));
    let live = live.map(|(_, server)| server);
    let pathname = live.map(|server| server.text("pathname").unwrap_or("/"));
    let mut found = match root.get("components") {
        Some(components) => reading.members(&components, "messages"),
        None => Vec::new(),
    };
    let (mut here, mut elsewhere) = (BTreeSet::new(), BTreeSet::new());
    for (_, channel) in reading.members(root, "channels") {
        let on = reading.elements(&channel, "servers");
        let is_live = on.is_empty()
            || live.is_none_or(|live| on.iter().any(|server| server.id() == live.id()));
        let of_channel = reading.members(&channel, "messages");
        let side = if is_live { &mut here } else { &mut elsewhere };
        side.extend(of_channel.iter().map(|(_, at)| at.id()));
        found.extend(of_channel);
    }
    let mut messages: Vec<Message<'a>> = Vec::new();
    for (key, at) in found {
        let name = at.text("name").unwrap_or(key);
        let is_elsewhere = elsewhere.contains(&at.id()) && !here.contains(&at.id());
        if is_elsewhere || messages.iter().any(|known| known.name == name) {
            continue;
        }
        messages.push(message(reading, name, at));
    }
    Events { pathname, messages, at: root.clone() }
}

pub(super) fn message<'a>(reading: &mut Reading<'a>, name: &'a str, at: Cursor<'a>) -> Message<'a> {
    let payload = at.get("payload").and_then(|payload| {
        // A Multi Format Schema Object wraps the schema.
        let payload = match payload.get("schemaFormat") {
            Some(_) => payload.get("schema").unwrap_or(payload),
            None => payload,
        };
        match reading.schemas.compile(&payload) {
            Ok(schema) => Some(schema),
            Err(why) => {
                reading.refuse(&payload, &format!("the schema cannot be used: {why}"));
                None
            }
        }
    });
    let location = reading.member(&at, "correlationId").and_then(|id| id.text("location"));
    let pointer = location.and_then(|location| location.strip_prefix("$message.payload#"));
    let correlation = pointer.unwrap_or("/correlationId").to_owned();
    Message { name, payload, correlation, at }
}
