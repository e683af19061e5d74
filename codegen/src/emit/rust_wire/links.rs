//! Links of answers as methods that make the request they lead to.

use serde_json::Value;

use super::plan;
use crate::emit::render::one_line;
use crate::emit::rust::{
    Position, REQUEST_BODY, Speller, answer_ident, body_type, braced, bracketed, context_module,
    doc_lines, field_ident, gate, header_ident, literal, module_ident, parameter_ident,
};
use crate::model::{Answer, Context, Errors, Link, Operation, Piece, Source, Status, System};

/// The methods of an operation's answers, by the type they belong to.
pub(super) fn plan(
    system: &System,
    context: &Context,
    operation: &Operation,
    speller: &mut Speller<'_>,
) -> Vec<plan::Links> {
    let errors: &[Answer] = match &operation.errors {
        Errors::Statuses(answers) => answers,
        Errors::Problems(_) => &[],
    };
    let mut planned = Vec::new();
    for (owner, answers) in [("Response", operation.answers.as_slice()), ("Error", errors)] {
        let mut methods = Vec::new();
        for answer in answers {
            for link in &answer.links {
                let Some(target) = target(system, &link.target) else { continue };
                let only = answers.len() == 1;
                // Where its target may be left out, a method brings along what it needs.
                let gate = gate(system, target.0).filter(|_| target.0.name != context.name);
                let mut own = gate.is_some().then(|| Speller::whole(speller.system()));
                let speller = own.as_mut().unwrap_or(&mut *speller);
                let method = method(operation, answer, link, target, only, speller);
                methods.push(plan::Link { gate, ..method });
            }
        }
        if !methods.is_empty() {
            for method in methods.iter_mut().filter(|method| method.built.contains("linked(")) {
                method.import = import_linked(method.gate.as_ref(), speller);
            }
            planned.push(plan::Links { owner, methods });
        }
    }
    planned
}

/// The functions that find where a callback goes, one an operation whose request says it.
pub(super) fn urls(
    system: &System,
    operation: &Operation,
    speller: &mut Speller<'_>,
) -> Vec<plan::Url> {
    let Some(destination) = &operation.destination else { return Vec::new() };
    let mut planned = Vec::new();
    for (id, pieces) in &destination.owners {
        let Some((context, owner)) = target(system, id) else { continue };
        let asked = |piece: &&Piece| matches!(piece, Piece::Value(_));
        let gate = gate(system, context);
        let import = match pieces.iter().any(|piece| asked(&piece)) {
            true => import_linked(gate.as_ref(), speller),
            false => None,
        };
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => format!("{}.to_owned()", literal(text)),
            Piece::Value(source) => {
                format!("{}?", asked_value(owner, source).replace("linked(", "linked::<String>("))
            }
        };
        let spelled: Vec<String> = pieces.iter().map(piece).collect();
        let request = if pieces.iter().any(|piece| asked(&piece)) { "request" } else { "_" };
        let path = format!("crate::{}::{}", context_module(context), module_ident(&owner.name));
        planned.push(plan::Url {
            gate,
            import,
            docs: format!("Where it goes as the request of `{}` says.", one_line(id)),
            signature: format!(
                "pub fn url_of_{}({request}: &{path}::Request) -> Option<String> {{",
                field_ident(&owner.name)
            ),
            found: match spelled.as_slice() {
                [single] => match single.strip_suffix('?') {
                    Some(found) => found.to_owned(),
                    None => format!("Some({single})"),
                },
                _ => bracketed(8, "Some([", &spelled, "].concat())"),
            },
        });
    }
    planned
}

/// Brings in what finds values: for a whole file, or for what may be left out of it alone.
fn import_linked(gate: Option<&String>, speller: &mut Speller<'_>) -> Option<&'static str> {
    if gate.is_some() {
        return Some("use symbolon_wire::linked;");
    }
    speller.import("symbolon_wire::linked");
    None
}

fn target<'s>(system: &'s System, id: &str) -> Option<(&'s Context, &'s Operation)> {
    let find = |context: &'s Context| context.operations.iter().find(|found| found.id == id);
    system.contexts.iter().find_map(|context| Some((context, find(context)?)))
}

