//! Makes the calls whose turn it is, a bounded number at a time and each at most once.
//!
//! An attempt is recorded before its request leaves. Whoever records it makes the request; if the
//! process is lost in between, the lease runs out and the attempt counts as aborted: nothing is
//! ever sent again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use calls_wire::events::OnServiceCallCommands;
use calls_wire::types::{
    DueTimeReachedData, ExecuteCallData, FailureKind, ServiceCallStatus, StartTimerData,
};
use jiff::SignedDuration;
use symbolon_kernel::{
    BoxError, Cause, Envelope, Error, Expected, Handled, Kernel, Opening, StreamId, TenantId,
    Timer, TimerHandler, Unit,
};
use symbolon_wire::spans;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use super::events::Event;
use super::observation::{self, Out};
use super::rules::{self, Call, Ending};
use super::sender::Sender;
use super::store;
use super::turns::{Limits, Turn, Turns, deal};
use super::{Settings, stream};

/// Timers of this kind fire when a scheduled call is due; the key is the call.
pub(crate) const DUE: &str = "service_calls.due";
/// Timers of this kind fire when an attempt has not ended in time; the key is the call.
const LEASE: &str = "service_calls.lease";
/// How many attempts are started together, so that they share one sync of the disk.
const BATCH: usize = 32;
const POLL: Duration = Duration::from_secs(1);
/// However soon a call may begin that is held back, the queue is not looked at more often.
const LEAST_PAUSE: Duration = Duration::from_millis(20);
/// How many tenants are looked at together.
const TENANTS: usize = 256;
/// A call that cannot be started is tried again after this.
const RETRY: SignedDuration = SignedDuration::from_secs(5);
const RECORD_TRIES: u32 = 6;

/// Does what the API has accepted: queues a call, or sets its timer.
#[derive(Debug, Clone)]
pub(crate) struct Commanded {
    pub(crate) queue: Queue,
}

impl OnServiceCallCommands<Unit> for Commanded {
    async fn execute_call(
        &self,
        command: symbolon_kernel::Event<ExecuteCallData>,
        unit: &mut Unit,
    ) -> Handled {
        note(&command);
        let id = &command.aggregate_id;
        let call = Call::fold(&unit.load(&stream(id)).await?)?;
        match call {
            Some(call) if rules::may_start(&call) && call.attempts < command.data.attempt => {
                self.queue.add(id, unit).await
            }
            Some(_) | None => Ok(()),
        }
    }

    async fn start_timer(
        &self,
        command: symbolon_kernel::Event<StartTimerData>,
        unit: &mut Unit,
    ) -> Handled {
        note(&command);
        let id = &command.aggregate_id;
        let call = Call::fold(&unit.load(&stream(id)).await?)?;
        if call.is_some_and(|call| call.status == ServiceCallStatus::Scheduled) {
            unit.schedule(DUE, id, command.data.due_at, &()).await?;
        }
        Ok(())
    }
}

/// Logs that a command has come.
fn note<D>(command: &symbolon_kernel::Event<D>) {
    tracing::debug!(
        tenant = command.tenant_id,
        service_call_id = command.aggregate_id,
        command = command.event_type,
        correlation_id = command.correlation_id,
        causation_id = command.causation_id,
        trace_id = command.traceparent.map(|it| it.trace_id()),
        "command received"
    );
}

/// The calls whose turn it is, and whoever of this process takes them from there.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    pub(crate) wake: Arc<Notify>,
}

impl Queue {
    /// Puts a call in the queue, or moves it there.
    pub(crate) async fn add(&self, id: &str, unit: &mut Unit) -> Handled {
        let now = unit.now();
        store::enqueue(unit.sql(), id, now).await?;
        let wake = Arc::clone(&self.wake);
        unit.after_commit(async move { wake.notify_one() });
        Ok(())
    }
}

/// Notes that the time of a scheduled call has come, and queues it. A second time changes nothing.
#[derive(Debug, Clone)]
pub(crate) struct Due {
    pub(crate) queue: Queue,
}

impl TimerHandler for Due {
    fn kind(&self) -> &str {
        DUE
    }

