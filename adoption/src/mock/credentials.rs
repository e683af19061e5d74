//! Callers as a mock knows them: whoever presents a credential of the right kind may do all.

use std::borrow::Cow;
use std::collections::BTreeSet;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use http::header::{AUTHORIZATION, COOKIE};
use http::request::Parts;
use symbolon_codegen::source::Cursor;
use symbolon_server::{Authenticate, Principal, Unauthenticated};

use crate::contract::Contract;

/// The scheme of what is open to everyone; no contract can call one so.
pub(super) const EVERYONE: &str = "the mock itself";

/// Where a credential is carried.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Carrier {
    /// `Authorization` with this scheme, in lower case; with any, where none is said.
    Authorization(Option<&'static str>),
    Header(&'static str),
    Query(&'static str),
    Cookie(&'static str),
    /// The connection itself, which a mock has no certificates for.
    Connection,
}

/// Accepts every credential that is carried where a scheme says.
#[derive(Debug)]
pub(super) struct Presented {
    carrier: Carrier,
    scopes: BTreeSet<String>,
}

/// Accepts everyone.
#[derive(Debug)]
pub(super) struct Everyone;

/// Every scope that any operation asks for.
pub(super) fn scopes(contract: &Contract) -> BTreeSet<String> {
    let all = contract.operations.iter().flat_map(|operation| operation.security.iter().flatten());
    all.flat_map(|(_, scopes)| scopes.iter().map(|scope| (*scope).to_owned())).collect()
}

impl Presented {
    /// What this security scheme says.
    pub(super) fn new(scheme: &Cursor<'static>, scopes: BTreeSet<String>) -> Self {
        let name = scheme.text("name").unwrap_or_default();
        let carrier = match (scheme.text("type"), scheme.text("in")) {
            (Some("apiKey"), Some("query")) => Carrier::Query(name),
            (Some("apiKey"), Some("cookie")) => Carrier::Cookie(name),
            (Some("apiKey"), _) => Carrier::Header(name),
            (Some("mutualTLS"), _) => Carrier::Connection,
            (Some("http"), _) => match scheme.text("scheme") {
                Some(basic) if basic.eq_ignore_ascii_case("basic") => {
                    Carrier::Authorization(Some("basic"))
                }
                Some(bearer) if bearer.eq_ignore_ascii_case("bearer") => {
                    Carrier::Authorization(Some("bearer"))
                }
                Some(_) | None => Carrier::Authorization(None),
            },
            _ => Carrier::Authorization(Some("bearer")),
        };
        Self { carrier, scopes }
    }

    /// Any `Authorization`, for schemes that nothing declares.
    pub(super) fn anyhow(scopes: BTreeSet<String>) -> Self {
        Self { carrier: Carrier::Authorization(None), scopes }
    }

    fn is_in(&self, request: &Parts) -> bool {
        let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
        let named = |pairs: &str, separator: char, name: &str| {
            pairs.split(separator).any(|pair| {
                pair.trim()
                    .split_once('=')
                    .is_some_and(|(key, value)| key == name && !value.is_empty())
            })
        };
        match &self.carrier {
            Carrier::Connection => true,
            Carrier::Header(name) => header(name).is_some_and(|value| !value.is_empty()),
            Carrier::Query(name) => named(request.uri.query().unwrap_or_default(), '&', name),
            Carrier::Cookie(name) => named(header(COOKIE.as_str()).unwrap_or_default(), ';', name),
            Carrier::Authorization(scheme) => header(AUTHORIZATION.as_str()).is_some_and(|value| {
                let given = value.split_once(' ');
                given.is_some_and(|(given, secret)| {
                    !secret.trim().is_empty()
                        && scheme.is_none_or(|scheme| given.eq_ignore_ascii_case(scheme))
                })
            }),
        }
    }
}

impl Authenticate for Presented {
    fn authenticate<'a>(
        &'a self,
        request: &'a Parts,
    ) -> BoxFuture<'a, Result<Option<Principal>, Unauthenticated>> {
        let caller = self.is_in(request).then(|| caller(self.scopes.clone()));
        ready(Ok(caller)).boxed()
    }

    fn challenge(&self) -> Cow<'static, str> {
        let scheme = match &self.carrier {
            Carrier::Authorization(Some("basic")) => "Basic",
            Carrier::Authorization(_) | Carrier::Connection => "Bearer",
            Carrier::Header(_) | Carrier::Query(_) | Carrier::Cookie(_) => "ApiKey",
        };
        scheme.into()
    }
}

impl Authenticate for Everyone {
    fn authenticate<'a>(
        &'a self,
        _: &'a Parts,
    ) -> BoxFuture<'a, Result<Option<Principal>, Unauthenticated>> {
        ready(Ok(Some(caller(BTreeSet::new())))).boxed()
    }
}

fn caller(scopes: BTreeSet<String>) -> Principal {
    Principal { subject: "somebody".to_owned(), tenant: "mock".to_owned(), scopes }
}
