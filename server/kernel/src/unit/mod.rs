//! The unit of work: all of it happens, or none of it.

pub(crate) mod aggregates;
pub(crate) mod audit;
pub(crate) mod idempotency;
pub(crate) mod opening;
pub(crate) mod streams;
pub(crate) mod view;

use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde::Serialize;
use symbolon_wire::spans;
use tracing::Span;
use uuid::Uuid;

use self::aggregates::{Aggregate, Folded};
use self::audit::Action;
use self::idempotency::{Claim, Claimed, Found};
use self::streams::Expected;
use crate::database::{Connection, Turn};
use crate::delivery::dead_letters::{self, DeadLetter};
use crate::delivery::deliveries::{self, Given};
use crate::delivery::messages;
use crate::envelope::{Cause, Envelope, NewEvent, StreamId, TenantId};
use crate::error::Error;
use crate::faults::{broken, fault};
use crate::kernel::Kernel;
use crate::ledger::Ledger;
use crate::projections::generations;
use crate::tasks;
use crate::work::jobs::{self, NewJob};
use crate::work::timers;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One transaction of one tenant. Dropped without [`Unit::commit`] it leaves nothing.
///
/// On SQLite it holds the only writer of the database: await nothing but the unit while you have
/// one. What takes long, such as a call to another server, belongs into [`Unit::after_commit`].
/// After an error of the database the unit can only be rolled back; refusals such as
/// [`Error::Conflict`] leave it as it was.
#[must_use = "a unit of work that is not committed does nothing"]
pub struct Unit {
    kernel: Kernel,
    turn: Turn,
    tenant: TenantId,
    cause: Cause,
    /// The number of the first message it has written.
    first_message: Option<i64>,
    scheduled: bool,
    enqueued: bool,
    replays: bool,
    rebuilds: bool,
    /// The unit as a part of its trace, until it is committed or gone.
    span: Option<Box<Span>>,
    /// Behind a lock only so that a unit can be shared between threads as well as sent.
    after_commit: Mutex<Vec<Task>>,
}

impl fmt::Debug for Unit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = formatter.debug_struct("Unit");
        out.field("tenant", &self.tenant).field("cause", &self.cause).finish_non_exhaustive()
    }
}

impl Unit {
    pub(crate) fn new(kernel: &Kernel, turn: Turn, tenant: TenantId, cause: Cause) -> Self {
        Self {
            kernel: kernel.clone(),
            turn,
            tenant,
            cause,
            first_message: None,
            scheduled: false,
            enqueued: false,
            replays: false,
            rebuilds: false,
            span: None,
            after_commit: Mutex::default(),
        }
    }

    /// The unit, as a part of the trace of its cause: what is written in it hangs below it.
    pub(crate) fn traced(mut self) -> Self {
        let span = crate::spans::unit(&self.tenant, &self.cause);
        self.cause.traceparent = spans::place(&span, self.cause.traceparent);
        self.span = (!span.is_disabled()).then(|| Box::new(span));
        self
    }

    /// Whose unit it is.
    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// What the events and timers of this unit are caused by.
    #[must_use]
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// From here on events and timers of this unit are caused by this event.
    pub fn caused_by(&mut self, event: &Envelope) {
        self.cause = Cause::event(event);
    }

