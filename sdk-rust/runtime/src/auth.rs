//! Credentials: what a client proves itself with, and where on a request it goes.

use std::error::Error;
use std::fmt;
use std::future::{Future, ready};
use std::pin::Pin;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The credentials of one request, once they are known.
pub type Credentials<'a> =
    Pin<Box<dyn Future<Output = Result<Vec<Credential>, AuthError>> + Send + 'a>>;

/// A source of credentials. It is asked before every attempt, so it may renew what expired.
pub trait Auth: Send + Sync + 'static {
    /// The credentials to send now.
    fn credentials(&self) -> Credentials<'_>;

    /// The credentials for an operation of which any of these sets of security schemes will do.
    /// A source that knows of no schemes gives what it has.
    fn credentials_for(&self, _alternatives: &[&[&str]]) -> Credentials<'_> {
        self.credentials()
    }
}

/// One credential and its place on the request.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// A header.
    Header {
        /// Name of the header.
        name: String,
        /// The secret.
        value: String,
    },
    /// A parameter of the query string.
    Query {
        /// Name of the parameter.
        name: String,
        /// The secret.
        value: String,
    },
    /// A cookie.
    Cookie {
        /// Name of the cookie.
        name: String,
        /// The secret.
        value: String,
    },
}

impl fmt::Debug for Credential {
    /// Names the place and never the secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (place, name) = match self {
            Self::Header { name, .. } => ("Header", name),
            Self::Query { name, .. } => ("Query", name),
            Self::Cookie { name, .. } => ("Cookie", name),
        };
        formatter.debug_struct(place).field("name", name).finish_non_exhaustive()
    }
}

/// Why there are no credentials.
#[derive(Debug)]
pub struct AuthError(Box<dyn Error + Send + Sync>);

impl AuthError {
    /// Wraps the reason. Its text must not hold a secret.
    pub fn new(reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "no credentials: {}", self.0)
    }
}

impl Error for AuthError {}

/// Sends no credentials.
#[derive(Debug, Clone, Copy, Default)]
pub struct Anonymous;

impl Auth for Anonymous {
    fn credentials(&self) -> Credentials<'_> {
        Box::pin(ready(Ok(Vec::new())))
    }
}

/// A bearer token (RFC 6750).
#[derive(Clone)]
pub struct Bearer(Credential);

impl Bearer {
    /// Sends `Authorization: Bearer <token>`.
    pub fn new(token: impl AsRef<str>) -> Self {
        Self(authorization(format!("Bearer {}", token.as_ref())))
    }
}

/// HTTP Basic authentication (RFC 7617).
#[derive(Clone)]
pub struct Basic(Credential);

impl Basic {
    /// Sends user name and password in `Authorization: Basic`.
    pub fn new(username: impl fmt::Display, password: impl fmt::Display) -> Self {
        let pair = STANDARD.encode(format!("{username}:{password}"));
        Self(authorization(format!("Basic {pair}")))
    }
}

/// An API key in the place the contract names.
#[derive(Clone)]
pub struct ApiKey(Credential);

impl ApiKey {
    /// Sends the key as a header.
    pub fn header(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self(Credential::Header { name: name.into(), value: value.into() })
    }

    /// Sends the key in the query string. Servers tend to log it there.
    pub fn query(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self(Credential::Query { name: name.into(), value: value.into() })
    }

    /// Sends the key as a cookie.
    pub fn cookie(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self(Credential::Cookie { name: name.into(), value: value.into() })
    }
}

/// Several credentials at once, where the contract asks for one scheme and another.
#[derive(Default)]
pub struct All(Vec<Box<dyn Auth>>);

impl All {
    /// Adds a source of credentials.
    #[must_use]
    pub fn and(mut self, auth: impl Auth) -> Self {
        self.0.push(Box::new(auth));
        self
    }
}

impl Auth for All {
    fn credentials(&self) -> Credentials<'_> {
        Box::pin(async {
            let mut credentials = Vec::new();
            for auth in &self.0 {
                credentials.extend(auth.credentials().await?);
            }
            Ok(credentials)
        })
    }
}

impl fmt::Debug for All {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "All({} sources)", self.0.len())
    }
}

pub(crate) fn authorization(value: String) -> Credential {
    Credential::Header { name: "Authorization".to_owned(), value }
}

macro_rules! single_credential {
    ($($name:ident),*) => {$(
        impl Auth for $name {
            fn credentials(&self) -> Credentials<'_> {
                Box::pin(ready(Ok(vec![self.0.clone()])))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.debug_tuple(stringify!($name)).field(&self.0).finish()
            }
        }
    )*};
}

single_credential!(Bearer, Basic, ApiKey);
