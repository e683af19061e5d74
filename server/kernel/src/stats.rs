//! The kernel in numbers, for metrics and readiness.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use sqlx::Row;

use crate::database::Connection;
use crate::delivery::messages::time;
use crate::error::Error;
use crate::kernel::{Inner, Kernel};

/// How things stand.
#[derive(Debug, Clone, PartialEq)]
pub struct Stats {
    /// The position of the last message that was published; 0 when there is none.
    pub head: i64,
    /// How many events are not published.
    pub outbox_depth: i64,
    /// When the oldest unpublished event was appended.
    pub outbox_oldest_at: Option<Timestamp>,
    /// How many timers have not fired.
    pub timers_pending: i64,
    /// How many of them are due.
    pub timers_overdue: i64,
    /// When the first of those that are due was due.
    pub timers_oldest_due_at: Option<Timestamp>,
    /// Consumers, then projections, in the order they were registered; then, on Kafka, the shipper,
    /// which reads what it ships.
    pub readers: Vec<ReaderStats>,
    /// The queues of jobs that this process works on, by name.
    pub queues: Vec<QueueStats>,
    /// How many dead letters there are, by who gave them up: every reader and queue that this
    /// process has, and whoever else has any.
    pub dead_letters: BTreeMap<String, i64>,
}

/// How far a consumer or projection is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderStats {
    /// `consumer:<name>`, `projection:<name>` or `bus:kafka`.
    pub reader: String,
    /// Everything up to this position is done. Of a consumer on Kafka it is the sum of the offsets
    /// of the partitions that this process has.
    pub position: i64,
    /// How many events lie between that and the last event, at most: positions may skip numbers.
    /// On Kafka, in the partitions that this process has, as of a second ago.
    pub lag: i64,
}

/// How a queue of jobs stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueStats {
    /// The queue.
    pub queue: String,
    /// How many jobs are not done, in any process: those that run and those whose time has not come
    /// among them.
    pub queued: i64,
    /// How many run in this process.
    pub running: u64,
}

/// A pool of database connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolStats {
    /// What they are for: `reader` and `writer` of a file, `shared` of a server.
    pub pool: &'static str,
    /// How many are in use.
    pub used: u64,
    /// How many are open and wait to be used.
    pub idle: u64,
    /// How many there may be.
    pub limit: u64,
    /// How many wait for one, where that is known: for the writer of a file.
    pub waiting: Option<u64>,
}

/// What this process counts since the kernel was opened, without a look at the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// Messages that this process has given their place in the log.
    pub relayed: u64,
    /// Units of work and views that were refused because the database was busy.
    pub refused: u64,
    /// The connections, as they are now.
    pub pools: Vec<PoolStats>,
}

impl Kernel {
    /// The kernel in numbers.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn stats(&self) -> Result<Stats, Error> {
        let readers = lock(&self.inner().readers).clone();
        let mut snapshot = self.inner().database.read().await?;
        let now = self.inner().stamps.clock.now();
        let Inner { groups, counts, .. } = self.inner();
        let asked = Asked { readers: &readers, groups, counts, now };
        collect(snapshot.connection(), asked).await
    }

    /// What this process has counted, and the connections it has.
    #[must_use]
    pub fn activity(&self) -> Activity {
        let counted = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let Counts { relayed, refused, .. } = &self.inner().counts;
        let pools = self.inner().database.pools();
        Activity { relayed: counted(relayed), refused: counted(refused), pools }
    }

    /// Asks the database for an answer.
    ///
    /// # Errors
    /// When there is none.
    pub async fn probe(&self) -> Result<(), Error> {
        let mut snapshot = self.inner().database.read().await?;
        sqlx::query("SELECT 1").execute(snapshot.connection()).await?;
        Ok(())
    }
}

/// Counters behind [`Activity`], and who there is to be counted.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) relayed: AtomicU64,
    pub(crate) refused: AtomicU64,
    /// Jobs that run here, by queue.
    running: Mutex<BTreeMap<String, u64>>,
}

impl Counts {
    /// Takes note of a queue that this process works on.
    pub(crate) fn queue(&self, queue: &str) {
        lock(&self.running).entry(queue.to_owned()).or_default();
    }

