//! The AsyncAPI document: where events can be watched, and what each one is.

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

/// All messages under `components` and in channels, and the server-sent events server.
pub(super) fn read<'a>(reading: &mut Reading<'a>, root: &Cursor<'a>) -> Events<'a> {
    let servers = reading.members(root, "servers");
    let live = servers.iter().find(|(_, server)| server.text("protocol") == Some("sse"));
    let pathname = live.map(|(_, server)| server.text("pathname").unwrap_or("/"));
    let mut found = match root.get("components") {
        Some(components) => reading.members(&components, "messages"),
        None => Vec::new(),
    };
    for (_, channel) in reading.members(root, "channels") {
        found.extend(reading.members(&channel, "messages"));
    }
    let mut messages: Vec<Message<'a>> = Vec::new();
    for (key, at) in found {
        let name = at.text("name").unwrap_or(key);
        if messages.iter().any(|known| known.name == name) {
            continue;
        }
        messages.push(message(reading, name, at));
    }
    Events { pathname, messages, at: root.clone() }
}

fn message<'a>(reading: &mut Reading<'a>, name: &'a str, at: Cursor<'a>) -> Message<'a> {
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
