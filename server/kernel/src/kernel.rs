//! The kernel itself: opened once a process, cloned to whoever needs it.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::clock::{Clock, Stamps};
use crate::database::migrations::MigrationSet;
use crate::database::{Database, Location, Turn};
use crate::delivery::bus::{Bus, Tail, TailFrom};
use crate::delivery::{messages, relay};
use crate::envelope::{Cause, TenantId};
use crate::error::Error;
use crate::faults::fault;
use crate::projections::{ProjectionStats, generations};
use crate::stats::{Counts, Groups};
use crate::unit::Unit;
use crate::unit::opening::Opening;
use crate::unit::view::View;

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
    /// How often a message or job is tried before it is a dead letter.
    pub attempts: u32,
    /// How long idempotency records are kept, and the notes of what consumers have handled: longer
    /// than anybody comes again with a key, and longer than Kafka keeps a message.
    pub retention: SignedDuration,
    /// On PostgreSQL: how long after a process was last heard of another takes over from it.
    pub lease: SignedDuration,
}

impl Default for Settings {
    fn default() -> Self {
        let backoff = Backoff {
            initial: SignedDuration::from_millis(200),
            maximum: SignedDuration::from_secs(60),
        };
        Self {
            concurrency: 16,
            backoff,
            attempts: 10,
            retention: SignedDuration::from_hours(30 * 24),
            lease: SignedDuration::from_secs(10),
        }
    }
}

/// Durable state, and what runs on it. A clone is the same kernel.
#[derive(Debug, Clone)]
pub struct Kernel(Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) database: Database,
    /// Tells this process from others, and from the same one after a restart.
    pub(crate) name: String,
    pub(crate) stamps: Stamps,
    pub(crate) settings: Settings,
    pub(crate) bus: Bus,
    /// Told when there is something new in the outbox.
    pub(crate) outbox: Notify,
    /// Told when the log has grown.
    pub(crate) log: Notify,
    /// Told when a timer was scheduled.
    pub(crate) timers: watch::Sender<()>,
    /// Told when a projection is to be built anew.
    pub(crate) rebuilds: watch::Sender<()>,
    /// Told when a job was enqueued.
    pub(crate) jobs: watch::Sender<()>,
    /// Told when a dead letter is to be handled again.
    pub(crate) replays: watch::Sender<()>,
    pub(crate) tasks: TaskTracker,
    /// How far consumers are that read topics.
    pub(crate) groups: Groups,
    pub(crate) counts: Counts,
    closing: CancellationToken,
    /// The names of consumers and projections.
    pub(crate) readers: Mutex<Vec<String>>,
}

impl Kernel {
    /// Opens a database, makes the file if it is one and there is none, and brings its schema up
    /// to date.
    ///
    /// A file is open in one kernel at a time; a database on a server may be open in many.
    ///
    /// # Errors
    /// When the database cannot be opened, [`Error::InUse`] when another kernel has the file open,
    /// until that one is shut down, or [`Error::Migration`] when the schema was altered or is
    /// newer than this program.
    pub async fn open(
        location: &Location,
        migrations: &[MigrationSet],
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        Self::open_with(location, migrations, clock, Settings::default()).await
    }

