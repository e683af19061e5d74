//! Swagger UI over the contract, from assets compiled into the program.

use std::borrow::Cow;
use std::sync::Arc;

use http::header;
use serde_json::{Value, json};
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
        .display_operation_id(true);
    let file = utoipa_swagger_ui::serve(path, Arc::new(config))
        .map_err(|error| Failure::message(error.to_string()))?;
    Ok(file.map(|file| {
        Reply::bytes(200, &file.content_type, file.bytes.into_owned())
            .literal(header::CONTENT_SECURITY_POLICY, POLICY)
    }))
}

/// The document with the server that hands it out before all others it names: what is tried on
/// its page must reach this server, wherever it listens.
pub(crate) fn served_here(document: Cow<'static, str>) -> Cow<'static, str> {
    let Ok(mut value) = serde_json::from_str::<Value>(&document) else { return document };
    let Some(Value::Array(servers)) = value.get_mut("servers") else { return document };
    servers.insert(0, json!({ "url": "/", "description": "This server." }));
    value.to_string().into()
}
