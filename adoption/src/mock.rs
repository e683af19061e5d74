//! A server that answers with what the contract shows, behind the edge that real servers have:
//! routes, credentials, validation and problems are the edge's own.

mod answer;
mod body;
mod credentials;
mod curl;
mod emitted;
mod exchanges;
mod negotiation;
mod pick;
mod preference;
mod request;

use std::io;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use serde_json::Value;
use symbolon_codegen::source::Cursor;
use symbolon_server::{Answering, Edge, EdgeError, Info, ProblemKind, Requirement, Router, Routes};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::contract::{Contract, Operation, kept, kept_list};
use credentials::Presented;
use emitted::Emitted;

pub use curl::curl;
pub use exchanges::exchanges;

/// The largest body that a mock reads, in bytes.
const BODY_LIMIT: usize = 16 << 20;

/// What is told of every request that was answered.
#[derive(Debug)]
pub struct Told {
    /// The method.
    pub method: String,
    /// Path and query, as they came.
    pub target: String,
    /// The status of the answer.
    pub status: u16,
    /// How long the answer took, in milliseconds.
    pub elapsed_ms: f64,
}

/// Serves until SIGINT or SIGTERM; `tell` hears of every request.
///
/// # Errors
/// When the listener breaks or the signals cannot be waited for.
pub async fn serve(listener: TcpListener, router: Router, tell: fn(&Told)) -> io::Result<()> {
    let router = router.layer(from_fn(move |request: Request, next: Next| async move {
        let started_at = Instant::now();
        let (method, target) = (request.method().to_string(), request.uri().to_string());
        let response = next.run(request).await;
        let status = response.status().as_u16();
        let elapsed_ms = started_at.elapsed().as_secs_f64() * 1e3;
        tell(&Told { method, target, status, elapsed_ms });
        response
    }));
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    symbolon_server::serve(listener, router, stop).await
}

/// What a mock is made of.
#[derive(Debug)]
pub struct Mock {
    /// The contract.
    pub contract: &'static Contract,
    /// The title of its document.
    pub title: String,
    /// The version of its document.
    pub version: String,
    /// The OpenAPI document, self-contained.
    pub openapi: Value,
    /// The AsyncAPI document, self-contained.
    pub asyncapi: Option<Value>,
    /// What made-up values are made from.
    pub seed: u64,
}

impl Mock {
    /// The router of all operations, and of the edge's own paths.
    ///
    /// # Errors
    /// When two operations stand at one place.
    pub fn router(self) -> Result<Router, EdgeError> {
        let contract = self.contract;
        let mut edge = Edge::new(self.title, self.version)
            .body_limit(BODY_LIMIT)
            .openapi(self.openapi.to_string())
            .problems(kept_list(contract.problems.iter().filter_map(problem).collect()));
        let scopes = credentials::scopes(contract);
        for (name, scheme) in &contract.schemes {
            edge = edge.scheme(name, Presented::new(scheme, scopes.clone()));
        }
        // A scheme that is required and not declared stands for any credential at all.
        edge = edge.authenticator(Presented::anyhow(scopes));
        let emitted = Arc::new(Emitted::new(contract, self.seed));
        if let Some(asyncapi) = self.asyncapi {
            let source = Arc::clone(&emitted);
            let open = Requirement { scheme: credentials::EVERYONE, scopes: &[] };
            edge = edge
                .asyncapi(asyncapi.to_string())
                .scheme(credentials::EVERYONE, credentials::Everyone)
                .events(open, move |_, _| source.open());
        }
        let seed = self.seed;
        let operations = contract.operations.iter().map(|operation| {
            let emitted = Arc::clone(&emitted);
            let answering: Answering =
                Arc::new(move |input| answer::answer(operation, input, seed, &emitted));
            (info(operation), answering)
        });
        edge.router(vec![Routes::untyped(operations.collect())])
    }
}

fn info(operation: &Operation) -> Info {
    let security = operation.security.iter().map(|all| {
        let all = all
            .iter()
            .map(|(scheme, scopes)| Requirement { scheme, scopes: kept_list(scopes.clone()) });
        kept_list(all.collect())
    });
    Info {
        security: kept_list(security.collect()),
        consumes: kept_list(operation.bodies.iter().map(|media| media.name).collect()),
        idempotency: operation.idempotency,
        ..Info::new(operation.id, operation.method, operation.path)
    }
}

fn problem((code, at): (&&'static str, &Cursor<'static>)) -> Option<ProblemKind> {
    let status = at.value.get("status")?.as_u64()?;
    Some(ProblemKind {
        code,
        status: u16::try_from(status).ok()?,
        title: at.text("title").unwrap_or_else(|| kept(*code)),
        type_: at.text("type").unwrap_or_default(),
    })
}
