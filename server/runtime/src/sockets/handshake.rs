//! The request that opens a socket (RFC 6455, 4.2): whether it does, who may send it from where,
//! and what is spoken.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{
    AUTHORIZATION, CONNECTION, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN,
    SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use http::request::Parts;
use http::{Response, StatusCode};
use hyper::upgrade::OnUpgrade;
use symbolon_wire::socket::{SUBPROTOCOL, bearer_token};
use symbolon_wire::{In, Violation};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::answers::problem;
use crate::requests::operation::SocketRule;
use crate::{Cors, Reply};

/// The version of the protocol that is spoken.
const VERSION: &str = "13";

/// A request that opens a socket, if its handler lets it.
pub(crate) struct Handshake {
    accept: String,
    subprotocol: Option<String>,
    pub(crate) upgrade: OnUpgrade,
}

/// Holds a request against what opens a socket. A token among the subprotocols becomes a header,
/// and cookies that a page of another origin brings are dropped where the edge does not let it.
pub(crate) fn read(
    rule: &SocketRule,
    cors: Option<&Cors>,
    parts: &mut Parts,
) -> Result<Handshake, Box<Reply>> {
    let upgrade = parts.extensions.remove::<OnUpgrade>();
    let is_asked = has_token(&parts.headers, CONNECTION, "upgrade")
        && has_token(&parts.headers, UPGRADE, "websocket");
    let version = parts.headers.get(SEC_WEBSOCKET_VERSION);
    let is_known = version.is_some_and(|found| found.as_bytes() == VERSION.as_bytes());
    let (true, true, Some(upgrade)) = (is_asked, is_known, upgrade) else {
        return Err(Box::new(upgrade_required()));
    };
    let key = parts.headers.get(SEC_WEBSOCKET_KEY);
    let Some(key) = key.filter(|key| is_key(key)) else {
        let detail = "must be sixteen bytes in Base64";
        return Err(refused(&SEC_WEBSOCKET_KEY, "format", detail));
    };
    let accept = derive_accept_key(key.as_bytes());
    check_origin(cors, &mut parts.headers)?;
    let offered = offered(&mut parts.headers);
    let subprotocol = chosen(rule, &offered)?;
    Ok(Handshake { accept, subprotocol, upgrade })
}

impl Handshake {
    /// The answer that opens the socket, and the connection once it is one.
    pub(crate) fn accept(self) -> (Response<axum::body::Body>, OnUpgrade) {
        let mut response = Response::new(axum::body::Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        let texts =
            [(SEC_WEBSOCKET_ACCEPT, Some(self.accept)), (SEC_WEBSOCKET_PROTOCOL, self.subprotocol)];
        for (name, text) in texts {
            if let Some(value) = text.and_then(|text| HeaderValue::from_str(&text).ok()) {
                headers.insert(name, value);
            }
        }
        (response, self.upgrade)
    }
}

/// 426, with what to ask for (RFC 9110, 15.5.22; RFC 6455, 4.4).
fn upgrade_required() -> Reply {
    let detail = "this path is opened as a WebSocket, version 13";
    problem::reply(&problem::UPGRADE_REQUIRED, detail)
        .literal(CONNECTION, "upgrade")
        .literal(UPGRADE, "websocket")
        .literal(SEC_WEBSOCKET_VERSION, VERSION)
}

/// 400 for one header.
fn refused(header: &HeaderName, code: &str, detail: &str) -> Box<Reply> {
    let pointer = format!("/{header}");
    let (code, detail) = (code.to_owned(), detail.to_owned());
    Box::new(problem::invalid(vec![Violation { location: In::Header, pointer, code, detail }]))
}

/// Whether one of the elements of a header is this token, in any case.
fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    elements(headers, &name).any(|element| element.eq_ignore_ascii_case(token))
}

fn elements<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|element| !element.is_empty())
}

fn is_key(key: &HeaderValue) -> bool {
    BASE64_STANDARD.decode(key.as_bytes()).is_ok_and(|bytes| bytes.len() == 16)
}

/// Browsers let any page open a socket to anywhere, and say whose page it is: only the edge keeps
/// others' pages out (RFC 6455, 10.2).
fn check_origin(cors: Option<&Cors>, headers: &mut HeaderMap) -> Result<(), Box<Reply>> {
    let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
    if is_own(origin, headers.get(HOST)) {
        return Ok(());
    }
    let Some(cors) = cors.filter(|cors| cors.allows(origin)) else {
        let detail = "pages of this origin may not open sockets here";
        return Err(Box::new(problem::reply(&problem::FORBIDDEN, detail)));
    };
    if !cors.lets_credentials() {
        headers.remove(COOKIE);
    }
    Ok(())
}

/// Whether a page is of the host that it talks to.
fn is_own(origin: &HeaderValue, host: Option<&HeaderValue>) -> bool {
    let (Ok(origin), Some(Ok(host))) = (origin.to_str(), host.map(HeaderValue::to_str)) else {
        return false;
    };
    origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host))
}

/// The subprotocols that are offered. One that is a token becomes the credentials of the request,
/// unless it has others, and is seen by nobody else.
fn offered(headers: &mut HeaderMap) -> Vec<String> {
    let all = elements(headers, &SEC_WEBSOCKET_PROTOCOL).map(str::to_owned);
    let (tokens, offered): (Vec<String>, Vec<String>) =
        all.partition(|offer| bearer_token(offer).is_some());
    headers.remove(SEC_WEBSOCKET_PROTOCOL);
    if let Ok(rest) = HeaderValue::from_str(&offered.join(", "))
        && !offered.is_empty()
    {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, rest);
    }
    if let Some(token) = tokens.first().and_then(|offer| bearer_token(offer))
        && !headers.contains_key(AUTHORIZATION)
    {
        // What no header can hold is no token either, and must not pass for none at all.
        let value = HeaderValue::from_str(&format!("Bearer {token}"));
        let mut value = value.unwrap_or_else(|_| HeaderValue::from_static("Bearer"));
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    offered
}

/// What is spoken: the first that is offered and known.
fn chosen(rule: &SocketRule, offered: &[String]) -> Result<Option<String>, Box<Reply>> {
    let usual = [SUBPROTOCOL];
    let known = if rule.subprotocols.is_empty() { &usual[..] } else { rule.subprotocols };
    let found = offered.iter().find(|offer| known.contains(&offer.as_str()));
    let is_refused = found.is_none()
        && !rule.subprotocols.is_empty()
        && (rule.needs_subprotocol || !offered.is_empty());
    if is_refused {
        let detail = format!("must offer one of {}", known.join(", "));
        return Err(refused(&SEC_WEBSOCKET_PROTOCOL, "enum", &detail));
    }
    Ok(found.cloned())
}
