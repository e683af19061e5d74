//! Swagger UI over the contract, from assets compiled into the program.

use std::borrow::Cow;
use std::sync::Arc;

use http::header;
use serde_json::{Map, Value, json};
use utoipa_swagger_ui::Config;

use crate::{Failure, Reply};

/// The page styles itself inline and draws icons from `data:` URLs; nothing comes from elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-ancestors 'none'; \
    base-uri 'none'; form-action 'none'";

/// A file of the page, if it has it.
///
/// # Errors
/// When the page cannot be configured.
pub(crate) fn file(path: &str) -> Result<Option<Reply>, Failure> {
    let config = Config::new(["../openapi.json"])
        .try_it_out_enabled(true)
        .persist_authorization(true)
        .display_operation_id(true)
        .default_models_expand_depth(0)
        .use_base_layout();
    let file = utoipa_swagger_ui::serve(path, Arc::new(config))
        .map_err(|error| Failure::message(error.to_string()))?;
    Ok(file.map(|file| {
        Reply::bytes(200, &file.content_type, file.bytes.into_owned())
            .literal(header::CONTENT_SECURITY_POLICY, POLICY)
    }))
}

/// The document with the server that hands it out before all others it names, and the paths of
/// those: what is tried on its page must reach this server, wherever it listens.
pub(crate) fn served_here(document: Cow<'static, str>) -> (Cow<'static, str>, Vec<String>) {
    let Ok(mut value) = serde_json::from_str::<Value>(&document) else {
        return (document, Vec::new());
    };
    let mut bases = Vec::new();
    gather(value.get("servers"), &mut bases);
    for item in value.get("paths").and_then(Value::as_object).into_iter().flat_map(Map::values) {
        gather(item.get("servers"), &mut bases);
        for operation in item.as_object().into_iter().flat_map(Map::values) {
            gather(operation.get("servers"), &mut bases);
        }
    }
    let Some(Value::Array(servers)) = value.get_mut("servers") else { return (document, bases) };
    servers.insert(0, json!({ "url": "/", "description": "This server." }));
    (value.to_string().into(), bases)
}

/// Servers that one URL may stand for; one of more is known by the defaults of its variables alone.
const SERVERS: usize = 64;

/// Adds the paths of servers; variables stand for each of the values they may have, or for their
/// defaults where any text will do.
fn gather(servers: Option<&Value>, bases: &mut Vec<String>) {
    for server in servers.and_then(Value::as_array).into_iter().flatten() {
        let Some(url) = server.get("url").and_then(Value::as_str) else { continue };
        // A URL without a host is a path, with or without a slash in front.
        let path = match url.split_once("//") {
            Some((_, rest)) => rest.split_once('/').map(|(_, path)| path),
            None => Some(url.trim_start_matches("./")),
        };
        let mut paths = vec![path.unwrap_or_default().to_owned()];
        let variables = server.get("variables").and_then(Value::as_object);
        for (name, variable) in variables.into_iter().flatten() {
            let name = format!("{{{name}}}");
            let default = variable.get("default").and_then(Value::as_str);
            let listed = variable.get("enum").and_then(Value::as_array).into_iter().flatten();
            let mut values: Vec<&str> = listed.filter_map(Value::as_str).collect();
            if values.is_empty() || paths.len() * values.len() > SERVERS {
                values = default.into_iter().collect();
            }
            if paths.iter().any(|path| path.contains(&name)) {
                let of = |path: &String| values.iter().map(|it| path.replace(&name, it)).collect();
                paths = paths.iter().flat_map(|path| -> Vec<String> { of(path) }).collect();
            }
        }
        let paths = paths.iter().map(|path| path.trim_matches('/'));
        let paths = paths.filter(|path| !path.is_empty() && !path.contains(['{', '?']));
        bases.extend(paths.map(|path| format!("/{path}")));
    }
}
