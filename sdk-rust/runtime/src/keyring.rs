//! Credentials by security scheme, and which of them an operation gets.

use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;

use crate::auth::authorization;
use crate::{Auth, AuthError, Credential, Credentials};

type Revealing<'a> = Pin<Box<dyn Future<Output = Result<String, AuthError>> + Send + 'a>>;

/// A secret, or where to get it: a provider is asked before every attempt, so it may renew what
/// expired.
#[derive(Clone)]
pub struct Secret(Source);

#[derive(Clone)]
enum Source {
    Given(String),
    Provided(Arc<dyn Fn() -> Revealing<'static> + Send + Sync>),
}

impl Secret {
    /// A secret that is fetched when it is needed, as an access token from its issuer.
    pub fn provided<F, R>(provider: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<String, AuthError>> + Send + 'static,
    {
        Self(Source::Provided(Arc::new(move || Box::pin(provider()))))
    }

    fn reveal(&self) -> Revealing<'_> {
        match &self.0 {
            Source::Given(secret) => Box::pin(ready(Ok(secret.clone()))),
            Source::Provided(provider) => provider(),
        }
    }
}

impl From<&str> for Secret {
    fn from(secret: &str) -> Self {
        Self(Source::Given(secret.to_owned()))
    }
}

impl From<String> for Secret {
    fn from(secret: String) -> Self {
        Self(Source::Given(secret))
    }
}

impl fmt::Debug for Secret {
    /// Never shows the secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret")
    }
}

/// Where a secret goes on a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The header of this name.
    Header(&'static str),
    /// The query parameter of this name.
    Query(&'static str),
    /// The cookie of this name.
    Cookie(&'static str),
    /// `Authorization`, behind this word (RFC 9110, 11.6.2).
    Authorization(&'static str),
}

/// A secret in its place.
struct Placed {
    place: Place,
    secret: Secret,
}

impl Auth for Placed {
    fn credentials(&self) -> Credentials<'_> {
        Box::pin(async {
            let value = self.secret.reveal().await?;
            Ok(vec![match self.place {
                Place::Header(name) => Credential::Header { name: name.to_owned(), value },
                Place::Query(name) => Credential::Query { name: name.to_owned(), value },
                Place::Cookie(name) => Credential::Cookie { name: name.to_owned(), value },
                Place::Authorization(word) => authorization(format!("{word} {value}")),
            }])
        })
    }
}

/// Sources of credentials by security scheme: what a generated `Credentials` is made of.
///
/// An operation gets those of the first alternative of its `security` that all are there for; with
/// none there, it is sent without credentials if the contract allows that, and else not at all.
#[derive(Default)]
pub struct Keyring(BTreeMap<&'static str, Box<dyn Auth>>);

impl Keyring {
    /// Adds the source of a scheme's credentials.
    #[must_use]
    pub fn with(mut self, scheme: &'static str, auth: impl Auth) -> Self {
        self.0.insert(scheme, Box::new(auth));
        self
    }

    /// Adds a scheme's secret and its place.
    #[must_use]
    pub fn secret(self, scheme: &'static str, place: Place, secret: impl Into<Secret>) -> Self {
        self.with(scheme, Placed { place, secret: secret.into() })
    }

    /// The sources of all of these schemes.
    fn all(&self, schemes: &[&str]) -> Option<Vec<&dyn Auth>> {
        schemes.iter().map(|scheme| self.0.get(*scheme).map(AsRef::as_ref)).collect()
    }

    fn choose(&self, alternatives: &[&[&str]]) -> Option<Vec<&dyn Auth>> {
        // Whoever has credentials means to be known where that is left open.
        let mut closed = alternatives.iter().filter(|all| !all.is_empty());
        let found = closed.find_map(|all| self.all(all));
        found.or_else(|| alternatives.iter().any(|all| all.is_empty()).then(Vec::new))
    }
}

impl Auth for Keyring {
    fn credentials(&self) -> Credentials<'_> {
        if self.0.is_empty() {
            return Box::pin(ready(Err(AuthError::new("none were given"))));
        }
        Box::pin(gather(self.0.values().map(AsRef::as_ref).collect()))
    }

    fn credentials_for(&self, alternatives: &[&[&str]]) -> Credentials<'_> {
        match self.choose(alternatives) {
            Some(sources) => Box::pin(gather(sources)),
            None => Box::pin(ready(Err(AuthError::new(unmet(alternatives))))),
        }
    }
}

async fn gather(sources: Vec<&dyn Auth>) -> Result<Vec<Credential>, AuthError> {
    let mut credentials = Vec::new();
    for source in sources {
        credentials.extend(source.credentials().await?);
    }
    Ok(credentials)
}

/// What would do, in words.
fn unmet(alternatives: &[&[&str]]) -> String {
    let ways: Vec<String> = alternatives.iter().map(|all| all.join(" and ")).collect();
    format!("the operation needs those of {}", ways.join(", or of "))
}

impl fmt::Debug for Keyring {
    /// Names the schemes and never a secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}