    /// The time to write down.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.kernel.now()
    }

    /// A new id.
    #[must_use]
    pub fn new_id(&self) -> Uuid {
        self.kernel.new_id()
    }

    /// The events of a stream, oldest first; none when it does not exist.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load(&mut self, stream: &StreamId) -> Result<Vec<Envelope>, Error> {
        streams::load(self.turn.connection(), &self.tenant, stream, 0).await
    }

    /// What the stream of this id folds to; none when it does not exist. A long stream gets a
    /// snapshot.
    ///
    /// # Errors
    /// [`Error::Fold`] when the events do not fold; otherwise when the database fails.
    pub async fn fold<A: Aggregate>(&mut self, id: &str) -> Result<Option<Folded<A>>, Error> {
        let (tenant, connection) = (&self.tenant, self.turn.connection());
        let (folded, is_long) = aggregates::fold::<A>(connection, tenant, id).await?;
        if let (Some(folded), true) = (&folded, is_long) {
            aggregates::keep(connection, tenant, id, folded).await?;
        }
        Ok(folded)
    }

    /// The version of a stream; 0 when it does not exist.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn version(&mut self, stream: &StreamId) -> Result<i64, Error> {
        streams::version(self.turn.connection(), &self.tenant, stream).await
    }

    /// Appends events to a stream and puts them in the outbox; returns them as they are stored.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the stream is not at `expected`, [`Error::Refused`] when an event
    /// breaks its contract: nothing was written by this call, the unit goes on. Otherwise when the
    /// database fails.
    pub async fn append(
        &mut self,
        stream: &StreamId,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> Result<Vec<Envelope>, Error> {
        let count = i64::try_from(events.len()).unwrap_or(i64::MAX);
        if count == 0 {
            return Ok(Vec::new());
        }
        // Which version it will have is not known yet, and no schema asks for a certain one.
        let held = events.into_iter().map(|event| event.held(|event| self.seal(stream, 1, event)));
        let events = held.collect::<Result<Vec<_>, _>>()?;
        let connection = self.turn.connection();
        let last = streams::advance(connection, &self.tenant, stream, expected, count).await?;
        let mut appended = Vec::with_capacity(events.len());
        for (version, event) in (last - count + 1..).zip(events) {
            let envelope = self.seal(stream, version, event);
            self.write(&envelope).await?;
            tracing::debug!(
                tenant = %self.tenant, %stream, version, event = envelope.event_type,
                correlation_id = envelope.correlation_id, causation_id = envelope.causation_id,
                trace_id = envelope.traceparent.map(|it| it.trace_id()),
                "appended"
            );
            appended.push(envelope);
        }
        Ok(appended)
    }

    /// Puts a message in the outbox that belongs to no stream: a command, or a notice. It is
    /// delivered in the order of its aggregate, as events are; returns it as it is stored.
    ///
    /// # Errors
    /// [`Error::Refused`] when the message breaks its contract: nothing was written. Otherwise when
    /// the database fails.
    pub async fn publish(
        &mut self,
        about: &StreamId,
        message: NewEvent,
    ) -> Result<Envelope, Error> {
        let message = message.held(|message| self.seal(about, 0, message))?;
        let envelope = self.seal(about, 0, message);
        self.write(&envelope).await?;
        Ok(envelope)
    }

    async fn write(&mut self, message: &Envelope) -> Result<(), Error> {
        let connection = self.turn.connection();
        let seq = messages::insert(connection, message, self.first_message).await?;
        self.first_message.get_or_insert(seq);
        Ok(())
    }

    fn seal(&self, stream: &StreamId, version: i64, event: NewEvent) -> Envelope {
        Envelope {
            channel: event.channel,
            message_id: self.new_id(),
            tenant_id: self.tenant.clone(),
            aggregate_type: stream.aggregate_type.clone(),
            aggregate_id: stream.aggregate_id.clone(),
            event_type: event.event_type,
            timestamp: self.now(),
            correlation_id: self.cause.correlation_id.clone(),
            causation_id: self.cause.causation_id.clone(),
            traceparent: self.cause.traceparent,
            schema_version: event.schema_version,
            version,
            data: event.data,
        }
    }

    /// Claims an idempotency key for what this unit does.
    ///
    /// Whoever comes second learns of the first only when the first is durable.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim(mut self, claim: Claim<'_>) -> Result<Claimed, Error> {
        let now = self.now();
        let connection = self.turn.connection();
        match idempotency::claim(connection, &self.tenant, claim, now).await? {
            Found::Nothing => Ok(Claimed::Fresh(self)),
            Found::Same { resource, created_at } => {
                self.rollback().await?;
                Ok(Claimed::Replay { resource, created_at })
            }
            Found::Other => {
                self.rollback().await?;
                Ok(Claimed::KeyReused)
            }
        }
    }

    /// Sets the timer `key` of a kind, or sets it anew. It fires at `due_at` or later, at least
    /// once, even after a restart; at once if `due_at` is past.
    ///
    /// # Errors
    /// When `payload` cannot be written as JSON, or the database fails.
    pub async fn schedule<T: Serialize + Sync + ?Sized>(
        &mut self,
        kind: &str,
        key: &str,
        due_at: Timestamp,
        payload: &T,
    ) -> Result<(), Error> {
        let payload = serde_json::to_string(payload)?;
        let timer = timers::NewTimer { kind, key, due_at, payload };
        timers::insert(self.turn.connection(), &self.tenant, &self.cause, timer).await?;
        self.scheduled = true;
        Ok(())
    }

    /// Removes the timer `key` of a kind; says whether there was one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unschedule(&mut self, kind: &str, key: &str) -> Result<bool, Error> {
        timers::delete(self.turn.connection(), &self.tenant, kind, key).await
    }

    /// Puts a job in its queue, to be done at least once by a [`JobHandler`](crate::JobHandler);
    /// says whether it is new: of one key there is one at a time.
    ///
    /// # Errors
    /// When the payload cannot be written as JSON, or the database fails.
    pub async fn enqueue<T: Serialize + Sync + ?Sized>(
        &mut self,
        job: NewJob<'_, T>,
    ) -> Result<bool, Error> {
        let id = self.new_id();
        let connection = self.turn.connection();
        let is_new = jobs::insert(connection, id, &self.tenant, &self.cause, job).await?;
        self.enqueued |= is_new;
        Ok(is_new)
    }

    /// Leaves a message among the dead letters as if a handler had given it up, for drills; returns
    /// the letter's id. `source` is that of [`DeadLetter`]. Nobody else is given the message.
    ///
    /// # Errors
    /// [`Error::Refused`] when the message breaks its contract: nothing was written. Otherwise when
    /// the database fails.
    pub async fn give_up(
        &mut self,
        source: &str,
        about: &StreamId,
        message: NewEvent,
        reason: &str,
    ) -> Result<Uuid, Error> {
        let message = message.held(|message| self.seal(about, 1, message))?;
        let message = self.seal(about, 1, message);
        let given = Given { source, spot: None, reason, attempts: 1 };
        deliveries::put_away(&self.kernel, self.turn.connection(), &message, given).await
    }

    /// The dead letter of this tenant with this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn dead_letter(&mut self, letter: Uuid) -> Result<Option<DeadLetter>, Error> {
        dead_letters::find(self.turn.connection(), &self.tenant, letter).await
    }

    /// Has a dead letter of this tenant handled once more; says whether it will be: there may be
    /// no such letter, or its job may be in the queue again under the same key.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn replay(&mut self, letter: Uuid) -> Result<bool, Error> {
        let (now, tenant, connection) = (self.now(), &self.tenant, self.turn.connection());
        if let Some(payload) = dead_letters::job(connection, tenant, letter).await? {
            let revived = jobs::revive(connection, letter, tenant, &payload).await?;
            self.enqueued |= revived;
            return Ok(revived && dead_letters::delete(connection, tenant, letter).await?);
        }
        let marked = dead_letters::mark(connection, tenant, letter, now).await?;
        self.replays |= marked;
        Ok(marked)
    }

    /// Throws a dead letter of this tenant away; says whether there was such a letter.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn discard(&mut self, letter: Uuid) -> Result<bool, Error> {
        dead_letters::delete(self.turn.connection(), &self.tenant, letter).await
    }

    /// [`Kernel::rebuild`], as a part of this unit.
    ///
    /// # Errors
    /// [`Error::UnknownProjection`] when none of this name has tables of its own on this database;
    /// otherwise when the database fails.
    pub async fn rebuild(&mut self, projection: &str) -> Result<(), Error> {
        if !generations::request(self.turn.connection(), projection).await? {
            return Err(Error::UnknownProjection(projection.to_owned()));
        }
        self.rebuilds = true;
        Ok(())
    }

    /// The same, unless it is being built anew already, or is about to be: says whether this has
    /// asked for it.
    ///
    /// # Errors
    /// Those of [`Unit::rebuild`].
    pub async fn rebuild_once(&mut self, projection: &str) -> Result<bool, Error> {
        let connection = self.turn.connection();
        if generations::request_idle(connection, projection).await? {
            self.rebuilds = true;
            return Ok(true);
        }
        match generations::standing(connection, projection).await?.live {
            Some(_) => Ok(false),
            None => Err(Error::UnknownProjection(projection.to_owned())),
        }
    }

    /// The ledger of the tenant: what is posted through it is part of this unit.
    pub fn ledger(&mut self) -> Ledger<'_> {
        Ledger::new(self)
    }

    /// Appends to the audit log who did what, with the time and the cause of this unit.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit(&mut self, action: Action) -> Result<(), Error> {
        let now = self.now();
        let connection = self.turn.connection();
        audit::append(connection, &self.tenant, &self.cause, action, now).await
    }

    /// The tenant, to be put into every key, and the connection, inside this unit's transaction,
    /// for the domain's own tables. Begin and commit nothing on it.
    pub fn sql(&mut self) -> (&TenantId, &mut Connection) {
        (&self.tenant, self.turn.connection())
    }

    /// Runs a task once this unit is durable; never, if the process stops in between. Shutdown
    /// waits for it.
    pub fn after_commit(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        let tasks = self.after_commit.get_mut().unwrap_or_else(PoisonError::into_inner);
        tasks.push(Box::pin(task));
    }

    /// Commits; returns when it is durable. Once begun it is carried through, even if this future
    /// is dropped.
    ///
    /// # Errors
    /// [`Error::Lost`] when the database fails before it has confirmed the commit: the unit is
    /// written, or nothing of it. After any other error nothing of it is.
    pub async fn commit(self) -> Result<(), Error> {
        let Self { kernel, turn, first_message, after_commit, .. } = self;
        let Self { scheduled, enqueued, replays, rebuilds, span, .. } = self;
        let work = async move {
            fault!("unit.commit.before");
            turn.commit().await?;
            drop(span);
            fault!("unit.commit.after");
            if first_message.is_some() {
                kernel.inner().outbox.notify_one();
            }
            if scheduled {
                kernel.inner().timers.send_replace(());
            }
            if enqueued {
                kernel.inner().jobs.send_replace(());
            }
            if replays {
                kernel.inner().replays.send_replace(());
            }
            if rebuilds {
                kernel.inner().rebuilds.send_replace(());
            }
            for task in after_commit.into_inner().unwrap_or_else(PoisonError::into_inner) {
                tasks::spawn(kernel.inner().tasks.track_future(task));
            }
            Ok(())
        };
        if broken!(ConfirmedEarly) {
            tasks::detach(work.map(drop));
            return Ok(());
        }
        carry_through(work).await
    }

    /// Undoes it, and returns when everything the unit has read is durable: do this, instead of
    /// dropping it, before telling a caller what was read.
    ///
    /// # Errors
    /// When what was read did not become durable.
    pub async fn rollback(self) -> Result<(), Error> {
        self.turn.rollback().await
    }

    /// Goes on in the name of another event, within the same transaction.
    pub(crate) fn turn_to(&mut self, event: &Envelope) {
        self.tenant = event.tenant_id.clone();
        self.caused_by(event);
    }
}

/// Carries work through that must not stop half-way: where it is while its caller waits, and in a
/// task of its own once its caller is gone.
async fn carry_through(
    work: impl Future<Output = Result<(), Error>> + Send + 'static,
) -> Result<(), Error> {
    let work = AssertUnwindSafe(work).catch_unwind();
    Carried(Some(Box::pin(async { work.await.unwrap_or(Err(Error::Lost)) }))).await
}

struct Carried(Option<BoxFuture<'static, Result<(), Error>>>);

impl Future for Carried {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(work) = &mut self.0 else { return Poll::Ready(Err(Error::Lost)) };
        let polled = work.as_mut().poll(context);
        if polled.is_ready() {
            self.0 = None;
        }
        polled
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        if let Some(work) = self.0.take() {
            tasks::detach(work.map(drop));
        }
    }
}
