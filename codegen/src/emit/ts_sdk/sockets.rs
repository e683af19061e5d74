//! Channels over WebSocket as functions, with the types of what is said on them.

use std::collections::BTreeSet;

use super::{credentials, descriptors, free, operations, plan, types};
use crate::emit::typescript::{
    Carrier, Place, Position, Speller, Usage, constant_ident, doc_comment, function_ident, literal,
    member_ident, type_ident,
};
use crate::model::{Context, FrameKind, Socket, System, Traffic};

/// The file of all sockets; none without any.
pub(super) fn plan(
    system: &System,
    usage: &Usage,
    heading: plan::Heading,
) -> Option<plan::Sockets> {
    if system.sockets.is_empty() {
        return None;
    }
    let mut speller = Speller::outside(system, usage);
    for name in ["Channel", "Core", "Socket", "SocketOptions"] {
        speller.runtime(name);
    }
    let functions = system.handshakes().map(|operation| function_ident(&operation.name));
    let mut taken: BTreeSet<String> = functions.chain(["connect".to_owned()]).collect();
    let sockets = system.sockets.iter().map(|socket| one(socket, &mut taken, &mut speller));
    let sockets = sockets.collect();
    let names_types = speller.names_types();
    Some(plan::Sockets { heading, names_types, imports: speller.into_imports(), sockets })
}

/// The methods that open the sockets of a context; those of no context for none.
pub(super) fn methods(
    system: &System,
    context: Option<&Context>,
    module: &str,
) -> Vec<plan::Method> {
    let name = context.map(|context| &context.name);
    let own = system.sockets.iter().filter(|socket| socket.context.as_ref() == name);
    let method = |socket: &Socket| {
        let operation = &socket.handshake;
        let stem = format!("{module}.{}", type_ident(&operation.name));
        let mark = if operations::leaves_all_open(operation) { "?" } else { "" };
        plan::Method {
            docs: operations::docs(operation),
            ident: member_ident(&operation.name),
            module: module.to_owned(),
            function: function_ident(&operation.name),
            request: format!("request{mark}: {stem}Request"),
            options: format!("{stem}Options"),
            returns: format!("{stem}Socket"),
        }
    };
    own.map(method).collect()
}

fn one(socket: &Socket, taken: &mut BTreeSet<String>, speller: &mut Speller<'_>) -> plan::Socket {
    let operation = &socket.handshake;
    let stem = type_ident(&operation.name);
    let request = format!("{stem}Request");
    let said = [format!("{stem}ClientMessage"), format!("{stem}ServerMessage")];
    let options = [vec![request.clone()], said.to_vec()].concat();
    let members = operations::members(operation, speller);
    let about = |declaration: plan::Declaration, text: &str| plan::Declaration {
        docs: doc_comment(Some(&format!("{text} `{}`.", socket.id)), &[]),
        ..declaration
    };
    let declarations = vec![
        about(types::interface(&request, members), "What opens"),
        about(
            messages(&format!("{stem}ClientMessage"), &socket.received, Position::Closed, speller),
            "What callers send on",
        ),
        about(
            messages(&format!("{stem}ServerMessage"), &socket.sent, Position::Open, speller),
            "What the server sends on",
        ),
        about(generic(&format!("{stem}Socket"), "Socket", &said), "Both sides of"),
        about(
            generic(&format!("{stem}Options"), "SocketOptions", &options),
            "What may be said of the connections of",
        ),
    ];
    let default = if operations::leaves_all_open(operation) { " = {}" } else { "" };
    let protocols: Vec<String> = socket.subprotocols.iter().map(|name| literal(name)).collect();
    plan::Socket {
        docs: operations::docs(operation),
        declarations,
        function: function_ident(&operation.name),
        constant: free(taken, constant_ident(&operation.name)),
        stem,
        id: literal(&socket.id),
        path: literal(&operation.path),
        security: credentials::security(operation, speller.system),
        parameters: operation.parameters.iter().map(descriptors::parameter).collect(),
        protocols: protocols.join(", "),
        sends: kinds(&socket.received),
        receives: kinds(&socket.sent),
        request: format!("request: {request}{default}"),
    }
}

/// A type that is another of these arguments, a line each if they do not fit on one.
fn generic(ident: &str, of: &str, arguments: &[String]) -> plan::Declaration {
    let line = format!("{of}<{}>", arguments.join(", "));
    if line.chars().count() + ident.chars().count() < 84 {
        return types::inline(ident, line);
    }
    types::inline(ident, format!("{of}<\n  {}\n>", arguments.join(",\n  ")))
}

/// The messages that go one way.
fn messages(
    ident: &str,
    traffic: &Traffic,
    position: Position,
    speller: &mut Speller<'_>,
) -> plan::Declaration {
    let place = Place { position, carrier: Carrier::Text };
    let mut spelled: Vec<String> = Vec::new();
    for frame in &traffic.messages {
        let ty = match frame.kind {
            FrameKind::Json => speller.spell(&frame.ty, &frame.constraints, place),
            FrameKind::Text => "string".to_owned(),
            FrameKind::Binary => "Uint8Array".to_owned(),
        };
        if !spelled.contains(&ty) {
            spelled.push(ty);
        }
    }
    types::alternatives(ident, spelled)
}

/// How messages are encoded that go one way, where they are not all JSON.
fn kinds(traffic: &Traffic) -> String {
    let kinds =
        [(FrameKind::Json, "'json'"), (FrameKind::Text, "'text'"), (FrameKind::Binary, "'bytes'")];
    let there = kinds.iter().filter(|(kind, _)| traffic.of(*kind).next().is_some());
    let there: Vec<&str> = there.map(|(_, spelled)| *spelled).collect();
    if there == ["'json'"] { String::new() } else { there.join(", ") }
}
