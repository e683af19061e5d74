//! What generated code says of one operation.

use std::fmt::Debug;

use symbolon_wire::Method;

use crate::{DecodeError, Incoming, Outgoing, OwnServer};

/// One operation of a contract: generated, and a few lines long.
pub trait Operation: Send + Sync + 'static {
    /// Parameters and body.
    type Request: Send + Sync + 'static;
    /// The documented successes.
    type Response: Send + 'static;
    /// The documented errors.
    type Error: Debug + Send + 'static;
    /// What the contract says of the operation as a whole.
    const INFO: Info;

    /// Writes a request. What cannot be written is remembered by `out` and ends the call.
    fn encode(request: &Self::Request, out: &mut Outgoing);

    /// Reads a response: a documented success, a documented error, or neither.
    ///
    /// # Errors
    /// When the response is not one the contract documents.
    fn decode(incoming: &Incoming) -> Result<Result<Self::Response, Self::Error>, DecodeError>;
}

/// The constant part of an operation.
#[derive(Debug, Clone)]
pub struct Info {
    /// `operationId` of the contract.
    pub id: &'static str,
    /// HTTP method.
    pub method: Method,
    /// Path template, such as `/v1/service-calls/{id}`.
    pub path: &'static str,
    /// Media types the caller understands, for the `Accept` header.
    pub accept: &'static str,
    /// Media types of the answers that come item by item.
    pub streams: &'static [&'static str],
    /// Header that carries the idempotency key, where the operation has one (`x-idempotency`).
    pub idempotency: Option<&'static str>,
    /// Where it is served, if that is not where the rest of its contract is.
    pub server: Option<OwnServer>,
    /// Whether the client's credentials belong on this operation.
    pub security: Security,
}

impl Info {
    /// An operation with credentials that answers JSON and takes no idempotency key.
    pub const fn new(id: &'static str, method: Method, path: &'static str) -> Self {
        let accept = "application/json, application/problem+json";
        let (streams, idempotency, server) = (&[], None, None);
        let security = Security::Required;
        Self { id, method, path, accept, streams, idempotency, server, security }
    }

    /// The same operation with answers of these media types that come item by item.
    #[must_use]
    pub const fn streams(mut self, streams: &'static [&'static str]) -> Self {
        self.streams = streams;
        self
    }

    /// The same operation with answers of these media types.
    #[must_use]
    pub const fn accept(mut self, accept: &'static str) -> Self {
        self.accept = accept;
        self
    }

    /// The same operation with an idempotency key in this header.
    #[must_use]
    pub const fn idempotency(mut self, header: &'static str) -> Self {
        self.idempotency = Some(header);
        self
    }

    /// The same operation at a server of its own.
    #[must_use]
    pub const fn server(
        mut self,
        url: &'static str,
        defaults: &'static [(&'static str, &'static str)],
    ) -> Self {
        self.server = Some(OwnServer { url, defaults });
        self
    }

    /// The same operation with or without the client's credentials.
    #[must_use]
    pub const fn security(mut self, security: Security) -> Self {
        self.security = security;
        self
    }
}

/// Which of the client's credentials are sent with an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// All of them.
    Required,
    /// None: the contract says `security: []`.
    None,
    /// Those of one of these sets of security schemes; an empty set allows for none.
    AnyOf(&'static [&'static [&'static str]]),
}
