//! Forgets what nobody will ask for again: inbox rows and idempotency records of long ago.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::delivery::inbox;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::tasks;
use crate::work::leases::Lease;

/// Whoever forgets holds the lease of this name.
pub(crate) const LEASE: &str = "retention";
/// Between two rounds.
const INTERVAL: SignedDuration = SignedDuration::from_hours(1);
/// Rows that are forgotten in one transaction, so that nobody waits long.
const BATCH: i64 = 1_000;
const PAUSE: Duration = Duration::from_secs(1);

/// Forgets, again and again, until the lease ends.
pub(crate) async fn run(kernel: Kernel, consumers: Vec<String>, lease: Lease) {
    while !lease.ended().is_cancelled() {
        let next = kernel.clock().now().saturating_add(INTERVAL).unwrap_or(Timestamp::MAX);
        match round(&kernel, &consumers, &lease).await {
            Ok(0) => {}
            Ok(rows) => tracing::debug!(rows, "forgotten"),
            Err(error) => {
                tracing::warn!(cause = ?error, "old records could not be forgotten");
                tasks::sleep(PAUSE).await;
            }
        }
        let clock = kernel.clock();
        tokio::select! {
            biased;
            () = lease.ended().cancelled() => {}
            () = clock.sleep_until(next) => {}
        }
    }
}

/// Keys of requests made before a time.
const KEYS: &str = "DELETE FROM idempotency WHERE (tenant_id, operation, idempotency_key) IN \
     (SELECT tenant_id, operation, idempotency_key FROM idempotency WHERE created_at < $1 \
     ORDER BY created_at LIMIT $2 + 0)";

/// Answers that need not be known any more at a time, and locks that have run out.
const ANSWERS: &str = "DELETE FROM answers WHERE (tenant_id, operation, idempotency_key) IN \
     (SELECT tenant_id, operation, idempotency_key FROM answers WHERE until <= $1 \
     ORDER BY until LIMIT $2) AND until <= $1";

/// Buckets that are full again at a time, as one that nobody knows is.
const ALLOTMENTS: &str = "DELETE FROM allotments WHERE bucket IN (SELECT bucket FROM allotments \
     WHERE full_at <= $1 ORDER BY full_at LIMIT $2) AND full_at <= $1";

/// Forgets everything that is old enough; returns how many rows that were.
async fn round(kernel: &Kernel, consumers: &[String], lease: &Lease) -> Result<u64, Error> {
    let kept = kernel.inner().settings.retention;
    let now = kernel.clock().now();
    let before = now.checked_sub(kept).unwrap_or(Timestamp::MIN);
    let mut rows = 0;
    for (statement, time) in [
        (KEYS, before.as_microsecond()),
        (ANSWERS, now.as_microsecond()),
        (ALLOTMENTS, now.as_microsecond().saturating_mul(1_000)),
    ] {
        rows += batches(lease, || past(kernel, lease, statement, time)).await?;
    }
    for consumer in consumers {
        rows += batches(lease, || handled(kernel, lease, consumer, before)).await?;
    }
    Ok(rows)
}

/// Deletes until less is found than is taken at once; returns how many rows that were.
async fn batches<Once>(lease: &Lease, once: impl Fn() -> Once) -> Result<u64, Error>
where
    Once: Future<Output = Result<u64, Error>>,
{
    let mut rows = 0;
    loop {
        let deleted = once().await?;
        rows += deleted;
        if deleted < BATCH as u64 || lease.ended().is_cancelled() {
            return Ok(rows);
        }
    }
}

/// A batch of what a statement deletes, for a time in its own unit.
async fn past(
    kernel: &Kernel,
    lease: &Lease,
    statement: &'static str,
    time: i64,
) -> Result<u64, Error> {
    let mut turn = kernel.inner().database.turn().await?;
    lease.hold(turn.connection()).await?;
    let deleted = sqlx::query(statement)
        .bind(time)
        .bind(BATCH)
        // On SQLite it holds up nobody so.
        .persistent(false)
        .execute(turn.connection())
        .await?;
    turn.commit().await?;
    Ok(deleted.rows_affected())
}

/// Rows ahead of the checkpoint stay: without them their messages would be handled again.
async fn handled(
    kernel: &Kernel,
    lease: &Lease,
    consumer: &str,
    before: Timestamp,
) -> Result<u64, Error> {
    let mut turn = kernel.inner().database.turn().await?;
    lease.hold(turn.connection()).await?;
    let deleted = sqlx::query(
        "DELETE FROM inbox WHERE consumer = $1 AND message_id IN (SELECT i.message_id \
         FROM inbox i LEFT JOIN messages m ON m.message_id = i.message_id \
         LEFT JOIN log l ON l.seq = m.seq WHERE i.consumer = $1 AND i.message_id < $2 \
         AND (l.position IS NULL OR l.position <= COALESCE((SELECT c.position \
         FROM checkpoints c WHERE c.reader = $3), l.position)) \
         ORDER BY i.message_id LIMIT $4 + 0)",
    )
    .bind(consumer)
    .bind(first_id(before))
    .bind(inbox::reader(consumer))
    .bind(BATCH)
    // On SQLite it holds up nobody so.
    .persistent(false)
    .execute(turn.connection())
    .await?;
    turn.commit().await?;
    Ok(deleted.rows_affected())
}

/// What every id of a message written at this time or later comes after: ids are UUIDs of version
/// 7, which begin with the milliseconds since the Unix epoch (RFC 9562, section 5.7).
fn first_id(time: Timestamp) -> String {
    let millis = u64::try_from(time.as_millisecond()).unwrap_or(0);
    format!("{:08x}-{:04x}-", millis >> 16, millis & 0xffff)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn ids_are_told_apart_by_their_time() {
        let time: Timestamp = "2026-01-01T12:00:00Z".parse().expect("a timestamp");
        let id = |millis: i64| {
            let millis = u64::try_from(time.as_millisecond() + millis).expect("after the epoch");
            Uuid::new_v7(uuid::Timestamp::from_unix_time(
                millis / 1000,
                u32::try_from(millis % 1000).expect("below a thousand") * 1_000_000,
                0,
                0,
            ))
            .to_string()
        };
        assert!(id(-1) < first_id(time));
        assert!(id(0) > first_id(time));
    }
}