    async fn fire(&self, timer: &Timer, unit: &mut Unit) -> Handled {
        let Some(call) = Call::fold(&unit.load(&stream(&timer.key)).await?)? else {
            return Ok(());
        };
        if call.status == ServiceCallStatus::Scheduled {
            let due_at = call.due_at.unwrap_or(timer.due_at);
            let event = Event::DueTimeReached(DueTimeReachedData { due_at });
            append(unit, &call, event).await?;
            self.queue.add(&timer.key, unit).await?;
        }
        Ok(())
    }
}

/// Ends an attempt that nobody has ended: its outcome is unknown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lease;

impl TimerHandler for Lease {
    fn kind(&self) -> &str {
        LEASE
    }

    async fn fire(&self, timer: &Timer, unit: &mut Unit) -> Handled {
        let Some(call) = Call::fold(&unit.load(&stream(&timer.key)).await?)? else {
            return Ok(());
        };
        if call.status == ServiceCallStatus::Running {
            tracing::warn!(
                tenant = %timer.tenant, service_call_id = timer.key,
                correlation_id = unit.cause().correlation_id, "an attempt was lost"
            );
            let aborted = Err(rules::failure(FailureKind::Aborted, None));
            end(unit, &stream(&timer.key), call.version, aborted).await?;
            observation::count(FailureKind::Aborted.as_str(), None);
        }
        Ok(())
    }
}

async fn append(unit: &mut Unit, call: &Call, event: Event) -> Result<Vec<Envelope>, BoxError> {
    let stream = stream(&call.id.to_string());
    let expected = Expected::Version(call.version);
    Ok(unit.append(&stream, expected, vec![event.into()]).await?)
}

/// Appends how an attempt ended, and then, caused by that, what became of its call.
async fn end(unit: &mut Unit, stream: &StreamId, version: i64, ending: Ending) -> Handled {
    let mut version = version;
    for event in rules::end(ending) {
        let expected = Expected::Version(version);
        for appended in unit.append(stream, expected, vec![event.into()]).await? {
            version = appended.version;
            unit.caused_by(&appended);
        }
    }
    Ok(())
}

/// That one more call may be out, of all tenants and of its own; until it is dropped.
struct Leave {
    _permit: OwnedSemaphorePermit,
    turn: Turn,
}

/// Takes calls out of the queue and makes them.
#[derive(Debug)]
pub(crate) struct Worker {
    kernel: Kernel,
    /// Begins the names of this process's leases.
    name: String,
    sender: Sender,
    settings: Settings,
    permits: Arc<Semaphore>,
    turns: Arc<Turns>,
    /// The tenant that was looked at last: the next one comes first.
    last: Mutex<String>,
    wake: Arc<Notify>,
    /// The tenant in whose name the queue is read; it has no calls.
    operator: TenantId,
}

impl Worker {
    pub(crate) fn new(
        kernel: Kernel,
        sender: Sender,
        settings: Settings,
        wake: Arc<Notify>,
        operator: TenantId,
    ) -> Arc<Self> {
        let name = format!("worker-{}", kernel.new_id());
        let permits = Arc::new(Semaphore::new(settings.concurrency.max(1)));
        let limits =
            Limits { concurrency: settings.tenant_concurrency, rate: settings.tenant_rate };
        let turns = Turns::new(limits, Arc::clone(&wake));
        let last = Mutex::default();
        Arc::new(Self { kernel, name, sender, settings, permits, turns, last, wake, operator })
    }

    /// The tenant in whose name the queue is read.
    pub(crate) fn operator(&self) -> &TenantId {
        &self.operator
    }

