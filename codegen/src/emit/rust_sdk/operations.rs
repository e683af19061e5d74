//! Operations as implementations of the client's `Operation`.

use std::collections::BTreeSet;

use super::{keyring, paging, plan, serving};
use crate::emit::render::one_line;
use crate::emit::rust::{
    REQUEST_BODY, answer_body, answer_ident, arm, braced, bracketed, choice, chosen, descriptor,
    doc_lines, header_argument, header_ident, idempotency_header, info, literal, method_ident,
    module_ident, offer_ident, offer_method, operation_ident, or_long, parameter_ident, part_list,
    place, spread_list, variant_ident, wrapped,
};
use crate::model::{
    Answer, Body, BodyKind, Context, Direction, Errors, Offer, Operation, Status, Stream, System,
};

/// The operations of a context.
pub(super) fn plan(system: &System, context: &Context) -> Vec<plan::Operation> {
    context.operations.iter().map(|operation| one(system, context, operation)).collect()
}

/// Where an operation stands, and the first line of what it is for.
pub(super) fn place_line(operation: &Operation) -> String {
    let place = one_line(place(operation));
    format!("`{} {place}`{}", operation.method, summary(operation))
}

fn summary(operation: &Operation) -> String {
    let summary = operation.summary.as_deref().or(operation.description.as_deref());
    let summary = doc_lines(summary).into_iter().next();
    summary.map(|line| format!(": {line}")).unwrap_or_default()
}

fn one(system: &System, context: &Context, operation: &Operation) -> plan::Operation {
    let writes = writes(operation);
    let mut answers: Vec<&Answer> = operation.answers.iter().collect();
    let mut arms: Vec<String> = Vec::new();
    let mut problems = Vec::new();
    let failed: &[Answer] = match &operation.errors {
        Errors::Statuses(failed) => failed,
        Errors::Problems(codes) => {
            problems = codes.iter().filter_map(|code| problem(system, code)).collect();
            &[]
        }
    };
    answers.extend(failed);
    answers.sort_by_key(|answer| answer.status);
    for answer in answers {
        let is_error = failed.iter().any(|found| std::ptr::eq(found, answer));
        arms.push(decoded(operation, answer, if is_error { "Err" } else { "Ok" }));
    }
    let has_default =
        operation.answers.iter().chain(failed).any(|answer| answer.status == Status::Default);
    let by_code = !problems.is_empty() && !has_default;
    let ident = operation_ident(&context.name, &operation.name);
    let module = module_ident(&operation.name);
    let signature = bracketed(
        4,
        &format!("pub fn {}(", method_ident(&operation.name)),
        &["&self".to_owned(), format!("request: wire::{module}::Request")],
        &format!(") -> Call<{ident}> {{"),
    );
    let path = match context.direction {
        Direction::Asked => operation.path.as_str(),
        // What callers are told goes to a URL as it is.
        Direction::Asking => "",
    };
    plan::Operation {
        call: or_long(4, format!("{signature} self.client.call(request) }}"), || {
            format!("{signature}\n        self.client.call(request)\n    }}")
        }),
        ident,
        module,
        method: operation.method.clone(),
        path: one_line(place(operation)),
        summary: summary(operation),
        deprecated: operation.deprecated,
        info: info(operation, path, &besides(system, context.direction, operation)),
        plain: writes.is_empty(),
        writes,
        answers: arms,
        by_code,
        is_open: !by_code && !has_default,
        problems,
        paged: paging::plan(system, operation),
    }
}

/// What not every operation has.
fn besides(system: &System, direction: Direction, operation: &Operation) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(keyring::security(system, direction, operation));
    lines.extend(serving::server(operation));
    if let Some(accept) = accept(operation) {
        lines.push(format!(".accept({})", literal(&accept)));
    }
    let bodies = operation.answers.iter().filter_map(|answer| answer.body.as_ref());
    let streams: BTreeSet<String> = bodies
        .flat_map(|body| &body.offers)
        .filter(|offer| offer.stream.is_some())
        .flat_map(|offer| &offer.media_types)
        .map(|media_type| literal(media_type))
        .collect();
    if !streams.is_empty() {
        let streams: Vec<String> = streams.into_iter().collect();
        lines.push(format!(".streams(&[{}])", streams.join(", ")));
    }
    if let Some(header) = idempotency_header(operation) {
        lines.push(format!(".idempotency({header})"));
    }
    lines
}

/// The media types of all answers, where they are not just JSON and problem documents; what is
/// second best says so.
fn accept(operation: &Operation) -> Option<String> {
    let bodies: Vec<&Body> =
        operation.answers.iter().filter_map(|answer| answer.body.as_ref()).collect();
    let best = bodies.iter().flat_map(|body| &body.best().media_types).cloned();
    let others = bodies.iter().flat_map(|body| body.offers.iter().skip(1));
    let others = others.flat_map(|offer| &offer.media_types).map(|found| format!("{found};q=0.5"));
    let mut accepted: Vec<String> = Vec::new();
    let always = ["application/problem+json".to_owned(), "application/json".to_owned()];
    for media_type in best.chain(others).chain(always) {
        let essence = |text: &str| text.split(";q=").next().unwrap_or_default().to_owned();
        if !accepted.iter().any(|known| essence(known) == essence(&media_type)) {
            accepted.push(media_type);
        }
    }
    if accepted == ["application/json", "application/problem+json"]
        || accepted == ["application/problem+json", "application/json"]
    {
        return None;
    }
    Some(accepted.join(", "))
}

