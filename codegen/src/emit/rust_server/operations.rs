//! Operations as implementations of the edge's `Operation`.

use super::access::Callers;
use super::plan;
use crate::emit::render::one_line;
use crate::emit::rust::{
    REQUEST_BODY, answer_body, answer_ident, arm, braced, bracketed, choice, chosen, descriptor,
    doc_lines, field_ident, header_argument, header_ident, idempotency_header, info, literal,
    method_ident, module_ident, nested, offer_ident, offer_method, operation_ident, or_long,
    parameter_ident, part_list, variant_ident, wrapped,
};
use crate::model::{
    Answer, Body, BodyKind, Context, Direction, Errors, Idempotency, Location, Offer, Operation,
    Parameter, RateLimit, Replay, Requirement, Status, Stream, System,
};

/// The operations of a context.
pub(super) fn plan(system: &System, context: &Context, callers: &Callers) -> Vec<plan::Operation> {
    let one = |operation| one(system, context, operation, callers);
    context.operations.iter().map(one).collect()
}

fn one(
    system: &System,
    context: &Context,
    operation: &Operation,
    callers: &Callers,
) -> plan::Operation {
    let summary = operation.summary.as_deref().or(operation.description.as_deref());
    let summary = doc_lines(summary).into_iter().next();
    let reads = reads(operation);
    let ident = operation_ident(&context.name, &operation.name);
    let function = method_ident(&operation.name);
    let future = format!("impl Future<Output = Outcome<{ident}>> + Send");
    let signature = format!("fn {function}(&self, call: Call<{ident}>) -> {future};");
    let mut answers: Vec<String> =
        operation.answers.iter().map(|found| encoded(operation, found, "Ok", "Response")).collect();
    answers.extend(errors(system, operation));
    plan::Operation {
        signature: or_long(4, signature, || {
            let head = format!("fn {function}(&self, call: Call<{ident}>)");
            let head = or_long(4, head, || {
                format!("fn {function}(\n        &self, call: Call<{ident}>,\n    )")
            });
            format!("{head}\n    -> {future};")
        }),
        built: arguments(operation),
        module: module_ident(&operation.name),
        principal: callers.spell(operation),
        ident,
        method: operation.method.clone(),
        path: one_line(&operation.path),
        summary: summary.map(|line| format!(": {line}")).unwrap_or_default(),
        info: info(operation, &operation.path, &besides(system, context, operation)),
        input: if reads.is_empty() { "_" } else { "input" },
        reads,
        answers,
    }
}

/// The request, built of what was read.
pub(super) fn arguments(operation: &Operation) -> String {
    let fields: Vec<String> = operation
        .parameters
        .iter()
        .map(|parameter| parameter_ident(&parameter.name))
        .chain(operation.body.as_ref().map(|_| "body".to_owned()))
        .map(|ident| format!("{ident}: {}?", local(&ident)))
        .collect();
    braced(8, "Ok(Self::Request", &fields, ")")
}

/// What not every operation has.
pub(super) fn besides(system: &System, context: &Context, operation: &Operation) -> Vec<String> {
    let mut lines = Vec::new();
    if context.direction == Direction::Asking {
        lines.push(".told()".to_owned());
    }
    if !operation.security.is_empty() {
        let alternatives: Vec<String> =
            operation.security.iter().map(|all| requirements(all)).collect();
        lines.push(format!(".security(&[{}])", alternatives.join(", ")));
    }
    if let Some(body) = &operation.body {
        let media_types = body.offers.iter().flat_map(|offer| &offer.media_types);
        let consumed: Vec<String> = media_types.map(|media_type| literal(media_type)).collect();
        lines.push(bracketed(8, ".consumes(&[", &consumed, "])"));
    }
    if let (Some(rule), Some(header)) = (&operation.idempotency, idempotency_header(operation)) {
        lines.push(format!(".idempotency(IdempotencyRule::new({header}){})", promises(rule)));
    }
    if let Some(milliseconds) = operation.deadline_ms {
        lines.push(format!(".deadline_ms({milliseconds})"));
    }
    if needs_if_match(system, operation) {
        lines.push(".needs_if_match()".to_owned());
    }
    if let Some(RateLimit { requests, window_s }) = operation.rate_limit {
        lines.push(format!(".rate_limit({requests}, {window_s})"));
    }
    lines
}

