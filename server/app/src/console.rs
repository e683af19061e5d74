//! The console at `/`: a page that shows a tenant's calls as they run, on the contract alone.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::identity;

const CLIENT: &str = "symbolon-console";
const SCRIPT: &str = "text/javascript; charset=utf-8";

macro_rules! file {
    ($name:literal, $media_type:expr) => {
        ($name, $media_type, include_str!(concat!("../console/", $name)))
    };
}

const PAGE: &str = include_str!("../console/index.html");
/// Name, media type and text of what the page loads.
const FILES: [(&str, &str, &str); 11] = [
    file!("api.js", SCRIPT),
    file!("calls.js", SCRIPT),
    file!("console.css", "text/css; charset=utf-8"),
    file!("detail.js", SCRIPT),
    file!("elements.js", SCRIPT),
    file!("icon.svg", "image/svg+xml"),
    file!("lifecycle.js", SCRIPT),
    file!("main.js", SCRIPT),
    file!("operations.js", SCRIPT),
    file!("session.js", SCRIPT),
    file!("stream.js", SCRIPT),
];

/// How the page signs people in.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SignIn {
    /// The URL of the OpenID Connect issuer; without one a token is pasted.
    issuer: Option<String>,
    client: &'static str,
    /// Those of the contract; without those of operators the page leaves operations out.
    scopes: Vec<String>,
}

impl SignIn {
    /// By this issuer, if it is one that a browser can be sent to, for what a contract asks for.
    ///
    /// # Errors
    /// When the contract is no JSON.
    pub(crate) fn by(issuer: Option<&str>, contract: &str) -> anyhow::Result<Self> {
        let issuer = issuer.filter(|issuer| origin(issuer).is_some()).map(str::to_owned);
        let scopes = std::iter::once("openid".to_owned()).chain(identity::scopes(contract)?);
        Ok(Self { issuer, client: CLIENT, scopes: scopes.collect() })
    }

    /// What the page may load, and whom it may call.
    fn policy(&self) -> HeaderValue {
        let issuer = self.issuer.as_deref().and_then(origin).unwrap_or_default();
        let policy = format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
             connect-src 'self' {issuer}; frame-ancestors 'none'; base-uri 'none'; \
             form-action 'none'"
        );
        HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
    }
}

/// The origin of an http(s) URL; none of a text that would say more in a policy.
fn origin(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split('/').next()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    let is_origin = ["http", "https"].contains(&scheme) && !host.is_empty();
    (is_origin && host.bytes().all(is_plain)).then(|| &url[..scheme.len() + 3 + host.len()])
}

/// This router with the page in it.
pub(crate) fn mount(router: Router, sign_in: SignIn) -> Router {
    let policy = sign_in.policy();
    let page = move || async move {
        let policy = [(header::CONTENT_SECURITY_POLICY, policy)];
        (policy, document("text/html; charset=utf-8", PAGE)).into_response()
    };
    router
        .route("/", get(page))
        .route("/console/settings.json", get(move || async move { Json(sign_in) }))
        .route("/console/{file}", get(file))
}

async fn file(Path(name): Path<String>) -> Response {
    match FILES.iter().find(|(known, ..)| *known == name) {
        Some((_, media_type, text)) => document(media_type, text),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn document(media_type: &'static str, text: &'static str) -> Response {
    const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CACHE_CONTROL, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (RESOURCE_POLICY, "same-origin"),
    ];
    (headers, text).into_response()
}
