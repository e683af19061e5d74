//! The HTTP edge that generated servers stand on: routing, decoding, validation, authentication,
//! idempotency in flight, problems, events, sockets, own endpoints and observation.
//!
//! It must never know a database: whoever has none can use it alone.
//!
//! Generated code has one trait a tag and one marker type an operation, and mounts them so:
//!
//! ```ignore
//! pub fn service_calls<S: ServiceCalls>(service: Arc<S>) -> Routes {
//!     Routes::new(service)
//!         .on::<SubmitServiceCall, _, _>(|service, call| async move {
//!             service.submit_service_call(call).await
//!         })
//!         .finish()
//! }
//! ```
//!
//! The application joins the tags' routes under one edge:
//!
//! ```no_run
//! # async fn run(routes: symbolon_server::Routes) -> Result<(), Box<dyn std::error::Error>> {
//! use symbolon_server::{Authenticator, Edge, Expectations};
//! let expected = Expectations::new("https://issuer.example", "calls");
//! let router = Edge::new("calls", "1.0.0")
//!     .authenticator(Authenticator::from_issuer(expected)?)
//!     .readiness("database", || async { Ok(()) })
//!     .router(vec![routes])?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//! symbolon_server::serve(listener, router, async { tokio::signal::ctrl_c().await.ok(); }).await?;
//! # Ok(())
//! # }
//! ```

mod answers;
mod callers;
mod cursors;
mod dispatch;
mod edge;
mod endpoints;
mod limits;
mod monotonic;
mod observation;
mod repetition;
mod requests;
mod serving;
mod sockets;

pub use axum::Router;

pub use answers::cors::Cors;
pub use answers::outcome::{Failure, Fault, Outcome, Refusal};
pub use answers::preconditions::{EntityTag, PreconditionFailed, Preconditions};
pub use answers::reply::Reply;
pub use callers::access::{Access, Admitted, Anonymous};
pub use callers::api_keys::{ApiKey, ApiKeys, CreatedApiKey, NewApiKey};
pub use callers::authentication::{Authenticate, Unauthenticated};
pub use callers::authenticator::{AccessTokens, Authenticator, Expectations, Tenancy};
pub use callers::development_identity::{DevelopmentIdentity, Grant, IdentityError};
pub use callers::key_source::KeyError;
pub use callers::key_store::{InMemoryKeys, KeyStore};
pub use callers::keys::Freshness;
pub use callers::scheme::{Given, Proof, Scheme};
pub use cursors::{Cursors, ForeignCursor, List};
pub use edge::{Edge, EdgeError};
pub use endpoints::events::Live;
pub use limits::in_flight::{InFlight, InFlightGuard};
pub use limits::rate_limits::{Bucket, MemoryRateLimits, Rate, RateLimits, Taken};
pub use limits::shared_rate_limits::{Allotment, Allotments, SharedRateLimits};
pub use repetition::idempotency::{IdempotencyRule, Replay};
pub use repetition::memory_answers::{MemoryAnswers, TooManyKeys};
pub use requests::call::{Call, Idempotency, Principal};
pub use requests::input::{Input, Rejected};
pub use requests::operation::{Info, Operation, ProblemKind, Requirement, SocketRule};
pub use requests::routes::{Mounted, Routes};
pub use requests::untyped::Answering;
pub use serving::{Server, serve};
pub use sockets::{SendError, Sender, Session, Socket, SocketOperation};
pub use symbolon_wire::Method;
#[cfg(feature = "signatures")]
pub use symbolon_wire::signature::{NoSecret, Unverified, Verifier, WebhookSecret};

/// What generated code names without a dependency of its own.
pub mod reexport {
    pub use bytes;
    pub use symbolon_wire;
}
