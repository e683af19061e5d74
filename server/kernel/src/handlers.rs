//! What a domain plugs in: consumers of events, handlers of timers and jobs, schedules,
//! projections.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr};
use symbolon_wire::channel::{Channel, Handler};

use crate::channels::{Listener, Projector};
use crate::database::Connection;
use crate::envelope::{Envelope, TenantId};
use crate::projections::generations;
use crate::roles::Roles;
use crate::unit::Unit;
use crate::work::jobs::Job;
use crate::work::schedules::{Every, Scheduled};
use crate::work::timers::Timer;

/// Any error; a handler's `?` goes into it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What a handler returns. After an error nothing it did is kept, and it is called again.
pub type Handled = Result<(), BoxError>;

/// Reacts to events: at least one call for each, effects once, in order within an aggregate.
pub trait Consumer: Send + Sync + 'static {
    /// Its name, under which it remembers what it has handled. Never reuse or change it.
    fn name(&self) -> &str;

    /// The channels it wants messages of; none stands for all. On Kafka they are what it
    /// subscribes to, and it must name some.
    fn channels(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether it wants events of this type.
    fn accepts(&self, event_type: &str) -> bool {
        let _ = event_type;
        true
    }

    /// Whether it knows this shape of a type. What it does not know is a dead letter at once.
    fn understands(&self, event_type: &str, schema_version: u32) -> bool {
        let _ = (event_type, schema_version);
        true
    }

    /// Handles an event. The unit is the event's tenant's; the kernel commits it.
    fn handle(&self, event: &Envelope, unit: &mut Unit) -> impl Future<Output = Handled> + Send;
}

/// Reacts to timers of one kind.
pub trait TimerHandler: Send + Sync + 'static {
    /// The kind of timers it handles.
    fn kind(&self) -> &str;

    /// Handles a timer that is due. The timer is gone when the kernel commits the unit; it may be
    /// scheduled anew in it.
    fn fire(&self, timer: &Timer, unit: &mut Unit) -> impl Future<Output = Handled> + Send;
}

/// Does the jobs of one queue, outside a transaction: a call to another server, a long computation.
pub trait JobHandler: Send + Sync + 'static {
    /// The queue. Never change it while there may be jobs in it.
    fn queue(&self) -> &str;

    /// How long after its worker was last heard of a job is given to another. A worker is heard of
    /// three times in this time, however long a job takes.
    fn lease(&self) -> SignedDuration {
        SignedDuration::from_secs(60)
    }

    /// Does a job. It is done when this returns, or when a unit of [`Job::unit`] is committed; then
    /// it is not done again. After an error it is tried again later.
    fn run(&self, job: &Job) -> impl Future<Output = Handled> + Send;
}

/// Is done again and again.
pub trait Schedule: Send + Sync + 'static {
    /// Its name, under which its next turn is kept.
    fn name(&self) -> &str;

    /// In whose name it works.
    fn tenant(&self) -> &TenantId;

    /// When its turns are.
    fn every(&self) -> Every;

    /// Does what is to be done in a turn that was due at `due_at`; the kernel commits the unit.
    /// When turns were missed, one is made up for all of them.
    fn run(&self, due_at: Timestamp, unit: &mut Unit) -> impl Future<Output = Handled> + Send;
}

/// Builds a read model from all events, in the order of commit.
pub trait Projection: Send + Sync + 'static {
    /// Its name, under which its checkpoint is kept. Never reuse it for another read model.
    fn name(&self) -> &str;

    /// Whether it wants events of this type.
    fn accepts(&self, event_type: &str) -> bool {
        let _ = event_type;
        true
    }

    /// The statements that make its tables and their indexes, each name in braces:
    /// `CREATE TABLE {calls} (…)`. With these it can be built anew, and is when they change.
    /// Whoever reads uses the names without braces; [`ReadModel::text`] is how to write.
    fn tables(&self) -> &'static [&'static str] {
        &[]
    }

    /// Applies an event. What is written is committed together with the checkpoint.
    fn apply(
        &self,
        event: &Envelope,
        model: &mut ReadModel<'_>,
    ) -> impl Future<Output = Handled> + Send;
}

/// What a projection writes to: tables, and nothing that another could notice when it is replayed.
#[derive(Debug)]
pub struct ReadModel<'a> {
    unit: &'a mut Unit,
    generation: i64,
}

impl<'a> ReadModel<'a> {
    pub(crate) fn new(unit: &'a mut Unit, generation: i64) -> Self {
        Self { unit, generation }
    }

