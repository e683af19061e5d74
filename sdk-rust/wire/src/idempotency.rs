//! What servers remember of requests that carry an idempotency key, and where they keep it.
//!
//! The edge asks an [`Answers`] before it calls a handler, and gives it the answer afterwards. Of
//! requests that came to nothing it keeps nothing: the same key may be used again.

use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;

/// A request under an idempotency key. Keys belong to a tenant and an operation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Keyed {
    /// The tenant it was made for; empty where there are none.
    pub tenant: String,
    /// The operation's id in the contract.
    pub operation: &'static str,
    /// The key as sent: 1 to 255 visible ASCII characters.
    pub key: String,
    /// A digest of what was sent under the key.
    pub fingerprint: String,
}

/// An answer as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The media type of the body, if there is one.
    pub media_type: Option<String>,
    /// Headers of the contract, by their names in lower case, in order.
    pub headers: Vec<(String, String)>,
    /// The body; empty where there is none.
    pub body: Vec<u8>,
}

/// What is known of a request under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// Nothing: it may run, alone until it is ended or as long as was asked for.
    Nothing(Permit),
    /// The first is under way.
    InFlight,
    /// The key stands for something else.
    Reused,
    /// The same was done before.
    Answered(Answer),
}

/// Who may end a request: whoever came after a lock had run out has another number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permit(pub i64);

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// With an effect; the answer is to be known for so long at least.
    Done(Answer, Duration),
    /// Without one.
    InVain,
}

/// Why a store could not tell or keep.
pub type Unanswered = Box<dyn std::error::Error + Send + Sync>;

/// Where answers are kept. All processes that serve a contract share one.
pub trait Answers: Send + Sync + 'static {
    /// Looks a request up, and has it to itself for so long if nothing is known of it.
    fn begin<'a>(
        &'a self,
        request: &'a Keyed,
        alone_for: Duration,
    ) -> BoxFuture<'a, Result<Known, Unanswered>>;

    /// Ends a request that was begun; nothing happens when somebody else has begun it since.
    fn end<'a>(
        &'a self,
        request: &'a Keyed,
        permit: Permit,
        ended: Ended,
    ) -> BoxFuture<'a, Result<(), Unanswered>>;
}

impl<A: Answers + ?Sized> Answers for Arc<A> {
    fn begin<'a>(
        &'a self,
        request: &'a Keyed,
        alone_for: Duration,
    ) -> BoxFuture<'a, Result<Known, Unanswered>> {
        A::begin(self, request, alone_for)
    }

    fn end<'a>(
        &'a self,
        request: &'a Keyed,
        permit: Permit,
        ended: Ended,
    ) -> BoxFuture<'a, Result<(), Unanswered>> {
        A::end(self, request, permit, ended)
    }
}
