//! What generated code says about an operation of the contract.

use symbolon_wire::{Documented, Method, Validate};

use crate::{Access, IdempotencyRule, Input, Rate, Rejected, Reply};

/// One operation of the contract; implemented by a generated marker type.
pub trait Operation: Send + Sync + 'static {
    /// Parameters and body, named.
    type Request: Validate + Send + 'static;
    /// One variant a documented success.
    type Response: Send + 'static;
    /// One variant a documented problem.
    type Error: Documented + Send + 'static;
    /// What its handler learns of the caller, as [`Info::security`] leaves it open.
    type Principal: Access;

    /// What the edge has to know before it looks at the request.
    const INFO: Info;

    /// Reads the request. Every violation is recorded in `input`, so all are reported at once.
    ///
    /// # Errors
    /// When the request violates the contract.
    fn decode(input: &mut Input) -> Result<Self::Request, Rejected>;

    /// Writes a documented success or a documented problem.
    fn encode(answer: Result<Self::Response, Self::Error>) -> Reply;
}

/// The contract's static facts about an operation.
#[derive(Debug, Clone, Copy)]
pub struct Info {
    /// `operationId`.
    pub id: &'static str,
    /// HTTP method.
    pub method: Method,
    /// Path template such as `/v1/orders/{id}`; a segment may mix text and names (`{id}.json`).
    pub path: &'static str,
    /// Alternatives, each a list of requirements that must all hold. An empty alternative allows
    /// anonymous callers; no alternative at all means that the contract declares no security.
    pub security: &'static [&'static [Requirement]],
    /// Media types of the request body; empty where there is none.
    pub consumes: &'static [&'static str],
    /// `x-idempotency`.
    pub idempotency: Option<IdempotencyRule>,
    /// `x-deadline`: how many milliseconds its handler may take, if that is not what the edge says.
    pub deadline_ms: Option<u64>,
    /// `x-rate-limit`: how often a caller may ask, if that is not what the edge says.
    pub rate_limit: Option<Rate>,
    /// Whether a request without `If-Match` gets 428.
    pub needs_if_match: bool,
    /// What is spoken on the socket that it opens, if it opens one.
    pub socket: Option<SocketRule>,
    /// Whether this is a webhook: what it brings is held against its constraints, but its teller
    /// may be newer than the contract, and say values that this one does not list.
    pub told: bool,
}

impl Info {
    /// An operation without security, body or rules.
    pub const fn new(id: &'static str, method: Method, path: &'static str) -> Self {
        Self {
            id,
            method,
            path,
            security: &[],
            consumes: &[],
            idempotency: None,
            deadline_ms: None,
            rate_limit: None,
            needs_if_match: false,
            socket: None,
            told: false,
        }
    }

    /// The same operation with these alternatives of requirements.
    #[must_use]
    pub const fn security(self, security: &'static [&'static [Requirement]]) -> Self {
        Self { security, ..self }
    }

    /// The same operation with a body of these media types.
    #[must_use]
    pub const fn consumes(self, consumes: &'static [&'static str]) -> Self {
        Self { consumes, ..self }
    }

    /// The same operation, as a webhook.
    #[must_use]
    pub const fn told(self) -> Self {
        Self { told: true, ..self }
    }

    /// The same operation whose handler may take so long.
    #[must_use]
    pub const fn deadline_ms(self, milliseconds: u64) -> Self {
        Self { deadline_ms: Some(milliseconds), ..self }
    }

    /// The same operation for requests that say which version they are about.
    #[must_use]
    pub const fn needs_if_match(self) -> Self {
        Self { needs_if_match: true, ..self }
    }

    /// The same operation, which opens a socket on which one of these is spoken, if any is named.
    #[must_use]
    pub const fn socket(self, subprotocols: &'static [&'static str]) -> Self {
        Self { socket: Some(SocketRule { subprotocols, needs_subprotocol: false }), ..self }
    }

    /// The same operation for callers who offer one of these.
    #[must_use]
    pub const fn speaking(self, subprotocols: &'static [&'static str]) -> Self {
        Self { socket: Some(SocketRule { subprotocols, needs_subprotocol: true }), ..self }
    }

    /// The same operation for so many requests of a caller in so many seconds.
    #[must_use]
    pub const fn rate_limit(self, requests: u32, window_s: u32) -> Self {
        Self { rate_limit: Some(Rate::new(requests, window_s)), ..self }
    }

    /// The same operation with this rule.
    #[must_use]
    pub const fn idempotency(self, rule: IdempotencyRule) -> Self {
        Self { idempotency: Some(rule), ..self }
    }
}

/// What is spoken on a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketRule {
    /// The subprotocols of the contract, the preferred first.
    pub subprotocols: &'static [&'static str],
    /// Whether a caller must offer one of them.
    pub needs_subprotocol: bool,
}

/// The routes of a service: each operation with the service's method that implements it.
#[macro_export]
macro_rules! routes {
    ($service:ident, $($operation:ident => $method:ident),* $(,)?) => {
        $crate::Routes::new($service)
            $(.on::<$operation, _, _>(|service, call| async move { service.$method(call).await }))*
            .finish()
    };
}

/// One security requirement: a scheme of the contract and the scopes it must grant.
#[derive(Debug, Clone, Copy)]
pub struct Requirement {
    /// Name under `components.securitySchemes`.
    pub scheme: &'static str,
    /// Scopes the caller needs, all of them.
    pub scopes: &'static [&'static str],
}

/// An entry of the contract's problem catalogue.
#[derive(Debug, Clone, Copy)]
pub struct ProblemKind {
    /// Stable code, such as `not-found`.
    pub code: &'static str,
    /// HTTP status.
    pub status: u16,
    /// Short summary, the same for every occurrence.
    pub title: &'static str,
    /// Type URI; empty for the edge's base URI followed by the code.
    pub type_: &'static str,
}