    /// A statement for the generation of tables that is written: `{calls}` is a table of the
    /// projection's own.
    #[must_use]
    pub fn text(&self, statement: &'static str) -> SqlStr {
        AssertSqlSafe(generations::spelled(statement, self.generation)).into_sql_str()
    }

    /// Whose event is applied.
    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        self.unit.tenant()
    }

    /// The tenant, to be put into every key, and the connection, for the read model's own tables.
    pub fn sql(&mut self) -> (&TenantId, &mut Connection) {
        self.unit.sql()
    }
}

impl<T: Consumer> Consumer for Arc<T> {
    fn name(&self) -> &str {
        T::name(self)
    }

    fn channels(&self) -> Vec<String> {
        T::channels(self)
    }

    fn accepts(&self, event_type: &str) -> bool {
        T::accepts(self, event_type)
    }

    fn understands(&self, event_type: &str, schema_version: u32) -> bool {
        T::understands(self, event_type, schema_version)
    }

    fn handle(&self, event: &Envelope, unit: &mut Unit) -> impl Future<Output = Handled> + Send {
        T::handle(self, event, unit)
    }
}

impl<T: TimerHandler> TimerHandler for Arc<T> {
    fn kind(&self) -> &str {
        T::kind(self)
    }

    fn fire(&self, timer: &Timer, unit: &mut Unit) -> impl Future<Output = Handled> + Send {
        T::fire(self, timer, unit)
    }
}

impl<T: JobHandler> JobHandler for Arc<T> {
    fn queue(&self) -> &str {
        T::queue(self)
    }

    fn lease(&self) -> SignedDuration {
        T::lease(self)
    }

    fn run(&self, job: &Job) -> impl Future<Output = Handled> + Send {
        T::run(self, job)
    }
}

impl<T: Projection> Projection for Arc<T> {
    fn name(&self) -> &str {
        T::name(self)
    }

    fn accepts(&self, event_type: &str) -> bool {
        T::accepts(self, event_type)
    }

    fn tables(&self) -> &'static [&'static str] {
        T::tables(self)
    }

    fn apply(
        &self,
        event: &Envelope,
        model: &mut ReadModel<'_>,
    ) -> impl Future<Output = Handled> + Send {
        T::apply(self, event, model)
    }
}

pub(crate) type Handling<'a> = Pin<Box<dyn Future<Output = Handled> + Send + 'a>>;

/// [`Consumer`] behind a pointer.
pub(crate) trait AnyConsumer: Send + Sync {
    fn name(&self) -> &str;
    fn channels(&self) -> Vec<String>;
    fn accepts(&self, event_type: &str) -> bool;
    fn understands(&self, event_type: &str, schema_version: u32) -> bool;
    fn handle<'a>(&'a self, event: &'a Envelope, unit: &'a mut Unit) -> Handling<'a>;
}

impl<T: Consumer> AnyConsumer for T {
    fn name(&self) -> &str {
        Consumer::name(self)
    }

    fn channels(&self) -> Vec<String> {
        Consumer::channels(self)
    }

    fn accepts(&self, event_type: &str) -> bool {
        Consumer::accepts(self, event_type)
    }

    fn understands(&self, event_type: &str, schema_version: u32) -> bool {
        Consumer::understands(self, event_type, schema_version)
    }

    fn handle<'a>(&'a self, event: &'a Envelope, unit: &'a mut Unit) -> Handling<'a> {
        Box::pin(Consumer::handle(self, event, unit))
    }
}

/// [`TimerHandler`] behind a pointer.
pub(crate) trait AnyTimerHandler: Send + Sync {
    fn kind(&self) -> &str;
    fn fire<'a>(&'a self, timer: &'a Timer, unit: &'a mut Unit) -> Handling<'a>;
}

impl<T: TimerHandler> AnyTimerHandler for T {
    fn kind(&self) -> &str {
        TimerHandler::kind(self)
    }

    fn fire<'a>(&'a self, timer: &'a Timer, unit: &'a mut Unit) -> Handling<'a> {
        Box::pin(TimerHandler::fire(self, timer, unit))
    }
}

/// [`JobHandler`] behind a pointer.
pub(crate) trait AnyJobHandler: Send + Sync {
    fn queue(&self) -> &str;
    fn lease(&self) -> SignedDuration;
    fn run<'a>(&'a self, job: &'a Job) -> Handling<'a>;
}

impl<T: JobHandler> AnyJobHandler for T {
    fn queue(&self) -> &str {
        JobHandler::queue(self)
    }