fn method(
    operation: &Operation,
    answer: &Answer,
    link: &Link,
    (context, target): (&Context, &Operation),
    is_only: bool,
    speller: &mut Speller<'_>,
) -> plan::Link {
    let path = format!("crate::{}::{}", context_module(context), module_ident(&target.name));
    let mut arguments = vec!["&self".to_owned()];
    let sources = || link.parameters.iter().map(|(_, _, source)| source).chain(&link.body);
    let is_request = |source: &Source| match source {
        Source::Parameter(..) | Source::RequestBody(_) => true,
        Source::Constant(_)
        | Source::Header(_)
        | Source::AnswerBody(_)
        | Source::Status
        | Source::Method
        | Source::Url => false,
    };
    if sources().any(is_request) {
        arguments.push("request: &Request".to_owned());
    }
    let value = |source: &Source| value(operation, answer, source);
    let mut fields = Vec::new();
    for parameter in &target.parameters {
        let ident = parameter_ident(&parameter.name);
        let given = link
            .parameters
            .iter()
            .find(|(location, wire, _)| *location == parameter.location && *wire == parameter.wire);
        let spelled = speller.spell(parameter.ty.present(), Position::Closed);
        let given = given.map(|(_, _, source)| value(source));
        fields.push(field(ident, given, parameter.required, spelled, &mut arguments));
    }
    if let Some(body) = &target.body {
        let spelled = match body.variants().len() {
            1 => body_type(body, REQUEST_BODY, Position::Closed, speller),
            _ => format!("{path}::{REQUEST_BODY}"),
        };
        let given = link.body.as_ref().map(value);
        fields.push(field("body".to_owned(), given, body.required, spelled, &mut arguments));
    }
    let mut bound: Vec<String> = sources().filter_map(|source| bound(answer, source)).collect();
    bound.sort();
    bound.dedup();
    bound.push("..".to_owned());
    let refusal = if is_only { ";" } else { " else { return None };" };
    let head = format!("let Self::{}", answer_ident(answer.status));
    let mut docs = vec![format!(
        "Link `{}`: the request of `{}`, unless the answer lacks a part of it.",
        one_line(&link.wire),
        one_line(&link.target)
    )];
    docs.extend(doc_lines(link.description.as_deref()));
    plan::Link {
        docs,
        gate: None,
        import: None,
        signature: bracketed(
            8,
            &format!("pub fn follow_{}(", field_ident(&link.name)),
            &arguments,
            &format!(") -> Option<{path}::Request> {{"),
        ),
        opened: braced(12, &head, &bound, &format!(" = self{refusal}")),
        built: braced(12, &format!("Some({path}::Request"), &fields, ")"),
    }
}

/// A field of the request: from the link, else from the caller, else left out.
fn field(
    ident: String,
    given: Option<String>,
    required: bool,
    spelled: String,
    arguments: &mut Vec<String>,
) -> String {
    match (given, required) {
        (Some(value), true) => format!("{ident}: {value}?"),
        (Some(value), false) => format!("{ident}: {value}"),
        (None, false) => format!("{ident}: None"),
        (None, true) => {
            let taken = ident == "request" || ident.starts_with("answered");
            let argument = if taken { format!("{ident}_") } else { ident.clone() };
            arguments.push(format!("{argument}: {spelled}"));
            if argument == ident { ident } else { format!("{ident}: {argument}") }
        }
    }
}

/// The part of an answer that a source is found in, with the name it is bound to.
fn bound(answer: &Answer, source: &Source) -> Option<String> {
    match source {
        Source::AnswerBody(_) => Some("body: answered".to_owned()),
        Source::Header(wire) => {
            let ident = header(answer, wire)?;
            Some(format!("{ident}: answered_{ident}"))
        }
        Source::Status => match answer.status {
            Status::Code(_) => None,
            Status::Range(_) | Status::Default => Some("status: answered_status".to_owned()),
        },
        Source::Constant(_)
        | Source::Parameter(..)
        | Source::RequestBody(_)
        | Source::Method
        | Source::Url => None,
    }
}

fn header(answer: &Answer, wire: &str) -> Option<String> {
    let found = answer.headers.iter().find(|header| header.wire.eq_ignore_ascii_case(wire))?;
    Some(header_ident(&found.name))
}

/// The expression that finds a value, or nothing.
fn value(operation: &Operation, answer: &Answer, source: &Source) -> String {
    let whole = |from: &str| format!("linked({from}, \"\")");
    match source {
        Source::Constant(Value::String(text)) => whole(&literal(text)),
        Source::Constant(Value::Bool(flag)) => whole(&format!("&{flag}")),
        Source::Constant(Value::Number(number)) => {
            let kind = if number.is_i64() { "i64" } else { "f64" };
            whole(&format!("&{number}_{kind}"))
        }
        Source::Constant(Value::Null | Value::Array(_) | Value::Object(_)) | Source::Url => {
            "None".to_owned()
        }
        Source::Parameter(..) | Source::RequestBody(_) => asked_value(operation, source),
        Source::AnswerBody(pointer) => format!("linked(answered, {})", literal(pointer)),
        Source::Header(wire) => match header(answer, wire) {
            Some(ident) => whole(&format!("answered_{ident}")),
            None => "None".to_owned(),
        },
        Source::Status => match answer.status {
            Status::Code(code) => whole(&format!("&{code}_u16")),
            Status::Range(_) | Status::Default => whole("answered_status"),
        },
        Source::Method => whole(&literal(&operation.method)),
    }
}

/// The expression that finds a value of a request, or nothing.
fn asked_value(operation: &Operation, source: &Source) -> String {
    match source {
        Source::Parameter(location, wire) => {
            let of = |is_it: &dyn Fn(&str) -> bool| {
                let mut all = operation.parameters.iter();
                all.find(|found| found.location == *location && is_it(&found.wire))
            };
            let found =
                of(&|name| name == wire).or_else(|| of(&|name| name.eq_ignore_ascii_case(wire)));
            match found {
                Some(found) => format!("linked(&request.{}, \"\")", parameter_ident(&found.name)),
                None => "None".to_owned(),
            }
        }
        Source::RequestBody(pointer) => format!("linked(&request.body, {})", literal(pointer)),
        Source::Constant(_)
        | Source::Header(_)
        | Source::AnswerBody(_)
        | Source::Status
        | Source::Method
        | Source::Url => "None".to_owned(),
    }
}
