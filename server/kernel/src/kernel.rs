//! The kernel itself: opened once a process, cloned to whoever needs it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::bus::{Bus, Tail, TailFrom};
use crate::clock::{Clock, Stamps};
use crate::envelope::{Cause, TenantId};
use crate::error::Error;
use crate::handlers::Handlers;
use crate::migrations::MigrationSet;
use crate::stats::{self, Stats};
use crate::store::Store;
use crate::unit::{Unit, View};
use crate::{inbox, outbox, projections, timers};

/// How long to wait before a handler that failed is called again: twice as long each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// After the first failure.
    pub initial: SignedDuration,
    /// Never longer than this.
    pub maximum: SignedDuration,
}

impl Backoff {
    /// When to try again, after `attempts` failures.
    pub(crate) fn after(&self, now: Timestamp, attempts: u32) -> Timestamp {
        let factor = 1i32.checked_shl(attempts.saturating_sub(1).min(30)).unwrap_or(i32::MAX);
        let wait = self.initial.checked_mul(factor).unwrap_or(self.maximum).min(self.maximum);
        now.saturating_add(wait).unwrap_or(Timestamp::MAX)
    }
}

/// What may be tuned; the default is meant for production.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How many events a consumer, and how many timers a kind, has in hand at once.
    pub concurrency: usize,
    /// For handlers that fail.
    pub backoff: Backoff,
}

impl Default for Settings {
    fn default() -> Self {
        let backoff = Backoff {
            initial: SignedDuration::from_millis(200),
            maximum: SignedDuration::from_secs(60),
        };
        Self { concurrency: 16, backoff }
    }
}

/// Durable state, and what runs on it. A clone is the same kernel.
#[derive(Debug, Clone)]
pub struct Kernel(Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) stamps: Stamps,
    pub(crate) settings: Settings,
    pub(crate) bus: Bus,
    /// Told when there is something new in the outbox.
    pub(crate) outbox: Notify,
    /// Told when a timer was scheduled.
    pub(crate) timers: watch::Sender<()>,
    pub(crate) tasks: TaskTracker,
    closing: CancellationToken,
    readers: Mutex<Vec<String>>,
}

impl Kernel {
    /// Opens the database file, makes it if there is none, and brings its schema up to date.
    ///
    /// # Errors
    /// When the file cannot be opened, [`Error::InUse`] when another kernel has it open, until
    /// that one is shut down, or [`Error::Migration`] when its schema was altered or is
    /// newer than this program.
    pub async fn open(
        path: impl AsRef<Path>,
        migrations: &[MigrationSet],
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        Self::open_with(path, migrations, clock, Settings::default()).await
    }

    /// [`Kernel::open`] with settings.
    ///
    /// # Errors
    /// As for [`Kernel::open`].
    pub async fn open_with(
        path: impl AsRef<Path>,
        migrations: &[MigrationSet],
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Result<Self, Error> {
        let store = Store::open(path.as_ref(), migrations).await?;
        let published = outbox::published(&mut *store.read().await?).await?;
        Ok(Self(Arc::new(Inner {
            store,
            stamps: Stamps::new(clock),
            settings,
            bus: Bus::new(published),
            outbox: Notify::new(),
            timers: watch::Sender::new(()),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
            readers: Mutex::default(),
        })))
    }

    /// Starts the relay and the handlers. Without it nothing is published and no timer fires.
    ///
    /// # Errors
    /// [`Error::DuplicateHandler`] when two handlers of one kind have one name.
    pub fn start(&self, handlers: Handlers) -> Result<(), Error> {
        let consumers = handlers.consumers.iter().map(|it| format!("consumer:{}", it.name()));
        let projections = handlers.projections.iter().map(|it| projections::reader(it.name()));
        let readers: Vec<String> = consumers.chain(projections).collect();
        let kinds = handlers.timers.iter().map(|it| format!("timer:{}", it.kind()));
        let mut seen = BTreeSet::new();
        for name in readers.iter().cloned().chain(kinds) {
            if !seen.insert(name.clone()) {
                return Err(Error::DuplicateHandler(name));
            }
        }
        *self.0.readers.lock().unwrap_or_else(PoisonError::into_inner) = readers;
        let tasks = &self.0.tasks;
        for consumer in handlers.consumers {
            tasks.spawn(inbox::run(self.clone(), consumer));
        }
        for projection in handlers.projections {
            tasks.spawn(projections::run(self.clone(), projection));
        }
        for handler in handlers.timers {
            tasks.spawn(timers::run(self.clone(), handler));
        }
        tasks.spawn(outbox::relay(self.clone()));
        Ok(())
    }

    /// Begins a unit of work, when the writer is free.
    ///
    /// A task that has a unit must not ask for another one: it would wait for itself.
    ///
    /// # Errors
    /// [`Error::Busy`] when the writer is not free within ten seconds; [`Error::Closed`] after
    /// shutdown; otherwise when the database fails.
    pub async fn unit(&self, tenant: &TenantId, cause: Cause) -> Result<Unit, Error> {
        let turn = self.0.store.turn().await?;
        Ok(Unit::new(self, turn, tenant.clone(), cause))
    }

    /// Takes a snapshot for reading; it waits for no writer.
    ///
    /// # Errors
    /// [`Error::Busy`] when no reader is free within ten seconds; otherwise when the database
    /// fails.
    pub async fn read(&self, tenant: &TenantId) -> Result<View, Error> {
        Ok(View::new(tenant.clone(), self.0.store.read().await?))
    }

    /// Follows a tenant's events as they are published.
    #[must_use]
    pub fn tail(&self, tenant: &TenantId, from: TailFrom) -> Tail {
        Tail::new(self, tenant, from)
    }

    /// The time to write down: microseconds, and never before one already given.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.stamps.now()
    }

    /// A new id: UUID version 7, by the kernel's clock.
    #[must_use]
    pub fn new_id(&self) -> Uuid {
        self.0.stamps.new_id()
    }

    /// The clock the kernel was opened with.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.0.stamps.clock)
    }

    /// The kernel in numbers.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn stats(&self) -> Result<Stats, Error> {
        let readers = self.0.readers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut snapshot = self.0.store.read().await?;
        stats::collect(&mut snapshot, &readers, self.0.stamps.clock.now()).await
    }

    /// Cancelled when the kernel closes; cancelling it makes the background tasks stop.
    #[must_use]
    pub fn closing(&self) -> CancellationToken {
        self.0.closing.clone()
    }

    /// Stops taking up work, waits for what is running, and closes the file.
    ///
    /// # Errors
    /// When the file cannot be closed.
    pub async fn shutdown(&self) -> Result<(), Error> {
        self.0.closing.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
        self.0.store.close().await
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }
}
