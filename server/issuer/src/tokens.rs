//! The token endpoint: codes, refresh tokens and client credentials become signed tokens.

use std::time::Duration;

use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::form_urlencoded;

use crate::answers::{Refusal, document, plain, refusal};
use crate::grants::{Bound, Granted, OFFLINE, OPENID};
use crate::parameters::{Parameters, Repeated};
use crate::{Issuer, seconds};

const TOKEN_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// Answers a token request (RFC 6749, 4.1.3, 4.4.2 and 6).
pub(crate) fn answer(issuer: &Issuer, headers: &HeaderMap, form: &Parameters) -> Response {
    match granted(issuer, headers, form) {
        Err(refusal) => refusal.answer(),
        Ok((granted, family)) => match issue(issuer, granted, family) {
            Ok(body) => document(200, &body),
            Err(_) => plain(500, "the token cannot be signed"),
        },
    }
}

/// What is to be signed, and the family of the refresh token that comes with it.
fn granted(
    issuer: &Issuer,
    headers: &HeaderMap,
    form: &Parameters,
) -> Result<(Granted, Option<u64>), Refusal> {
    form.once().map_err(|Repeated| refusal("invalid_request", "a parameter stands twice"))?;
    let client = client(headers, form)?;
    match form.get("grant_type") {
        Some("authorization_code") => by_code(issuer, &client, form),
        Some("refresh_token") => by_refresh(issuer, &client, form),
        Some("client_credentials") => {
            let asked = form.get("scope").map(words);
            let scopes = asked.unwrap_or_else(|| issuer.offer.scopes.clone());
            if !scopes.iter().all(|scope| issuer.offer.scopes.contains(scope)) {
                return Err(refusal("invalid_scope", "a client by itself has scopes of the API"));
            }
            let first = issuer.offer.tenants.first().map_or("development", String::as_str);
            let tenant = form.get("tenant").unwrap_or(first).to_owned();
            let (subject, at) = (client.clone(), issuer.now());
            Ok((Granted { client, subject, tenant, scopes, at, nonce: None }, None))
        }
        Some(_) => Err(refusal("unsupported_grant_type", "see grant_types_supported")),
        None => Err(refusal("invalid_request", "grant_type is missing")),
    }
}

/// Who asks. Any secret will do: there is nothing here to protect.
fn client(headers: &HeaderMap, form: &Parameters) -> Result<String, Refusal> {
    let unknown = || refusal("invalid_client", "name the client by client_id or Basic");
    let Some(line) = headers.get(AUTHORIZATION) else {
        return form.get("client_id").map(str::to_owned).ok_or_else(unknown);
    };
    let line = line.to_str().map_err(|_| unknown())?;
    let (word, encoded) = line.split_once(' ').ok_or_else(unknown)?;
    let bytes = STANDARD.decode(encoded.trim()).map_err(|_| unknown())?;
    let text = String::from_utf8(bytes).map_err(|_| unknown())?;
    let name = text.split_once(':').filter(|_| word.eq_ignore_ascii_case("basic"));
    let (name, _) = name.ok_or_else(unknown)?;
    // The name is encoded as in a form (RFC 6749, 2.3.1).
    let name = format!("n={name}");
    let name = form_urlencoded::parse(name.as_bytes()).next();
    let name = name.map(|(_, name)| name.into_owned()).filter(|name| !name.is_empty());
    name.ok_or_else(unknown)
}

fn by_code(
    issuer: &Issuer,
    client: &str,
    form: &Parameters,
) -> Result<(Granted, Option<u64>), Refusal> {
    let missing = || refusal("invalid_request", "code, redirect_uri and code_verifier are needed");
    let code = form.get("code").ok_or_else(missing)?;
    let redirect = form.get("redirect_uri").ok_or_else(missing)?;
    let verifier = form.get("code_verifier").ok_or_else(missing)?;
    let spent = issuer.grants().spend_code(code, issuer.now());
    let refused = || refusal("invalid_grant", "the code is not good for this");
    let (granted, bound, family) = spent.ok_or_else(refused)?;
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
    let given = Bound { redirect: redirect.to_owned(), challenge };
    if given != bound || granted.client != client {
        return Err(refused());
    }
    Ok((granted, Some(family)))
}

fn by_refresh(
    issuer: &Issuer,
    client: &str,
    form: &Parameters,
) -> Result<(Granted, Option<u64>), Refusal> {
    let token = form.get("refresh_token");
    let token = token.ok_or(refusal("invalid_request", "refresh_token is needed"))?;
    let spent = issuer.grants().spend_refresh(token, issuer.now());
    let refused = || refusal("invalid_grant", "the refresh token is not good for this");
    let (mut granted, family) =
        spent.filter(|(granted, _)| granted.client == client).ok_or_else(refused)?;
    if let Some(asked) = form.get("scope").map(words) {
        if !asked.iter().all(|scope| granted.has(scope)) {
            return Err(refusal("invalid_scope", "a refresh cannot ask for more"));
        }
        granted.scopes = asked;
    }
    granted.nonce = None;
    Ok((granted, Some(family)))
}

/// Signs what was granted.
fn issue(
    issuer: &Issuer,
    granted: Granted,
    family: Option<u64>,
) -> Result<Value, symbolon_server::IdentityError> {
    let now = issuer.now();
    let (iat, exp) = (seconds(now), seconds(now + TOKEN_LIFETIME));
    let scope = granted.scopes.join(" ");
    let access = json!({
        "iss": issuer.url.as_str(), "aud": issuer.identity.audience(), "sub": granted.subject,
        "client_id": granted.client, "tenant": granted.tenant, "scope": scope,
        "iat": iat, "nbf": iat, "exp": exp, "jti": issuer.secret(),
    });
    let mut body = json!({
        "access_token": issuer.identity.sign("at+jwt", &access)?,
        "token_type": "Bearer",
        "expires_in": TOKEN_LIFETIME.as_secs(),
        "scope": scope,
    });
    if granted.has(OPENID) {
        let mut claims = json!({
            "iss": issuer.url.as_str(), "aud": granted.client, "sub": granted.subject,
            "tenant": granted.tenant, "auth_time": seconds(granted.at), "iat": iat, "exp": exp,
        });
        if let Some(nonce) = &granted.nonce {
            claims["nonce"] = nonce.as_str().into();
        }
        body["id_token"] = issuer.identity.sign("JWT", &claims)?.into();
    }
    if let Some(family) = family.filter(|_| granted.has(OFFLINE)) {
        let token = issuer.secret();
        body["refresh_token"] = token.as_str().into();
        issuer.grants().keep_refresh(token, granted, family, now);
    }
    Ok(body)
}

/// The words of a scope (RFC 6749, 3.3).
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    let mut seen = std::collections::BTreeSet::new();
    words.retain(|word| seen.insert(word.clone()));
    words
}
