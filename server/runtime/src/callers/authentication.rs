//! The contract's `security`, enforced as written: OR of ANDs, anonymous alternatives, scopes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::request::Parts;
use symbolon_wire::{In, Problem, Violation};

use crate::answers::problem;
use crate::callers::tenant;
use crate::limits::guesses::{Address, Guesses, Outcome};
use crate::{Admitted, Principal, Reply, Requirement};

/// Recognises the callers of one or more security schemes.
pub trait Authenticate: Send + Sync + 'static {
    /// Who sent this request. `Ok(None)` when it carries no credentials of this kind.
    fn authenticate<'a>(
        &'a self,
        request: &'a Parts,
    ) -> BoxFuture<'a, Result<Option<Principal>, Unauthenticated>>;

    /// What a request carries of credentials of this kind, if it does: to tell what was good a
    /// short while ago from what is tried for the first time. The `Authorization` header, unless it
    /// is said.
    fn given<'a>(&self, request: &'a Parts) -> Option<Cow<'a, [u8]>> {
        request.headers.get(AUTHORIZATION).map(|line| line.as_bytes().into())
    }

    /// The authentication scheme to name in `WWW-Authenticate` (RFC 9110, 11.6.1), with its
    /// parameters.
    fn challenge(&self) -> Cow<'static, str> {
        "Bearer".into()
    }
}

/// Why credentials that were given let nobody in. The reason reaches the log and not the caller,
/// and has no part of the credentials in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unauthenticated {
    /// They are not valid: the answer is 401.
    #[error("{reason}")]
    Invalid {
        /// What is wrong with them.
        reason: &'static str,
    },
    /// They are of several tenants, and the request chooses none: the answer is 400.
    #[error("the credentials are of several tenants")]
    SeveralTenants,
    /// They are not of the tenant that the request names: the answer is 403.
    #[error("the credentials are not of the tenant that the request names")]
    OtherTenant,
    /// Nobody can tell now: the answer is 503.
    #[error("{reason}")]
    Undecided {
        /// What is away.
        reason: &'static str,
    },
}

impl Unauthenticated {
    /// What is wrong, or away.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Invalid { reason } | Self::Undecided { reason } => reason,
            Self::SeveralTenants => "the credentials are of several tenants",
            Self::OtherTenant => "the credentials are not of the tenant that the request names",
        }
    }
}

/// The authenticators of an edge.
#[derive(Default)]
pub(crate) struct Schemes {
    named: BTreeMap<&'static str, Arc<dyn Authenticate>>,
    other: Option<Arc<dyn Authenticate>>,
    pub(crate) guesses: Guesses,
}

/// What has become of credentials that were good once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// They are good.
    Good,
    /// They are not, or they are somebody else's.
    Gone,
    /// Nobody can tell now.
    Undecided,
}

/// What an authenticator said of a request.
type Verdict = Result<Option<Principal>, Unauthenticated>;

