//! What a handler receives: a valid request and who sent it.

use std::collections::BTreeSet;
use std::fmt;

use symbolon_wire::TraceParent;

use crate::{Operation, Preconditions};

/// One call of an operation: authenticated, authorised, decoded and valid.
pub struct Call<O: Operation> {
    /// Who calls, as far as the contract asks: [`crate::Access`].
    pub principal: O::Principal,
    /// Correlation id of the request: 1 to 128 visible ASCII characters.
    pub correlation_id: String,
    /// Where the request hangs in a distributed trace (W3C Trace Context), if it does.
    pub traceparent: Option<TraceParent>,
    /// Idempotency key of the request, where the operation has `x-idempotency`.
    pub idempotency: Option<Idempotency>,
    /// What the request takes for granted of the resource: `If-Match` and `If-None-Match`.
    pub preconditions: Preconditions,
    /// Parameters and body.
    pub request: O::Request,
}

impl<O: Operation> fmt::Debug for Call<O> {
    /// Leaves the request out: it may hold what must not be logged.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Call")
            .field("operation", &O::INFO.id)
            .field("principal", &self.principal)
            .field("correlation_id", &self.correlation_id)
            .finish_non_exhaustive()
    }
}

/// An authenticated caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Stable name of the caller within its issuer.
    pub subject: String,
    /// The tenant the caller acts for.
    pub tenant: String,
    /// What the caller may do.
    pub scopes: BTreeSet<String>,
}

impl Principal {
    /// Nobody, for the edge's own books: no subject, tenant or scope.
    pub(crate) fn anonymous() -> Self {
        Self { subject: String::new(), tenant: String::new(), scopes: BTreeSet::new() }
    }

    /// The tenant the caller acts for.
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// Whether the caller holds a scope.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.contains(scope)
    }
}

/// An idempotency key and what it was sent with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// The key as sent: 1 to 255 visible ASCII characters.
    pub key: String,
    /// SHA-256 over method, path and body in lower-case hex: another body under the same key has
    /// another fingerprint.
    pub fingerprint: String,
}
