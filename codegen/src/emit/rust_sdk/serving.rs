//! Servers of the contract, as callers choose between them.

use std::collections::{BTreeMap, BTreeSet};

use super::plan;
use crate::emit::render::one_line;
use crate::emit::rust::{
    arm, braced, bracketed, doc_lines, field_ident, heading, literal, type_ident, variant_ident,
};
use crate::model::{Name, Operation, Server, ServerVariable, System, unique_names};

/// What an operation says of a server of its own.
pub(super) fn server(operation: &Operation) -> Option<String> {
    let server = operation.server.as_ref()?;
    let pair = |variable: &ServerVariable| {
        let default = variable.default.as_ref()?;
        Some(format!("({}, {})", literal(&variable.wire), literal(default)))
    };
    let defaults: Vec<String> = server.variables.iter().filter_map(pair).collect();
    Some(format!(".server({}, &[{}])", literal(&server.url), defaults.join(", ")))
}

/// The file of servers, if the contract names any.
pub(super) fn plan(system: &System) -> Option<plan::Serving> {
    let usual = system.servers.first()?;
    let types = Types::of(system);
    let choices = types.choices();
    let mut servers: Vec<plan::Server> =
        system.servers.iter().map(|server| one(server, &types)).collect();
    let derives_usual = usual.variables.is_empty();
    if let Some(first) = servers.first_mut() {
        first.usual = derives_usual;
    }
    Some(plan::Serving {
        heading: heading(system),
        is_chosen: !choices.is_empty(),
        derives_usual,
        usual: (usual.is_complete() && !usual.variables.is_empty()).then(|| built(usual, &types)),
        servers,
        choices,
    })
}

/// The types of variables that have listed values, by server and variable.
struct Types<'s>(BTreeMap<(Name, String), (String, &'s ServerVariable)>);

impl<'s> Types<'s> {
    /// A type is called as its variable, and behind its server where two of that name differ.
    fn of(system: &'s System) -> Self {
        let all = || {
            let servers = system.servers.iter();
            servers.flat_map(|server| server.variables.iter().map(move |found| (server, found)))
        };
        let mut types = BTreeMap::new();
        for (server, variable) in all().filter(|(_, found)| !found.values.is_empty()) {
            let alike = |(_, other): (&Server, &ServerVariable)| {
                let same_name = other.name.key() == variable.name.key();
                !same_name || (other.values == variable.values && other.default == variable.default)
            };
            let ident = match all().all(alike) {
                true => type_ident(&variable.name),
                false => type_ident(&server.name.then(&variable.name)),
            };
            let taken = ["BaseUrl", "Server"].contains(&ident.as_str());
            let ident = if taken { format!("{ident}_") } else { ident };
            types.insert((server.name.clone(), variable.wire.clone()), (ident, variable));
        }
        Self(types)
    }

    fn get(&self, server: &Server, variable: &ServerVariable) -> Option<&str> {
        let found = self.0.get(&(server.name.clone(), variable.wire.clone()));
        found.map(|(ident, _)| ident.as_str())
    }

    fn choices(&self) -> Vec<plan::Choice> {
        let mut seen = BTreeSet::new();
        let new = self.0.values().filter(|(ident, _)| seen.insert(ident.clone()));
        new.map(|(ident, variable)| choice(ident, variable)).collect()
    }
}

fn choice(ident: &str, variable: &ServerVariable) -> plan::Choice {
    let names = unique_names(variable.values.iter().map(String::as_str));
    let value = |text: &String| plan::Value {
        ident: variant_ident(&names[text.as_str()]),
        docs: format!("`{}`.", one_line(text)),
        usual: variable.default.as_ref() == Some(text),
    };
    let texts: Vec<String> = variable
        .values
        .iter()
        .map(|text| format!("{} {}", variant_ident(&names[text.as_str()]), literal(text)))
        .collect();
    let mut docs = doc_lines(variable.description.as_deref());
    if docs.is_empty() {
        docs.push(format!("Values of `{}`.", one_line(&variable.wire)));
    }
    plan::Choice {
        docs,
        has_usual: variable.default.is_some(),
        ident: ident.to_owned(),
        values: variable.values.iter().map(value).collect(),
        codec: bracketed(0, &format!("text_enum!({ident} {{ "), &texts, " });"),
    }
}

fn one(server: &Server, types: &Types<'_>) -> plan::Server {
    let said = doc_lines(server.description.as_deref()).into_iter().next();
    let said = said.map(|line| format!(": {line}")).unwrap_or_default();
    let ident = variant_ident(&server.name);
    let fields: Vec<String> =
        server.variables.iter().map(|variable| field_ident(&variable.name)).collect();
    let values: Vec<String> = server
        .variables
        .iter()
        .zip(&fields)
        .map(|(variable, field)| {
            let text = match types.get(server, variable) {
                Some(_) => format!("{field}.as_str().to_owned()"),
                None => field.clone(),
            };
            format!("({}, {text})", literal(&variable.wire))
        })
        .collect();
    let pattern = match fields.is_empty() {
        true => format!("Server::{ident}"),
        false => braced(12, &format!("Server::{ident}"), &fields, ""),
    };
    let head = format!("Self::server({}, vec![", literal(&server.url));
    plan::Server {
        docs: format!("`{}`{said}", one_line(&server.url)),
        plain: server.variables.is_empty(),
        usual: false,
        fields: server.variables.iter().map(|variable| field(server, variable, types)).collect(),
        ident,
        arm: arm(12, &pattern, &bracketed(16, &head, &values, "])")),
    }
}

fn field(server: &Server, variable: &ServerVariable, types: &Types<'_>) -> plan::Field {
    let mut docs = doc_lines(variable.description.as_deref());
    if docs.is_empty() {
        docs.push(format!("`{{{}}}` of the URL.", one_line(&variable.wire)));
    }
    let ty = types.get(server, variable).unwrap_or("String").to_owned();
    if let Some(default) = variable.default.as_ref().filter(|_| ty == "String") {
        docs.push(format!("Usually `{}`.", one_line(default)));
    }
    plan::Field { docs, ident: field_ident(&variable.name), ty }
}

/// A server with the values that its variables have by default.
fn built(server: &Server, types: &Types<'_>) -> String {
    let ident = variant_ident(&server.name);
    let value = |variable: &ServerVariable| {
        let field = field_ident(&variable.name);
        match types.get(server, variable) {
            Some(ty) => format!("{field}: {ty}::default()"),
            None => {
                let text = literal(variable.default.as_deref().unwrap_or_default());
                format!("{field}: {text}.to_owned()")
            }
        }
    };
    let fields: Vec<String> = server.variables.iter().map(value).collect();
    match fields.is_empty() {
        true => format!("Self::{ident}"),
        false => braced(8, &format!("Self::{ident}"), &fields, ""),
    }
}
