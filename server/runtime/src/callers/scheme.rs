//! The contract's security schemes: where credentials stand on a request, and what to ask for.

use std::borrow::Cow;
use std::future::Future;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};
use http::request::Parts;
use percent_encoding::percent_decode_str;

use crate::{Authenticate, Principal, Unauthenticated};

/// A security scheme of the contract (OpenAPI, Security Scheme Object).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scheme {
    /// Its name under `components.securitySchemes`.
    pub name: &'static str,
    /// What it has callers send.
    pub proof: Proof,
}

/// What a security scheme has callers send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// A key in the header of this name.
    HeaderKey(&'static str),
    /// A key in the query parameter of this name.
    QueryKey(&'static str),
    /// A key in the cookie of this name.
    CookieKey(&'static str),
    /// An `Authorization` header of this scheme, in lower case.
    Authorization(&'static str),
    /// Something that only an [`Authenticate`] of one's own can read, as a certificate.
    Own,
}

/// The credentials of one request.
#[derive(Clone, PartialEq, Eq)]
pub struct Given {
    /// The user's name (Basic); empty for every other scheme.
    pub user: String,
    /// The key, token or password.
    pub secret: String,
}

impl std::fmt::Debug for Given {
    /// Names the user and never the secret.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Given").field("user", &self.user).finish_non_exhaustive()
    }
}

impl Scheme {
    /// Recognises callers by what this scheme has them send: `verify` gets it from its place.
    pub fn verified_by<F, R>(self, verify: F) -> impl Authenticate
    where
        F: Fn(Given) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Principal, Unauthenticated>> + Send + 'static,
    {
        Verified { proof: self.proof, verify }
    }
}

impl Proof {
    /// What to name in `WWW-Authenticate`. For keys no scheme is registered; the name is the one
    /// in use.
    fn challenge(self) -> Cow<'static, str> {
        match self {
            Self::HeaderKey(name) => key_challenge("header", name),
            Self::QueryKey(name) => key_challenge("query", name),
            Self::CookieKey(name) => key_challenge("cookie", name),
            Self::Authorization("basic") => "Basic charset=\"UTF-8\"".into(),
            Self::Authorization("bearer") => "Bearer".into(),
            Self::Authorization(scheme) => scheme.into(),
            Self::Own => "Certificate".into(),
        }
    }

    fn read(self, request: &Parts) -> Result<Option<Given>, Unauthenticated> {
        let key = |secret: String| Given { user: String::new(), secret };
        match self {
            Self::HeaderKey(name) => {
                Ok(single(&request.headers, name)?.map(str::to_owned).map(key))
            }
            Self::QueryKey(name) => {
                Ok(once(pairs(request.uri.query().unwrap_or_default()), name)?.map(key))
            }
            Self::CookieKey(name) => {
                let lines = request.headers.get_all(COOKIE).iter();
                let texts =
                    lines.filter_map(|line| line.to_str().ok()).flat_map(|it| it.split(';'));
                let cookies = texts.filter_map(|text| text.trim().split_once('='));
                let cookies = cookies.map(|(name, value)| (name.to_owned(), value.to_owned()));
                Ok(once(cookies, name)?.map(key))
            }
            Self::Authorization(scheme) => {
                let Some(line) = single(&request.headers, AUTHORIZATION.as_str())? else {
                    return Ok(None);
                };
                let (word, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
                match word.eq_ignore_ascii_case(scheme) {
                    false => Ok(None),
                    true if scheme == "basic" => basic(rest.trim()).map(Some),
                    true => Ok(Some(key(rest.trim().to_owned()))),
                }
            }
            Self::Own => Ok(None),
        }
    }
}

fn key_challenge(place: &str, name: &str) -> Cow<'static, str> {
    format!("ApiKey in=\"{place}\", name=\"{name}\"").into()
}

/// A header that must not stand twice.
fn single<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, Unauthenticated> {
    let mut lines = headers.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(invalid("credentials are given twice")),
        (Some(line), None) => {
            line.to_str().map(Some).map_err(|_| invalid("credentials are not ASCII"))
        }
    }
}

fn pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    let decoded =
        |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    query.split('&').map(move |pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    })
}

/// The value of a pair that must not stand twice.
fn once(
    pairs: impl Iterator<Item = (String, String)>,
    name: &str,
) -> Result<Option<String>, Unauthenticated> {
    let mut found = pairs.filter(|(given, _)| given == name).map(|(_, value)| value);
    match (found.next(), found.next()) {
        (Some(_), Some(_)) => Err(invalid("credentials are given twice")),
        (value, _) => Ok(value),
    }
}

/// User and password (RFC 7617).
fn basic(encoded: &str) -> Result<Given, Unauthenticated> {
    let bytes = STANDARD.decode(encoded).map_err(|_| invalid("user and password are malformed"))?;
    let text = String::from_utf8(bytes).map_err(|_| invalid("user and password are not UTF-8"))?;
    let (user, secret) =
        text.split_once(':').ok_or(invalid("user and password are not parted by a colon"))?;
    Ok(Given { user: user.to_owned(), secret: secret.to_owned() })
}

fn invalid(reason: &'static str) -> Unauthenticated {
    Unauthenticated::Invalid { reason }
}

/// An [`Authenticate`] that finds the credentials by itself.
struct Verified<F> {
    proof: Proof,
    verify: F,
}

impl<F, R> Authenticate for Verified<F>
where
    F: Fn(Given) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Principal, Unauthenticated>> + Send + 'static,
{
    fn authenticate<'a>(
        &'a self,
        request: &'a Parts,
    ) -> BoxFuture<'a, Result<Option<Principal>, Unauthenticated>> {
        Box::pin(async move {
            match self.proof.read(request)? {
                None => Ok(None),
                Some(given) => (self.verify)(given).await.map(Some),
            }
        })
    }

    fn given<'a>(&self, request: &'a Parts) -> Option<Cow<'a, [u8]>> {
        let Given { user, secret } = self.proof.read(request).ok()??;
        Some(format!("{user}:{secret}").into_bytes().into())
    }

    fn challenge(&self) -> Cow<'static, str> {
        self.proof.challenge()
    }
}
