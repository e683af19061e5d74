//! Which pages of other origins browsers let call (Fetch Standard, 3.2: the CORS protocol).

use std::collections::BTreeSet;
use std::time::Duration;

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::Reply;

/// What pages may read without being told, and what they are never let read.
const NOT_EXPOSED: [&str; 9] = [
    "cache-control",
    "content-language",
    "content-length",
    "content-type",
    "expires",
    "last-modified",
    "pragma",
    "set-cookie",
    "vary",
];

/// The origins whose pages may call.
#[derive(Debug, Clone)]
pub struct Cors {
    /// All, if none.
    origins: Option<BTreeSet<String>>,
    lets_credentials: bool,
    max_age: Duration,
}

impl Cors {
    /// Lets pages of these origins call, such as `https://app.example.com`: scheme, host, and port
    /// if it is not the scheme's own, as browsers spell it.
    pub fn of<O: Into<String>>(origins: impl IntoIterator<Item = O>) -> Self {
        let origins = origins.into_iter().map(Into::into).collect();
        Self { origins: Some(origins), lets_credentials: false, max_age: Duration::from_secs(600) }
    }

    /// Lets pages of any origin call; never with credentials that the browser adds by itself.
    pub fn any() -> Self {
        Self { origins: None, ..Self::of([""; 0]) }
    }

    /// The same, and lets browsers add cookies and certificates, if the origins are listed.
    #[must_use]
    pub fn credentials(self) -> Self {
        Self { lets_credentials: self.origins.is_some(), ..self }
    }

    /// The same, and lets browsers keep for so long what they may do; ten minutes otherwise.
    #[must_use]
    pub fn max_age(self, time: Duration) -> Self {
        Self { max_age: time, ..self }
    }

    /// Whether pages of an origin may call.
    pub(crate) fn allows(&self, origin: &HeaderValue) -> bool {
        let is_listed =
            |listed: &BTreeSet<String>| origin.to_str().is_ok_and(|origin| listed.contains(origin));
        self.origins.as_ref().is_none_or(is_listed)
    }

    /// Whether what the browser adds by itself counts.
    pub(crate) fn lets_credentials(&self) -> bool {
        self.lets_credentials
    }

    /// The method a page of an origin that is let call asks for before it uses it.
    pub(crate) fn asked<'r>(&self, request: &'r Parts) -> Option<&'r str> {
        let origin = request.headers.get(ORIGIN).filter(|origin| self.allows(origin));
        let method = request.headers.get(ACCESS_CONTROL_REQUEST_METHOD)?.to_str().ok()?;
        (request.method == Method::OPTIONS && origin.is_some()).then_some(method)
    }

    /// The answer to it where there are these methods.
    pub(crate) fn preflight(&self, request: &Parts, methods: &[&'static str]) -> Reply {
        let reply = Reply::empty(204)
            .literal(ACCESS_CONTROL_ALLOW_METHODS, &methods.join(", "))
            .literal(ACCESS_CONTROL_MAX_AGE, &self.max_age.as_secs().to_string());
        let asked = request.headers.get(ACCESS_CONTROL_REQUEST_HEADERS);
        match asked.and_then(|asked| asked.to_str().ok()) {
            Some(asked) => reply.literal(ACCESS_CONTROL_ALLOW_HEADERS, asked),
            None => reply,
        }
    }

    /// Adds to an answer what a browser has to know before it gives it to a page of this origin.
    pub(crate) fn finish(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        let any = HeaderValue::from_static("*");
        if headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
            return;
        }
        if self.origins.is_some() {
            headers.append(VARY, HeaderValue::from_static("origin"));
        }
        let Some(origin) = origin.filter(|origin| self.allows(origin)) else { return };
        let exposed: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        let is_hidden =
            |name: &&str| NOT_EXPOSED.contains(name) || name.starts_with("access-control-");
        let exposed: Vec<&str> = exposed.into_iter().filter(|name| !is_hidden(name)).collect();
        if let Ok(exposed) = HeaderValue::from_str(&exposed.join(", ")) {
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        }
        let allowed = if self.origins.is_some() { origin.clone() } else { any };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        if self.lets_credentials {
            let yes = HeaderValue::from_static("true");
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
        }
    }
}
