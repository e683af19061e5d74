//! The channels of the AsyncAPI document that are opened as WebSockets.

use std::collections::BTreeMap;

use serde_json::Value;
use symbolon_codegen::source::Cursor;

use super::events::{Message, message};
use super::{Reading, is_json};

/// A channel that callers open.
#[derive(Debug)]
pub(crate) struct Socket<'a> {
    pub(crate) id: &'a str,
    /// Its path, each parameter as its first example; none where a parameter has no example.
    pub(crate) path: Option<String>,
    /// The subprotocol to offer.
    pub(crate) subprotocol: Option<&'a str>,
    /// Whether nobody is let in without credentials.
    pub(crate) is_guarded: bool,
    /// What callers send, in the order that the document lists it.
    pub(crate) received: Vec<Said<'a>>,
    /// What the server sends.
    pub(crate) sent: Vec<Said<'a>>,
    pub(crate) at: Cursor<'a>,
}

/// A message on a socket.
#[derive(Debug)]
pub(crate) struct Said<'a> {
    pub(crate) message: Message<'a>,
    /// Whether it is JSON; anything else is not judged.
    pub(crate) is_json: bool,
    /// The payloads of its examples, by their names.
    pub(crate) examples: Vec<(&'a str, &'a Value)>,
}

/// The sockets of the document.
pub(super) fn read<'a>(reading: &mut Reading<'a>, root: &Cursor<'a>) -> Vec<Socket<'a>> {
    let all: Vec<Cursor<'a>> =
        reading.members(root, "servers").into_iter().map(|(_, at)| at).collect();
    let operations = reading.members(root, "operations");
    let mut sockets = Vec::new();
    for (id, at) in reading.members(root, "channels") {
        let own = reading.elements(&at, "servers");
        let servers = if own.is_empty() { &all } else { &own };
        let is_socket = |server: &&Cursor<'a>| {
            server.text("protocol").is_some_and(|protocol| matches!(protocol, "ws" | "wss"))
        };
        let server = servers.iter().find(is_socket);
        let binding = reading.member(&at, "bindings").and_then(|it| reading.member(&it, "ws"));
        if server.is_none() && binding.is_none() {
            continue;
        }
        let here: Vec<&Cursor<'a>> = operations
            .iter()
            .map(|(_, operation)| operation)
            .filter(|operation| leads_to(operation, &at))
            .collect();
        let guards = server.into_iter().chain(here.iter().copied());
        let is_guarded = guards.clone().any(|at| at.get("security").is_some());
        let (received, sent) = directed(reading, root, &at, &here);
        sockets.push(Socket {
            id,
            path: path(reading, &at, server),
            subprotocol: binding.and_then(|binding| subprotocol(reading, &binding)),
            is_guarded,
            received,
            sent,
            at,
        });
    }
    sockets
}

fn leads_to(operation: &Cursor<'_>, channel: &Cursor<'_>) -> bool {
    let target = operation.get("channel").and_then(|target| target.follow().ok());
    target.is_some_and(|target| target.id() == channel.id())
}

/// Where a channel is opened.
fn path<'a>(
    reading: &mut Reading<'a>,
    channel: &Cursor<'a>,
    server: Option<&Cursor<'a>>,
) -> Option<String> {
    let below = server.and_then(|server| server.text("pathname")).unwrap_or_default();
    let mut path = format!("{}{}", below.trim_end_matches('/'), channel.text("address")?);
    for (name, at) in reading.members(channel, "parameters") {
        let listed = at.get("examples").or_else(|| at.get("enum")).map(|it| it.elements());
        let first = listed.and_then(|listed| listed.first().and_then(|it| it.value.as_str()));
        path = path.replace(&format!("{{{name}}}"), first?);
    }
    (!path.contains('{')).then_some(path)
}

fn subprotocol<'a>(reading: &mut Reading<'a>, binding: &Cursor<'a>) -> Option<&'a str> {
    let headers = reading.member(binding, "headers")?;
    let of_header =
        |(name, _): &(&str, Cursor<'a>)| name.eq_ignore_ascii_case("sec-websocket-protocol");
    let found = reading.members(&headers, "properties").into_iter().find(of_header)?.1;
    let first = found.get("enum").and_then(|listed| listed.elements().first().cloned());
    first.or_else(|| found.get("const")).and_then(|first| first.value.as_str())
}

/// What callers send, and what the server does: its operations say so, as those of the application
/// that the document describes.
fn directed<'a>(
    reading: &mut Reading<'a>,
    root: &Cursor<'a>,
    channel: &Cursor<'a>,
    operations: &[&Cursor<'a>],
) -> (Vec<Said<'a>>, Vec<Said<'a>>) {
    let all = reading.members(channel, "messages");
    let (mut received, mut sent) = (Vec::new(), Vec::new());
    for operation in operations {
        let is_sent = operation.text("action") == Some("send");
        let listed = match operation.get("messages") {
            Some(_) => reading.elements(operation, "messages"),
            None => all.iter().map(|(_, at)| at.clone()).collect(),
        };
        let reply = reading.member(operation, "reply");
        let replied = reply.map(|reply| reading.elements(&reply, "messages")).unwrap_or_default();
        let (there, back) = match is_sent {
            true => (&mut sent, &mut received),
            false => (&mut received, &mut sent),
        };
        there.extend(listed);
        back.extend(replied);
    }
    let names: BTreeMap<_, &str> = all.iter().map(|(name, at)| (at.id(), *name)).collect();
    let mut said = |found: Vec<Cursor<'a>>| {
        let mut messages: Vec<Said<'a>> = Vec::new();
        for at in found {
            let Some(name) = names.get(&at.id()).copied() else { continue };
            if !messages.iter().any(|known| known.message.name == name) {
                messages.push(said(reading, root, name, at));
            }
        }
        messages
    };
    (said(received), said(sent))
}

fn said<'a>(
    reading: &mut Reading<'a>,
    root: &Cursor<'a>,
    name: &'a str,
    at: Cursor<'a>,
) -> Said<'a> {
    let content_type = at.text("contentType").or_else(|| root.text("defaultContentType"));
    let examples = at.get("examples").map(|found| found.elements()).unwrap_or_default();
    let examples = examples.into_iter().filter_map(|example| {
        Some((example.text("name").unwrap_or_default(), example.get("payload")?.value))
    });
    Said {
        examples: examples.collect(),
        is_json: content_type.is_none_or(is_json),
        message: message(reading, name, at),
    }
}
