//! Parameters of an operation and of its path.

use std::collections::BTreeMap;

use serde_json::Value;

use super::bodies;
use super::media::{self, Media};
use crate::diagnostic::Kind;
use crate::model::{Constraints, Location, Name, Parameter, Scalar, Style, Type, unique_names};
use crate::resolve::Scope;
use crate::resolve::schemas::component;
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
            let place = at.text("in").and_then(location);
            let is_whole = at.text("in") == Some(WHOLE_QUERY);
            if is_whole && spelling(&at).is_none() {
                let why = "a query string that is neither a form nor JSON is left out";
                scope.degrade(&at, "a parameter", why);
                continue;
            }
            let (Some(name), Some(location)) = (at.text("name"), place) else {
                let why = match (at.text("name"), at.text("in")) {
                    (Some(name), Some(place)) => {
                        format!("`{name}` is in `{place}`, which is no place: it is left out")
                    }
                    (Some(name), None) => format!("`{name}` has no `in`, and is left out"),
                    (None, _) => "this parameter has no `name`, and is left out".to_owned(),
                };
                let hint = "`in` is one of path, query, querystring, header and cookie";
                scope.defect(&at, why, hint);
                continue;
            };
            if location == Location::Header && is_reserved_header(name) {
                continue;
            }
            found.insert((location, name.to_owned()), at);
        }
    }
    drop_whole(scope, &mut found);
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
            let why = format!("the path has no `{{{name}}}`: the parameter is left out");
            scope.defect(at, why, "put it into the path, or take it out here");
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
        .map(|(key, at)| parameter(scope, key, at, &names[labels[key].as_str()], owner))
        .collect();
    parameters.extend(missing.iter().map(|name| undeclared(name, &names[name.as_str()])));
    parameters
        .sort_by(|left, right| (left.location, &left.wire).cmp(&(right.location, &right.wire)));
    parameters
}

/// Leaves out JSON that would be the whole query string where others are in it.
fn drop_whole<'a>(scope: &mut Scope<'a>, found: &mut BTreeMap<(Location, String), Cursor<'a>>) {
    let in_query = found.keys().filter(|(location, _)| *location == Location::Query).count();
    if in_query < 2 {
        return;
    }
    found.retain(|_, at| {
        let is_whole = spelling(at).is_some_and(|found| found.style == Some(Style::Whole));
        if is_whole {
            let why = "the query string has other parameters, and is no JSON: this one is left out";
            scope.defect(at, why.to_owned(), "a whole query string stands alone");
        }
        !is_whole
    });
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
    let spelling = spelling(at);
    let (ty, constraints) = match spelling.as_ref().and_then(|found| found.schema.as_ref()) {
        Some(schema) => {
            let named = component(at).unwrap_or_else(|| owner.then(name));
            scope.type_of(schema, &named)
        }
        None => {
            if spelling.is_none() {
                let why = "its `content` is sent and received as text";
                scope.degrade(at, "a parameter", why);
            }
            (Type::Scalar(Scalar::Text), Constraints::default())
        }
    };
    let (style, explode) = spelling.map_or((None, None), |found| (found.style, found.explode));
    Parameter {
        wire: wire.clone(),
        name: name.clone(),
        location: *location,
        required: *location == Location::Path || at.flag("required"),
        style,
        explode,
        allow_reserved: *location == Location::Query && at.flag("allowReserved"),
        allow_empty: *location == Location::Query && at.flag("allowEmptyValue"),
        spread: Vec::new(),
        ty,
        constraints,
        default: at.get("schema").and_then(|schema| scope.default(&schema)),
        description: at.text("description").map(str::to_owned),
    }
}

/// How the value of a parameter or header is spelled, and what describes it.
#[derive(Default)]
pub(super) struct Spelling<'a> {
    pub(super) schema: Option<Cursor<'a>>,
    pub(super) style: Option<Style>,
    pub(super) explode: Option<bool>,
}

/// The spelling of a parameter or header; none where its `content` is of a media type without one.
pub(super) fn spelling<'a>(at: &Cursor<'a>) -> Option<Spelling<'a>> {
    let content = at.get("content").filter(|_| at.get("schema").is_none());
    let Some((media_type, found)) =
        content.and_then(|content| content.members().into_iter().next())
    else {
        return Some(Spelling {
            schema: at.get("schema"),
            style: match (at.text("style"), at.text("in")) {
                (Some("cookie"), Some("cookie")) => Some(Style::Cookie),
                (style, _) => style.and_then(bodies::style),
            },
            explode: at.value.get("explode").and_then(Value::as_bool),
        });
    };
    let schema = found.get("schema");
    let is_whole = at.text("in") == Some(WHOLE_QUERY);
    match media::of(media_type, schema.as_ref()) {
        Media::Form if is_whole => Some(Spelling { schema, style: None, explode: None }),
        Media::Json => {
            let style = if is_whole { Style::Whole } else { Style::Json };
            Some(Spelling { schema, style: Some(style), explode: None })
        }
        Media::Text if !is_whole => Some(Spelling { schema: None, style: None, explode: None }),
        Media::Multipart
        | Media::Form
        | Media::Text
        | Media::Xml
        | Media::Parts
        | Media::Bytes
        | Media::Lines
        | Media::Events => None,
    }
}

/// What `in` says of a parameter that is the whole query string (OpenAPI 3.2).
const WHOLE_QUERY: &str = "querystring";

fn undeclared(wire: &str, name: &Name) -> Parameter {
    Parameter {
        wire: wire.to_owned(),
        name: name.clone(),
        location: Location::Path,
        required: true,
        style: None,
        explode: None,
        allow_reserved: false,
        allow_empty: false,
        spread: Vec::new(),
        ty: Type::Scalar(Scalar::Text),
        constraints: Constraints::default(),
        default: None,
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
        "query" | WHOLE_QUERY => Some(Location::Query),
        "header" => Some(Location::Header),
        "cookie" => Some(Location::Cookie),
        _ => None,
    }
}

/// The names between braces, in order, each once.
pub(in crate::resolve) fn template_names(path: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (name, _) in path.split('{').skip(1).filter_map(|part| part.split_once('}')) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}
