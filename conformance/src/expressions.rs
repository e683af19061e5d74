//! Runtime expressions (Arazzo 1.0, "Runtime Expressions").

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::contract::In;
use crate::encode;
use crate::request::Request;

/// What a workflow was given and what it gave.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome {
    pub(crate) inputs: Map<String, Value>,
    pub(crate) outputs: Map<String, Value>,
}

/// What expressions can refer to.
#[derive(Debug)]
pub(crate) struct Scope<'s> {
    pub(crate) inputs: &'s Map<String, Value>,
    /// Outputs of the steps so far.
    pub(crate) steps: &'s BTreeMap<String, Map<String, Value>>,
    pub(crate) workflows: &'s BTreeMap<String, Outcome>,
    pub(crate) exchange: Option<(&'s Request, &'s Answer)>,
}

const BEGINNINGS: [&str; 8] = [
    "$inputs.",
    "$steps.",
    "$workflows.",
    "$response.",
    "$request.",
    "$statusCode",
    "$url",
    "$method",
];

/// Whether a text is a runtime expression.
pub(crate) fn is_expression(text: &str) -> bool {
    BEGINNINGS.iter().any(|beginning| text.starts_with(beginning))
}

/// The value of an expression; `null` where it leads to nothing.
pub(crate) fn evaluate(expression: &str, scope: &Scope<'_>) -> Value {
    let (name, pointer) = expression.split_once('#').unwrap_or((expression, ""));
    let value = base(name, scope).unwrap_or(Value::Null);
    value.pointer(pointer).cloned().unwrap_or(Value::Null)
}

fn base(name: &str, scope: &Scope<'_>) -> Option<Value> {
    let parts: Vec<&str> = name.trim_start_matches('$').splitn(5, '.').collect();
    match parts.as_slice() {
        ["inputs", rest @ ..] => scope.inputs.get(&rest.join(".")).cloned(),
        ["steps", step, "outputs", rest @ ..] => {
            scope.steps.get(*step)?.get(&rest.join(".")).cloned()
        }
        ["workflows", workflow, "outputs", rest @ ..] => {
            scope.workflows.get(*workflow)?.outputs.get(&rest.join(".")).cloned()
        }
        ["workflows", workflow, "inputs", rest @ ..] => {
            scope.workflows.get(*workflow)?.inputs.get(&rest.join(".")).cloned()
        }
        parts => of_exchange(parts, scope.exchange?),
    }
}

fn of_exchange(parts: &[&str], (request, answer): (&Request, &Answer)) -> Option<Value> {
    let parameter =
        |location: In, name: &[&str]| request.draft.get(location, &name.join(".")).cloned();
    match parts {
        ["statusCode"] => Some(json!(answer.status)),
        ["method"] => Some(json!(request.method)),
        ["url"] => Some(json!(request.target)),
        ["response", "body"] => Some(match &answer.json {
            Some(value) => value.clone(),
            None => json!(String::from_utf8_lossy(&answer.body)),
        }),
        ["response", "header", name @ ..] => answer.header(&name.join(".")).map(|text| json!(text)),
        ["request", "body"] => request.json().cloned(),
        ["request", "header", name @ ..] => request.header(&name.join(".")).map(|text| json!(text)),
        ["request", "query", name @ ..] => parameter(In::Query, name),
        ["request", "path", name @ ..] => parameter(In::Path, name),
        _ => None,
    }
}

/// The value with the expressions in it replaced: whole texts, and `{$…}` within texts.
pub(crate) fn resolve(value: &Value, scope: &Scope<'_>) -> Value {
    match value {
        Value::String(text) if is_expression(text) => evaluate(text, scope),
        Value::String(text) => Value::String(interpolate(text, scope)),
        Value::Array(items) => items.iter().map(|item| resolve(item, scope)).collect(),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (name.clone(), resolve(value, scope)));
            Value::Object(members.collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn interpolate(text: &str, scope: &Scope<'_>) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("{$") {
        let Some(length) = rest[start..].find('}') else { break };
        let inner = &rest[start + 1..start + length];
        filled.push_str(&rest[..start]);
        if is_expression(inner) {
            filled.push_str(&encode::plain(&evaluate(inner, scope)));
        } else {
            filled.push_str(&rest[start..=start + length]);
        }
        rest = &rest[start + length + 1..];
    }
    filled + rest
}