/// Whether the edge is to answer 428 to a request without `If-Match`: both are documented.
fn needs_if_match(system: &System, operation: &Operation) -> bool {
    let is_if_match = |parameter: &Parameter| {
        parameter.location == Location::Header && parameter.wire.eq_ignore_ascii_case("If-Match")
    };
    let is_428 = |code: &String| system.problems.get(code).is_some_and(|kind| kind.status == 428);
    let is_documented = match &operation.errors {
        Errors::Problems(codes) => codes.iter().any(is_428),
        Errors::Statuses(answers) => {
            answers.iter().any(|answer| answer.status == Status::Code(428))
        }
    };
    is_documented && operation.parameters.iter().any(is_if_match)
}

/// What a rule says beside the header.
fn promises(rule: &Idempotency) -> String {
    let mut promises = String::new();
    if rule.required {
        promises += ".required()";
    }
    match rule.replay {
        Replay::Stored => {}
        Replay::Status(status) => promises += &format!(".replay(Replay::Status({status}))"),
        Replay::Conflict => promises += ".replay(Replay::Conflict)",
    }
    if rule.retention_s != DAY_S {
        promises += &format!(".retention_s({})", rule.retention_s);
    }
    promises
}

/// What rules say of themselves, in seconds.
const DAY_S: u64 = 24 * 60 * 60;

fn requirements(all: &[Requirement]) -> String {
    let each: Vec<String> = all
        .iter()
        .map(|requirement| {
            let scopes: Vec<String> =
                requirement.scopes.iter().map(|scope| literal(scope)).collect();
            let scheme = literal(&requirement.scheme);
            format!("Requirement {{ scheme: {scheme}, scopes: &[{}] }}", scopes.join(", "))
        })
        .collect();
    format!("&[{}]", each.join(", "))
}

/// The statements that read a request.
pub(super) fn reads(operation: &Operation) -> Vec<String> {
    let mut lines: Vec<String> = operation
        .parameters
        .iter()
        .map(|parameter| {
            let presence = if parameter.required { "required" } else { "optional" };
            let ident = parameter_ident(&parameter.name);
            format!("let {} = input.{presence}({});", local(&ident), descriptor(parameter))
        })
        .collect();
    if let Some(body) = &operation.body {
        lines.push(format!("let body = {};", read_body(operation, body)));
    }
    lines
}

/// The expression that reads a body: by its media type, where there are several.
fn read_body(operation: &Operation, body: &Body) -> String {
    let module = module_ident(&operation.name);
    let optional = if body.required { "" } else { "optional_" };
    let wrapped = wrapped(body);
    let read = |variant: &Option<String>, offer: &Offer| {
        let method = offer_method(offer);
        let parts = part_list(8, offer).filter(|_| offer.kind == BodyKind::Form);
        let read = match parts {
            Some(parts) => format!("input.{optional}{method}_as({parts})"),
            None => format!("input.{optional}{method}()"),
        };
        match variant {
            None => read,
            Some(variant) => {
                let wrap = format!("wire::{module}::{REQUEST_BODY}::{variant}");
                if body.required {
                    format!("{read}.map({wrap})")
                } else {
                    format!("{read}.map(|body| body.map({wrap}))")
                }
            }
        }
    };
    if let [(variant, offer)] = wrapped.as_slice() {
        return read(variant, offer);
    }
    let offers: Vec<&Offer> = wrapped.iter().map(|(_, offer)| *offer).collect();
    let arms = wrapped.iter().map(|(variant, offer)| read(variant, offer)).collect();
    chosen(8, &choice(8, "input", &offers), arms)
}

/// The variable of a field; `input` is what it is read from.
fn local(ident: &str) -> String {
    if ident == "input" { "input_".to_owned() } else { ident.to_owned() }
}

