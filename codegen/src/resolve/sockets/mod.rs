//! Channels of AsyncAPI 3 that callers open as WebSockets: which they are, what is sent on them
//! and what is received.
//!
//! Actions are those of the application that the document describes, which is the system.

mod handshakes;
pub(super) mod traffic;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::diagnostic::Kind;
use crate::model::{
    Constraints, Frame, FrameKind, Name, Scalar, Socket, System, Traffic, Type, unique_names,
};
use crate::resolve::events::{either, listed, payload, traits};
use crate::resolve::operations::media::{self, Media};
use crate::resolve::operations::route;
use crate::resolve::{Scope, keywords};
use crate::source::Cursor;

/// The keywords a socket may carry.
const KEYWORDS: [&str; 3] = ["x-deadline", "x-problems", "x-rate-limit"];

/// How the messages of a channel travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carriage {
    /// As events.
    Events,
    /// On a socket.
    Socket,
    /// Both ways.
    Both,
}

/// How the messages of a channel travel, as its servers and its bindings say.
pub(super) fn carriage<'a>(
    scope: &mut Scope<'a>,
    root: &Cursor<'a>,
    channel: &Cursor<'a>,
) -> Carriage {
    let servers = servers(scope, root, channel);
    let is_bound = binding(scope, channel).is_some();
    match (is_bound || servers.iter().any(is_socket), servers.iter().all(is_socket)) {
        (false, _) => Carriage::Events,
        (true, true) => Carriage::Socket,
        (true, false) => Carriage::Both,
    }
}

/// The servers of a channel: those it lists, else all there are.
pub(super) fn servers<'a>(
    scope: &mut Scope<'a>,
    root: &Cursor<'a>,
    channel: &Cursor<'a>,
) -> Vec<Cursor<'a>> {
    let own = channel.get("servers").map(|found| found.elements()).unwrap_or_default();
    let all = || root.get("servers").map(|found| found.members()).unwrap_or_default();
    let servers: Vec<Cursor<'a>> = match own.is_empty() {
        false => own,
        true => all().into_iter().map(|(_, at)| at).collect(),
    };
    servers.iter().filter_map(|at| at.follow().ok().or_else(|| scope.follow(at))).collect()
}

/// Whether a server takes WebSockets.
pub(super) fn is_socket(server: &Cursor<'_>) -> bool {
    server.text("protocol").is_some_and(|protocol| matches!(protocol, "ws" | "wss"))
}

/// What a channel says of its sockets.
pub(super) fn binding<'a>(scope: &mut Scope<'a>, channel: &Cursor<'a>) -> Option<Cursor<'a>> {
    let bindings = scope.follow(&channel.get("bindings")?)?;
    scope.follow(&bindings.get("ws")?)
}

/// Fills in the sockets.
pub(super) fn resolve<'a>(scope: &mut Scope<'a>, root: &Cursor<'a>, system: &mut System) {
    if root.text("asyncapi").is_some_and(|version| version.starts_with("2.")) {
        return;
    }
    let members = root.get("channels").map(|found| found.members()).unwrap_or_default();
    let members: Vec<_> = members.into_iter().filter(|(id, _)| !id.starts_with("x-")).collect();
    let mut sockets = Vec::new();
    for (id, at) in members {
        let Some(at) = scope.follow(&at) else { continue };
        if carriage(scope, root, &at) != Carriage::Events {
            sockets.push((id, at));
        }
    }
    if sockets.is_empty() {
        return;
    }
    if system.problems.is_empty() {
        system.problems = keywords::catalogue(scope, root);
    }
    let names = names(system, sockets.iter().map(|(id, _)| *id));
    for (id, at) in sockets {
        if let Some(socket) = socket(scope, root, id, &at, &names[id], system) {
            system.sockets.push(socket);
        }
    }
    system.sockets.sort_by(|one, two| one.handshake.path.cmp(&two.handshake.path));
}

