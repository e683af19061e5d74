//! The kernel itself: opened once a process, cloned to whoever needs it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::clock::{Clock, Stamps};
use crate::database::migrations::MigrationSet;
use crate::database::{Database, Location};
use crate::delivery::bus::{Bus, Tail, TailFrom};
use crate::delivery::{bus, inbox, relay, replays};
use crate::envelope::{Cause, TenantId};
use crate::error::Error;
use crate::faults::fault;
use crate::handlers::{AnyConsumer, Handlers};
use crate::ledger;
use crate::projections::{self, generations};
use crate::stats::{Counts, Groups};
use crate::tasks;
use crate::unit::{Unit, View};
use crate::work::leases::{Lease, lead};
use crate::work::{jobs, retention, schedules, timers};

/// Work that has panicked is begun again after this.
const RESTART: Duration = Duration::from_millis(100);

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

/// How messages come to consumers.
enum Transport {
    Log,
    #[cfg(feature = "kafka")]
    Kafka(Arc<crate::delivery::kafka::Kafka>),
    #[cfg(feature = "simulation")]
    Simulated(crate::simulation::Bus),
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

    /// Makes the tables of new projections, and starts the relay, the handlers and what the kernel
    /// does by itself. Without it nothing is published, no timer fires and no hold of the ledger
    /// expires.
    ///
    /// # Errors
    /// [`Error::DuplicateHandler`] when two handlers of one kind have one name; otherwise when the
    /// database fails.
    pub async fn start(&self, handlers: Handlers) -> Result<(), Error> {
        self.start_on(handlers, Transport::Log).await
    }

    /// [`Kernel::start`], with a Kafka cluster as the bus: what is published is shipped there, and
    /// consumers read it there as members of the group of their name. Projections and tails go on
    /// reading the log.
    ///
    /// # Errors
    /// [`Error::NoChannels`] for a consumer that names none, [`Error::TopicName`] for one whose
    /// name no topic can have; otherwise as for [`Kernel::start`].
    #[cfg(feature = "kafka")]
    pub async fn start_on_kafka(
        &self,
        handlers: Handlers,
        kafka: crate::delivery::kafka::Kafka,
    ) -> Result<(), Error> {
        let nowhere = handlers.consumers.iter().find(|consumer| consumer.channels().is_empty());
        if let Some(consumer) = nowhere {
            return Err(Error::NoChannels(consumer.name().to_owned()));
        }
        let unnamable = |it: &Arc<dyn AnyConsumer>| crate::delivery::kafka::unnamable(it.as_ref());
        if let Some(topic) = handlers.consumers.iter().find_map(unnamable) {
            return Err(Error::TopicName(topic));
        }
        let kafka = Arc::new(kafka);
        let (kernel, cluster, letters) = (self.clone(), Arc::clone(&kafka), Arc::clone(&kafka));
        self.start_on(handlers, Transport::Kafka(kafka)).await?;
        let work =
            move |lease| crate::delivery::kafka::ship(kernel.clone(), Arc::clone(&cluster), lease);
        self.lead(crate::delivery::kafka::SHIPPER.to_owned(), work);
        let kernel = self.clone();
        let work = move |lease| {
            crate::delivery::kafka::ship_letters(kernel.clone(), Arc::clone(&letters), lease)
        };
        self.lead(crate::delivery::kafka::LETTERS.to_owned(), work);
        Ok(())
    }

    /// [`Kernel::start`], with a bus of partitions between the machines of a world.
    ///
    /// # Errors
    /// As for [`Kernel::start`].
    #[cfg(feature = "simulation")]
    pub async fn start_on_bus(
        &self,
        handlers: Handlers,
        bus: crate::simulation::Bus,
    ) -> Result<(), Error> {
        let (kernel, shipped) = (self.clone(), bus.clone());
        self.start_on(handlers, Transport::Simulated(bus)).await?;
        let work = move |lease| crate::simulation::ship(kernel.clone(), shipped.clone(), lease);
        self.lead(crate::simulation::SHIPPER.to_owned(), work);
        Ok(())
    }