/// The arm that turns an answer into a reply.
fn encoded(operation: &Operation, answer: &Answer, side: &str, owner: &str) -> String {
    let mut fields = Vec::new();
    let status = match answer.status {
        Status::Code(code) => code.to_string(),
        Status::Range(_) | Status::Default => {
            fields.push("status".to_owned());
            "status".to_owned()
        }
    };
    let mut headers = String::new();
    for header in &answer.headers {
        let ident = header_ident(&header.name);
        let method = if header.required { "header" } else { "optional_header" };
        let (suffix, which) = header_argument(header);
        headers.push_str(&format!(".{method}{suffix}({which}, &{ident})"));
        fields.push(ident);
    }
    if answer.body.is_some() {
        fields.push("body".to_owned());
    }
    let head = format!("{side}(Self::{owner}::{}", answer_ident(answer.status));
    let pattern = braced(12, &head, &fields, ")");
    let Some(body) = &answer.body else {
        return arm(12, &pattern, &format!("Reply::empty({status}){headers}"));
    };
    let replies = replies(operation, answer, body, &status, &headers);
    match replies.as_slice() {
        [(None, reply)] => arm(12, &pattern, reply),
        _ => {
            let arms = replies.into_iter().filter_map(|(form, reply)| Some((form?, reply)));
            nested(12, &pattern, &arms.collect::<Vec<_>>())
        }
    }
}

/// The replies of a body, each with the form that asks for it where there are several.
fn replies(
    operation: &Operation,
    answer: &Answer,
    body: &Body,
    status: &str,
    headers: &str,
) -> Vec<(Option<String>, String)> {
    let variants = body.variants();
    let module = module_ident(&operation.name);
    let owner = format!("wire::{module}::{}", answer_body(&answer_ident(answer.status)));
    let of = |group: &Vec<&Offer>| {
        let form =
            (variants.len() > 1).then(|| format!("{owner}::{}(body)", offer_ident(group[0])));
        (form, format!("{}{headers}", reply(group[0], status)))
    };
    variants.iter().map(of).collect()
}

fn reply(offer: &Offer, status: &str) -> String {
    let media_type = literal(offer.media_type());
    match offer.stream {
        Some(Stream::Events) if offer.kind == BodyKind::Text => {
            return format!("Reply::text_events({status}, body)");
        }
        Some(Stream::Events) => return format!("Reply::events({status}, body)"),
        Some(Stream::WholeEvents) => return format!("Reply::whole_events({status}, body)"),
        Some(Stream::Lines | Stream::Collected) => {
            return format!("Reply::lines({status}, {media_type}, body)");
        }
        None => {}
    }
    match offer.kind {
        BodyKind::Json if offer.media_type() == "application/json" => {
            format!("Reply::json({status}, &body)")
        }
        BodyKind::Json => format!("Reply::json_as({status}, {media_type}, &body)"),
        BodyKind::Text if offer.media_type() == "text/plain" => {
            format!("Reply::text({status}, body)")
        }
        BodyKind::Text => format!("Reply::bytes({status}, {media_type}, body)"),
        BodyKind::Parts => format!("Reply::parts({status}, {media_type}, &body)"),
        BodyKind::Form => match part_list(16, offer) {
            Some(parts) => format!("Reply::form_as({status}, {parts}, &body)"),
            None => format!("Reply::form({status}, &body)"),
        },
        BodyKind::Multipart => {
            let parts = part_list(16, offer).unwrap_or_else(|| "&[]".to_owned());
            format!("Reply::multipart({status}, &[], {parts}, &body)")
        }
        BodyKind::Bytes => {
            let method = if offer.is_open() { "binary" } else { "bytes" };
            let body = if offer.is_open() { "body" } else { "body.bytes" };
            format!("Reply::{method}({status}, {media_type}, {body})")
        }
    }
}

/// The arms that write errors.
pub(super) fn errors(system: &System, operation: &Operation) -> Vec<String> {
    match &operation.errors {
        Errors::Problems(codes) => codes
            .iter()
            .filter_map(|code| system.problems.get(code))
            .map(|kind| {
                let constant = field_ident(&kind.name).to_uppercase();
                let variant = variant_ident(&kind.name);
                arm(
                    12,
                    &format!("Err(Self::Error::{variant}(problem))"),
                    &format!("Reply::problem(&problems::{constant}, problem)"),
                )
            })
            .collect(),
        Errors::Statuses(answers) => {
            answers.iter().map(|found| encoded(operation, found, "Err", "Error")).collect()
        }
    }
}
