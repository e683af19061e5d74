//! The HTTP edge that generated servers stand on: routing, decoding, validation, authentication,
//! idempotency in flight, problems, events, own endpoints and observation.
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

mod access;
mod api_key;
mod api_keys;
mod authentication;
mod authenticator;
mod body;
mod body_room;
mod call;
#[cfg(feature = "compression")]
mod compression;
mod correlation;
mod cors;
mod cursors;
mod development_identity;
mod dispatch;
mod docs;
mod edge;
mod endpoints;
mod events;
mod idempotency;
mod in_flight;
mod input;
mod key_source;
mod key_store;
mod keys;
mod matcher;
mod memory_answers;
mod monotonic;
mod observation;
mod operation;
mod outcome;
mod preconditions;
mod problem;
mod rate_limits;
mod reply;
mod routes;
mod scheme;
mod seats;
mod serving;
mod socket;
mod streaming;
mod tenant;
mod untyped;

pub use axum::Router;

pub use access::{Access, Admitted, Anonymous};
pub use api_keys::{ApiKey, ApiKeys, CreatedApiKey, NewApiKey};
pub use authentication::{Authenticate, Unauthenticated};
pub use authenticator::{AccessTokens, Authenticator, Expectations, Tenancy};
pub use call::{Call, Idempotency, Principal};
pub use cors::Cors;
pub use cursors::{Cursors, ForeignCursor, List};
pub use development_identity::{DevelopmentIdentity, Grant, IdentityError};
pub use edge::{Edge, EdgeError};
pub use events::Live;
pub use idempotency::{IdempotencyRule, Replay};
pub use in_flight::{InFlight, InFlightGuard};
pub use input::{Input, Rejected};
pub use key_source::KeyError;
pub use key_store::{InMemoryKeys, KeyStore};
pub use keys::Freshness;
pub use memory_answers::{MemoryAnswers, TooManyKeys};
pub use operation::{Info, Operation, ProblemKind, Requirement};
pub use outcome::{Failure, Fault, Outcome, Refusal};
pub use preconditions::{EntityTag, PreconditionFailed, Preconditions};
pub use rate_limits::{Bucket, MemoryRateLimits, Rate, RateLimits, Taken};
pub use reply::Reply;
pub use routes::{Mounted, Routes};
pub use scheme::{Given, Proof, Scheme};
pub use serving::{Server, serve};
pub use symbolon_wire::Method;
#[cfg(feature = "signatures")]
pub use symbolon_wire::signature::{NoSecret, Unverified, Verifier, WebhookSecret};
pub use untyped::Answering;

/// What generated code names without a dependency of its own.
pub mod reexport {
    pub use bytes;
    pub use symbolon_wire;
}
