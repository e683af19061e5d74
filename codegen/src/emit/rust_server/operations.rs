//! Operations as implementations of the edge's `Operation`.

use super::plan;
use crate::emit::render::one_line;
use crate::emit::rust::{
    answer_ident, arm, body_method, braced, descriptor, doc_lines, field_ident, header_ident,
    idempotency_header, info, literal, method_ident, module_ident, operation_ident, or_long,
    parameter_ident, variant_ident,
};
use crate::model::{
    Answer, BodyKind, Context, Errors, Offer, Operation, Requirement, Status, System,
};

/// The operations of a context.
pub(super) fn plan(system: &System, context: &Context) -> Vec<plan::Operation> {
    context.operations.iter().map(|operation| one(system, context, operation)).collect()
}

fn one(system: &System, context: &Context, operation: &Operation) -> plan::Operation {
    let summary = operation.summary.as_deref().or(operation.description.as_deref());
    let summary = doc_lines(summary).into_iter().next();
    let reads = reads(operation);
    let fields: Vec<String> = operation
        .parameters
        .iter()
        .map(|parameter| parameter_ident(&parameter.name))
        .chain(operation.body.as_ref().map(|_| "body".to_owned()))
        .map(|ident| format!("{ident}: {}?", local(&ident)))
        .collect();
    let ident = operation_ident(&context.name, &operation.name);
    let function = method_ident(&operation.name);
    let future = format!("impl Future<Output = Outcome<{ident}>> + Send");
    let signature = format!("fn {function}(&self, call: Call<{ident}>) -> {future};");
    let mut answers: Vec<String> =
        operation.answers.iter().map(|found| encoded(found, "Ok", "Response")).collect();
    answers.extend(errors(system, operation));
    plan::Operation {
        signature: or_long(4, signature, || {
            let head = format!("fn {function}(&self, call: Call<{ident}>)");
            let head = or_long(4, head, || {
                format!("fn {function}(\n        &self, call: Call<{ident}>,\n    )")
            });
            format!("{head}\n    -> {future};")
        }),
        built: braced(8, "Ok(Self::Request", &fields, ")"),
        module: module_ident(&operation.name),
        ident,
        method: operation.method.clone(),
        path: one_line(&operation.path),
        summary: summary.map(|line| format!(": {line}")).unwrap_or_default(),
        info: info(operation, &besides(operation)),
        input: if reads.is_empty() { "_" } else { "input" },
        reads,
        answers,
    }
}

/// What not every operation has.
fn besides(operation: &Operation) -> Vec<String> {
    let mut lines = Vec::new();
    if !operation.security.is_empty() {
        let alternatives: Vec<String> =
            operation.security.iter().map(|all| requirements(all)).collect();
        lines.push(format!(".security(&[{}])", alternatives.join(", ")));
    }
    if let Some(body) = &operation.body {
        let media_types = body.offers.iter().flat_map(|offer| &offer.media_types);
        let consumed: Vec<String> = media_types.map(|media_type| literal(media_type)).collect();
        let consumed = consumed.join(", ");
        lines.push(format!(".consumes(&[{consumed}])"));
    }
    if let (Some(rule), Some(header)) = (&operation.idempotency, idempotency_header(operation)) {
        let required = rule.required;
        lines.push(format!(
            ".idempotency(IdempotencyRule {{ header: {header}, required: {required} }})",
        ));
    }
    lines
}

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

fn reads(operation: &Operation) -> Vec<String> {
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
        let optional = if body.required { "" } else { "optional_" };
        lines.push(format!("let body = input.{optional}{}();", body_method(body.best().kind)));
    }
    lines
}

/// The variable of a field; `input` is what it is read from.
fn local(ident: &str) -> String {
    if ident == "input" { "input_".to_owned() } else { ident.to_owned() }
}

/// The arm that turns an answer into a reply.
fn encoded(answer: &Answer, side: &str, owner: &str) -> String {
    let mut fields = Vec::new();
    let status = match answer.status {
        Status::Code(code) => code.to_string(),
        Status::Range(_) | Status::Default => {
            fields.push("status".to_owned());
            "status".to_owned()
        }
    };
    let mut reply = match &answer.body {
        None => format!("Reply::empty({status})"),
        Some(body) => reply(body.best(), &status),
    };
    for header in &answer.headers {
        let ident = header_ident(&header.name);
        let method = if header.required { "header" } else { "optional_header" };
        reply.push_str(&format!(".{method}({}, &{ident})", literal(&header.wire)));
        fields.push(ident);
    }
    if answer.body.is_some() {
        fields.push("body".to_owned());
    }
    let head = format!("{side}(Self::{owner}::{}", answer_ident(answer.status));
    arm(12, &braced(12, &head, &fields, ")"), &reply)
}

fn reply(offer: &Offer, status: &str) -> String {
    let media_type = literal(offer.media_type());
    match offer.kind {
        BodyKind::Json if offer.media_type() == "application/json" => {
            format!("Reply::json({status}, &body)")
        }
        BodyKind::Json => format!("Reply::json_as({status}, {media_type}, &body)"),
        BodyKind::Text if offer.media_type() == "text/plain" => {
            format!("Reply::text({status}, body)")
        }
        BodyKind::Text => format!("Reply::bytes({status}, {media_type}, body)"),
        BodyKind::Bytes | BodyKind::Form | BodyKind::Multipart => {
            format!("Reply::bytes({status}, {media_type}, body.0)")
        }
    }
}

fn errors(system: &System, operation: &Operation) -> Vec<String> {
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
            answers.iter().map(|found| encoded(found, "Err", "Error")).collect()
        }
    }
}
