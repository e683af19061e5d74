//! Operations as implementations of the client's `Operation`.

use super::{paging, plan};
use crate::emit::render::one_line;
use crate::emit::rust::{
    answer_ident, arm, body_method, braced, bracketed, descriptor, doc_lines, field_ident,
    header_ident, idempotency_header, info, literal, method_ident, module_ident, operation_ident,
    or_long, parameter_ident, variant_ident,
};
use crate::model::{
    Answer, Body, BodyKind, Context, Errors, Operation, Scalar, Shape, Status, System, Type,
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
        arms.push(decoded(answer, if is_error { "Err" } else { "Ok" }));
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
    plan::Operation {
        call: or_long(4, format!("{signature} self.client.call(request) }}"), || {
            format!("{signature}\n        self.client.call(request)\n    }}")
        }),
        ident,
        module,
        method: operation.method.clone(),
        path: one_line(&operation.path),
        summary: summary.map(|line| format!(": {line}")).unwrap_or_default(),
        info: info(operation, &besides(operation)),
        plain: writes.is_empty(),
        writes,
        answers: arms,
        by_code,
        is_open: !by_code && !has_default,
        problems,
        paged: paging::plan(system, operation),
    }
}

/// Whether the client's credentials do not belong on this operation.
pub(super) fn is_anonymous(operation: &Operation) -> bool {
    operation.security.is_empty() || operation.security.iter().any(Vec::is_empty)
}

/// What not every operation has.
fn besides(operation: &Operation) -> Vec<String> {
    let mut lines = Vec::new();
    if is_anonymous(operation) {
        lines.push(".security(Security::None)".to_owned());
    }
    let accepted =
        operation.answers.iter().filter_map(|answer| answer.body.as_ref()).find(|body| {
            let offer = body.best();
            offer.kind != BodyKind::Json || offer.media_type() != "application/json"
        });
    if let Some(body) = accepted {
        let accept =
            format!("{}, application/problem+json, application/json", body.best().media_type());
        lines.push(format!(".accept({})", literal(&accept)));
    }
    if let Some(header) = idempotency_header(operation) {
        lines.push(format!(".idempotency({header})"));
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
            let arguments = [descriptor(parameter), format!("&request.{ident}")];
            bracketed(8, &format!("out.{presence}("), &arguments, ");")
        })
        .collect();
    if let Some(body) = &operation.body {
        lines.extend(body_writes(system, body));
    }
    lines
}

fn body_writes(system: &System, body: &Body) -> Vec<String> {
    let offer = body.best();
    let media_type = literal(offer.media_type());
    let method = body_method(offer.kind);
    let value = if body.required { "&request.body" } else { "body" };
    let line = match offer.kind {
        BodyKind::Json if offer.media_type() == "application/json" => format!("out.json({value});"),
        BodyKind::Json => format!("out.json_as({media_type}, {value});"),
        BodyKind::Form => format!("out.form({value});"),
        BodyKind::Multipart => {
            let value = if body.required { "request.body" } else { "body" };
            let indent = if body.required { 8 } else { 12 };
            format!("out.multipart({});", parts(system, &offer.ty, value, indent))
        }
        BodyKind::Text | BodyKind::Bytes => format!("out.{method}({media_type}, {value});"),
    };
    if body.required {
        return vec![line];
    }
    vec!["if let Some(body) = &request.body {".to_owned(), format!("    {line}"), "}".to_owned()]
}

/// A multipart body, part by part: files apart from fields.
fn parts(system: &System, ty: &Type, value: &str, indent: usize) -> String {
    let pad = " ".repeat(indent);
    let mut text = format!("\n{pad}    Multipart::new()");
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
            (
                Type::Scalar(_)
                | Type::List(_)
                | Type::Map(_)
                | Type::Named(_)
                | Type::Nullable(_)
                | Type::Problem
                | Type::Any,
                _,
            ) => format!(".field({name}, &{field})"),
        };
        text.push_str(&format!("\n{pad}        {part}"));
    }
    text.push_str(&format!(",\n{pad}"));
    text
}

/// The arm that reads an answer.
fn decoded(answer: &Answer, side: &str) -> String {
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
        let method = match body.best().kind {
            BodyKind::Json => "json",
            BodyKind::Text => "text",
            BodyKind::Bytes | BodyKind::Form | BodyKind::Multipart => "bytes",
        };
        fields.push(format!("body: incoming.{method}()?"));
    }
    let owner = if side == "Ok" { "Response" } else { "Error" };
    let ident = answer_ident(answer.status);
    braced(12, &format!("{pattern} => Ok({side}(Self::{owner}::{ident}"), &fields, ")),")
}

fn problem(system: &System, code: &str) -> Option<String> {
    let kind = system.problems.get(code)?;
    let ident = variant_ident(&kind.name);
    let code = literal(code);
    let value = format!("Ok(Err(Self::Error::{ident}(incoming.json()?)))");
    Some(arm(16, &format!("Some({code})"), &value))
}
