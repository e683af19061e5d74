//! How a handler ends: a documented response, a documented problem, or a failure nobody documented.

use std::error::Error;
use std::fmt;

use symbolon_wire::{Documented, In, Violation};

use crate::answers::problem;
use crate::{ForeignCursor, Operation, PreconditionFailed, Reply};

/// What the handler of an operation returns.
pub type Outcome<O> = Result<<O as Operation>::Response, Fault<<O as Operation>::Error>>;

/// Why an operation did not succeed. `?` turns documented problems, [`Failure`]s and what the edge
/// refuses into it, and nothing else.
#[derive(Debug)]
pub enum Fault<E> {
    /// A problem of the contract.
    Documented(E),
    /// Anything else: logged once, answered with an opaque 500 or 503.
    Internal(Failure),
    /// What the edge answers at any operation.
    Refused(Refusal),
}

/// Why the edge refuses a request, once its handler has found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// 400: [`ForeignCursor`].
    ForeignCursor,
    /// 412: [`PreconditionFailed`].
    PreconditionFailed,
}

impl Refusal {
    pub(crate) fn reply(self) -> Reply {
        match self {
            Self::ForeignCursor => {
                let place = Violation {
                    location: In::Query,
                    pointer: "/cursor".to_owned(),
                    code: "cursor".to_owned(),
                    detail: "must be one that this list gave, under the same filters".to_owned(),
                };
                problem::invalid(vec![place])
            }
            Self::PreconditionFailed => {
                problem::reply(&problem::PRECONDITION_FAILED, &PreconditionFailed.to_string())
            }
        }
    }
}

impl<E: Documented> From<E> for Fault<E> {
    fn from(error: E) -> Self {
        Self::Documented(error)
    }
}

impl<E> From<ForeignCursor> for Fault<E> {
    fn from(_: ForeignCursor) -> Self {
        Self::Refused(Refusal::ForeignCursor)
    }
}

impl<E> From<PreconditionFailed> for Fault<E> {
    fn from(_: PreconditionFailed) -> Self {
        Self::Refused(Refusal::PreconditionFailed)
    }
}

impl<E> From<Failure> for Fault<E> {
    fn from(failure: Failure) -> Self {
        Self::Internal(failure)
    }
}

/// An error that the contract does not document. Its text reaches the log and never the caller.
pub struct Failure {
    error: Box<dyn Error + Send + Sync>,
    pub(crate) passes: Passes,
}

/// Whether a failure may be gone when the request is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passes {
    No,
    Soon,
}

impl Failure {
    /// A failure known only by a message.
    pub fn message(text: impl Into<String>) -> Self {
        Self { error: text.into().into(), passes: Passes::No }
    }

    /// Something the operation needs is overloaded or away: answered with 503 and `Retry-After`.
    pub fn unavailable(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { error: error.into(), passes: Passes::Soon }
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { error: Box::new(error), passes: Passes::No }
    }
}

impl fmt::Display for Failure {
    /// The error and all its causes, outermost first.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.error)?;
        let mut cause = self.error.source();
        while let Some(error) = cause {
            write!(formatter, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Failure({self})")
    }
}
