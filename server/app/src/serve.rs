//! Puts the server together, runs it, and takes it down in order.

use anyhow::{Context, bail};
use calls_server::problems::CATALOGUE;
use calls_server::{ASYNCAPI, OPENAPI};
use symbolon_issuer::Issuer;
use symbolon_kernel::{Handlers, Kernel, Location, Role, Settings, machine_clock};
use symbolon_server::{Edge, Failure, Requirement, Router};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::configuration::{Mode, Serve};
use crate::console::{self, SignIn};
use crate::identity::{self, Trust};
use crate::systems::Systems;
use crate::traces::Traces;
use crate::{MIGRATIONS, gauges, keys, live, logging};

const LIVE_EVENTS: Requirement = Requirement { scheme: "oidc", scopes: &["calls:read"] };

/// Serves until SIGINT or SIGTERM. Then: no new requests, the running ones end, calls that are out
/// end, the database is closed.
pub(crate) async fn run(configuration: Serve) -> anyhow::Result<()> {
    let traces = Traces::begin(&configuration.telemetry)?;
    logging::start(&configuration.telemetry, traces.as_ref())?;
    let (mode, database) = (configuration.mode, configuration.database.location()?);
    undivided(mode, &database)?;
    // Before anything is begun that a failure would leave half done.
    let listener = TcpListener::bind(configuration.listen).await;
    let listener =
        listener.with_context(|| format!("cannot listen on {}", configuration.listen))?;
    let trust = match mode.answers() {
        true => Some(identity::trust(&configuration, listener.local_addr()?, OPENAPI)?),
        false => None,
    };
    let stop = stop_signal()?;
    let settings = Settings { lease: configuration.lease, ..Settings::default() };
    let kernel = Kernel::open_with(&database, &MIGRATIONS, machine_clock(), settings).await;
    let kernel = kernel.with_context(|| format!("{database} cannot be opened"))?;
    let served = serve(&configuration, trust, &kernel, listener, stop).await;
    let closed = kernel.shutdown().await;
    if let Some(traces) = traces {
        traces.end().await;
    }
    served?;
    closed?;
    tracing::info!("stopped");
    Ok(())
}

/// A file belongs to one process, which has to do everything.
fn undivided(mode: Mode, database: &Location) -> anyhow::Result<()> {
    match (mode, database) {
        (Mode::All, _) | (_, Location::Server(_)) => Ok(()),
        (Mode::Api | Mode::Worker | Mode::Relay, Location::File(file)) => bail!(
            "--mode {} shares its database with other processes, and {} belongs to one; name a \
             database on a server, --database postgres://.., or do everything here, --mode all",
            mode.name(),
            file.display()
        ),
    }
}

/// Serves from an open kernel, which is to be shut down then, however it ends.
async fn serve(
    configuration: &Serve,
    trust: Option<Trust>,
    kernel: &Kernel,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let (address, mode) = (listener.local_addr()?, configuration.mode);
    let systems = Systems::open(configuration, kernel).await?;
    let router = match trust {
        Some(trust) => contract(configuration, trust, kernel, &systems)?,
        None => edge(kernel).router(Vec::new())?,
    };
    start(configuration, kernel, systems.handlers().roles(mode.roles())).await?;
    let workers = if mode.roles().include(Role::Work) { systems.start() } else { Vec::new() };
    let gauges = tokio::spawn(gauges::refresh(kernel.clone()));
    tracing::info!(
        %address,
        mode = mode.name(),
        database = %configuration.database.location()?,
        version = env!("CARGO_PKG_VERSION"),
        "listening"
    );
    let served = configuration.callers.server().serve(listener, router, stop).await;
    kernel.closing().cancel();
    for worker in workers {
        worker.stop().await;
    }
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

/// What every process answers: whether it is well, what it is, and its metrics.
fn edge(kernel: &Kernel) -> Edge {
    let ready = kernel.clone();
    Edge::new("symbolon", env!("CARGO_PKG_VERSION")).readiness("database", move || {
        let kernel = ready.clone();
        async move { kernel.probe().await.map_err(Failure::from) }
    })
}

/// The contract, for those whom it trusts.
fn contract(
    configuration: &Serve,
    trust: Trust,
    kernel: &Kernel,
    systems: &Systems,
) -> anyhow::Result<Router> {
    let Trust { authenticator, issuer } = trust;
    let tail = kernel.clone();
    let router = configuration
        .callers
        .admit(edge(kernel))
        .authenticator(keys::of(kernel).or(authenticator))
        .body_limit(configuration.body_limit)
        .problem_base("urn:symbolon:problem:")
        .problems(CATALOGUE)
        .openapi(OPENAPI)
        .asyncapi(ASYNCAPI)
        .events(LIVE_EVENTS, move |principal, last| live::events(&tail, principal, last))
        .router(systems.routes())?;
    let known = issuer.as_ref().map(Issuer::url).or(configuration.known_issuer());
    let router = console::mount(router, SignIn::by(known, OPENAPI)?);
    Ok(match issuer {
        Some(issuer) => {
            tracing::info!(issuer = issuer.url(), "development issuer");
            issuer.mount(router)
        }
        None => router,
    })
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
