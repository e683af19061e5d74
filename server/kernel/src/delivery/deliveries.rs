//! One attempt to handle one message, from whichever bus: the effect and the inbox row in one
//! transaction, and a dead letter in its place after the last attempt.

use std::sync::Arc;

use jiff::Timestamp;
use symbolon_wire::spans;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::channels::Unreadable;
use crate::database::{Connection, Turn};
use crate::delivery::dead_letters::{self, NewLetter, Spot};
use crate::delivery::inbox::reader;
use crate::delivery::messages;
use crate::envelope::{Cause, Envelope, TenantId};
use crate::error::Error;
use crate::faults::{broken, fault};
use crate::handlers::{AnyConsumer, BoxError, Handled};
use crate::kernel::Kernel;
use crate::tasks;
use crate::unit::Unit;
use crate::work::leases::Lease;

/// Where a message is taken from.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// The log, by whoever holds the lease.
    Log { lease: Lease, position: i64 },
    /// A topic. Members of a group need no lease: each begins where everything before is done and
    /// keeps the order of an aggregate, and the inbox lets only one of them have an effect.
    #[cfg_attr(
        not(any(feature = "kafka", feature = "simulation")),
        expect(dead_code, reason = "there are no topics")
    )]
    Topic(Arc<Envelope>, Arc<Spot>),
}

impl Origin {
    async fn begin(&self, kernel: &Kernel) -> Result<(Turn, Envelope), Error> {
        let mut turn = kernel.inner().database.turn().await?;
        let event = match self {
            Self::Log { lease, position } => {
                lease.hold(turn.connection()).await?;
                messages::at(turn.connection(), *position).await?
            }
            Self::Topic(event, _) => Envelope::clone(event),
        };
        Ok((turn, event))
    }

    /// Where the message lay in its topic.
    fn spot(&self) -> Option<&Spot> {
        match self {
            Self::Log { .. } => None,
            Self::Topic(_, spot) => Some(spot),
        }
    }
}

/// A message has a shape that its consumer does not know: trying again cannot help.
#[derive(Debug, thiserror::Error)]
#[error("schema version {version} of `{event_type}` is unknown here")]
struct UnknownVersion {
    event_type: String,
    version: u32,
}

/// Handles a message, or gives it up when it was tried often enough.
pub(crate) async fn attempt(
    kernel: Kernel,
    consumer: Arc<dyn AnyConsumer>,
    origin: Origin,
    attempts_before: u32,
) -> Handled {
    // A task of its own, so that a panic of the handler is one more way to fail.
    let delivery = deliver(kernel.clone(), Arc::clone(&consumer), origin.clone());
    let error = match tasks::spawn(delivery).await {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => error,
        Err(stopped) => stopped.into(),
    };
    let attempts = attempts_before.saturating_add(1);
    let is_last = attempts >= kernel.inner().settings.attempts && !is_passing(&error);
    if !is_last && !is_refusal(&error) {
        return Err(error);
    }
    let given = give_up(kernel, consumer, origin, attempts, error.to_string());
    match tasks::spawn(given).await {
        Ok(handled) => handled,
        Err(stopped) => Err(stopped.into()),
    }
}

async fn deliver(kernel: Kernel, consumer: Arc<dyn AnyConsumer>, origin: Origin) -> Handled {
    let (mut turn, event) = origin.begin(&kernel).await?;
    let spot = origin.spot();
    fault!("consumer.begun");
    let message_id = event.message_id.to_string();
    if !record(turn.connection(), consumer.name(), &message_id, kernel.now()).await? {
        return Ok(turn.rollback().await?);
    }
    fault!("consumer.recorded");
    if !consumer.understands(&event.event_type, event.schema_version) {
        turn.rollback().await?;
        let (event_type, version) = (event.event_type, event.schema_version);
        return Err(UnknownVersion { event_type, version }.into());
    }
    let tenant = event.tenant_id.clone();
    let tenant = if broken!(TenantMixed) { TenantId::try_from("west".to_owned())? } else { tenant };
    let span = crate::spans::process(&event, consumer.name(), spot);
    let cause = Cause::event(&event).traced(spans::place(&span, event.traceparent));
    let mut unit = Unit::new(&kernel, turn, tenant, cause).traced();
    match consumer.handle(&event, &mut unit).instrument(span.clone()).await {
        Ok(()) => {
            fault!("consumer.handled");
            unit.commit().await?;
        }
        Err(error) => {
            spans::fail(&span);
            unit.rollback().await?;
            return Err(error);
        }
    }
    tracing::debug!(
        consumer = consumer.name(), tenant = %event.tenant_id, event = event.event_type,
        correlation_id = event.correlation_id, causation_id = event.causation_id,
        trace_id = event.traceparent.map(|it| it.trace_id()),
        "handled"
    );
    Ok(())
}

