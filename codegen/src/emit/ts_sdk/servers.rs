//! Servers of the contract, as callers choose between them.

use super::plan;
use crate::emit::typescript::{doc_comment, literal, member_ident, property_key};
use crate::model::{Operation, Server, ServerVariable, System};

/// What an operation says of a server of its own.
pub(super) fn own(operation: &Operation) -> Option<String> {
    let server = operation.server.as_ref()?;
    let pair = |variable: &ServerVariable| {
        let default = variable.default.as_ref()?;
        Some(format!("{}: {}", property_key(&variable.wire), literal(default)))
    };
    let defaults: Vec<String> = server.variables.iter().filter_map(pair).collect();
    let url = literal(&server.url);
    Some(match defaults.is_empty() {
        true => format!("{{ url: {url} }}"),
        false => format!("{{ url: {url}, defaults: {{ {} }} }}", defaults.join(", ")),
    })
}

/// The file of servers, if the contract names any.
pub(super) fn plan(system: &System, heading: plan::Heading) -> Option<plan::Servers> {
    let servers: Vec<plan::Server> = system.servers.iter().map(one).collect();
    (!servers.is_empty()).then_some(plan::Servers { heading, servers })
}

fn one(server: &Server) -> plan::Server {
    let said = server.description.as_deref().map(|text| format!(": {text}")).unwrap_or_default();
    let about = format!("`{}`{said}", server.url);
    let optional = if server.is_complete() { " = {}" } else { "" };
    let defaults = server.variables.iter().filter_map(|variable| {
        let default = variable.default.as_ref()?;
        Some(format!("{}: {}", property_key(&variable.wire), literal(default)))
    });
    let mut given: Vec<String> = defaults.collect();
    given.push("...variables".to_owned());
    plan::Server {
        docs: doc_comment(Some(&about), &[]),
        key: member_ident(&server.name),
        url: literal(&server.url),
        plain: server.variables.is_empty(),
        variables: server.variables.iter().map(member).collect(),
        optional,
        given: format!("{{ {} }}", given.join(", ")),
    }
}

fn member(variable: &ServerVariable) -> plan::Variable {
    let usual = variable.default.as_ref().map(|value| format!("`{value}` if left out."));
    let notes: Vec<&str> = usual.as_deref().into_iter().collect();
    let values: Vec<String> = variable.values.iter().map(|value| literal(value)).collect();
    let mark = if variable.default.is_some() { "?" } else { "" };
    plan::Variable {
        docs: doc_comment(variable.description.as_deref(), &notes),
        key: format!("{}{mark}", property_key(&variable.wire)),
        ty: if values.is_empty() { "string".to_owned() } else { values.join(" | ") },
    }
}