/// Why a request was not let in by one alternative.
#[derive(Debug)]
enum Refused {
    /// Credentials of some scheme are not there.
    Missing,
    /// Those of this scheme are there and not valid.
    Invalid { scheme: &'static str, reason: &'static str },
    /// Of this scheme's nobody can tell whether they are.
    Undecided { scheme: &'static str, reason: &'static str },
    /// Valid, and of several tenants.
    SeveralTenants,
    /// Valid, and not of the tenant that is named.
    OtherTenant,
    /// All are valid; the caller of this scheme lacks one of these scopes.
    Forbidden { scheme: &'static str, scopes: &'static [&'static str] },
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
        schemes.find(|scheme| self.of(scheme).is_none())
    }

    fn of(&self, scheme: &str) -> Option<&Arc<dyn Authenticate>> {
        self.named.get(scheme).or(self.other.as_ref())
    }

    /// The caller of an operation, or the answer to a caller at this address who may not call it.
    pub(crate) async fn admit(
        &self,
        security: &[&[Requirement]],
        request: &Parts,
        address: Address,
    ) -> Result<Admitted, Reply> {
        let attempt = match self.credentials(security, request) {
            None => None,
            Some(credentials) => match self.guesses.begin(address, credentials) {
                Ok(attempt) => Some(attempt),
                Err(wait) => return Err(wait.reply()),
            },
        };
        let judged = self.judged(security, request).await;
        if let Some(attempt) = attempt {
            self.guesses.end(attempt, outcome(&judged));
        }
        judged.map_err(|refusals| self.refuse(refusals, security))
    }

    /// A hash of the credentials that a request carries, if it carries any that are asked for.
    fn credentials(&self, security: &[&[Requirement]], request: &Parts) -> Option<u64> {
        let mut hasher = self.guesses.hasher();
        let mut is_any = false;
        for Requirement { scheme, .. } in security.iter().flat_map(|all| all.iter()) {
            if let Some(given) = self.of(scheme).and_then(|it| it.given(request)) {
                (scheme, given).hash(&mut hasher);
                is_any = true;
            }
        }
        is_any.then(|| hasher.finish())
    }

    /// What has become of the credentials by which a request was this caller's.
    pub(crate) async fn standing(
        &self,
        security: &[&[Requirement]],
        request: &Parts,
        caller: &Principal,
    ) -> Standing {
        let is_undecided = |refused: &Refused| matches!(refused, Refused::Undecided { .. });
        match self.judged(security, request).await.map(|admitted| admitted.principal()) {
            Ok(now) if (&now.tenant, &now.subject) == (&caller.tenant, &caller.subject) => {
                Standing::Good
            }
            Err(refusals) if refusals.iter().any(is_undecided) => Standing::Undecided,
            Ok(_) | Err(_) => Standing::Gone,
        }
    }

    /// The caller of an operation, or why each alternative lets nobody in.
    async fn judged(
        &self,
        security: &[&[Requirement]],
        request: &Parts,
    ) -> Result<Admitted, Vec<Refused>> {
        if security.is_empty() {
            return Ok(Admitted::default());
        }
        let mut verdicts = BTreeMap::new();
        let mut refusals = Vec::new();
        for all in security.iter().filter(|all| !all.is_empty()) {
            self.ask(all, request, &mut verdicts).await;
            match judge(all, &verdicts) {
                Ok(admitted)
                    if !admitted.all(|caller| tenant::is_meant(caller, &request.headers)) =>
                {
                    refusals.push(Refused::OtherTenant);
                }
                Ok(admitted) => return Ok(admitted),
                Err(refused) => refusals.push(refused),
            }
        }
        let is_anonymous = refusals.iter().all(|refused| matches!(refused, Refused::Missing));
        if is_anonymous && security.iter().any(|all| all.is_empty()) {
            return Ok(Admitted::default());
        }
        Err(refusals)
    }

    /// Asks every authenticator of these requirements that was not asked before.
    async fn ask(
        &self,
        all: &[Requirement],
        request: &Parts,
        verdicts: &mut BTreeMap<&'static str, Verdict>,
    ) {
        for Requirement { scheme, .. } in all {
            if verdicts.contains_key(scheme) {
                continue;
            }
            let verdict = match self.of(scheme) {
                Some(authenticator) => authenticator.authenticate(request).await,
                None => Ok(None),
            };
            verdicts.insert(scheme, verdict);
        }
    }

    /// The answer for the alternative that came furthest: 503 where one may do that nobody can
    /// judge, 403 where only scopes lack, before an invalid credential, before none.
    fn refuse(&self, refusals: Vec<Refused>, security: &[&[Requirement]]) -> Reply {
        let rank = |refused: &Refused| match refused {
            Refused::Undecided { .. } => 3,
            Refused::Forbidden { .. } | Refused::SeveralTenants | Refused::OtherTenant => 2,
            Refused::Invalid { .. } => 1,
            Refused::Missing => 0,
        };
        match refusals.into_iter().max_by_key(rank).unwrap_or(Refused::Missing) {
            Refused::Forbidden { scheme, scopes } => {
                let scopes = scopes.join(" ");
                let detail = format!("the operation requires the scope {scopes}");
                let error = format!("error=\"insufficient_scope\", scope=\"{scopes}\"");
                Reply::problem(&problem::FORBIDDEN, Problem::new(detail))
                    .literal(WWW_AUTHENTICATE, &with_error(self.challenge(scheme), &error))
            }
            Refused::SeveralTenants => problem::invalid(vec![Violation {
                location: In::Header,
                pointer: "/X-Tenant-Id".to_owned(),
                code: "required".to_owned(),
                detail: "must name one of the tenants that the credentials are of".to_owned(),
            }]),
            Refused::OtherTenant => {
                problem::reply(&problem::FORBIDDEN, &Unauthenticated::OtherTenant.to_string())
            }
            Refused::Undecided { scheme, reason } => {
                tracing::warn!(scheme, reason, "credentials cannot be checked");
                problem::unavailable()
            }
            Refused::Invalid { scheme, reason } => {
                tracing::info!(scheme, reason, "credentials refused");
                let error = |challenge| with_error(challenge, "error=\"invalid_token\"");
                problem::reply(&problem::UNAUTHENTICATED, "the credentials are not valid").literal(
                    WWW_AUTHENTICATE,
                    &self.challenges(security, |other, challenge| match other == scheme {
                        true => error(challenge),
                        false => challenge.into_owned(),
                    }),
                )
            }
            Refused::Missing => {
                let challenges = self.challenges(security, |_, challenge| challenge.into_owned());
                let detail = "the request carries no credentials that would do";
                problem::reply(&problem::UNAUTHENTICATED, detail)
                    .literal(WWW_AUTHENTICATE, &challenges)
            }
        }
    }

    fn challenge(&self, scheme: &str) -> Cow<'static, str> {
        self.of(scheme).map_or("Bearer".into(), |authenticator| authenticator.challenge())
    }