    fn lease(&self) -> SignedDuration {
        JobHandler::lease(self)
    }

    fn run<'a>(&'a self, job: &'a Job) -> Handling<'a> {
        Box::pin(JobHandler::run(self, job))
    }
}

/// [`Projection`] behind a pointer.
pub(crate) trait AnyProjection: Send + Sync {
    fn name(&self) -> &str;
    fn tables(&self) -> &'static [&'static str];
    fn accepts(&self, event_type: &str) -> bool;
    fn apply<'a>(&'a self, event: &'a Envelope, model: &'a mut ReadModel<'_>) -> Handling<'a>;
}

impl<T: Projection> AnyProjection for T {
    fn name(&self) -> &str {
        Projection::name(self)
    }

    fn tables(&self) -> &'static [&'static str] {
        Projection::tables(self)
    }

    fn accepts(&self, event_type: &str) -> bool {
        Projection::accepts(self, event_type)
    }

    fn apply<'a>(&'a self, event: &'a Envelope, model: &'a mut ReadModel<'_>) -> Handling<'a> {
        Box::pin(Projection::apply(self, event, model))
    }
}

/// Everything a process handles, for [`Kernel::start`](crate::Kernel::start).
#[derive(Default)]
pub struct Handlers {
    pub(crate) consumers: Vec<Arc<dyn AnyConsumer>>,
    pub(crate) timers: Vec<Arc<dyn AnyTimerHandler>>,
    pub(crate) projections: Vec<Arc<dyn AnyProjection>>,
    pub(crate) jobs: Vec<Arc<dyn AnyJobHandler>>,
    /// The timers of these are among `timers`.
    pub(crate) schedules: Vec<(String, TenantId, Every)>,
    pub(crate) roles: Roles,
}

impl fmt::Debug for Handlers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Handlers").finish_non_exhaustive()
    }
}

impl Handlers {
    /// Handles nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What of it this process does, and of what the kernel does by itself: all, unless it is said
    /// otherwise. Processes that share a database plug in the same handlers, whoever calls them.
    #[must_use]
    pub fn roles(self, roles: Roles) -> Self {
        Self { roles, ..self }
    }

    /// Adds a consumer.
    #[must_use]
    pub fn consumer(mut self, consumer: impl Consumer) -> Self {
        self.consumers.push(Arc::new(consumer));
        self
    }

    /// Adds a consumer of one channel of a contract: a handler of all its messages
    /// ([`Fully`](crate::Fully)), of some ([`Partly`](crate::Partly)), or of whatever they are.
    /// `name` is as [`Consumer::name`].
    ///
    /// Messages that break their contract are dead letters at once, and so are those of a type or
    /// version that this program does not know.
    #[must_use]
    pub fn on<C, H>(self, name: impl Into<String>, handler: H) -> Self
    where
        C: Channel,
        H: Handler<C, Unit> + 'static,
    {
        self.consumer(Listener::<C, H>::new(name.into(), handler))
    }

    /// Adds a projection of one channel of a contract, by a handler as for [`Handlers::on`].
    /// `name` and `tables` are as [`Projection::name`] and [`Projection::tables`].
    ///
    /// Messages that the handler cannot be given are dead letters, and the rest goes on: once they
    /// can be read, the projection is to be built anew.
    #[must_use]
    pub fn project<C, H>(
        self,
        name: impl Into<String>,
        tables: &'static [&'static str],
        handler: H,
    ) -> Self
    where
        C: Channel,
        H: for<'a> Handler<C, ReadModel<'a>> + 'static,
    {
        self.projection(Projector::<C, H>::new(name.into(), tables, handler))
    }

    /// Adds a handler of timers.
    #[must_use]
    pub fn timer(mut self, handler: impl TimerHandler) -> Self {
        self.timers.push(Arc::new(handler));
        self
    }

    /// Adds a handler of jobs.
    #[must_use]
    pub fn job(mut self, handler: impl JobHandler) -> Self {
        self.jobs.push(Arc::new(handler));
        self
    }

    /// Adds a schedule.
    #[must_use]
    pub fn schedule(mut self, schedule: impl Schedule) -> Self {
        let (name, tenant) = (schedule.name().to_owned(), schedule.tenant().clone());
        self.schedules.push((name, tenant, schedule.every()));
        self.timer(Scheduled::new(schedule))
    }

    /// Adds a projection.
    #[must_use]
    pub fn projection(mut self, projection: impl Projection) -> Self {
        self.projections.push(Arc::new(projection));
        self
    }
}
