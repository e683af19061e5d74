//! The requests that open sockets: their path, parameters, subprotocols and security.

use std::collections::BTreeSet;

use super::{Action, binding, is_socket, servers};
use crate::diagnostic::Kind;
use crate::model::{
    Answer, Constraints, Errors, Location, Name, Operation, Parameter, Scalar, Status, System,
    Type, unique_names,
};
use crate::resolve::operations::parameters::template_names;
use crate::resolve::operations::security;
use crate::resolve::{Scope, keywords};
use crate::source::Cursor;

/// The header that names what is spoken on a socket.
const SUBPROTOCOL: &str = "sec-websocket-protocol";

/// Headers that the handshake itself is made of, and those that other members describe.
const RESERVED: [&str; 10] = [
    "accept",
    "authorization",
    "connection",
    "content-type",
    "host",
    "origin",
    "sec-websocket-extensions",
    "sec-websocket-key",
    "sec-websocket-version",
    "upgrade",
];

/// A request that opens a socket.
pub(super) struct Handshake {
    pub(super) operation: Operation,
    pub(super) subprotocols: Vec<String>,
    pub(super) needs_subprotocol: bool,
}

/// The handshake of a channel; none where it has no address.
pub(super) fn resolve<'a>(
    scope: &mut Scope<'a>,
    root: &Cursor<'a>,
    id: &str,
    at: &Cursor<'a>,
    operations: &[(Action, Cursor<'a>)],
    name: &Name,
    system: &mut System,
) -> Option<Handshake> {
    let server = servers(scope, root, at).into_iter().find(is_socket);
    let path = path(scope, at, server.as_ref())?;
    let mut parameters = in_path(scope, at, &path);
    let (mut subprotocols, mut needs_subprotocol) = (Vec::new(), false);
    if let Some(binding) = binding(scope, at) {
        check_method(scope, &binding);
        if let Some(query) = binding.get("query") {
            parameters.extend(members(scope, &query, Location::Query, name));
        }
        if let Some(headers) = binding.get("headers") {
            (subprotocols, needs_subprotocol) = spoken(scope, &headers);
            parameters.extend(members(scope, &headers, Location::Header, name));
        }
    }
    parameters.sort_by(|one, two| (one.location, &one.wire).cmp(&(two.location, &two.wire)));
    name_apart(&mut parameters);
    let errors = match keywords::problems(scope, at, &system.problems) {
        Some(codes) => Errors::Problems(codes),
        None => Errors::Statuses(Vec::new()),
    };
    let mut required = security::of_sockets(scope, server.as_ref(), system);
    for (_, operation) in operations {
        let own = security::of_sockets(scope, Some(operation), system);
        required = security::both(required, &own);
    }
    let text = |key| at.text(key).map(str::to_owned);
    let operation = Operation {
        id: id.to_owned(),
        name: name.clone(),
        method: "GET".to_owned(),
        path,
        shadowed: None,
        summary: text("summary").or_else(|| text("title")),
        description: text("description"),
        deprecated: false,
        server: None,
        destination: None,
        parameters,
        body: None,
        answers: vec![switching()],
        errors,
        security: required,
        idempotency: None,
        deadline_ms: keywords::deadline(scope, at),
        rate_limit: keywords::rate_limit(scope, at),
        pagination: None,
        emits: Vec::new(),
    };
    Some(Handshake { operation, subprotocols, needs_subprotocol })
}

/// The one success: the connection is a socket from now on.
fn switching() -> Answer {
    let description = Some("The connection is a WebSocket from now on.".to_owned());
    let status = Status::Code(101);
    Answer { status, headers: Vec::new(), body: None, links: Vec::new(), description }
}

/// Where a channel is opened: its address below the path of its server.
fn path<'a>(scope: &mut Scope<'a>, at: &Cursor<'a>, server: Option<&Cursor<'a>>) -> Option<String> {
    let Some(address) = at.text("address") else {
        let why = "this channel has no `address`: nobody can open it".to_owned();
        scope.defect(at, why, "say at which path its socket is opened");
        return None;
    };
    let place = at.get("address").unwrap_or_else(|| at.clone());
    let (address, query) = address.split_once(['?', '#']).unwrap_or((address, ""));
    if !query.is_empty() {
        let why = "the address of a socket is a path: its query is left out".to_owned();
        scope.defect(&place, why, "describe it under `bindings.ws.query`");
    }
    let below = server.and_then(|server| server.text("pathname")).unwrap_or_default();
    let below = below.trim_end_matches('/');
    let below = if below.is_empty() || below.starts_with('/') {
        below.to_owned()
    } else {
        format!("/{below}")
    };
    match address.starts_with('/') {
        true => Some(format!("{below}{address}")),
        false if address.is_empty() && !below.is_empty() => Some(below),
        false => {
            let why = "this address begins with no slash: it is read as if it began with one";
            scope.defect(&place, why.to_owned(), "put a slash before it");
            Some(format!("{below}/{address}"))
        }
    }
}

/// A handshake is a GET (RFC 6455, 4.1), whatever the binding says.
fn check_method<'a>(scope: &mut Scope<'a>, binding: &Cursor<'a>) {
    let Some(method) = binding.get("method") else { return };
    if method.value.as_str() != Some("GET") {
        let why = "a WebSocket is opened by a GET: this method is read as one".to_owned();
        scope.defect(&method, why, "no client can send another (RFC 6455, 4.1)");
    }
}