/// Whether an error says that no try will ever help.
pub(crate) fn is_refusal(error: &BoxError) -> bool {
    error.is::<UnknownVersion>() || error.is::<Unreadable>()
}

/// Whether an error says nothing about the message: the database will be back.
fn is_passing(error: &BoxError) -> bool {
    let kernels = error.downcast_ref::<Error>();
    kernels.is_some_and(|error| {
        matches!(
            error,
            Error::Busy | Error::Unavailable(_) | Error::Lost | Error::Fenced(_) | Error::Closed
        )
    })
}

/// Puts a message among the dead letters, and the next one of its aggregate may be handled.
async fn give_up(
    kernel: Kernel,
    consumer: Arc<dyn AnyConsumer>,
    origin: Origin,
    attempts: u32,
    reason: String,
) -> Handled {
    let consumer = consumer.name();
    let (mut turn, event) = origin.begin(&kernel).await?;
    if !record(turn.connection(), consumer, &event.message_id.to_string(), kernel.now()).await? {
        return Ok(turn.rollback().await?);
    }
    let (source, spot) = (&reader(consumer), origin.spot());
    let given = Given { source, spot, reason: &reason, attempts };
    put_away(&kernel, turn.connection(), &event, given).await?;
    turn.commit().await?;
    tracing::error!(
        consumer, tenant = %event.tenant_id, stream = %event.stream(), attempts, reason,
        correlation_id = event.correlation_id, "given up"
    );
    Ok(())
}

/// Who has given up a message, why, and after how many tries.
#[derive(Clone, Copy)]
pub(crate) struct Given<'a> {
    pub(crate) source: &'a str,
    pub(crate) spot: Option<&'a Spot>,
    pub(crate) reason: &'a str,
    pub(crate) attempts: u32,
}

/// Writes the dead letter of a message; returns its id.
pub(crate) async fn put_away(
    kernel: &Kernel,
    connection: &mut Connection,
    event: &Envelope,
    given: Given<'_>,
) -> Result<Uuid, Error> {
    let id = kernel.new_id();
    let letter = NewLetter {
        id,
        tenant: &event.tenant_id,
        source: given.source,
        channel: &event.channel,
        spot: given.spot,
        subject: &format!("{} of {}", event.event_type, event.stream()),
        reason: given.reason,
        attempts: given.attempts,
        failed_at: kernel.now(),
        payload: &serde_json::to_vec(event)?,
    };
    dead_letters::insert(connection, letter).await?;
    Ok(id)
}

/// What lies in a topic and is no message.
#[cfg(feature = "kafka")]
pub(crate) struct Buried<'a> {
    /// Whose letter it becomes.
    pub(crate) tenant: &'a TenantId,
    pub(crate) channel: &'a str,
    pub(crate) spot: &'a Spot,
    pub(crate) reason: &'a str,
    pub(crate) payload: &'a [u8],
}

/// Puts what is no message among the dead letters, once.
#[cfg(feature = "kafka")]
pub(crate) async fn bury(kernel: &Kernel, consumer: &str, buried: Buried<'_>) -> Handled {
    let mut turn = kernel.inner().database.turn().await?;
    let now = kernel.now();
    let Spot { partition, offset, .. } = buried.spot;
    let place = format!("{}/{partition}/{offset}", buried.channel);
    if !record(turn.connection(), consumer, &place, now).await? {
        return Ok(turn.rollback().await?);
    }
    let letter = NewLetter {
        id: kernel.new_id(),
        tenant: buried.tenant,
        source: &reader(consumer),
        channel: buried.channel,
        spot: Some(buried.spot),
        subject: &place,
        reason: buried.reason,
        attempts: 1,
        failed_at: now,
        payload: buried.payload,
    };
    dead_letters::insert(turn.connection(), letter).await?;
    turn.commit().await?;
    tracing::error!(consumer, place, reason = buried.reason, "no message");
    Ok(())
}

/// Notes that a consumer has done with a message; says whether it had not before.
pub(crate) async fn record(
    connection: &mut Connection,
    consumer: &str,
    message_id: &str,
    now: Timestamp,
) -> Result<bool, Error> {
    let recorded = sqlx::query(
        "INSERT INTO inbox (consumer, message_id, handled_at) VALUES ($1, $2, $3) \
         ON CONFLICT (consumer, message_id) DO NOTHING",
    )
    .bind(consumer)
    .bind(message_id)
    .bind(now.as_microsecond())
    .execute(connection)
    .await?;
    Ok(recorded.rows_affected() > 0 || broken!(InboxUnread))
}
