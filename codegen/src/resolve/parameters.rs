//! Parameters of an operation and of its path.

use std::collections::BTreeMap;

use super::schemas::component;
use super::{Scope, bodies};
use crate::diagnostic::Kind;
use crate::model::{Constraints, Location, Name, Parameter, Scalar, Type, unique_names};
use crate::source::Cursor;

/// The parameters of an operation; its own ones go before those of its path.
pub(super) fn resolve<'a>(
    scope: &mut Scope<'a>,
    item: &Cursor<'a>,
    operation: &Cursor<'a>,
    path: &str,
    owner: &Name,
) -> Vec<Parameter> {
    let mut found: BTreeMap<(Location, String), Cursor<'a>> = BTreeMap::new();
    for holder in [item, operation] {
        let listed = holder.get("parameters").map(|found| found.elements()).unwrap_or_default();
        for at in listed {
            let Some(at) = scope.follow(&at) else { continue };
            let (Some(name), Some(location)) = (at.text("name"), at.text("in").and_then(location))
            else {
                scope.degrade(&at, "a parameter", "it has no `name`, or no `in` that we know");
                continue;
            };
            if location == Location::Header && is_reserved_header(name) {
                continue;
            }
            found.insert((location, name.to_owned()), at);
        }
    }
    for name in template_names(path) {
        let key = (Location::Path, name.clone());
        if !found.contains_key(&key) {
            scope.report(operation, Kind::UndeclaredPathParameter { name: name.clone() });
        }
    }
    let declared: Vec<String> = template_names(path);
    found.retain(|(location, name), at| {
        let stands = *location != Location::Path || declared.contains(name);
        if !stands {
            let why = format!("the path has no `{{{name}}}`, so it is left out");
            scope.degrade(at, "a parameter", &why);
        }
        stands
    });
    let labels: BTreeMap<(Location, String), String> =
        found.keys().map(|key| (key.clone(), label(key, found.keys()))).collect();
    let missing: Vec<String> = declared
        .into_iter()
        .filter(|name| !found.contains_key(&(Location::Path, name.clone())))
        .collect();
    let names =
        unique_names(labels.values().map(String::as_str).chain(missing.iter().map(String::as_str)));
    let mut parameters: Vec<Parameter> = found
        .iter()
        .map(|(key, at)| parameter(scope, key, at, &names[&labels[key]], owner))
        .collect();
    parameters.extend(missing.iter().map(|name| undeclared(name, &names[name])));
    parameters
        .sort_by(|left, right| (left.location, &left.wire).cmp(&(right.location, &right.wire)));
    parameters
}

/// One name may stand in several places: then all but the path's say where they are.
fn label<'k>(
    key: &(Location, String),
    keys: impl Iterator<Item = &'k (Location, String)> + Clone,
) -> String {
    let (location, name) = key;
    if !keys.clone().any(|(other, wire)| other < location && wire == name) {
        return name.clone();
    }
    let place = match location {
        Location::Path => "path",
        Location::Query => "query",
        Location::Header => "header",
        Location::Cookie => "cookie",
    };
    let mut label = format!("{name}-{place}");
    while keys.clone().any(|(_, wire)| *wire == label) {
        label.push_str("-2");
    }
    label
}

fn parameter<'a>(
    scope: &mut Scope<'a>,
    key: &(Location, String),
    at: &Cursor<'a>,
    name: &Name,
    owner: &Name,
) -> Parameter {
    let (location, wire) = key;
    let (ty, constraints) = match at.get("schema") {
        Some(schema) => {
            let named = component(at).unwrap_or_else(|| owner.then(name));
            scope.type_of(&schema, &named)
        }
        None => {
            if at.get("content").is_some() {
                let why = "its `content` is sent and received as text";
                scope.degrade(at, "a parameter", why);
            }
            (Type::Scalar(Scalar::Text), Constraints::default())
        }
    };
    Parameter {
        wire: wire.clone(),
        name: name.clone(),
        location: *location,
        required: *location == Location::Path || at.flag("required"),
        style: at.text("style").and_then(bodies::style),
        explode: at.value.get("explode").and_then(serde_json::Value::as_bool),
        ty,
        constraints,
        description: at.text("description").map(str::to_owned),
    }
}

fn undeclared(wire: &str, name: &Name) -> Parameter {
    Parameter {
        wire: wire.to_owned(),
        name: name.clone(),
        location: Location::Path,
        required: true,
        style: None,
        explode: None,
        ty: Type::Scalar(Scalar::Text),
        constraints: Constraints::default(),
        description: None,
    }
}

/// OpenAPI ignores header parameters of these names: other members describe them.
fn is_reserved_header(name: &str) -> bool {
    ["accept", "content-type", "authorization"].contains(&name.to_ascii_lowercase().as_str())
}

fn location(text: &str) -> Option<Location> {
    match text {
        "path" => Some(Location::Path),
        "query" => Some(Location::Query),
        "header" => Some(Location::Header),
        "cookie" => Some(Location::Cookie),
        _ => None,
    }
}

/// The names between braces, in order, each once.
fn template_names(path: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (name, _) in path.split('{').skip(1).filter_map(|part| part.split_once('}')) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}
