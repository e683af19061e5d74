//! The authorization endpoint (RFC 6749, 4.1.1): asks whoever sees the page, and sends them on with
//! a code.

use axum::response::Response;
use http::request::Parts;
use url::Url;

use crate::answers::{Refusal, onward, page, plain, refusal};
use crate::grants::{Bound, Granted, OFFLINE, OPENID};
use crate::parameters::{Parameters, Repeated};
use crate::tokens::words;
use crate::{Issuer, is_here};

/// A request that a code may answer.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) client: &'a str,
    pub(crate) redirect: &'a str,
    pub(crate) scopes: Vec<String>,
    challenge: &'a str,
    nonce: Option<&'a str>,
}

/// The page that asks.
pub(crate) fn ask(issuer: &Issuer, parts: &Parts, query: &Parameters) -> Response {
    let target = match target(query) {
        Ok(target) => target,
        Err(refusal) => return plain(400, refusal.description),
    };
    match asked(issuer, query) {
        Err(refusal) => back(issuer, target, query, refusal),
        Ok(_) if query.get("prompt") == Some("none") => {
            let refusal = refusal("login_required", "somebody has to look at the page");
            back(issuer, target, query, refusal)
        }
        Ok(asked) => {
            let action = format!("?{}", parts.uri.query().unwrap_or_default());
            let origin = match target.host() {
                Some(url::Host::Ipv6(_)) | None => format!("{}:", target.scheme()),
                Some(_) => target.origin().ascii_serialization(),
            };
            page(200, crate::page::write(&issuer.offer, &asked, &action), &origin)
        }
    }
}

/// Sends whoever has decided on, with a code or without.
pub(crate) fn decide(issuer: &Issuer, query: &Parameters, form: &Parameters) -> Response {
    let mut target = match target(query) {
        Ok(target) => target,
        Err(refusal) => return plain(400, refusal.description),
    };
    let asked = match asked(issuer, query) {
        Ok(asked) => asked,
        Err(refusal) => return back(issuer, target, query, refusal),
    };
    let (Some("allow"), Some(tenant), Some(subject)) =
        (form.get("decision"), form.get("tenant"), form.get("subject"))
    else {
        let refusal = refusal("access_denied", "whoever saw the page did not agree");
        return back(issuer, target, query, refusal);
    };
    let is_granted = |scope: &String| {
        [OPENID, OFFLINE].contains(&scope.as_str()) || form.all("grant").any(|grant| grant == scope)
    };
    let granted = Granted {
        client: asked.client.to_owned(),
        subject: subject.to_owned(),
        tenant: tenant.to_owned(),
        scopes: asked.scopes.iter().filter(|scope| is_granted(scope)).cloned().collect(),
        at: issuer.now(),
        nonce: asked.nonce.map(str::to_owned),
    };
    let bound =
        Bound { redirect: asked.redirect.to_owned(), challenge: asked.challenge.to_owned() };
    let code = issuer.secret();
    issuer.grants().keep_code(code.clone(), granted, bound);
    target.query_pairs_mut().append_pair("code", &code);
    finish(issuer, target, query)
}

/// Where the browser is sent: to this machine, or nowhere.
fn target(query: &Parameters) -> Result<Url, Refusal> {
    let refused = |description| refusal("invalid_request", description);
    let redirect = query.get("redirect_uri").ok_or(refused("redirect_uri is missing"))?;
    query.once().map_err(|Repeated| refused("a parameter stands twice"))?;
    let url = Url::parse(redirect).map_err(|_| refused("redirect_uri is no URL"))?;
    let is_allowed = matches!(url.scheme(), "http" | "https") && is_here(&url);
    if !is_allowed || url.fragment().is_some() || !url.username().is_empty() {
        return Err(refused("redirect_uri leads elsewhere than to this machine"));
    }
    Ok(url)
}

fn asked<'a>(issuer: &Issuer, query: &'a Parameters) -> Result<Asked<'a>, Refusal> {
    let invalid = |description| refusal("invalid_request", description);
    let (Some(client), Some(redirect)) = (query.get("client_id"), query.get("redirect_uri")) else {
        return Err(invalid("client_id is missing"));
    };
    if query.get("request").or(query.get("request_uri")).is_some() {
        return Err(refusal("request_not_supported", "parameters stand in the query"));
    }
    match query.get("response_type") {
        Some("code") => {}
        Some(_) => return Err(refusal("unsupported_response_type", "only code is supported")),
        None => return Err(invalid("response_type is missing")),
    }
    if query.get("response_mode").is_some_and(|mode| mode != "query") {
        return Err(invalid("response_mode can only be query"));
    }
    let challenge = query.get("code_challenge");
    let challenge = challenge.ok_or(invalid("code_challenge is missing: PKCE is required"))?;
    if query.get("code_challenge_method") != Some("S256") {
        return Err(invalid("code_challenge_method can only be S256"));
    }
    let is_spelled = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
    if challenge.len() != 43 || !challenge.bytes().all(is_spelled) {
        return Err(invalid("code_challenge is not SHA-256 in base64url"));
    }
    let scopes = words(query.get("scope").unwrap_or(OPENID));
    let is_known = |scope: &String| {
        [OPENID, OFFLINE].contains(&scope.as_str()) || issuer.offer.scopes.contains(scope)
    };
    if !scopes.iter().all(is_known) {
        return Err(refusal("invalid_scope", "see scopes_supported"));
    }
    Ok(Asked { client, redirect, scopes, challenge, nonce: query.get("nonce") })
}

/// Sends the browser back with an error (RFC 6749, 4.1.2.1).
fn back(issuer: &Issuer, mut target: Url, query: &Parameters, refusal: Refusal) -> Response {
    let Refusal { error, description } = refusal;
    target.query_pairs_mut().append_pair("error", error);
    target.query_pairs_mut().append_pair("error_description", description);
    finish(issuer, target, query)
}

/// Adds what every answer has: the client's `state`, and who answers (RFC 9207).
fn finish(issuer: &Issuer, mut target: Url, query: &Parameters) -> Response {
    if let Some(state) = query.get("state") {
        target.query_pairs_mut().append_pair("state", state);
    }
    target.query_pairs_mut().append_pair("iss", issuer.url.as_str());
    onward(&target)
}
