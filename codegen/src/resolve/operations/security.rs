//! Security schemes, and what operations require of them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::diagnostic::Kind;
use crate::model::{Flow, Location, Name, Requirement, Scheme, SchemeKind, System, unique_names};
use crate::resolve::{Scope, similar};
use crate::source::Cursor;

/// The schemes of a contract, by name.
pub(super) fn schemes<'a>(scope: &mut Scope<'a>, root: &Cursor<'a>) -> BTreeMap<String, Scheme> {
    let found = root.get("components").and_then(|found| found.get("securitySchemes"));
    let members = found.map(|found| found.members()).unwrap_or_default();
    let names = unique_names(members.iter().map(|(wire, _)| *wire));
    let mut schemes = BTreeMap::new();
    for (wire, at) in members {
        if wire.starts_with("x-") {
            continue;
        }
        let Some(at) = scope.follow(&at) else { continue };
        let kind = match kind(&at) {
            Ok(kind) => kind,
            Err(why) => {
                scope.degrade(&at, "a security scheme", why);
                SchemeKind::Unknown
            }
        };
        let description = at.text("description").map(str::to_owned);
        let scheme = Scheme { wire: wire.to_owned(), name: names[wire].clone(), kind, description };
        schemes.insert(wire.to_owned(), scheme);
    }
    schemes
}

/// What a scheme has callers send, or why nobody can tell.
fn kind(at: &Cursor<'_>) -> Result<SchemeKind, &'static str> {
    match at.text("type") {
        Some("apiKey" | "httpApiKey") => {
            let location = match at.text("in") {
                Some("header") => Location::Header,
                Some("query") => Location::Query,
                Some("cookie") => Location::Cookie,
                Some(_) | None => return Err("its `in` is no place we know; callers bring it"),
            };
            match at.text("name").filter(|name| !name.is_empty()) {
                Some(name) => Ok(SchemeKind::ApiKey { location, parameter: name.to_owned() }),
                None => Err("its key has no `name`; callers bring it"),
            }
        }
        Some("http") => match at.text("scheme").filter(|scheme| is_token(scheme)) {
            Some(scheme) => Ok(SchemeKind::Http(scheme.to_ascii_lowercase())),
            None => Err("it has no `scheme` that HTTP knows; callers bring it"),
        },
        Some("oauth2") => Ok(SchemeKind::OAuth2(flows(at))),
        Some("openIdConnect") => Ok(SchemeKind::OpenIdConnect(
            at.text("openIdConnectUrl").unwrap_or_default().to_owned(),
        )),
        Some("mutualTLS" | "X509") => Ok(SchemeKind::MutualTls),
        Some(_) | None => Err("its `type` is none we know; callers bring their credentials"),
    }
}

/// A token of RFC 9110, 5.6.2, as far as authentication schemes go.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.+".contains(&byte))
}

fn flows(at: &Cursor<'_>) -> Vec<Flow> {
    let members = at.get("flows").map(|flows| flows.members()).unwrap_or_default();
    let flow = |(kind, at): (&str, Cursor<'_>)| {
        let text = |key| at.text(key).map(str::to_owned);
        let scopes = at.get("scopes").or_else(|| at.get("availableScopes"));
        let scopes = scopes.as_ref().map(|scopes| scopes.members()).unwrap_or_default();
        let about = |at: &Cursor<'_>| at.value.as_str().unwrap_or_default().to_owned();
        Flow {
            kind: kind.to_owned(),
            authorization_url: text("authorizationUrl"),
            token_url: text("tokenUrl"),
            scopes: scopes.iter().map(|(name, at)| ((*name).to_owned(), about(at))).collect(),
        }
    };
    members.into_iter().filter(|(kind, _)| !kind.starts_with("x-")).map(flow).collect()
}

