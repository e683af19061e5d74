//! Puts the server together, runs it, and takes it down in order.

use std::sync::Arc;

use anyhow::Context;
use calls_server::problems::CATALOGUE;
use calls_server::{ASYNCAPI, OPENAPI, service_calls};
use symbolon_calls::{Calls, Loopback, ServiceCallsService, Settings};
use symbolon_kernel::{Handlers, Kernel, machine_clock};
use symbolon_server::{Authenticate, Edge, EdgeError, Failure, Requirement, Router};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::configuration::Serve;
use crate::identity::{self, Trust};
use crate::{MIGRATIONS, gauges, keys, live, logging};

const LIVE_EVENTS: Requirement = Requirement { scheme: "oidc", scopes: &["calls:read"] };

/// Serves until SIGINT or SIGTERM. Then: no new requests, the running ones end, calls that are out
/// end, the database is closed.
pub(crate) async fn run(configuration: Serve) -> anyhow::Result<()> {
    logging::start(&configuration.log_level, configuration.log_format)?;
    // Before anything is begun that a failure would leave half done.
    let listener = TcpListener::bind(configuration.listen).await;
    let listener =
        listener.with_context(|| format!("cannot listen on {}", configuration.listen))?;
    let trust = identity::trust(&configuration, listener.local_addr()?, OPENAPI)?;
    let stop = stop_signal()?;
    let database = configuration.database.location();
    let kernel = Kernel::open(&database, &MIGRATIONS, machine_clock()).await;
    let kernel = kernel.with_context(|| format!("{database} cannot be opened"))?;
    let served = serve(&configuration, trust, &kernel, listener, stop).await;
    let closed = kernel.shutdown().await;
    served?;
    closed?;
    tracing::info!("stopped");
    Ok(())
}

/// Serves from an open kernel, which is to be shut down then, however it ends.
async fn serve(
    configuration: &Serve,
    trust: Trust,
    kernel: &Kernel,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let address = listener.local_addr()?;
    let calls = Calls::open(kernel.clone(), settings(configuration)).await?;
    let Trust { authenticator, issuer } = trust;
    let authenticator = keys::of(kernel).or(authenticator);
    let mut router = router(configuration, authenticator, kernel, calls.service())?;
    if let Some(issuer) = issuer {
        tracing::info!(issuer = issuer.url(), "development issuer");
        router = issuer.mount(router);
    }
    start(configuration, kernel, calls.handlers(Handlers::new())).await?;
    let worker = calls.start();
    let gauges = tokio::spawn(gauges::refresh(kernel.clone()));
    tracing::info!(
        %address,
        database = %configuration.database.location(),
        version = env!("CARGO_PKG_VERSION"),
        "listening"
    );
    let served = symbolon_server::serve(listener, router, stop).await;
    worker.stop().await;
    gauges.await?;
    Ok(served?)
}

/// Starts the handlers, on the bus that is asked for.
async fn start(configuration: &Serve, kernel: &Kernel, handlers: Handlers) -> anyhow::Result<()> {
    #[cfg(feature = "kafka")]
    if let Some(kafka) = configuration.bus.kafka()? {
        tracing::info!(brokers = kafka.brokers, "on kafka");
        return Ok(kernel.start_on_kafka(handlers, kafka).await?);
    }
    let _ = configuration;
    Ok(kernel.start(handlers).await?)
}

fn router(
    configuration: &Serve,
    authenticator: impl Authenticate,
    kernel: &Kernel,
    service: Arc<ServiceCallsService>,
) -> Result<Router, EdgeError> {
    let ready = kernel.clone();
    let tail = kernel.clone();
    Edge::new("symbolon", env!("CARGO_PKG_VERSION"))
        .authenticator(authenticator)
        .body_limit(configuration.body_limit)
        .problem_base("urn:symbolon:problem:")
        .problems(CATALOGUE)
        .openapi(OPENAPI)
        .asyncapi(ASYNCAPI)
        .readiness("database", move || {
            let kernel = ready.clone();
            async move { kernel.probe().await.map_err(Failure::from) }
        })
        .events(LIVE_EVENTS, move |principal| live::events(&tail, principal))
        .router(vec![service_calls::routes(service)])
}

fn settings(configuration: &Serve) -> Settings {
    let loopback = if configuration.allow_loopback { Loopback::Allowed } else { Loopback::Denied };
    if loopback == Loopback::Allowed {
        tracing::warn!("calls may reach this machine: not for production");
    }
    Settings { loopback, concurrency: configuration.call_concurrency, ..Settings::default() }
}

/// Resolves on SIGINT or SIGTERM, which do nothing else from now on.
fn stop_signal() -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
