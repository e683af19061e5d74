//! Credentials as the contract's security schemes have them, and which an operation gets.

use std::collections::BTreeSet;

use super::plan;
use crate::emit::typescript::{access, doc_comment, literal, member_ident, property_key};
use crate::model::{Location, Operation, Scheme, SchemeKind, System};

/// What an operation says of credentials, unless it takes all a client has.
pub(super) fn security(operation: &Operation, system: &System) -> Option<String> {
    let callers = operation.callers();
    if callers.alternatives.is_empty() {
        return (!system.schemes.is_empty()).then(|| literal("none"));
    }
    if !callers.anonymous && callers.alternatives.len() == 1 && system.schemes.len() == 1 {
        return None;
    }
    // The contract's order, each set once: the first that can be met is taken.
    let mut sets: Vec<String> = Vec::new();
    for all in &operation.security {
        let schemes: Vec<String> = all.iter().map(|one| literal(&one.scheme)).collect();
        let set = format!("[{}]", schemes.join(", "));
        if !sets.contains(&set) {
            sets.push(set);
        }
    }
    Some(format!("[{}]", sets.join(", ")))
}

/// The credentials of a system, if it has security schemes.
pub(super) fn plan(system: &System, heading: plan::Heading) -> Option<plan::Credentials> {
    if system.schemes.is_empty() {
        return None;
    }
    let mut functions = BTreeSet::from(["keyring"]);
    let mut types = BTreeSet::from(["Auth"]);
    let mut members = Vec::new();
    let mut sources = Vec::new();
    for scheme in system.schemes.values() {
        let (function, ty, source) = source(scheme);
        functions.extend(function);
        if ty.contains("Secret") {
            types.insert("Secret");
        }
        let about = format!("Security scheme `{}`.", scheme.wire);
        let key = member_ident(&scheme.name);
        members.push(plan::Member {
            docs: doc_comment(Some(scheme.description.as_deref().unwrap_or(&about)), &[]),
            key: format!("{key}?"),
            ty: ty.to_owned(),
        });
        let given = format!("given{}", access(&key));
        let source = source.replace('$', &given);
        let name = property_key(&scheme.wire);
        sources.push(match function {
            Some(_) => format!("{name}: {given} === undefined ? undefined : {source}"),
            None => format!("{name}: {source}"),
        });
    }
    let joined = |names: BTreeSet<&str>| names.into_iter().collect::<Vec<_>>().join(", ");
    let (functions, types) = (joined(functions), joined(types));
    Some(plan::Credentials { heading, types, functions, members, sources })
}

/// The function that makes a source of credentials, what it takes, and how it is called with `$`.
fn source(scheme: &Scheme) -> (Option<&'static str>, &'static str, String) {
    match &scheme.kind {
        SchemeKind::ApiKey { location, parameter } => {
            let place = match location {
                Location::Query => ", 'query'",
                Location::Cookie => ", 'cookie'",
                Location::Header | Location::Path => "",
            };
            (Some("apiKey"), "Secret", format!("apiKey({}, ${place})", literal(parameter)))
        }
        SchemeKind::Http(word) if word == "basic" => {
            let ty = "{ readonly username: string; readonly password: Secret }";
            (Some("basic"), ty, "basic($.username, $.password)".to_owned())
        }
        SchemeKind::Http(word) if word != "bearer" => {
            (Some("authorization"), "Secret", format!("authorization({}, $)", literal(word)))
        }
        SchemeKind::Http(_) | SchemeKind::OAuth2(_) | SchemeKind::OpenIdConnect(_) => {
            (Some("bearer"), "Secret", "bearer($)".to_owned())
        }
        // The certificate is the platform's own.
        SchemeKind::MutualTls => (Some("anonymous"), "true", "anonymous()".to_owned()),
        SchemeKind::Unknown => (None, "Auth", "$".to_owned()),
    }
}