    async fn start_on(&self, handlers: Handlers, transport: Transport) -> Result<(), Error> {
        let handlers = handlers.timer(ledger::Expiry);
        let consumers = handlers.consumers.iter().map(|it| inbox::reader(it.name()));
        let projections = handlers.projections.iter().map(|it| projections::reader(it.name()));
        let readers: Vec<String> = consumers.chain(projections).collect();
        let kinds = handlers.timers.iter().map(|it| format!("timer:{}", it.kind()));
        let queues = handlers.jobs.iter().map(|it| format!("job:{}", it.queue()));
        let mut seen = BTreeSet::new();
        for name in readers.iter().cloned().chain(kinds).chain(queues) {
            if !seen.insert(name.clone()) {
                return Err(Error::DuplicateHandler(name));
            }
        }
        let consumers: Vec<_> = handlers.consumers.iter().map(|it| it.name().to_owned()).collect();
        *self.0.readers.lock().unwrap_or_else(PoisonError::into_inner) = readers;
        for projection in &handlers.projections {
            projections::found(self, projection.as_ref()).await?;
        }
        for consumer in handlers.consumers {
            self.start_consumer(consumer, &transport);
        }
        for projection in handlers.projections {
            let (kernel, reader) = (self.clone(), projections::reader(projection.name()));
            let work =
                move |lease| projections::run(kernel.clone(), Arc::clone(&projection), lease);
            self.lead(reader, work);
        }
        for handler in handlers.jobs {
            let kernel = self.clone();
            self.0.counts.queue(handler.queue());
            let work = move || jobs::run(kernel.clone(), Arc::clone(&handler));
            self.supervise("jobs", work);
        }
        for (name, tenant, every) in handlers.schedules {
            let kernel = self.clone();
            self.supervise("schedules", move || {
                schedules::begin(kernel.clone(), name.clone(), tenant.clone(), every)
            });
        }
        for handler in handlers.timers {
            let kernel = self.clone();
            let work = move || timers::run(kernel.clone(), Arc::clone(&handler));
            self.supervise("timers", work);
        }
        let kernel = self.clone();
        let work = move |lease| retention::run(kernel.clone(), consumers.clone(), lease);
        self.lead(retention::LEASE.to_owned(), work);
        let kernel = self.clone();
        let work = move |lease| relay::run(kernel.clone(), lease);
        self.lead(relay::LEASE.to_owned(), work);
        if self.0.database.is_shared() {
            let kernel = self.clone();
            self.supervise("bus", move || bus::follow(kernel.clone()));
        }
        Ok(())
    }

    /// Has work done as long as this process holds the lease of this name.
    fn lead<W, F>(&self, name: String, work: W)
    where
        W: Fn(Lease) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let (kernel, work) = (self.clone(), Arc::new(work));
        self.supervise("leases", move || lead(kernel.clone(), name.clone(), Arc::clone(&work)));
    }

    /// Does work that ends when the kernel closes; begins it again when it panics.
    fn supervise<W, F>(&self, name: &'static str, work: W)
    where
        W: Fn() -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let closing = self.closing();
        tasks::spawn(self.0.tasks.track_future(async move {
            while let Err(stopped) = tasks::spawn(work()).await {
                tracing::error!(work = name, %stopped, "begun again");
                tokio::select! {
                    biased;
                    () = closing.cancelled() => return,
                    () = tasks::sleep(RESTART) => {}
                }
            }
        }));
    }

    fn start_consumer(&self, consumer: Arc<dyn AnyConsumer>, transport: &Transport) {
        let (kernel, reader) = (self.clone(), inbox::reader(consumer.name()));
        match transport {
            Transport::Log => {
                let work = move |lease: Lease| {
                    let (kernel, consumer) = (kernel.clone(), Arc::clone(&consumer));
                    let replays =
                        replays::run(kernel.clone(), Arc::clone(&consumer), lease.clone());
                    let delivery = inbox::run(kernel, consumer, lease);
                    async {
                        tokio::join!(delivery, replays);
                    }
                };
                self.lead(reader, work);
            }
            #[cfg(feature = "simulation")]
            Transport::Simulated(bus) => {
                let (member, bus, joining) = (Arc::clone(&consumer), bus.clone(), kernel.clone());
                self.supervise("groups", move || {
                    crate::simulation::join(joining.clone(), bus.clone(), Arc::clone(&member))
                });
                let work = move |lease| replays::run(kernel.clone(), Arc::clone(&consumer), lease);
                self.lead(reader, work);
            }
            #[cfg(feature = "kafka")]
            Transport::Kafka(kafka) => {
                let (member, kafka) = (Arc::clone(&consumer), Arc::clone(kafka));
                let join = {
                    let kernel = kernel.clone();
                    move || {
                        crate::delivery::kafka::join(
                            kernel.clone(),
                            Arc::clone(&kafka),
                            Arc::clone(&member),
                        )
                    }
                };
                self.supervise("groups", join);
                let work = move |lease| replays::run(kernel.clone(), Arc::clone(&consumer), lease);
                self.lead(reader, work);
            }
        }
    }

    /// Begins a unit of work, on SQLite when the writer is free.
    ///
    /// A task that has a unit must not ask for another one: on SQLite it would wait for itself.
    ///
    /// # Errors
    /// [`Error::Busy`] when the writer is not free within ten seconds; [`Error::Closed`] after
    /// shutdown; otherwise when the database fails.
    pub async fn unit(&self, tenant: &TenantId, cause: Cause) -> Result<Unit, Error> {
        let turn = self.0.counts.judged(self.0.database.turn().await)?;
        fault!("unit.begun");
        Ok(Unit::new(self, turn, tenant.clone(), cause))
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

    /// In how many rows the last rebuild of a projection differed from what was read until then;
    /// none, if there was no rebuild by the same statements. More than none is a fault: it was
    /// not a function of the events.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rebuild_differences(&self, projection: &str) -> Result<Option<i64>, Error> {
        let mut snapshot = self.0.database.read().await?;
        generations::differences(snapshot.connection(), projection).await
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

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }
}