    /// Works until the kernel closes. What was begun goes on; the kernel waits for it.
    pub(crate) async fn run(self: Arc<Self>) {
        let closing = self.kernel.closing();
        loop {
            let found = tokio::select! {
                () = closing.cancelled() => return,
                found = self.next() => found,
            };
            let pause = match found {
                Ok(found) if !found.is_empty() => {
                    if !self.start_all(found).await {
                        // Others have them in their hands, for as long as a unit takes.
                        tokio::time::sleep(LEAST_PAUSE).await;
                    }
                    continue;
                }
                Ok(_) => self.pause(),
                Err(error) => {
                    tracing::warn!(error, "the queue could not be read");
                    POLL
                }
            };
            tokio::select! {
                () = closing.cancelled() => return,
                () = self.wake.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// The tenants whose calls come next, each as often as one of its calls has the leave to begin.
    async fn next(&self) -> Result<Vec<(TenantId, Leave)>, BoxError> {
        let mut permits = vec![Arc::clone(&self.permits).acquire_owned().await?];
        while permits.len() < BATCH
            && let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned()
        {
            permits.push(permit);
        }
        let now = self.kernel.now();
        let mut view = self.kernel.read(&self.operator).await?;
        let connection = view.sql().1;
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut tenants = store::queuing(connection, &last, TENANTS).await?;
        let (after, is_round) = (tenants.len(), tenants.len() < TENANTS);
        if is_round && !last.is_empty() {
            // From the beginning on, up to where this look began. Names are never compared here:
            // the database has an order of its own.
            let rest = store::queuing(connection, "", TENANTS - after).await?;
            let known = tenants.first().cloned();
            tenants.extend(rest.into_iter().take_while(|it| Some(it) != known.as_ref()));
        }
        let mut hands = Vec::new();
        for tenant in &tenants {
            if hands.len() == permits.len() {
                break;
            }
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = tenant.as_str().to_owned();
            let room = self.turns.room(tenant, now).min(permits.len());
            // One more than may begin, to know whether there is one.
            let waiting = store::waiting(connection, tenant, now, room + 1).await?;
            if waiting > room {
                self.turns.hold_back(tenant);
            }
            if waiting.min(room) > 0 {
                hands.push(VecDeque::from(vec![tenant.clone(); waiting.min(room)]));
            }
        }
        let dealt = deal(hands, permits.len()).into_iter().zip(permits);
        let leave = |(tenant, permit)| {
            let turn = self.turns.begin(&tenant, now);
            (tenant, Leave { _permit: permit, turn })
        };
        Ok(dealt.map(leave).collect())
    }

    /// How long until there may be something to do, if nothing happens.
    fn pause(&self) -> Duration {
        let now = self.kernel.now();
        let held_back = self.turns.pause(now).and_then(|it| Duration::try_from(it).ok());
        self.turns.forget(now);
        held_back.map_or(POLL, |pause| pause.clamp(LEAST_PAUSE, POLL))
    }

    /// Starts calls of these tenants; says whether there was one that no other worker has taken.
    async fn start_all(self: &Arc<Self>, tenants: Vec<(TenantId, Leave)>) -> bool {
        let mut starts = JoinSet::new();
        for (tenant, leave) in tenants {
            let worker = Arc::clone(self);
            starts.spawn(async move { worker.start(&tenant, leave).await });
        }
        let mut is_any = false;
        while let Some(started) = starts.join_next().await {
            match started {
                Ok(Ok(started)) => is_any |= started,
                Ok(Err(error)) => tracing::warn!(error, "no call could be taken from the queue"),
                Err(stopped) => tracing::error!(%stopped, "an attempt could not be started"),
            }
        }
        is_any
    }

    /// Takes the next call of a tenant and starts its attempt, in one unit; says whether there was
    /// one that nobody else has taken.
    async fn start(self: &Arc<Self>, tenant: &TenantId, leave: Leave) -> Result<bool, BoxError> {
        let mut opening = self.kernel.opening(tenant).await?;
        let Some(id) = store::claim(opening.sql(), self.kernel.now()).await? else {
            leave.turn.give_back();
            opening.rollback().await?;
            return Ok(false);
        };
        let Err(error) = self.begin(opening, &id, leave).await else { return Ok(true) };
        // It has gone on meanwhile, and is in the queue again: the next look drops it.
        if let Some(Error::Conflict(_)) = error.downcast_ref::<Error>() {
            return Ok(true);
        }
        tracing::warn!(
            %tenant, service_call_id = id, error, "an attempt could not be started"
        );
        if let Err(error) = self.postpone(tenant, &id).await {
            tracing::warn!(error, "a call could not be moved back in the queue");
            tokio::time::sleep(POLL).await;
        }
        Ok(true)
    }

    /// Records that the attempt of a call starts; its request leaves once that is durable.
    async fn begin(self: &Arc<Self>, mut opening: Opening, id: &str, leave: Leave) -> Handled {
        let events = opening.load(&stream(id)).await?;
        let cause = events.last().map_or_else(|| Cause::request(&self.name), Cause::event);
        let mut unit = opening.caused_by(cause);
        let secrets = store::take_secrets(unit.sql(), id).await?;
        let call = Call::fold(&events)?;
        let (lease_id, now) = (format!("{}:{}", self.name, rules::ATTEMPT), unit.now());
        let event = call.as_ref().and_then(|call| rules::start(call, lease_id, now));
        let (Some(call), Some(event)) = (call, event) else {
            leave.turn.give_back();
            return Ok(unit.commit().await?);
        };
        if let Event::ServiceCallSkipped(data) = &event {
            tracing::info!(
                tenant = %unit.tenant(), service_call_id = id, late_ms = data.late_ms,
                correlation_id = unit.cause().correlation_id, "too late, and skipped"
            );
            append(&mut unit, &call, event).await?;
            leave.turn.give_back();
            unit.after_commit(async { observation::count_skipped() });
            return Ok(unit.commit().await?);
        }
        let appended = append(&mut unit, &call, event).await?;
        let timeout = SignedDuration::from_millis(i64::from(call.timeout_ms()));
        let expires_at = unit.now() + timeout + self.settings.lease_margin;
        unit.schedule(LEASE, id, expires_at, &()).await?;
        if let Some(started) = appended.into_iter().next() {
            let worker = Arc::clone(self);
            unit.after_commit(async move {
                worker.attempt(call, secrets, started).await;
                drop(leave);
            });
        }
        Ok(unit.commit().await?)
    }

    async fn postpone(&self, tenant: &TenantId, id: &str) -> Result<(), BoxError> {
        let mut unit = self.kernel.unit(tenant, Cause::request(&self.name)).await?;
        let ready_at = unit.now() + RETRY;
        store::postpone(unit.sql(), id, ready_at).await?;
        Ok(unit.commit().await?)
    }

    /// Sends the request and records how it ended.
    async fn attempt(&self, call: Call, secrets: BTreeMap<String, String>, started: Envelope) {
        let (out, span) = (Out::begin(), observation::trace(&call, &started));
        let place = spans::place(&span, started.traceparent);
        let sent = self.settings.propagation.of(place);
        let ending = self.sender.send(&call, &secrets, sent).await;
        observation::end_trace(&span, &ending);
        drop((out, span));
        let started = Envelope { traceparent: place, ..started };
        let (outcome, latency_ms) = match &ending {
            Ok(data) => (observation::SUCCEEDED, Some(data.latency_ms)),
            // What this process has made it also knows.
            Err(data) => (data.kind.known().map_or("", |kind| kind.as_str()), data.latency_ms),
        };
        tracing::info!(
            tenant = %started.tenant_id, service_call_id = started.aggregate_id, outcome,
            latency_ms, correlation_id = started.correlation_id,
            causation_id = started.causation_id, "attempt ended"
        );
        for round in 0..RECORD_TRIES {
            let Err(error) = self.record(&call, &started, ending.clone()).await else {
                observation::count(outcome, latency_ms);
                return;
            };
            if let Some(Error::Conflict(_)) = error.downcast_ref::<Error>() {
                tracing::warn!(service_call_id = %call.id, error, "an attempt ended too late");
                return;
            }
            tracing::warn!(service_call_id = %call.id, error, "an ending could not be recorded");
            tokio::time::sleep(Duration::from_millis(100) * 2u32.pow(round)).await;
        }
    }

    async fn record(&self, call: &Call, started: &Envelope, ending: Ending) -> Handled {
        let mut unit = self.kernel.unit(&started.tenant_id, Cause::event(started)).await?;
        // The timer before the stream, as when it fires.
        unit.unschedule(LEASE, &call.id.to_string()).await?;
        end(&mut unit, &started.stream(), started.version, ending).await?;
        Ok(unit.commit().await?)
    }
}
