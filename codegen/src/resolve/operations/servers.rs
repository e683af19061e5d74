//! Servers and the variables of their URLs.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::{Name, Server, ServerVariable, unique_names};
use crate::resolve::Scope;
use crate::source::Cursor;

/// What callers must say of a server whose URL is relative.
const ORIGIN: &str = "origin";

/// The servers of a document, each once; one that says no more than `/` says nothing.
pub(super) fn resolve<'a>(scope: &mut Scope<'a>, root: &Cursor<'a>) -> Vec<Server> {
    let listed = root.get("servers").map(|servers| servers.elements()).unwrap_or_default();
    let mut servers: Vec<Server> = Vec::new();
    for at in listed {
        let Some(server) = server(scope, &at) else { continue };
        let is_bare = server.url == format!("{{{ORIGIN}}}");
        if !is_bare && !servers.iter().any(|known| known.url == server.url) {
            servers.push(server);
        }
    }
    // Two that read alike are told apart by number, in the order of their URLs.
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    let mut order: Vec<usize> = (0..servers.len()).collect();
    order.sort_by(|one, two| servers[*one].url.cmp(&servers[*two].url));
    for index in order {
        let count = taken.entry(servers[index].name.key()).or_default();
        *count += 1;
        if *count > 1 {
            servers[index].name = servers[index].name.numbered(*count);
        }
    }
    servers
}

/// The server of an operation: the first of its own, else of its path's, where it is none of those
/// of the document.
pub(super) fn own<'a>(
    scope: &mut Scope<'a>,
    item: &Cursor<'a>,
    at: &Cursor<'a>,
    shared: &[Server],
) -> Option<Server> {
    let listed = [at, item].into_iter().filter_map(|at| at.get("servers"));
    let first = listed.filter_map(|servers| servers.elements().into_iter().next()).next()?;
    let server = server(scope, &first)?;
    (shared.first().is_none_or(|usual| usual.url != server.url)).then_some(server)
}

fn server<'a>(scope: &mut Scope<'a>, at: &Cursor<'a>) -> Option<Server> {
    let Some(written) = at.text("url") else {
        scope.degrade(at, "a server", "it has no `url`; nobody can call it there");
        return None;
    };
    let url = absolute(written.trim());
    if url.contains(['?', '#']) || url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        scope.degrade(at, "a server", "its `url` is none that a path can follow; it is left out");
        return None;
    }
    let variables = variables(scope, at, &url)?;
    let name = match at.text("name").filter(|name| !name.trim().is_empty()) {
        Some(name) => Name::new(name),
        None => Name::new(&spoken(&url)),
    };
    let description = at.text("description").map(str::to_owned);
    Some(Server { name, url, variables, description })
}

/// A URL without the slash at its end; what is relative stands behind the origin.
fn absolute(written: &str) -> String {
    let written = written.trim_end_matches('/');
    let path = written.strip_prefix('.').filter(|rest| rest.is_empty() || rest.starts_with('/'));
    if let Some(path) = path {
        return format!("{{{ORIGIN}}}{path}");
    }
    if let Some(host) = written.strip_prefix("//") {
        return format!("https://{host}");
    }
    if written.contains("://") || written.starts_with('{') {
        return written.to_owned();
    }
    let slash = if written.is_empty() || written.starts_with('/') { "" } else { "/" };
    format!("{{{ORIGIN}}}{slash}{written}")
}

/// What of a URL is a name: signs part words, and `https` goes without saying.
fn spoken(url: &str) -> String {
    let url = url.strip_prefix("https://").unwrap_or(url);
    url.replace(|c: char| !c.is_alphanumeric(), " ")
}

/// The variables of a URL; none if its braces do not close.
fn variables<'a>(scope: &mut Scope<'a>, at: &Cursor<'a>, url: &str) -> Option<Vec<ServerVariable>> {
    let declared = at.get("variables");
    let mut wires: Vec<&str> = Vec::new();
    let mut rest = url;
    while let Some((_, tail)) = rest.split_once('{') {
        let Some((wire, tail)) = tail.split_once('}') else {
            scope.degrade(at, "a server", "a brace of its `url` does not close; it is left out");
            return None;
        };
        if !wires.contains(&wire) {
            wires.push(wire);
        }
        rest = tail;
    }
    let names = unique_names(wires.iter().copied());
    let one = |wire: &&str| {
        let found = declared.as_ref().and_then(|declared| declared.get(wire));
        let name = names[*wire].clone();
        variable(scope, at, found.as_ref(), wire, name)
    };
    Some(wires.iter().map(one).collect())
}

fn variable<'a>(
    scope: &mut Scope<'a>,
    at: &Cursor<'a>,
    declared: Option<&Cursor<'a>>,
    wire: &str,
    name: Name,
) -> ServerVariable {
    if declared.is_none() && wire != ORIGIN {
        let why = format!("its variable `{wire}` is declared nowhere; callers say what it is");
        scope.degrade(at, "a server", &why);
    }
    let text = |at: Cursor<'a>| match at.value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(at.value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    let listed = declared.and_then(|at| at.get("enum")).map(|listed| listed.elements());
    let mut values: Vec<String> = Vec::new();
    for value in listed.unwrap_or_default().into_iter().filter_map(text) {
        if !values.contains(&value) {
            values.push(value);
        }
    }
    let mut default = declared.and_then(|at| at.get("default")).and_then(text);
    if let Some(found) = &default
        && !values.is_empty()
        && !values.contains(found)
    {
        let why = format!("the default of its variable `{wire}` is none of the listed values");
        scope.degrade(at, "a server", &format!("{why}; there is none"));
        default = None;
    }
    let description = declared.and_then(|at| at.text("description")).map(str::to_owned);
    ServerVariable { wire: wire.to_owned(), name, default, values, description }
}
