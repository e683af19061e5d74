//! Puts the server together, runs it, and takes it down in order.

use anyhow::{Context, bail};
use calls_server::problems::CATALOGUE;
use calls_server::{ASYNCAPI, OPENAPI};
use symbolon_issuer::Issuer;
#[cfg(feature = "kafka")]
use symbolon_kernel::Kafka;
use symbolon_kernel::{Handlers, Kernel, Location, Role, Settings, machine_clock};
use symbolon_server::{Edge, Failure, Requirement, Router};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::configuration::{Mode, Serve};
use crate::console::{self, SignIn};
use crate::identity::{self, Trust, Trusted};
use crate::systems::Systems;
use crate::traces::{self, Traces};
use crate::{MIGRATIONS, gauges, keys, live, logging, rates};

const LIVE_EVENTS: Requirement = Requirement { scheme: "oidc", scopes: &["calls:read"] };

/// What a configuration comes to: it can be served, as far as that can be told without doing it.
pub(crate) struct Plan {
    configuration: Serve,
    database: Location,
    /// None where callers of the contract are not answered.
    trusted: Option<Trusted>,
    #[cfg(feature = "kafka")]
    kafka: Option<Kafka>,
}

impl Plan {
    /// Reads what the configuration names, and begins nothing.
    ///
    /// # Errors
    /// When [`run`] could not begin with it.
    pub(crate) fn of(configuration: Serve) -> anyhow::Result<Self> {
        logging::filter(&configuration.telemetry)?;
        traces::endpoint(&configuration.telemetry)?;
        let database = configuration.database.location()?;
        undivided(configuration.mode, &database)?;
        let answers = configuration.mode.answers();
        let trusted = answers.then(|| identity::trusted(&configuration)).transpose()?;
        #[cfg(feature = "kafka")]
        let kafka = configuration.bus.kafka()?;
        Ok(Self {
            configuration,
            database,
            trusted,
            #[cfg(feature = "kafka")]
            kafka,
        })
    }
}

/// Serves until SIGINT or SIGTERM. Then: no new requests, the running ones end, calls that are out
/// end, the database is closed.
pub(crate) async fn run(mut plan: Plan) -> anyhow::Result<()> {
    let configuration = &plan.configuration;
    let traces = Traces::begin(&configuration.telemetry)?;
    logging::start(&configuration.telemetry, traces.as_ref())?;
    let database = &plan.database;
    // Before anything is begun that a failure would leave half done.
    let listener = TcpListener::bind(configuration.listen).await;
    let listener =
        listener.with_context(|| format!("cannot listen on {}", configuration.listen))?;
    let address = listener.local_addr()?;
    let trust = plan.trusted.take();
    let trust = trust.map(|it| it.begin(configuration, address, OPENAPI)).transpose()?;
    let stop = stop_signal()?;
    let settings = Settings { lease: configuration.lease, ..Settings::default() };
    let kernel = Kernel::open_with(database, &MIGRATIONS, machine_clock(), settings).await;
    let kernel = kernel.with_context(|| format!("{database} cannot be opened"))?;
    let served = serve(&plan, trust, &kernel, listener, stop).await;
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
    plan: &Plan,
    trust: Option<Trust>,
    kernel: &Kernel,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let configuration = &plan.configuration;
    let (address, mode) = (listener.local_addr()?, configuration.mode);
    let systems = Systems::open(configuration, kernel).await?;
    let router = match trust {
        Some(trust) => contract(plan, trust, kernel, &systems)?,
        None => edge(kernel).router(Vec::new())?,
    };
    start(plan, kernel, systems.handlers().roles(mode.roles())).await?;
    let workers = if mode.roles().include(Role::Work) { systems.start() } else { Vec::new() };
    let gauges = tokio::spawn(gauges::refresh(kernel.clone()));
    tracing::info!(
        %address,
        mode = mode.name(),
        database = %plan.database,
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
async fn start(plan: &Plan, kernel: &Kernel, handlers: Handlers) -> anyhow::Result<()> {
    #[cfg(feature = "kafka")]
    if let Some(kafka) = plan.kafka.clone() {
        tracing::info!(brokers = kafka.brokers, "on kafka");
        return Ok(kernel.start_on_kafka(handlers, kafka).await?);
    }
    let _ = plan;
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
    plan: &Plan,
    trust: Trust,
    kernel: &Kernel,
    systems: &Systems,
) -> anyhow::Result<Router> {
    let (configuration, Trust { authenticator, issuer }) = (&plan.configuration, trust);
    let tail = kernel.clone();
    let router = configuration
        .callers
        .admit(rates::count(edge(kernel), kernel, &plan.database))
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
