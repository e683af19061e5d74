//! The messages of sockets as enums: one a direction.

use std::collections::BTreeSet;

use super::plan;
use crate::emit::render::one_line;
use crate::emit::rust::{Checks, Position, Speller, doc_lines, literal, variant_ident};
use crate::model::{Frame, FrameKind, Socket, System, Traffic, Type, TypeId};

/// What a payload is held against when nothing can be wrong with it.
const NOTHING: &str = "|_, _| {}";

/// The enums of a socket.
pub(super) fn plan(
    system: &System,
    socket: &Socket,
    checked: &BTreeSet<TypeId>,
    speller: &mut Speller<'_>,
) -> Vec<plan::Messages> {
    let mut one = |ident, doc, traffic, position| {
        let checks = Checks { system, checked, position };
        messages(ident, doc, traffic, &checks, speller)
    };
    vec![
        one("ClientMessage", "What callers send.", &socket.received, Position::Closed),
        one("ServerMessage", "What the server sends.", &socket.sent, Position::Open),
    ]
}

fn messages(
    ident: &'static str,
    doc: &'static str,
    traffic: &Traffic,
    checks: &Checks<'_>,
    speller: &mut Speller<'_>,
) -> plan::Messages {
    let has_json = traffic.of(FrameKind::Json).next().is_some();
    let said = traffic.messages.iter().map(|frame| variant(frame, checks, speller));
    plan::Messages {
        variants: said.collect(),
        silent: traffic.messages.is_empty(),
        has_json: if has_json { "true" } else { "false" },
        held: if has_json { "held" } else { "_" },
        read: read(traffic, checks, speller),
        ident,
        doc,
    }
}

fn variant(frame: &Frame, checks: &Checks<'_>, speller: &mut Speller<'_>) -> plan::Said {
    let mut docs = doc_lines(frame.description.as_deref());
    if docs.is_empty() {
        docs.push(format!("`{}`.", one_line(&frame.wire)));
    }
    plan::Said {
        docs,
        ident: variant_ident(&frame.name),
        ty: match frame.kind {
            FrameKind::Json => speller.spell(&frame.ty, checks.position),
            FrameKind::Text => "String".to_owned(),
            FrameKind::Binary => "Vec<u8>".to_owned(),
        },
        wire: literal(&frame.wire),
        written: match frame.kind {
            FrameKind::Json => "socket::json(said)",
            FrameKind::Text => "Ok(socket::Frame::Text(said.clone()))",
            FrameKind::Binary => "Ok(socket::Frame::Binary(said.clone()))",
        },
    }
}

/// The lines that read a frame.
fn read(traffic: &Traffic, checks: &Checks<'_>, speller: &mut Speller<'_>) -> Vec<String> {
    let raw = |kind| traffic.of(kind).next().map(|frame| variant_ident(&frame.name));
    let text = match raw(FrameKind::Text) {
        Some(ident) => format!("socket::Frame::Text(text) => Ok(Self::{ident}(text)),"),
        None => "socket::Frame::Text(_) => Err(socket::Refused::Text),".to_owned(),
    };
    let (bytes, binary) = match raw(FrameKind::Binary) {
        Some(ident) => ("bytes", format!("Ok(Self::{ident}(bytes))")),
        None => ("_", "Err(socket::Refused::Binary)".to_owned()),
    };
    let mut json = traffic.of(FrameKind::Json).peekable();
    if json.peek().is_none() {
        let binary = format!("    socket::Frame::Binary({bytes}) => {binary},");
        return vec!["match frame {".to_owned(), format!("    {text}"), binary, "}".to_owned()];
    }
    let said = match &traffic.tag {
        Some(tag) => format!("socket::Said::tagged(&text, {})?", literal(tag)),
        None => "socket::Said::untagged(&text)?".to_owned(),
    };
    let mut lines = vec![
        "let said = match frame {".to_owned(),
        format!("    socket::Frame::Text(text) => {said},"),
        format!("    socket::Frame::Binary({bytes}) => return {binary},"),
        "};".to_owned(),
    ];
    let Some(tag) = &traffic.tag else {
        for frame in json {
            lines.extend(payload(frame, "", "", 3, checks, speller));
        }
        return lines;
    };
    lines.push("match said.tag() {".to_owned());
    for frame in json {
        let tags: Vec<String> = frame.tags.iter().map(|tag| literal(tag)).collect();
        let arm = format!("    {} => ", tags.join(" | "));
        lines.extend(payload(frame, &arm, ",", 4, checks, speller));
    }
    lines.push(format!("    _ => Err(socket::Refused::Unknown {{ tag: {} }}),", literal(tag)));
    lines.push("}".to_owned());
    lines
}

/// The expression that reads what was said as one message, between these.
fn payload(
    frame: &Frame,
    before: &str,
    after: &str,
    indent: usize,
    checks: &Checks<'_>,
    speller: &mut Speller<'_>,
) -> Vec<String> {
    let (wire, ident) = (literal(&frame.wire), variant_ident(&frame.name));
    let lines = checks.value(&frame.ty, &frame.constraints, indent - 2);
    let validates = matches!(lines.as_slice(), [only] if only.trim() == "value.validate(at);");
    if validates || lines.is_empty() {
        let check = if validates { "Validate::validate" } else { NOTHING };
        return vec![format!("{before}said.read({wire}, held, {check}).map(Self::{ident}){after}")];
    }
    let ty = match frame.ty {
        Type::Named(_) => "_".to_owned(),
        Type::Scalar(_)
        | Type::List(_)
        | Type::Map(_)
        | Type::Tuple(_)
        | Type::Nullable(_)
        | Type::Problem
        | Type::Any => speller.spell(&frame.ty, checks.position),
    };
    let head = format!("{before}said.read({wire}, held, |value: &{ty}, at| {{");
    let pad = "    ".repeat(indent - 3);
    let tail = format!("{pad}}}).map(Self::{ident}){after}");
    [vec![head], lines, vec![tail]].concat()
}
