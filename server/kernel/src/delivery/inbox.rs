//! Runs a consumer: at least one delivery of each event, its effect once, in order per aggregate.
//!
//! A consumer reads the published log from its checkpoint on. What it has done ahead of the
//! checkpoint is known by its inbox rows, each written in the transaction of the effect.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::Row;
use tokio::sync::watch;

use crate::database::Connection;
use crate::delivery::deliveries::{self, Origin};
use crate::delivery::lanes::{Head, Lanes};
use crate::delivery::messages::parsed;
use crate::envelope::{StreamId, TenantId};
use crate::error::Error;
use crate::faults::{broken, fault};
use crate::handlers::{AnyConsumer, Handled};
use crate::kernel::Kernel;
use crate::tasks::{self, JoinError, JoinSet};
use crate::work::leases::Lease;

const SCAN: i64 = 512;
/// How many undone events a consumer keeps in mind, those held by a failing one included. Beyond
/// that it reads no further.
const WINDOW: usize = 65_536;
/// How many events may be done before the checkpoint is written while there is more to do.
const CHECKPOINT_EVERY: u32 = 512;
const PAUSE: Duration = Duration::from_secs(1);

type Finished = (Head, Handled);

struct Runner {
    kernel: Kernel,
    consumer: Arc<dyn AnyConsumer>,
    lease: Lease,
    reader: String,
    /// The channels it wants, or none for all.
    channels: Vec<String>,
    published: watch::Receiver<i64>,
    lanes: Lanes,
    tasks: JoinSet<Finished>,
    /// Everything up to here is done or in a lane.
    cursor: i64,
    /// The checkpoint as it is stored.
    saved: i64,
    done_since: u32,
}

/// The name under which a consumer's checkpoint and lease are kept.
pub(crate) fn reader(consumer: &str) -> String {
    format!("consumer:{consumer}")
}

/// Delivers to the consumer until the lease ends, then waits for what is running.
pub(crate) async fn run(kernel: Kernel, consumer: Arc<dyn AnyConsumer>, lease: Lease) {
    let ended = lease.ended().clone();
    let published = kernel.inner().bus.published();
    let (reader, channels) = (reader(consumer.name()), consumer.channels());
    let mut runner = Runner {
        kernel,
        consumer,
        lease,
        reader,
        channels,
        published,
        lanes: Lanes::default(),
        tasks: JoinSet::new(),
        cursor: -1,
        saved: 0,
        done_since: 0,
    };
    while !ended.is_cancelled() {
        if let Err(error) = runner.step().await {
            tracing::warn!(reader = runner.reader, cause = ?error, "a consumer could not go on");
            tokio::select! {
                biased;
                () = ended.cancelled() => {}
                () = tasks::sleep(PAUSE) => {}
            }
        }
    }
    while let Some(finished) = runner.tasks.join_next().await {
        runner.settle(finished);
    }
    if let Err(error) = runner.save().await {
        tracing::warn!(reader = runner.reader, cause = ?error, "the checkpoint was not saved");
    }
}

impl Runner {
    async fn step(&mut self) -> Result<(), Error> {
        if self.cursor < 0 {
            let mut snapshot = self.kernel.inner().database.read().await?;
            self.saved = checkpoint(snapshot.connection(), &self.reader).await?;
            self.cursor = self.saved;
        }
        self.fill().await?;
        let now = self.kernel.inner().stamps.clock.now().as_microsecond();
        self.lanes.release(now);
        while self.tasks.len() < self.kernel.inner().settings.concurrency {
            let Some(head) = self.lanes.take() else { break };
            self.launch(head);
        }
        if self.tasks.is_empty() || self.done_since >= CHECKPOINT_EVERY {
            self.save().await?;
        }
        self.wait().await;
        Ok(())
    }

    /// Reads on in the log as far as it is published and the window allows.
    async fn fill(&mut self) -> Result<(), Error> {
        let through = *self.published.borrow_and_update();
        while self.cursor < through && self.lanes.len() < WINDOW {
            let mut snapshot = self.kernel.inner().database.read().await?;
            let name = self.consumer.name();
            let found = scan(snapshot.connection(), name, self.cursor, through).await?;
            let complete = (found.len() as i64) < SCAN;
            for entry in found {
                self.cursor = entry.position;
                let is_wanted = self.channels.is_empty() || self.channels.contains(&entry.channel);
                let mut entry = entry;
                if broken!(LaneUnordered) {
                    entry.stream.aggregate_id += &entry.position.to_string();
                }
                if is_wanted && self.consumer.accepts(&entry.event_type) {
                    self.lanes.push((entry.tenant, entry.stream), entry.position);
                }
            }
            if complete {
                self.cursor = through;
            }
        }
        Ok(())
    }

    fn launch(&mut self, head: Head) {
        let origin = Origin::Log { lease: self.lease.clone(), position: head.position };
        let (kernel, consumer) = (self.kernel.clone(), Arc::clone(&self.consumer));
        let attempt = deliveries::attempt(kernel, consumer, origin, head.attempts);
        self.tasks.spawn(async move { (head, attempt.await) });
    }

