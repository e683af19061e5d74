//! The kernel in numbers, for metrics and readiness.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sqlx::Row;

use crate::database::Connection;
use crate::delivery::messages::time;
use crate::error::Error;

/// How things stand.
#[derive(Debug, Clone, PartialEq)]
pub struct Stats {
    /// The position of the last message that was published; 0 when there is none.
    pub head: i64,
    /// How many events are not published.
    pub outbox_depth: i64,
    /// When the oldest unpublished event was appended.
    pub outbox_oldest_at: Option<jiff::Timestamp>,
    /// How many timers have not fired.
    pub timers_pending: i64,
    /// How many of them are due.
    pub timers_overdue: i64,
    /// Consumers, then projections, in the order they were registered.
    pub readers: Vec<ReaderStats>,
}

/// How far consumers are in their topics, by the members of their groups in this process.
#[derive(Debug, Default)]
pub(crate) struct Groups(Mutex<BTreeMap<String, (i64, i64)>>);

impl Groups {
    /// Tells how much a reader has done, and how much it has not.
    #[cfg(feature = "kafka")]
    pub(crate) fn tell(&self, reader: &str, position: i64, lag: i64) {
        self.lock().insert(reader.to_owned(), (position, lag));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, (i64, i64)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How far a consumer or projection is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderStats {
    /// `consumer:<name>` or `projection:<name>`.
    pub reader: String,
    /// Everything up to this position is done. Of a consumer on Kafka it is the sum of the offsets
    /// of the partitions that this process has.
    pub position: i64,
    /// How many events lie between that and the last event, at most: positions may skip numbers.
    /// On Kafka, in the partitions that this process has, as of a second ago.
    pub lag: i64,
}

pub(crate) async fn collect(
    connection: &mut Connection,
    readers: &[String],
    groups: &Groups,
    now: jiff::Timestamp,
) -> Result<Stats, Error> {
    let row = sqlx::query(
        "SELECT (SELECT COALESCE(MAX(position), 0) FROM log) AS head, \
         (SELECT COUNT(*) FROM outbox) AS outbox_depth, \
         (SELECT occurred_at FROM messages WHERE seq = (SELECT MIN(seq) FROM outbox)) \
         AS outbox_oldest_at, (SELECT COUNT(*) FROM timers) AS timers_pending, \
         (SELECT COUNT(*) FROM timers WHERE due_at <= $1) AS timers_overdue",
    )
    .bind(now.as_microsecond())
    .fetch_one(&mut *connection)
    .await?;
    let head: i64 = row.try_get("head")?;
    let oldest: Option<i64> = row.try_get("outbox_oldest_at")?;
    let mut stats = Stats {
        head,
        outbox_depth: row.try_get("outbox_depth")?,
        outbox_oldest_at: oldest.map(time).transpose()?,
        timers_pending: row.try_get("timers_pending")?,
        timers_overdue: row.try_get("timers_overdue")?,
        readers: Vec::with_capacity(readers.len()),
    };
    for reader in readers {
        let told = groups.lock().get(reader).copied();
        let (position, lag) = match told {
            Some(told) => told,
            None => {
                let position = crate::delivery::inbox::checkpoint(connection, reader).await?;
                (position, (head - position).max(0))
            }
        };
        stats.readers.push(ReaderStats { reader: reader.clone(), position, lag });
    }
    Ok(stats)
}
