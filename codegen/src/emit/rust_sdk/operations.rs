//! Operations as implementations of the client's `Operation`.

use super::{paging, plan};
use crate::emit::rust::{
    body_method, descriptor, doc_lines, field_ident, literal, module_ident, operation_ident,
    variant_ident,
};
use crate::emit::rust_wire::{answer_ident, header_ident, parameter_ident};
use crate::model::{
    Answer, Body, BodyKind, Context, Errors, Location, Operation, Scalar, Shape, Status, System,
    Type,
};

/// The operations of a context.
pub(super) fn plan(system: &System, context: &Context) -> Vec<plan::Operation> {
    context.operations.iter().map(|operation| one(system, context, operation)).collect()
}

fn one(system: &System, context: &Context, operation: &Operation) -> plan::Operation {
    let summary = operation.summary.as_deref().or(operation.description.as_deref());
    let summary = doc_lines(summary).into_iter().next();
    let writes = writes(system, operation);
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
        arms.push(arm(answer, if is_error { "Err" } else { "Ok" }));
    }
    let has_default =
        operation.answers.iter().chain(failed).any(|answer| answer.status == Status::Default);
    let by_code = !problems.is_empty() && !has_default;
    plan::Operation {
        ident: operation_ident(&context.name, &operation.name),
        function: field_ident(&operation.name),
        module: module_ident(&operation.name),
        id: literal(&operation.id),
        method: operation.method.clone(),
        path: operation.path.clone(),
        path_literal: literal(&operation.path),
        summary: summary.map(|line| format!(": {line}")).unwrap_or_default(),
        info: info(operation),
        request: if writes.iter().any(|line| line.contains("request.")) { "request" } else { "_" },
        out: if writes.is_empty() { "_" } else { "out" },
        writes,
        answers: arms,
        by_code,
        is_open: !by_code && !has_default,
        problems,
        paged: paging::plan(system, operation),
    }
}

fn info(operation: &Operation) -> Vec<String> {
    let mut lines = Vec::new();
    let anonymous = operation.security.is_empty() || operation.security.iter().any(Vec::is_empty);
    if anonymous {
        lines.push("security: Security::None".to_owned());
    }
    let accepted =
        operation.answers.iter().filter_map(|answer| answer.body.as_ref()).find(|body| {
            !matches!(body.kind, BodyKind::Json) || body.media_type != "application/json"
        });
    if let Some(body) = accepted {
        let accept = format!("{}, application/problem+json, application/json", body.media_type);
        lines.push(format!("accept: {}", literal(&accept)));
    }
    if operation.idempotency.is_some() {
        let header = operation.parameters.iter().find(|parameter| {
            parameter.location == Location::Header
                && parameter.wire.eq_ignore_ascii_case("idempotency-key")
        });
        let header = header.map_or("Idempotency-Key", |parameter| &parameter.wire);
        lines.push(format!("idempotency: Some({})", literal(header)));
    }
    lines
}

fn writes(system: &System, operation: &Operation) -> Vec<String> {
    let mut lines: Vec<String> = operation
        .parameters
        .iter()
        .map(|parameter| {
            let presence = if parameter.required { "required" } else { "optional" };
            let ident = parameter_ident(&parameter.name);
            format!("out.{presence}({}, &request.{ident});", descriptor(parameter))
        })
        .collect();
    if let Some(body) = &operation.body {
        lines.extend(body_writes(system, body));
    }
    lines
}

fn body_writes(system: &System, body: &Body) -> Vec<String> {
    let media_type = literal(&body.media_type);
    let method = body_method(body.kind);
    let value = if body.required { "&request.body" } else { "body" };
    let line = match body.kind {
        BodyKind::Json if body.media_type == "application/json" => format!("out.json({value});"),
        BodyKind::Json => format!("out.json_as({media_type}, {value});"),
        BodyKind::Form => format!("out.form({value});"),
        BodyKind::Multipart => {
            let value = if body.required { "request.body" } else { "body" };
            format!("out.multipart({});", parts(system, &body.ty, value))
        }
        BodyKind::Text | BodyKind::Bytes => format!("out.{method}({media_type}, {value});"),
    };
    if body.required {
        return vec![line];
    }
    vec!["if let Some(body) = &request.body {".to_owned(), format!("    {line}"), "}".to_owned()]
}

/// A multipart body, part by part: files apart from fields.
fn parts(system: &System, ty: &Type, value: &str) -> String {
    let mut text = "Multipart::new()".to_owned();
    let Type::Named(id) = ty else { return text };
    let Shape::Object(object) = &system.definition(id).shape else { return text };
    for property in &object.properties {
        let field = format!("{value}.{}", field_ident(&property.name));
        let name = literal(&property.wire);
        let optional = !property.required || property.ty.is_nullable();
        let part = match (property.ty.present(), optional) {
            (Type::Scalar(Scalar::Binary), false) => format!(".files({name}, [&{field}])"),
            (Type::Scalar(Scalar::Binary), true) => format!(".files({name}, &{field})"),
            (Type::List(item), optional) if **item == Type::Scalar(Scalar::Binary) => {
                let files = if optional { ".iter().flatten()" } else { ".iter()" };
                format!(".files({name}, {field}{files})")
            }
            _ => format!(".field({name}, &{field})"),
        };
        text.push_str("\n            ");
        text.push_str(&part);
    }
    text
}

fn arm(answer: &Answer, side: &str) -> String {
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
        fields.push(format!("{ident}: incoming.{method}({})?", literal(&header.wire)));
    }
    if let Some(body) = &answer.body {
        let method = match body.kind {
            BodyKind::Json => "json",
            BodyKind::Text => "text",
            BodyKind::Bytes | BodyKind::Form | BodyKind::Multipart => "bytes",
        };
        fields.push(format!("body: incoming.{method}()?"));
    }
    let owner = if side == "Ok" { "Response" } else { "Error" };
    let ident = answer_ident(answer.status);
    format!("{pattern} => Ok({side}(Self::{owner}::{ident} {{ {} }})),", fields.join(", "))
}

fn problem(system: &System, code: &str) -> Option<String> {
    let kind = system.problems.get(code)?;
    let ident = variant_ident(&kind.name);
    let code = literal(code);
    Some(format!("Some({code}) => Ok(Err(Self::Error::{ident}(incoming.json()?))),"))
}