/// What sockets are called: by their keys, and as no operation is.
fn names<'i>(
    system: &System,
    ids: impl Iterator<Item = &'i str> + Clone,
) -> BTreeMap<&'i str, Name> {
    let mut taken: BTreeSet<String> =
        system.everything_asked().map(|operation| operation.name.key()).collect();
    let mut names = unique_names(ids);
    for name in names.values_mut() {
        let named = name.ending("socket");
        let wanted = [name.clone(), named.clone()].into_iter();
        let mut wanted = wanted.chain((2..).map(|number| named.numbered(number)));
        *name = wanted.find(|it| taken.insert(it.key())).expect("numbers do not run out");
    }
    names
}

fn socket<'a>(
    scope: &mut Scope<'a>,
    root: &Cursor<'a>,
    id: &str,
    at: &Cursor<'a>,
    name: &Name,
    system: &mut System,
) -> Option<Socket> {
    keywords::check_near(scope, at, &KEYWORDS);
    let operations = operations(scope, root, at);
    if operations.is_empty() {
        let why = "no operation sends or receives on this channel: nothing is generated for it";
        scope.defect(at, why.to_owned(), "add an operation with its `action` and this `channel`");
        return None;
    }
    let messages = listed(scope, at);
    let (sent, received) = directed(scope, &operations, &messages);
    let names = unique_names(messages.keys().map(String::as_str));
    let mut frame = |wire: &String| {
        let at = &messages[wire];
        scope.told.insert((id.to_owned(), wire.clone()), at.clone());
        self::frame(scope, root, at, wire, &names[wire.as_str()])
    };
    let received = Traffic { tag: None, messages: received.iter().map(&mut frame).collect() };
    let sent = Traffic { tag: None, messages: sent.iter().map(&mut frame).collect() };
    let handshake = handshakes::resolve(scope, root, id, at, &operations, name, system)?;
    let shadowing = system.everything_asked().find(|other| {
        other.method == "GET" && route(&other.path) == route(&handshake.operation.path)
    });
    if let Some(first) = shadowing.map(|other| other.path.clone()) {
        let path = handshake.operation.path;
        scope.report(at, Kind::ClashingPaths { path, first });
        return None;
    }
    Some(Socket {
        id: id.to_owned(),
        context: context(scope, at, &operations, system),
        handshake: handshake.operation,
        subprotocols: handshake.subprotocols,
        needs_subprotocol: handshake.needs_subprotocol,
        sent,
        received,
    })
}

/// The context of the first tag, of a channel or else of its operations, that operations of the
/// system have too.
fn context<'a>(
    scope: &mut Scope<'a>,
    channel: &Cursor<'a>,
    operations: &[(Action, Cursor<'a>)],
    system: &System,
) -> Option<Name> {
    let tagged = std::iter::once(channel).chain(operations.iter().map(|(_, at)| at));
    for at in tagged.filter_map(|at| at.get("tags")).flat_map(|tags| tags.elements()) {
        let tag = scope.follow(&at)?;
        let found = system.contexts.iter().find(|context| tag.text("name") == Some(&context.tag));
        if let Some(context) = found {
            return Some(context.name.clone());
        }
    }
    None
}

/// What the system does on a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Send,
    Receive,
}

/// The operations on a channel, with what each does.
fn operations<'a>(
    scope: &mut Scope<'a>,
    root: &Cursor<'a>,
    channel: &Cursor<'a>,
) -> Vec<(Action, Cursor<'a>)> {
    let mut found = Vec::new();
    for (_, at) in root.get("operations").map(|found| found.members()).unwrap_or_default() {
        let Some(at) = scope.follow(&at) else { continue };
        let target = at.get("channel").and_then(|target| target.follow().ok());
        if target.is_none_or(|target| target.id() != channel.id()) {
            continue;
        }
        match at.text("action") {
            Some("send") => found.push((Action::Send, at)),
            Some("receive") => found.push((Action::Receive, at)),
            Some(_) | None => {
                let why = "its `action` is neither `send` nor `receive`: it is left out".to_owned();
                let hint = "the system sends what callers get, and receives what they send";
                scope.defect(&at, why, hint);
            }
        }
    }
    found
}