    async fn wait(&mut self) {
        let ended = self.lease.ended();
        let clock = Arc::clone(&self.kernel.inner().stamps.clock);
        let release = self.lanes.next_release();
        let release = release.and_then(|at| Timestamp::from_microsecond(at).ok());
        tokio::select! {
            biased;
            () = ended.cancelled() => {}
            Some(finished) = self.tasks.join_next() => self.settle(finished),
            Ok(()) = self.published.changed() => {}
            () = clock.sleep_until(release.unwrap_or(Timestamp::MAX)), if release.is_some() => {}
        }
    }

    fn settle(&mut self, finished: Result<Finished, JoinError>) {
        // The outer task neither panics nor is aborted while the runner lives.
        let Ok((head, handled)) = finished else { return };
        match handled {
            Ok(()) => {
                self.done_since += 1;
                self.lanes.finish(&head);
            }
            Err(error) => {
                let attempts = self.lanes.fail(&head);
                let settings = &self.kernel.inner().settings;
                let now = self.kernel.inner().stamps.clock.now();
                let retry_at = settings.backoff.after(now, attempts);
                tracing::warn!(
                    reader = self.reader, tenant = %head.key.0, stream = %head.key.1,
                    position = head.position, attempts, error, %retry_at,
                    "an event could not be handled"
                );
                self.lanes.hold(&head, retry_at.as_microsecond());
            }
        }
    }

    async fn save(&mut self) -> Result<(), Error> {
        self.done_since = 0;
        let position = self.lanes.low_water(self.cursor);
        let position = if broken!(CheckpointAhead) { self.cursor } else { position };
        if position <= self.saved {
            return Ok(());
        }
        let mut turn = self.kernel.inner().database.turn().await?;
        self.lease.hold(turn.connection()).await?;
        move_checkpoint(turn.connection(), &self.reader, position).await?;
        fault!("consumer.saved");
        turn.commit().await?;
        self.saved = position;
        Ok(())
    }
}

struct Entry {
    position: i64,
    tenant: TenantId,
    stream: StreamId,
    channel: String,
    event_type: String,
}

/// What a consumer has not done in `(after, through]`, in the order of commit.
async fn scan(
    connection: &mut Connection,
    consumer: &str,
    after: i64,
    through: i64,
) -> Result<Vec<Entry>, Error> {
    let rows = sqlx::query(
        "SELECT l.position, m.tenant_id, m.aggregate_type, m.aggregate_id, m.channel, m.type \
         FROM log l JOIN messages m ON m.seq = l.seq WHERE l.position > $1 AND l.position <= $2 \
         AND NOT EXISTS (SELECT 1 FROM inbox i WHERE i.consumer = $3 \
         AND i.message_id = m.message_id) ORDER BY l.position LIMIT $4 + 0",
    )
    .bind(after)
    .bind(through)
    .bind(consumer)
    .bind(SCAN)
    .fetch_all(connection)
    .await?;
    let entries = rows.iter().map(|row| {
        let aggregate_type: String = row.try_get("aggregate_type")?;
        let aggregate_id: String = row.try_get("aggregate_id")?;
        Ok::<_, sqlx::Error>(Entry {
            position: row.try_get("position")?,
            tenant: parsed(TenantId::new(row.try_get::<String, _>("tenant_id")?))?,
            stream: StreamId::new(aggregate_type, aggregate_id),
            channel: row.try_get("channel")?,
            event_type: row.try_get("type")?,
        })
    });
    Ok(entries.collect::<Result<_, _>>()?)
}

/// How far a reader of the log is; 0 when it has not begun.
pub(crate) async fn checkpoint(connection: &mut Connection, reader: &str) -> Result<i64, Error> {
    let position = sqlx::query_scalar("SELECT position FROM checkpoints WHERE reader = $1")
        .bind(reader)
        .fetch_optional(connection)
        .await?;
    Ok(position.unwrap_or(0))
}

/// Checkpoints of readers whose names begin so, each by the rest of its name.
#[cfg(feature = "kafka")]
pub(crate) async fn checkpoints(
    connection: &mut Connection,
    beginning: &str,
) -> Result<Vec<(String, i64)>, Error> {
    let rows: Vec<(String, i64)> =
        sqlx::query_as("SELECT reader, position FROM checkpoints WHERE reader LIKE $1 || '%'")
            .bind(beginning)
            .fetch_all(connection)
            .await?;
    let rest = |(reader, position): (String, i64)| {
        Some((reader.strip_prefix(beginning)?.to_owned(), position))
    };
    Ok(rows.into_iter().filter_map(rest).collect())
}

/// Deletes a checkpoint.
pub(crate) async fn forget_checkpoint(
    connection: &mut Connection,
    reader: &str,
) -> Result<(), Error> {
    sqlx::query("DELETE FROM checkpoints WHERE reader = $1")
        .bind(reader)
        .execute(connection)
        .await?;
    Ok(())
}

/// Moves a checkpoint forward.
pub(crate) async fn move_checkpoint(
    connection: &mut Connection,
    reader: &str,
    position: i64,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO checkpoints (reader, position) VALUES ($1, $2) \
         ON CONFLICT (reader) DO UPDATE SET position = excluded.position",
    )
    .bind(reader)
    .bind(position)
    .execute(connection)
    .await?;
    Ok(())
}