    /// Counts a job as running until the guard is dropped.
    pub(crate) fn running<'a>(&'a self, queue: &'a str) -> Running<'a> {
        *lock(&self.running).entry(queue.to_owned()).or_default() += 1;
        Running { counts: self, queue }
    }

    /// Counts what was refused.
    pub(crate) fn judged<T>(&self, begun: Result<T, Error>) -> Result<T, Error> {
        if matches!(begun, Err(Error::Busy)) {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        begun
    }
}

/// A job that runs.
pub(crate) struct Running<'a> {
    counts: &'a Counts,
    queue: &'a str,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(count) = lock(&self.counts.running).get_mut(self.queue) {
            *count = count.saturating_sub(1);
        }
    }
}

/// How far consumers are in their topics, by the members of their groups in this process.
#[derive(Debug, Default)]
pub(crate) struct Groups(Mutex<BTreeMap<String, (i64, i64)>>);

impl Groups {
    /// Tells how much a reader has done, and how much it has not.
    #[cfg(feature = "kafka")]
    pub(crate) fn tell(&self, reader: &str, position: i64, lag: i64) {
        lock(&self.0).insert(reader.to_owned(), (position, lag));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Who is asked about.
pub(crate) struct Asked<'a> {
    pub(crate) readers: &'a [String],
    pub(crate) groups: &'a Groups,
    pub(crate) counts: &'a Counts,
    pub(crate) now: Timestamp,
}

pub(crate) async fn collect(connection: &mut Connection, asked: Asked<'_>) -> Result<Stats, Error> {
    let row = sqlx::query(
        "SELECT (SELECT COALESCE(MAX(position), 0) FROM log) AS head, \
         (SELECT COUNT(*) FROM outbox) AS outbox_depth, \
         (SELECT occurred_at FROM messages WHERE seq = (SELECT MIN(seq) FROM outbox)) \
         AS outbox_oldest_at, COUNT(*) AS timers_pending, \
         COUNT(CASE WHEN due_at <= $1 THEN 1 END) AS timers_overdue, \
         MIN(CASE WHEN due_at <= $1 THEN due_at END) AS timers_oldest_due_at FROM timers",
    )
    .bind(asked.now.as_microsecond())
    .fetch_one(&mut *connection)
    .await?;
    let moment = |name| row.try_get::<Option<i64>, _>(name)?.map(time).transpose();
    let head: i64 = row.try_get("head")?;
    let queues = queues(connection, asked.counts).await?;
    let mut stats = Stats {
        head,
        outbox_depth: row.try_get("outbox_depth")?,
        outbox_oldest_at: moment("outbox_oldest_at")?,
        timers_pending: row.try_get("timers_pending")?,
        timers_overdue: row.try_get("timers_overdue")?,
        timers_oldest_due_at: moment("timers_oldest_due_at")?,
        readers: Vec::with_capacity(asked.readers.len()),
        dead_letters: dead_letters(connection, asked.readers, &queues).await?,
        queues,
    };
    for reader in asked.readers {
        let told = lock(&asked.groups.0).get(reader).copied();
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

async fn queues(connection: &mut Connection, counts: &Counts) -> Result<Vec<QueueStats>, Error> {
    let running = lock(&counts.running).clone();
    if running.is_empty() {
        return Ok(Vec::new());
    }
    let queued: Vec<(String, i64)> =
        sqlx::query_as("SELECT queue, COUNT(*) FROM jobs GROUP BY queue")
            .fetch_all(connection)
            .await?;
    let queued: BTreeMap<_, _> = queued.into_iter().collect();
    let stats = running.into_iter().map(|(queue, running)| {
        let queued = queued.get(&queue).copied().unwrap_or_default();
        QueueStats { queue, queued, running }
    });
    Ok(stats.collect())
}

async fn dead_letters(
    connection: &mut Connection,
    readers: &[String],
    queues: &[QueueStats],
) -> Result<BTreeMap<String, i64>, Error> {
    let found: Vec<(String, i64)> =
        sqlx::query_as("SELECT source, COUNT(*) FROM dead_letters GROUP BY source")
            .fetch_all(connection)
            .await?;
    let queues = queues.iter().map(|it| crate::work::jobs::source(&it.queue));
    let own = readers.iter().cloned().chain(queues).map(|source| (source, 0));
    Ok(own.chain(found).collect())
}
