//! One operation's handler: a condition for each request that the contract shows.

use std::collections::BTreeMap;

use super::answers::{self, Used, text};
use super::plan;
use crate::emit::render::one_line;
use crate::emit::rust::{
    REQUEST_BODY, import, module_ident, operation_ident, package, parameter_ident, wrapped,
};
use crate::model::{BodyKind, Context, Exchange, Location, Operation, Scalar, System, Type};

/// How the operation answers until somebody writes it.
pub(super) fn plan(
    system: &System,
    context: &Context,
    operation: &Operation,
    exchanges: &BTreeMap<String, Vec<Exchange>>,
) -> plan::Handler {
    let mut used = Used::default();
    let known = exchanges.get(&operation.id).map(Vec::as_slice).unwrap_or_default();
    let usual = known.iter().find(|exchange| exchange.name.is_none());
    let mut cases: Vec<plan::Case> = Vec::new();
    for exchange in known.iter().filter(|exchange| exchange.name.is_some()) {
        let Some(condition) = condition(operation, exchange, &mut used) else { continue };
        let Some(answer) = answers::answer(system, operation, exchange, &mut used) else {
            continue;
        };
        let name = one_line(exchange.name.as_deref().unwrap_or_default());
        cases.push(plan::Case { name, condition, answer });
    }
    let otherwise = usual
        .and_then(|exchange| answers::answer(system, operation, exchange, &mut used))
        .unwrap_or_else(|| answers::unwritten(operation, &mut used));
    if !cases.is_empty() {
        used.example.insert("is");
    }
    let call = if cases.is_empty() { "_" } else { "call" };
    let summary = operation.summary.as_deref().map(|text| format!(": {}", one_line(text)));
    plan::Handler {
        doc: one_line(&format!(
            "`{} {}`{}",
            operation.method,
            operation.path,
            summary.unwrap_or_default()
        )),
        imports: imports(system, context, operation, &used),
        call,
        cases,
        otherwise,
        texts: used.texts,
    }
}

fn imports(system: &System, context: &Context, operation: &Operation, used: &Used) -> Vec<String> {
    let marker = operation_ident(&context.name, &operation.name);
    let module = crate::emit::rust_server::module(context);
    let server = package(system, "server").replace('-', "_");
    let wire = package(system, "wire").replace('-', "_");
    let mut lines = vec![format!("use {server}::{module}::{marker};")];
    if !used.wire.is_empty() {
        let names: Vec<&str> = used.wire.iter().map(String::as_str).collect();
        let module = crate::emit::rust::context_module(context);
        let path = format!("{wire}::{module}::{}", module_ident(&operation.name));
        lines.push(import(&path, &names));
    }
    let mut server: Vec<&str> = used.server.iter().copied().collect();
    server.extend(["Call", "Outcome"]);
    server.sort_unstable();
    lines.push(import("symbolon_server", &server));
    lines.push(String::new());
    lines.push("use crate::Service;".to_owned());
    if !used.example.is_empty() {
        let names: Vec<&str> = used.example.iter().copied().collect();
        lines.push(import("crate::example", &names));
    }
    lines
}

/// Whether a request is the one shown; none where its values cannot be told.
fn condition(operation: &Operation, exchange: &Exchange, used: &mut Used) -> Option<String> {
    let mut parts = Vec::new();
    for (location, wire, value) in &exchange.parameters {
        let is_meant = |known: &&crate::model::Parameter| {
            known.location == *location && same(*location, &known.wire, wire)
        };
        let Some(parameter) = operation.parameters.iter().find(is_meant) else { continue };
        if value.as_str().is_some_and(|text| text.contains("{$")) {
            continue;
        }
        let ident = parameter_ident(&parameter.name);
        let value = text(exchange, "VALUE", value, used);
        parts.push(format!("is(&call.request.{ident}, {value})"));
    }
    if let Some((media_type, value)) = &exchange.body {
        parts.push(body(operation, exchange, media_type, value, used)?);
    }
    (!parts.is_empty()).then(|| parts.join("\n        && "))
}

fn same(location: Location, one: &str, other: &str) -> bool {
    one == other || location == Location::Header && one.eq_ignore_ascii_case(other)
}

fn body(
    operation: &Operation,
    exchange: &Exchange,
    media_type: &str,
    value: &serde_json::Value,
    used: &mut Used,
) -> Option<String> {
    let body = operation.body.as_ref()?;
    let fits = |offered: &String| offered.eq_ignore_ascii_case(media_type);
    let offers = wrapped(body);
    let (variant, offer) = offers.iter().find(|(_, offer)| offer.media_types.iter().any(fits))?;
    let is_told = offer.stream.is_none()
        && offer.ty != Type::Scalar(Scalar::Binary)
        && matches!(offer.kind, BodyKind::Json | BodyKind::Form | BodyKind::Text);
    if !is_told {
        return None;
    }
    let value = text(exchange, "REQUEST", value, used);
    Some(match variant {
        None => format!("is(&call.request.body, {value})"),
        Some(variant) => {
            used.wire.insert(REQUEST_BODY.to_owned());
            let pattern = format!("{REQUEST_BODY}::{variant}(body)");
            let pattern = if body.required { pattern } else { format!("Some({pattern})") };
            format!("matches!(&call.request.body, {pattern} if is(body, {value}))")
        }
    })
}