/// What an operation requires: its own `security`, or else the document's.
pub(super) fn requirements<'a>(
    scope: &mut Scope<'a>,
    at: Option<Cursor<'a>>,
    schemes: &BTreeMap<String, Scheme>,
) -> Vec<Vec<Requirement>> {
    let mut alternatives = Vec::new();
    for alternative in at.map(|at| at.elements()).unwrap_or_default() {
        let mut all = Vec::new();
        for (scheme, at) in alternative.members() {
            if !schemes.contains_key(scheme) {
                let similar = similar(scheme, schemes.keys().map(String::as_str));
                scope.report(&at, Kind::UnknownScheme { scheme: scheme.to_owned(), similar });
            }
            all.push(Requirement { scheme: scheme.to_owned(), scopes: texts(at.value) });
        }
        alternatives.push(all);
    }
    alternatives
}

/// What a server or an operation of AsyncAPI requires of who opens a socket: one of the schemes it
/// lists, with the scopes of each. A scheme that the contract does not know yet is added to it.
pub(in crate::resolve) fn of_sockets<'a>(
    scope: &mut Scope<'a>,
    holder: Option<&Cursor<'a>>,
    system: &mut System,
) -> Vec<Vec<Requirement>> {
    let listed = holder.and_then(|holder| holder.get("security")).map(|found| found.elements());
    let mut alternatives = Vec::new();
    for element in listed.unwrap_or_default() {
        let Some(at) = scope.follow(&element) else { continue };
        let named = element.reference().and_then(|_| at.name());
        let wire = named.unwrap_or_else(|| at.text("type").unwrap_or("unknown"));
        if named.is_none() {
            let why =
                format!("this scheme has no name that programs could call it by, but `{wire}`");
            let hint = "define it under `components.securitySchemes`, and refer to it";
            scope.defect(&element, why, hint);
        }
        if !system.schemes.contains_key(wire) {
            let kind = kind(&at).unwrap_or_else(|why| {
                scope.degrade(&at, "a security scheme", why);
                SchemeKind::Unknown
            });
            let description = at.text("description").map(str::to_owned);
            let scheme = Scheme { wire: wire.to_owned(), name: Name::new(wire), kind, description };
            system.schemes.insert(wire.to_owned(), scheme);
            name_apart(system);
        }
        let scopes = at.get("scopes").map(|found| texts(found.value)).unwrap_or_default();
        alternatives.push(vec![Requirement { scheme: wire.to_owned(), scopes }]);
    }
    alternatives
}

/// What is required where both of these are.
pub(in crate::resolve) fn both(
    one: Vec<Vec<Requirement>>,
    two: &[Vec<Requirement>],
) -> Vec<Vec<Requirement>> {
    if one.is_empty() || two.is_empty() {
        return if one.is_empty() { two.to_vec() } else { one };
    }
    let mut alternatives: Vec<Vec<Requirement>> = Vec::new();
    for (first, second) in one.iter().flat_map(|one| two.iter().map(move |two| (one, two))) {
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for Requirement { scheme, scopes } in first.iter().chain(second) {
            let known = all.entry(scheme.clone()).or_default();
            known.extend(
                scopes.iter().filter(|scope| !known.contains(scope)).cloned().collect::<Vec<_>>(),
            );
        }
        let all = all.into_iter().map(|(scheme, scopes)| Requirement { scheme, scopes }).collect();
        if !alternatives.contains(&all) {
            alternatives.push(all);
        }
    }
    alternatives
}

/// Gives every scheme a name of its own.
fn name_apart(system: &mut System) {
    let wires: Vec<String> = system.schemes.keys().cloned().collect();
    let names = unique_names(wires.iter().map(String::as_str));
    for (wire, scheme) in &mut system.schemes {
        scheme.name = names[wire.as_str()].clone();
    }
}

fn texts(value: &Value) -> Vec<String> {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// A scheme that is required and nowhere defined stands for itself: callers bring what it takes.
pub(in crate::resolve) fn define_missing(system: &mut System) {
    let asked = system.everything_asked();
    let required = asked.flat_map(|operation| operation.security.iter().flatten());
    let missing: Vec<String> = required
        .map(|requirement| requirement.scheme.clone())
        .filter(|scheme| !system.schemes.contains_key(scheme))
        .collect();
    if missing.is_empty() {
        return;
    }
    for wire in missing {
        let (name, kind) = (Name::new(&wire), SchemeKind::Unknown);
        let scheme = Scheme { wire: wire.clone(), name, kind, description: None };
        system.schemes.insert(wire, scheme);
    }
    name_apart(system);
}
