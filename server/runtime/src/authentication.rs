//! The contract's `security`, enforced as written: OR of ANDs, anonymous alternatives, scopes.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::header::WWW_AUTHENTICATE;
use http::request::Parts;
use symbolon_wire::Problem;

use crate::{Principal, Reply, Requirement, problem};

/// Recognises the callers of one or more security schemes.
pub trait Authenticate: Send + Sync + 'static {
    /// Who sent this request. `Ok(None)` when it carries no credentials of this kind.
    fn authenticate<'a>(
        &'a self,
        request: &'a Parts,
    ) -> BoxFuture<'a, Result<Option<Principal>, Unauthenticated>>;

    /// The authentication scheme to name in `WWW-Authenticate` (RFC 9110, 11.6.1).
    fn challenge(&self) -> &'static str {
        "Bearer"
    }
}

/// Credentials that were given and are not valid. The reason reaches the log and not the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unauthenticated {
    /// What is wrong, without any part of the credentials.
    pub reason: &'static str,
}

/// The authenticators of an edge.
#[derive(Default, Clone)]
pub(crate) struct Schemes {
    named: BTreeMap<&'static str, Arc<dyn Authenticate>>,
    other: Option<Arc<dyn Authenticate>>,
}

/// Why a request was not let in.
#[derive(Debug)]
enum Refused {
    Missing { challenge: &'static str },
    Invalid { challenge: &'static str, reason: &'static str },
    Forbidden { challenge: &'static str, scopes: &'static [&'static str] },
}

impl Schemes {
    pub(crate) fn set(&mut self, scheme: Option<&'static str>, with: Arc<dyn Authenticate>) {
        match scheme {
            Some(scheme) => drop(self.named.insert(scheme, with)),
            None => self.other = Some(with),
        }
    }

    /// A scheme of these requirements that has no authenticator.
    pub(crate) fn uncovered(&self, security: &[&[Requirement]]) -> Option<&'static str> {
        let mut schemes = security.iter().flat_map(|all| all.iter()).map(|one| one.scheme);
        schemes.find(|scheme| self.other.is_none() && !self.named.contains_key(scheme))
    }

    /// The caller of an operation, or the answer to a caller who may not call it.
    pub(crate) async fn admit(
        &self,
        security: &[&[Requirement]],
        request: &Parts,
    ) -> Result<Principal, Reply> {
        if security.is_empty() {
            return Ok(Principal::anonymous());
        }
        let mut refusals = Vec::new();
        for all in security.iter().filter(|all| !all.is_empty()) {
            match self.admit_all(all, request).await {
                Ok(principal) => return Ok(principal),
                Err(refused) => refusals.push(refused),
            }
        }
        let is_anonymous =
            refusals.iter().all(|refused| matches!(refused, Refused::Missing { .. }));
        if is_anonymous && security.iter().any(|all| all.is_empty()) {
            return Ok(Principal::anonymous());
        }
        Err(refuse(refusals))
    }

    /// The caller, if the request meets all of these requirements.
    async fn admit_all(&self, all: &[Requirement], request: &Parts) -> Result<Principal, Refused> {
        let mut admitted = None;
        for requirement in all {
            let Some(authenticator) = self.named.get(requirement.scheme).or(self.other.as_ref())
            else {
                return Err(Refused::Missing { challenge: "Bearer" });
            };
            let challenge = authenticator.challenge();
            let principal = match authenticator.authenticate(request).await {
                Ok(Some(principal)) => principal,
                Ok(None) => return Err(Refused::Missing { challenge }),
                Err(Unauthenticated { reason }) => {
                    return Err(Refused::Invalid { challenge, reason });
                }
            };
            if !requirement.scopes.iter().all(|scope| principal.has_scope(scope)) {
                return Err(Refused::Forbidden { challenge, scopes: requirement.scopes });
            }
            admitted.get_or_insert(principal);
        }
        admitted.ok_or(Refused::Missing { challenge: "Bearer" })
    }
}

/// The answer for the alternative that came furthest: 403 before an invalid credential before none.
fn refuse(refusals: Vec<Refused>) -> Reply {
    let rank = |refused: &Refused| match refused {
        Refused::Forbidden { .. } => 2,
        Refused::Invalid { .. } => 1,
        Refused::Missing { .. } => 0,
    };
    let furthest = refusals.into_iter().max_by_key(rank);
    match furthest.unwrap_or(Refused::Missing { challenge: "Bearer" }) {
        Refused::Forbidden { challenge, scopes } => {
            let scopes = scopes.join(" ");
            let detail = format!("the operation requires the scope {scopes}");
            let header = format!("{challenge} error=\"insufficient_scope\", scope=\"{scopes}\"");
            Reply::problem(&problem::FORBIDDEN, Problem::new(detail))
                .literal(WWW_AUTHENTICATE, &header)
        }
        Refused::Invalid { challenge, reason } => {
            tracing::info!(reason, "credentials refused");
            problem::reply(&problem::UNAUTHENTICATED, "the credentials are not valid")
                .literal(WWW_AUTHENTICATE, &format!("{challenge} error=\"invalid_token\""))
        }
        Refused::Missing { challenge } => {
            problem::reply(&problem::UNAUTHENTICATED, "the request carries no credentials")
                .literal(WWW_AUTHENTICATE, challenge)
        }
    }
}
