//! What the issuer says of itself (OpenID Connect Discovery 1.0), its keys, and whom a token is
//! about.

use axum::response::Response;
use http::header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE};
use http::request::Parts;
use serde_json::json;

use crate::Issuer;
use crate::answers::{document, header};
use crate::grants::{OFFLINE, OPENID};

pub(crate) fn configuration(issuer: &Issuer) -> Response {
    let scopes: Vec<&str> = [OPENID, OFFLINE]
        .into_iter()
        .chain(issuer.offer.scopes.iter().map(String::as_str))
        .collect();
    let body = json!({
        "issuer": issuer.url.as_str(),
        "authorization_endpoint": issuer.at("/authorize"),
        "token_endpoint": issuer.at("/token"),
        "userinfo_endpoint": issuer.at("/userinfo"),
        "jwks_uri": issuer.at("/keys"),
        "scopes_supported": scopes,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported":
            ["client_secret_basic", "client_secret_post", "none"],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "tenant"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    });
    cached(document(200, &body))
}

pub(crate) fn keys(issuer: &Issuer) -> Response {
    cached(document(200, issuer.identity.key_set()))
}

fn cached(response: Response) -> Response {
    header(response, CACHE_CONTROL, "public, max-age=60")
}

/// Whom an access token with the scope `openid` is about (OpenID Connect Core, 5.3).
pub(crate) async fn userinfo(issuer: &Issuer, parts: &Parts) -> Response {
    let line = parts.headers.get(AUTHORIZATION).and_then(|line| line.to_str().ok());
    let token = line.and_then(|line| line.split_once(' '));
    let refused = |status: u16, error: &str, challenge: &str| {
        let body = json!({ "error": error });
        header(document(status, &body), WWW_AUTHENTICATE, challenge)
    };
    let Some((_, token)) = token.filter(|(word, _)| word.eq_ignore_ascii_case("bearer")) else {
        return refused(401, "invalid_request", "Bearer");
    };
    let Ok(caller) = issuer.verifier.verify(token.trim()).await else {
        return refused(401, "invalid_token", "Bearer error=\"invalid_token\"");
    };
    if !caller.has_scope(OPENID) {
        let challenge = "Bearer error=\"insufficient_scope\", scope=\"openid\"";
        return refused(403, "insufficient_scope", challenge);
    }
    let (subject, tenant) = (&caller.subject, &caller.tenant);
    let body = json!({ "sub": subject, "preferred_username": subject, "tenant": tenant });
    document(200, &body)
}