/// The parameters between the braces of a path.
fn in_path<'a>(scope: &mut Scope<'a>, at: &Cursor<'a>, path: &str) -> Vec<Parameter> {
    let declared = at.get("parameters");
    let declared = declared.as_ref().map(|found| found.members()).unwrap_or_default();
    let wanted = template_names(path);
    for (name, at) in &declared {
        if !wanted.iter().any(|known| known == name) {
            let why = format!("the address has no `{{{name}}}`: the parameter is left out");
            scope.defect(at, why, "put it into the address, or take it out here");
        }
    }
    let mut parameters = Vec::new();
    for wire in wanted {
        let found = declared.iter().find(|(name, _)| *name == wire);
        let found = found.and_then(|(_, at)| scope.follow(at));
        if found.is_none() {
            scope.report(at, Kind::UndeclaredPathParameter { name: wire.clone() });
        }
        let listed = found.as_ref().and_then(|at| at.get("enum")).map(|at| at.elements());
        let listed: Vec<_> = listed.unwrap_or_default().iter().map(|at| at.value.clone()).collect();
        let constraints = Constraints { listed, ..Constraints::default() };
        let description = found.and_then(|at| at.text("description").map(str::to_owned));
        parameters.push(Parameter {
            description,
            ..parameter(Location::Path, &wire, Type::Scalar(Scalar::Text), constraints)
        });
    }
    parameters
}

/// The members of the object that describes all queries or all headers, as parameters.
fn members<'a>(
    scope: &mut Scope<'a>,
    at: &Cursor<'a>,
    location: Location,
    owner: &Name,
) -> Vec<Parameter> {
    let Some(schema) = scope.follow(at) else { return Vec::new() };
    let Some(properties) = schema.get("properties") else {
        let why = "this is no schema of an object with `properties`: it is left out".to_owned();
        scope.defect(at, why, "name each parameter as a property");
        return Vec::new();
    };
    let required = schema.get("required").map(|found| found.elements()).unwrap_or_default();
    let required: BTreeSet<&str> = required.iter().filter_map(|at| at.value.as_str()).collect();
    let mut parameters = Vec::new();
    for (wire, at) in properties.members() {
        let lower = wire.to_ascii_lowercase();
        let is_reserved = lower == SUBPROTOCOL || RESERVED.contains(&lower.as_str());
        if location == Location::Header && is_reserved {
            continue;
        }
        let (ty, constraints) = scope.type_of(&at, &owner.then(&Name::new(wire)));
        let target = at.follow().unwrap_or_else(|_| at.clone());
        parameters.push(Parameter {
            required: required.contains(wire),
            default: scope.default(&at),
            description: target.text("description").map(str::to_owned),
            ..parameter(location, wire, ty, constraints)
        });
    }
    parameters
}

fn parameter(location: Location, wire: &str, ty: Type, constraints: Constraints) -> Parameter {
    Parameter {
        wire: wire.to_owned(),
        name: Name::new(wire),
        location,
        required: location == Location::Path,
        style: None,
        explode: None,
        allow_reserved: false,
        allow_empty: false,
        spread: Vec::new(),
        ty,
        constraints,
        default: None,
        description: None,
    }
}

/// Gives parameters names that are unique in their handshake: one that is in several places says
/// where it is.
fn name_apart(parameters: &mut [Parameter]) {
    let label = |found: &Parameter| match found.location {
        Location::Path => found.wire.clone(),
        Location::Query => format!("{}-query", found.wire),
        Location::Header => format!("{}-header", found.wire),
        Location::Cookie => format!("{}-cookie", found.wire),
    };
    let is_alone = |wire: &str| parameters.iter().filter(|other| other.wire == wire).count() == 1;
    let labels: Vec<String> = parameters
        .iter()
        .map(|found| if is_alone(&found.wire) { found.wire.clone() } else { label(found) })
        .collect();
    let names = unique_names(labels.iter().map(String::as_str));
    for (parameter, label) in parameters.iter_mut().zip(&labels) {
        parameter.name = names[label.as_str()].clone();
    }
}

/// What may be spoken on a socket, and whether a caller must offer some of it.
fn spoken<'a>(scope: &mut Scope<'a>, headers: &Cursor<'a>) -> (Vec<String>, bool) {
    let nothing = (Vec::new(), false);
    let Some(schema) = scope.follow(headers) else { return nothing };
    let properties = schema.get("properties").map(|found| found.members()).unwrap_or_default();
    let header = properties.into_iter().find(|(wire, _)| wire.eq_ignore_ascii_case(SUBPROTOCOL));
    let Some((wire, at)) = header else { return nothing };
    let Some(found) = scope.follow(&at) else { return nothing };
    let listed = found.get("enum").map(|found| found.elements());
    let values = listed.unwrap_or_else(|| found.get("const").into_iter().collect());
    let mut names: Vec<String> = Vec::new();
    for value in &values {
        match value.value.as_str().filter(|name| is_token(name)) {
            Some(name) => names.push(name.to_owned()),
            None => {
                let why = "this is no name of a subprotocol: it is left out".to_owned();
                scope.defect(value, why, "a subprotocol is a token (RFC 6455, 4.1)");
            }
        }
    }
    if names.is_empty() {
        let why = "the header names no subprotocol: none is spoken".to_owned();
        scope.defect(&at, why, "give its schema an `enum` or a `const` of their names");
        return nothing;
    }
    let required = schema.get("required").map(|found| found.elements()).unwrap_or_default();
    (names, required.iter().any(|at| at.value.as_str() == Some(wire)))
}

/// A token of RFC 9110, 5.6.2.
fn is_token(text: &str) -> bool {
    let is_mark = |byte: u8| b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || is_mark(byte))
}
