//! The context of service calls: submission, execution, and what can be read of them.

mod events;
mod execution;
mod live;
mod observation;
mod overlooked;
mod projection;
mod redaction;
mod resolution;
mod rules;
mod sender;
mod service;
mod store;
mod target;
mod turns;

use std::num::NonZeroU32;
use std::sync::Arc;

use jiff::SignedDuration;
use symbolon_kernel::{Cause, Fully, Handlers, Kernel, StreamId, TenantId};
use symbolon_server::Cursors;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::admin::AdminService;
pub(crate) use events::{Command, Event};
use execution::{Commanded, Due, Lease, Queue, Worker};
use projection::ServiceCallsProjection;
use sender::Sender;

pub use sender::Propagation;
pub use service::ServiceCallsService;
pub use target::Loopback;

/// The kind of the streams of this context.
pub(crate) const AGGREGATE_TYPE: &str = "ServiceCall";
/// Under this name the consumer of commands remembers what it has handled.
pub(crate) const COMMANDED: &str = "service_calls.commands";
/// Under this name the read model has its checkpoint.
pub(crate) const READ_MODEL: &str = "service_calls";
/// In whose name the worker reads the queue of all tenants.
const OPERATOR: &str = "symbolon-operator";

/// What may be tuned; the default is meant for production.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Whether calls may reach this machine.
    pub loopback: Loopback,
    /// How many requests are out at once, in this process.
    pub concurrency: usize,
    /// How many of them are one tenant's, so that nobody waits behind everything another has.
    pub tenant_concurrency: usize,
    /// How many attempts of one tenant begin in a second, in this process; any number, if none.
    pub tenant_rate: Option<NonZeroU32>,
    /// Whether targets learn of the trace that their call is a part of.
    pub propagation: Propagation,
    /// How long after its deadline an attempt that nobody has ended counts as aborted.
    pub lease_margin: SignedDuration,
}

impl Default for Settings {
    fn default() -> Self {
        let lease_margin = SignedDuration::from_secs(20);
        Self {
            loopback: Loopback::Denied,
            concurrency: 64,
            tenant_concurrency: 32,
            tenant_rate: None,
            propagation: Propagation::Nowhere,
            lease_margin,
        }
    }
}

/// Why the context cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The kernel failed.
    #[error(transparent)]
    Kernel(#[from] symbolon_kernel::Error),
    /// The tables of this context cannot be used.
    #[error("the tables of service calls cannot be used")]
    Tables(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The operating system gives no random numbers.
    #[error("there are no random numbers")]
    Randomness,
    /// No HTTP client can be made.
    #[error("no http client can be made")]
    Client(#[from] reqwest::Error),
}

impl StartError {
    fn store(error: store::StoreError) -> Self {
        Self::Tables(error.into())
    }
}

/// The context, put together on a kernel.
#[derive(Debug)]
pub struct Calls {
    kernel: Kernel,
    service: Arc<ServiceCallsService>,
    admin: Arc<AdminService>,
    worker: Arc<Worker>,
    wake: Arc<Notify>,
}

impl Calls {
    /// Puts it together; nothing runs yet.
    ///
    /// # Errors
    /// When the database or the HTTP client cannot be used.
    pub async fn open(kernel: Kernel, settings: Settings) -> Result<Self, StartError> {
        let operator = TenantId::new(OPERATOR).expect("a name of 1 to 255 bytes");
        // On SQLite there is one connection that writes, for as long as the kernel is open.
        let mut unit = kernel.unit(&operator, Cause::request(OPERATOR)).await?;
        let (_, connection) = unit.sql();
        store::overwrite_deleted(connection).await.map_err(StartError::store)?;
        let mut fresh = [0; 32];
        aws_lc_rs::rand::fill(&mut fresh).map_err(|_| StartError::Randomness)?;
        let secret = store::cursor_secret(connection, &fresh).await.map_err(StartError::store)?;
        unit.commit().await?;
        let sender = Sender::new(settings.loopback)?;
        let wake = Arc::new(Notify::new());
        let cursors = Arc::new(Cursors::new(&secret));
        let service =
            ServiceCallsService::new(kernel.clone(), Arc::clone(&cursors), settings.loopback);
        let admin = AdminService::new(kernel.clone(), cursors);
        let queue = Arc::clone(&wake);
        let worker = Worker::new(kernel.clone(), sender, settings, queue, operator);
        Ok(Self { kernel, service, admin, worker, wake })
    }

    /// Adds what this context does on commands, events and timers.
    #[must_use]
    pub fn handlers(&self, handlers: Handlers) -> Handlers {
        let queue = Queue { wake: Arc::clone(&self.wake) };
        handlers
            .on::<Command, _>(COMMANDED, Fully(Commanded { queue: queue.clone() }))
            .timer(Due { queue })
            .timer(Lease)
            .project::<Event, _>(READ_MODEL, &store::READ_MODEL, ServiceCallsProjection)
    }

    /// The operations of the contract, for `calls_server::service_calls::routes`.
    #[must_use]
    pub fn service(&self) -> Arc<ServiceCallsService> {
        Arc::clone(&self.service)
    }

    /// The operations of whoever operates it, for `calls_server::admin::routes`.
    #[must_use]
    pub fn admin(&self) -> Arc<AdminService> {
        Arc::clone(&self.admin)
    }

    /// Begins to make calls.
    #[must_use]
    pub fn start(self) -> StopHandle {
        observation::describe();
        let (working, watched) = (Arc::clone(&self.worker), self.kernel.clone());
        let operator = self.worker.operator().clone();
        let queue = Queue { wake: self.wake };
        let overlooked = overlooked::take_up(watched.clone(), queue, operator.clone());
        let worker = tokio::spawn(async move {
            tokio::join!(working.run(), overlooked, observation::watch(watched, operator));
        });
        StopHandle { kernel: self.kernel, worker }
    }
}

/// The running worker.
#[derive(Debug)]
pub struct StopHandle {
    kernel: Kernel,
    worker: JoinHandle<()>,
}

impl StopHandle {
    /// Takes up no more calls. Those that are out go on; [`Kernel::shutdown`] waits for them.
    pub async fn stop(self) {
        self.kernel.closing().cancel();
        if let Err(error) = self.worker.await {
            tracing::error!(%error, "the worker of service calls has panicked");
        }
    }
}

/// The stream of a call.
fn stream(id: &str) -> StreamId {
    StreamId::new(AGGREGATE_TYPE, id)
}