/// The statements that write a request.
pub(super) fn writes(operation: &Operation) -> Vec<String> {
    let mut lines: Vec<String> = operation
        .parameters
        .iter()
        .map(|parameter| {
            let presence = if parameter.required { "required" } else { "optional" };
            let ident = parameter_ident(&parameter.name);
            let arguments = [descriptor(parameter), format!("&request.{ident}")];
            bracketed(8, &format!("out.{presence}("), &arguments, ");")
        })
        .collect();
    if let Some(body) = &operation.body {
        lines.extend(body_writes(operation, body));
    }
    lines
}

/// The statements that write a body: in the form of its variant, where there are several.
fn body_writes(operation: &Operation, body: &Body) -> Vec<String> {
    let variants = body.variants();
    let value = if body.required { "&request.body" } else { "body" };
    let indent = if body.required { 8 } else { 12 };
    let lines = match variants.as_slice() {
        [single] => vec![format!("{};", body_write(single[0], value, indent))],
        _ => {
            let module = module_ident(&operation.name);
            let mut lines = vec![format!("match {value} {{")];
            for group in &variants {
                let variant = offer_ident(group[0]);
                let pattern = format!("wire::{module}::{REQUEST_BODY}::{variant}(body)");
                let write = body_write(group[0], "body", indent + 4);
                lines.push(format!("    {}", arm(indent + 4, &pattern, &write)));
            }
            lines.push("}".to_owned());
            lines
        }
    };
    if body.required {
        return lines;
    }
    let inner = lines.into_iter().map(|line| format!("    {line}"));
    let open = "if let Some(body) = &request.body {".to_owned();
    std::iter::once(open).chain(inner).chain(["}".to_owned()]).collect()
}

fn body_write(offer: &Offer, value: &str, indent: usize) -> String {
    let media_type = literal(offer.media_type());
    let parts = part_list(indent, offer);
    if let Some(spread) = spread_list(indent, offer) {
        let parts = parts.unwrap_or_else(|| "&[]".to_owned());
        return format!("out.multipart_spread({spread}, {parts}, {value})");
    }
    match (offer_method(offer), parts) {
        ("json", _) if offer.media_type() == "application/json" => format!("out.json({value})"),
        ("json", _) => format!("out.json_as({media_type}, {value})"),
        ("form", None) => format!("out.form({value})"),
        ("form", Some(parts)) => format!("out.form_as({parts}, {value})"),
        ("multipart", None) => format!("out.multipart({value})"),
        ("multipart", Some(parts)) => format!("out.multipart_as({parts}, {value})"),
        ("bytes", _) if offer.is_open() => format!("out.binary({media_type}, {value})"),
        (method, _) => format!("out.{method}({media_type}, {value})"),
    }
}

/// The arm that reads an answer.
fn decoded(operation: &Operation, answer: &Answer, side: &str) -> String {
    let mut fields = Vec::new();
    let pattern = match answer.status {
        Status::Code(code) => code.to_string(),
        Status::Range(hundred) => {
            fields.push("status".to_owned());
            format!("status @ {hundred}00..={hundred}99")
        }
        Status::Default => {
            fields.push("status".to_owned());
            "status".to_owned()
        }
    };
    for header in &answer.headers {
        let method = if header.required { "header" } else { "optional_header" };
        let ident = header_ident(&header.name);
        let (suffix, which) = header_argument(header);
        fields.push(format!("{ident}: incoming.{method}{suffix}({which})?"));
    }
    if let Some(body) = &answer.body {
        fields.push(format!("body: {}", read_body(operation, answer, body)));
    }
    let owner = if side == "Ok" { "Response" } else { "Error" };
    let ident = answer_ident(answer.status);
    braced(12, &format!("{pattern} => Ok({side}(Self::{owner}::{ident}"), &fields, ")),")
}

/// The expression that reads a body: by its media type, where there are several.
fn read_body(operation: &Operation, answer: &Answer, body: &Body) -> String {
    let module = module_ident(&operation.name);
    let owner = format!("wire::{module}::{}", answer_body(&answer_ident(answer.status)));
    let read = |variant: &Option<String>, offer: &Offer| {
        let method = match (offer.stream, offer.kind) {
            (Some(Stream::Events), BodyKind::Text) => "text_events",
            (Some(Stream::Events), _) => "events",
            (Some(Stream::WholeEvents), _) => "whole_events",
            (Some(Stream::Lines | Stream::Collected), _) => "lines",
            (None, BodyKind::Json) => "json",
            (None, BodyKind::Text) => "text",
            (None, BodyKind::Parts) => "parts",
            (None, BodyKind::Form) => "form",
            (None, BodyKind::Multipart) => "multipart",
            (None, BodyKind::Bytes) => "bytes",
        };
        let parts = part_list(16, offer).filter(|_| offer.kind == BodyKind::Form);
        let read = match parts {
            Some(parts) => format!("incoming.{method}_as({parts})?"),
            None => format!("incoming.{method}()?"),
        };
        match variant {
            None => read,
            Some(variant) => format!("{owner}::{variant}({read})"),
        }
    };
    let wrapped = wrapped(body);
    if let [(variant, offer)] = wrapped.as_slice() {
        return read(variant, offer);
    }
    let offers: Vec<&Offer> = wrapped.iter().map(|(_, offer)| *offer).collect();
    let arms = wrapped.iter().map(|(variant, offer)| read(variant, offer)).collect();
    chosen(16, &choice(16, "incoming", &offers), arms)
}

fn problem(system: &System, code: &str) -> Option<String> {
    let kind = system.problems.get(code)?;
    let ident = variant_ident(&kind.name);
    let code = literal(code);
    let value = format!("Ok(Err(Self::Error::{ident}(incoming.json()?)))");
    Some(arm(16, &format!("Some({code})"), &value))
}
