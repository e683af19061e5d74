//! The relay: gives what is in the outbox its place in the log, in order, and tells the bus.

use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::Row;

use crate::database::dialect::sql;
use crate::database::{Connection, Dialect};
use crate::delivery::bus;
use crate::delivery::messages::{envelope, whole_units};
use crate::envelope::Recorded;
use crate::error::Error;
use crate::faults::{broken, fault};
use crate::kernel::Kernel;
use crate::spans;
use crate::tasks;
use crate::work::leases::Lease;

/// Whoever relays holds the lease of this name.
pub(crate) const LEASE: &str = "relay";
const BATCH: i64 = 512;
/// A notice of new rows is only a hint, and other processes give none: this often the relay looks
/// without one.
const POLL_FILE: Duration = Duration::from_millis(500);
const POLL_SERVER: Duration = Duration::from_millis(20);
const PAUSE: Duration = Duration::from_secs(1);

/// The position of the last message in the log.
pub(crate) async fn head(connection: &mut Connection) -> Result<i64, Error> {
    let head = sqlx::query_scalar("SELECT COALESCE(MAX(position), 0) FROM log");
    Ok(head.fetch_one(connection).await?)
}

/// Messages that go into the log together.
struct Batch {
    /// Their numbers, as a JSON list.
    numbers: String,
    messages: Vec<Recorded>,
}

/// Relays until the lease ends.
pub(crate) async fn run(kernel: Kernel, lease: Lease) {
    let poll = if kernel.inner().database.is_shared() { POLL_SERVER } else { POLL_FILE };
    // What is in the log and was not told to the bus: a commit may go through unconfirmed.
    let mut is_behind = true;
    while !lease.ended().is_cancelled() {
        let pause = match pass(&kernel, &lease, is_behind).await {
            Ok(0) => {
                is_behind = false;
                poll
            }
            Ok(_) => continue,
            Err(error) => {
                tracing::warn!(%error, cause = ?error, "the relay could not go on");
                is_behind = true;
                PAUSE
            }
        };
        tokio::select! {
            biased;
            () = lease.ended().cancelled() => {}
            () = kernel.inner().outbox.notified() => {}
            () = tasks::sleep(pause) => {}
        }
    }
}

/// Moves a batch from the outbox to the log; returns how many messages that were.
async fn pass(kernel: &Kernel, lease: &Lease, is_behind: bool) -> Result<usize, Error> {
    let inner = kernel.inner();
    if is_behind {
        let told = bus::catch_up(kernel).await?;
        if told > 0 {
            return Ok(told);
        }
    }
    // Whether there is anything is asked without the writer.
    if !waits(inner.database.read().await?.connection()).await? {
        return Ok(0);
    }
    let mut turn = inner.database.turn().await?;
    let connection = turn.connection();
    lease.hold(connection).await?;
    fault!("relay.before");
    let head = head(connection).await?;
    let batch = pending(connection, head).await?;
    if batch.messages.is_empty() {
        turn.rollback().await?;
        return Ok(0);
    }
    let spans = spans::publish(&batch.messages);
    place(connection, head, &batch).await?;
    fault!("relay.placed");
    turn.commit().await?;
    drop(spans);
    fault!("relay.committed");
    let count = batch.messages.len();
    inner.counts.relayed.fetch_add(count as u64, Ordering::Relaxed);
    for recorded in &batch.messages {
        tracing::debug!(
            tenant = %recorded.envelope.tenant_id, position = recorded.position,
            event = recorded.envelope.event_type,
            correlation_id = recorded.envelope.correlation_id,
            causation_id = recorded.envelope.causation_id,
            trace_id = recorded.envelope.traceparent.map(|it| it.trace_id()),
            "published"
        );
    }
    if inner.database.is_shared() {
        // Every process follows the log.
        inner.log.notify_one();
    } else {
        inner.bus.publish(batch.messages);
    }
    Ok(count)
}

async fn waits(connection: &mut Connection) -> Result<bool, Error> {
    let any = sqlx::query("SELECT seq FROM outbox LIMIT 1").fetch_optional(connection).await?;
    Ok(any.is_some())
}

/// The next messages, each with its number and the position it will have.
async fn pending(connection: &mut Connection, head: i64) -> Result<Batch, Error> {
    // Whoever sees an event sees the earlier ones of its stream: their transactions have ended
    // before its own could touch the stream. So each statement finds a beginning of every stream.
    let rows = sqlx::query("SELECT seq, unit FROM outbox ORDER BY seq LIMIT $1 + 0")
        .bind(BATCH)
        .fetch_all(&mut *connection)
        .await?;
    let units: Result<Vec<i64>, _> = rows.iter().map(|row| row.try_get("unit")).collect();
    let end = whole_units(&units?, BATCH);
    let numbers: Result<Vec<i64>, _> = rows[..end].iter().map(|row| row.try_get("seq")).collect();
    let numbers = serde_json::to_string(&numbers?)?;
    let select = sql!(
        Dialect::of(connection),
        "SELECT ",
        columns,
        " FROM messages m WHERE m.seq",
        listed,
        " ORDER BY m.seq"
    );
    let rows = sqlx::query(select).bind(&numbers).fetch_all(connection).await?;
    let messages = (head + 1..)
        .zip(&rows)
        .map(|(position, row)| Ok(Recorded { position, envelope: envelope(row)? }))
        .collect::<Result<_, sqlx::Error>>()?;
    Ok(Batch { numbers, messages })
}

/// Gives a batch its places in the log, in the order of its numbers.
async fn place(connection: &mut Connection, head: i64, batch: &Batch) -> Result<(), Error> {
    let dialect = Dialect::of(connection);
    macro_rules! insert {
        ($order:literal) => {
            sql!(
                dialect,
                "INSERT INTO log (position, seq, tenant_id, unit) SELECT $2 + ROW_NUMBER() \
                 OVER (ORDER BY ",
                $order,
                "), o.seq, m.tenant_id, o.unit \
                 FROM outbox o JOIN messages m ON m.seq = o.seq WHERE o.seq",
                listed
            )
        };
    }
    let insert = if broken!(RelayReversed) { insert!("o.seq DESC") } else { insert!("o.seq") };
    if !broken!(RelayForgets) {
        sqlx::query(insert).bind(&batch.numbers).bind(head).execute(&mut *connection).await?;
    }
    let delete = sql!(dialect, "DELETE FROM outbox WHERE seq", listed);
    sqlx::query(delete).bind(&batch.numbers).execute(connection).await?;
    Ok(())
}
