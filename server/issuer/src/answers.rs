//! What answers of the issuer have in common: no store, no frame, errors of RFC 6749.

use axum::body::Body;
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE,
    HeaderName, LOCATION, ORIGIN, REFERRER_POLICY, VARY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};
use url::Url;

use crate::is_here;

/// An error of RFC 6749 or OpenID Connect Core, and a sentence for the developer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) error: &'static str,
    pub(crate) description: &'static str,
}

/// Refuses with one of the registered errors.
pub(crate) fn refusal(error: &'static str, description: &'static str) -> Refusal {
    Refusal { error, description }
}

impl Refusal {
    /// As the token endpoint says it (RFC 6749, 5.2).
    pub(crate) fn answer(self) -> Response {
        let status = if self.error == "invalid_client" { 401 } else { 400 };
        let body = json!({ "error": self.error, "error_description": self.description });
        let response = document(status, &body);
        if status == 401 { header(response, WWW_AUTHENTICATE, "Basic") } else { response }
    }
}

pub(crate) fn document(status: u16, body: &Value) -> Response {
    typed(status, "application/json", body.to_string())
}

pub(crate) fn plain(status: u16, text: &str) -> Response {
    typed(status, "text/plain; charset=utf-8", text.to_owned())
}

/// A page that loads nothing, and whose form leads to this issuer and from there to `target`.
pub(crate) fn page(status: u16, html: String, target: &str) -> Response {
    const POLICY: HeaderName = HeaderName::from_static("content-security-policy");
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self' {target}; \
         base-uri 'none'; frame-ancestors 'none'"
    );
    header(typed(status, "text/html; charset=utf-8", html), POLICY, &policy)
}

/// Sends the browser on.
pub(crate) fn onward(target: &Url) -> Response {
    header(plain(303, ""), LOCATION, target.as_str())
}

/// The same, with a header.
pub(crate) fn header(mut response: Response, name: HeaderName, value: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}

/// Lets pages of this machine read the answer: a single-page application asks for its own tokens.
pub(crate) fn shared(request: &HeaderMap, response: Response) -> Response {
    let response = header(response, VARY, "origin");
    let origin = request.get(ORIGIN).and_then(|origin| origin.to_str().ok());
    match origin.filter(|origin| Url::parse(origin).is_ok_and(|url| is_here(&url))) {
        None => response,
        Some(origin) => {
            let response = header(response, ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            header(response, ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type")
        }
    }
}

fn typed(status: u16, media: &str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let headers = [
        (CONTENT_TYPE, media),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    headers.into_iter().fold(response, |response, (name, value)| header(response, name, value))
}
