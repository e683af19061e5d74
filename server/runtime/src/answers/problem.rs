//! The problems the edge itself answers with, in RFC 9457's form.

use symbolon_wire::{Problem, Violation, socket};
use uuid::Uuid;

use crate::{ProblemKind, Reply};

const fn kind(code: &'static str, status: u16, title: &'static str) -> ProblemKind {
    ProblemKind { code, status, title, type_: "" }
}

pub(crate) const INVALID_REQUEST: ProblemKind =
    kind("invalid-request", 400, "The request violates the contract");
pub(crate) const UNAUTHENTICATED: ProblemKind =
    kind("unauthenticated", 401, "Valid credentials are required");
pub(crate) const FORBIDDEN: ProblemKind =
    kind("forbidden", 403, "The credentials do not allow this operation");
pub(crate) const NOT_FOUND: ProblemKind = kind("not-found", 404, "There is no such resource");
pub(crate) const METHOD_NOT_ALLOWED: ProblemKind =
    kind("method-not-allowed", 405, "The resource does not have this method");
pub(crate) const REQUEST_TIMEOUT: ProblemKind =
    kind("request-timeout", 408, "The request did not arrive in time");
pub(crate) const IDEMPOTENCY_IN_FLIGHT: ProblemKind =
    kind("idempotency-in-flight", 409, "A request with this idempotency key is being processed");
pub(crate) const DUPLICATE_REQUEST: ProblemKind =
    kind("duplicate-request", 409, "The request was made before");
pub(crate) const PRECONDITION_FAILED: ProblemKind =
    kind("precondition-failed", 412, "The resource is not as the request takes it to be");
pub(crate) const PRECONDITION_REQUIRED: ProblemKind =
    kind("precondition-required", 428, "The request must say which version it is about");
pub(crate) const UPGRADE_REQUIRED: ProblemKind =
    kind("upgrade-required", 426, "The resource is a WebSocket");
pub(crate) const INVALID_MESSAGE: ProblemKind =
    kind(socket::INVALID_MESSAGE, 400, "The message violates the contract");
pub(crate) const PAYLOAD_TOO_LARGE: ProblemKind =
    kind("payload-too-large", 413, "The request body is too large");
pub(crate) const UNSUPPORTED_MEDIA_TYPE: ProblemKind =
    kind("unsupported-media-type", 415, "The operation does not read this media type");
pub(crate) const IDEMPOTENCY_KEY_REUSED: ProblemKind =
    kind("idempotency-key-reused", 422, "The idempotency key was used for another request");
pub(crate) const RATE_LIMITED: ProblemKind =
    kind("rate-limited", 429, "Too many requests were made");
pub(crate) const INTERNAL_ERROR: ProblemKind = kind("internal-error", 500, "Internal error");
pub(crate) const UNAVAILABLE: ProblemKind =
    kind("unavailable", 503, "The operation cannot be done now");

/// A problem of the edge with a sentence about this occurrence.
pub(crate) fn reply(kind: &ProblemKind, detail: &str) -> Reply {
    Reply::problem(kind, Problem::new(detail))
}

/// What is needed is away, for a while.
pub(crate) fn unavailable() -> Reply {
    reply(&UNAVAILABLE, "try again later").header("Retry-After", &1)
}

/// What was sent is not all there, and it is too late for the rest.
pub(crate) fn late() -> Reply {
    reply(&REQUEST_TIMEOUT, "the request body did not arrive in time")
}

/// There is too much to do already.
pub(crate) fn overloaded() -> Reply {
    let detail = "the server is answering as many requests as it may; try again later";
    reply(&UNAVAILABLE, detail).header("Retry-After", &1)
}

/// A problem of the edge with a path or method the contract has no operation for: no entry of
/// the contract's catalogue is about it.
pub(crate) fn of_edge(kind: &ProblemKind, detail: &str) -> Reply {
    reply(kind, detail).worded(Words::Edge)
}

/// The violations of the contract that were found in a request: a part that cannot be read hides
/// what else is wrong with it.
pub(crate) fn invalid(violations: Vec<Violation>) -> Reply {
    let detail = "the request violates the contract; `errors` names the places found";
    Reply::problem(&INVALID_REQUEST, Problem { errors: violations, ..Problem::new(detail) })
}

/// Whose words a problem takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Words {
    /// The contract's catalogue, as far as it has them.
    Catalogue,
    /// The edge's own.
    Edge,
}

/// How problems are worded: the contract's catalogue goes before the edge's own words.
#[derive(Debug)]
pub(crate) struct Wording {
    /// What stands before a code in a type URI.
    pub(crate) base: String,
    pub(crate) catalogue: &'static [ProblemKind],
}

impl Wording {
    /// The catalogue's entry of this code and status, if it has one.
    fn of<'k>(&self, kind: &'k ProblemKind) -> &'k ProblemKind {
        let same =
            |known: &&'static ProblemKind| (known.code, known.status) == (kind.code, kind.status);
        self.catalogue.iter().find(same).unwrap_or(kind)
    }
}

/// Fills in what the handler left open: kind, occurrence and correlation id.
pub(crate) fn complete(
    problem: &mut Problem,
    kind: &ProblemKind,
    words: Words,
    wording: &Wording,
    correlation_id: &str,
) {
    let kind = match words {
        Words::Catalogue => wording.of(kind),
        Words::Edge => kind,
    };
    if problem.type_.is_empty() || problem.type_ == "about:blank" {
        problem.type_ = match kind.type_ {
            "" => format!("{}{}", wording.base, kind.code),
            type_ => type_.to_owned(),
        };
    }
    if problem.title.is_empty() {
        problem.title = kind.title.to_owned();
    }
    if problem.code.is_empty() {
        problem.code = kind.code.to_owned();
    }
    problem.status = kind.status;
    problem.correlation_id = correlation_id.to_owned();
    problem.instance.get_or_insert_with(|| format!("urn:uuid:{}", Uuid::now_v7()));
}