    /// [`Kernel::open`] with settings.
    ///
    /// # Errors
    /// As for [`Kernel::open`].
    pub async fn open_with(
        location: &Location,
        migrations: &[MigrationSet],
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Result<Self, Error> {
        Self::on(Database::open(location, migrations).await?, clock, settings).await
    }

    pub(crate) async fn on(
        database: Database,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Result<Self, Error> {
        let published = relay::head(database.read().await?.connection()).await?;
        let stamps = Stamps::new(clock);
        Ok(Self(Arc::new(Inner {
            database,
            name: stamps.new_id().to_string(),
            stamps,
            settings,
            bus: Bus::new(published),
            outbox: Notify::new(),
            log: Notify::new(),
            timers: watch::Sender::new(()),
            rebuilds: watch::Sender::new(()),
            jobs: watch::Sender::new(()),
            replays: watch::Sender::new(()),
            tasks: TaskTracker::new(),
            groups: Groups::default(),
            counts: Counts::default(),
            closing: CancellationToken::new(),
            readers: Mutex::default(),
        })))
    }

    /// Begins a unit of work, on SQLite when the writer is free.
    ///
    /// A task that has a unit must not ask for another one: on SQLite it would wait for itself.
    ///
    /// # Errors
    /// [`Error::Busy`] when the writer is not free within ten seconds; [`Error::Closed`] after
    /// shutdown; otherwise when the database fails.
    pub async fn unit(&self, tenant: &TenantId, cause: Cause) -> Result<Unit, Error> {
        let turn = self.turn().await?;
        Ok(Unit::new(self, turn, tenant.clone(), cause).traced())
    }

    /// Begins a unit of work as [`Kernel::unit`] does, of which is not known yet what causes it.
    ///
    /// # Errors
    /// As for [`Kernel::unit`].
    pub async fn opening(&self, tenant: &TenantId) -> Result<Opening, Error> {
        Ok(Opening::new(self, self.turn().await?, tenant.clone()))
    }

    /// The right to write, for a unit.
    async fn turn(&self) -> Result<Turn, Error> {
        let turn = self.0.counts.judged(self.0.database.turn().await)?;
        fault!("unit.begun");
        Ok(turn)
    }

    /// Takes a snapshot for reading; it waits for no writer.
    ///
    /// # Errors
    /// [`Error::Busy`] when no reader is free within ten seconds; otherwise when the database
    /// fails.
    pub async fn read(&self, tenant: &TenantId) -> Result<View, Error> {
        let snapshot = self.0.counts.judged(self.0.database.read().await)?;
        Ok(View::new(tenant.clone(), snapshot))
    }

    /// Where a message of a tenant stands in the log, for [`TailFrom::After`]; none if the tenant
    /// has no such message there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn position(&self, tenant: &TenantId, message: Uuid) -> Result<Option<i64>, Error> {
        let mut snapshot = self.0.counts.judged(self.0.database.read().await)?;
        messages::position(snapshot.connection(), tenant, message).await
    }

    /// The last message of a tenant up to a position of the log; none if there is none yet, or none
    /// any more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_message(
        &self,
        tenant: &TenantId,
        through: i64,
    ) -> Result<Option<Uuid>, Error> {
        let mut snapshot = self.0.counts.judged(self.0.database.read().await)?;
        messages::last(snapshot.connection(), tenant, through).await
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

    /// Has a projection built anew from the first message on, beside the one that is read, in
    /// whichever process runs it.
    ///
    /// # Errors
    /// [`Error::UnknownProjection`] when none of this name has tables of its own on this database;
    /// otherwise when the database fails.
    pub async fn rebuild(&self, projection: &str) -> Result<(), Error> {
        let mut turn = self.0.database.turn().await?;
        let is_known = generations::request(turn.connection(), projection).await?;
        turn.commit().await?;
        self.0.rebuilds.send_replace(());
        if is_known { Ok(()) } else { Err(Error::UnknownProjection(projection.to_owned())) }
    }

    /// The projections that can be built anew, by name, whichever process runs them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn projections(&self) -> Result<Vec<ProjectionStats>, Error> {
        generations::list(self.0.database.read().await?.connection()).await
    }

    /// In how many rows the last rebuild of a projection differed from what was read until then;
    /// none, if there was no rebuild by the same statements. More than none is a fault: it was
    /// not a function of the events.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rebuild_differences(&self, projection: &str) -> Result<Option<i64>, Error> {
        let mut snapshot = self.0.database.read().await?;
        generations::last_differences(snapshot.connection(), projection).await
    }

    /// Cancelled when the kernel closes; cancelling it makes the background tasks stop.
    #[must_use]
    pub fn closing(&self) -> CancellationToken {
        self.0.closing.clone()
    }

    /// Stops taking up work, waits for what is running, and lets go of the database.
    ///
    /// # Errors
    /// When the database cannot be closed.
    pub async fn shutdown(&self) -> Result<(), Error> {
        self.0.closing.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
        self.0.database.close().await
    }

    /// From now on the numbers tell how far these readers are.
    pub(crate) fn watch(&self, readers: Vec<String>) {
        *self.0.readers.lock().unwrap_or_else(PoisonError::into_inner) = readers;
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }
}