    /// What would do, each way once.
    fn challenges(
        &self,
        security: &[&[Requirement]],
        spell: impl Fn(&str, Cow<'static, str>) -> String,
    ) -> String {
        let mut found: Vec<String> = Vec::new();
        for Requirement { scheme, .. } in security.iter().flat_map(|all| all.iter()) {
            let challenge = spell(scheme, self.challenge(scheme));
            if !found.contains(&challenge) {
                found.push(challenge);
            }
        }
        found.join(", ")
    }
}

/// What came of an attempt to be let in.
fn outcome(judged: &Result<Admitted, Vec<Refused>>) -> Outcome {
    let Err(refusals) = judged else { return Outcome::Good };
    let any = |is_so: fn(&Refused) -> bool| refusals.iter().any(is_so);
    if any(|refused| matches!(refused, Refused::Undecided { .. })) {
        return Outcome::Undecided;
    }
    match any(|refused| matches!(refused, Refused::Invalid { .. })) {
        true => Outcome::Refused,
        false => Outcome::Good,
    }
}

/// The caller, if the verdicts meet all of these requirements.
fn judge(
    all: &[Requirement],
    verdicts: &BTreeMap<&'static str, Verdict>,
) -> Result<Admitted, Refused> {
    let mut held = Vec::new();
    let mut missing = None;
    let mut undecided = None;
    let mut forbidden = None;
    for &Requirement { scheme, scopes } in all {
        match verdicts.get(scheme) {
            Some(&Err(Unauthenticated::Invalid { reason })) => {
                return Err(Refused::Invalid { scheme, reason });
            }
            Some(&Err(Unauthenticated::SeveralTenants)) => return Err(Refused::SeveralTenants),
            Some(&Err(Unauthenticated::OtherTenant)) => return Err(Refused::OtherTenant),
            Some(&Err(Unauthenticated::Undecided { reason })) => {
                undecided = Some(Refused::Undecided { scheme, reason });
            }
            Some(Ok(None)) | None => missing = Some(Refused::Missing),
            Some(Ok(Some(principal))) => {
                if !scopes.iter().all(|scope| principal.has_scope(scope)) {
                    forbidden = Some(Refused::Forbidden { scheme, scopes });
                }
                held.push((scheme, principal.clone()));
            }
        }
    }
    match missing.or(undecided).or(forbidden) {
        Some(refused) => Err(refused),
        None => Ok(Admitted::new(held)),
    }
}

/// A challenge that says what was wrong, where its scheme has words for that (RFC 6750, 3.1).
fn with_error(challenge: Cow<'static, str>, error: &str) -> String {
    match challenge.split_once(' ') {
        None if challenge == "Bearer" => format!("{challenge} {error}"),
        Some(("Bearer", _)) => format!("{challenge}, {error}"),
        None | Some(_) => challenge.into_owned(),
    }
}