/// The names of the messages that are sent and of those that are received.
fn directed<'a>(
    scope: &mut Scope<'a>,
    operations: &[(Action, Cursor<'a>)],
    messages: &BTreeMap<String, Cursor<'a>>,
) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut sent, mut received) = (BTreeSet::new(), BTreeSet::new());
    for (action, at) in operations {
        let (there, back) = match action {
            Action::Send => (&mut sent, &mut received),
            Action::Receive => (&mut received, &mut sent),
        };
        match at.get("messages") {
            Some(listed) => there.extend(named(scope, &listed, messages)),
            None => there.extend(messages.keys().cloned()),
        }
        // What is said in reply on the same channel goes the other way.
        let reply = at.get("reply").and_then(|reply| scope.follow(&reply));
        let Some(reply) = reply else { continue };
        let same = |to: Cursor<'a>| {
            to.follow().ok().is_some_and(|to| {
                at.get("channel")
                    .and_then(|own| own.follow().ok())
                    .is_some_and(|own| own.id() == to.id())
            })
        };
        if reply.get("channel").is_none_or(same)
            && let Some(listed) = reply.get("messages")
        {
            back.extend(named(scope, &listed, messages));
        }
    }
    (sent, received)
}

/// The keys of the messages of a channel that an operation lists.
fn named<'a>(
    scope: &mut Scope<'a>,
    listed: &Cursor<'a>,
    messages: &BTreeMap<String, Cursor<'a>>,
) -> Vec<String> {
    let mut found = Vec::new();
    for element in listed.elements() {
        let Some(target) = scope.follow(&element) else { continue };
        let key = element.reference().and_then(|written| written.rsplit('/').next());
        let is_it = |(_, at): &(&String, &Cursor<'a>)| at.id() == target.id();
        let known = key.filter(|key| messages.get(*key).is_some_and(|at| at.id() == target.id()));
        match known.map(str::to_owned).or_else(|| Some(messages.iter().find(is_it)?.0.clone())) {
            Some(key) => found.push(key),
            None => {
                let why = "this is no message of the operation's channel: it is left out";
                scope.defect(&element, why.to_owned(), "refer to one of the channel's `messages`");
            }
        }
    }
    found
}

/// A message as it travels on a socket.
fn frame<'a>(
    scope: &mut Scope<'a>,
    root: &Cursor<'a>,
    at: &Cursor<'a>,
    wire: &str,
    name: &Name,
) -> Frame {
    let traits = traits(scope, at);
    if let Some(headers) = either(at, &traits, "headers") {
        scope.degrade(&headers, "a message", "on a socket messages have no headers");
    }
    let content_type = either(at, &traits, "contentType");
    let usual = root.get("defaultContentType");
    let content_type = content_type.or(usual).and_then(|found| found.value.as_str());
    let kind = kind(content_type, at);
    let (ty, constraints) = match kind {
        FrameKind::Json => {
            let (ty, constraints, _) = payload(scope, at, &name.then(&Name::new("payload")));
            (ty, constraints)
        }
        FrameKind::Text => (Type::Scalar(Scalar::Text), Constraints::default()),
        FrameKind::Binary => (Type::Scalar(Scalar::Binary), Constraints::default()),
    };
    let text = |key| either(at, &traits, key)?.value.as_str().map(str::to_owned);
    Frame {
        wire: wire.to_owned(),
        name: name.clone(),
        kind,
        tags: Vec::new(),
        ty,
        constraints,
        description: text("description").or_else(|| text("summary")),
    }
}

/// How a message is encoded: JSON where nothing says otherwise.
fn kind(content_type: Option<&str>, at: &Cursor<'_>) -> FrameKind {
    let Some(content_type) = content_type else {
        let schema = at.get("payload").and_then(|found| found.follow().ok());
        let is_raw = schema.is_some_and(|schema| {
            schema.value.get("format").and_then(Value::as_str) == Some("binary")
        });
        return if is_raw { FrameKind::Binary } else { FrameKind::Json };
    };
    match media::of(content_type, at.get("payload").as_ref()) {
        Media::Json => FrameKind::Json,
        Media::Text | Media::Xml | Media::Form | Media::Lines | Media::Events => FrameKind::Text,
        Media::Multipart | Media::Parts | Media::Bytes => FrameKind::Binary,
    }
}
