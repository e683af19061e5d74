//! Security schemes: how callers prove who they are, and what an operation asks of them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Location, Name, Operation};

/// A way for callers to prove who they are.
#[derive(Debug, Clone, PartialEq)]
pub struct Scheme {
    /// Its name under `components.securitySchemes`.
    pub wire: String,
    /// The name as words, unique among the schemes.
    pub name: Name,
    /// What is proven and how.
    pub kind: SchemeKind,
    /// Prose of the contract.
    pub description: Option<String>,
}

/// What a security scheme has callers send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemeKind {
    /// A key in a parameter of its own.
    ApiKey {
        /// Where the parameter travels: a header, the query string or a cookie.
        location: Location,
        /// Name of the parameter.
        parameter: String,
    },
    /// An `Authorization` header of this scheme (RFC 9110), in lower case.
    Http(String),
    /// An access token of OAuth 2.0.
    OAuth2(Vec<Flow>),
    /// A token of the OpenID provider that is described at this URL.
    OpenIdConnect(String),
    /// A certificate of the connection.
    MutualTls,
    /// The contract does not say what.
    Unknown,
}

/// A way to get an OAuth 2.0 token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// `authorizationCode`, `clientCredentials`, `deviceAuthorization`, `implicit` or `password`.
    pub kind: String,
    /// Where users agree.
    pub authorization_url: Option<String>,
    /// Where tokens are had.
    pub token_url: Option<String>,
    /// Scopes and what each is for.
    pub scopes: BTreeMap<String, String>,
}

/// A security scheme and the scopes or roles a caller needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Requirement {
    /// Name of the scheme.
    pub scheme: String,
    /// Scopes or roles.
    pub scopes: Vec<String>,
}

/// Who may call an operation, scopes aside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Callers {
    /// Whether nobody needs to prove anything.
    pub anonymous: bool,
    /// Sets of schemes (AND) of which one will do (OR), sorted and each once.
    pub alternatives: BTreeSet<BTreeSet<String>>,
}

impl Operation {
    /// Who may call it, scopes aside.
    pub fn callers(&self) -> Callers {
        let sets = self.security.iter().map(|all| -> BTreeSet<String> {
            all.iter().map(|requirement| requirement.scheme.clone()).collect()
        });
        let (open, alternatives): (Vec<_>, BTreeSet<_>) = {
            let (open, closed): (Vec<_>, Vec<_>) = sets.partition(BTreeSet::is_empty);
            (open, closed.into_iter().collect())
        };
        Callers { anonymous: !open.is_empty() || self.security.is_empty(), alternatives }
    }
}
