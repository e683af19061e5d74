//! Jobs: work that is done outside a transaction, by one worker at a time, at least once.
//!
//! A worker takes a job for the length of a lease and renews it while it works. A worker that was
//! lost gives its job back that way; one that comes too late is refused by the job's epoch.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::Row;
use sqlx::any::AnyRow;
use symbolon_wire::{TraceParent, spans};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::database::Connection;
use crate::database::dialect::sql;
use crate::delivery::dead_letters::{self, NewLetter};
use crate::delivery::messages::{self, parsed};
use crate::envelope::{Cause, TenantId};
use crate::error::Error;
use crate::faults::{broken, fault};
use crate::handlers::{AnyJobHandler, Handled};
use crate::kernel::Kernel;
use crate::tasks::{self, JoinSet};
use crate::unit::Unit;

const PAUSE: Duration = Duration::from_secs(1);
/// Other processes enqueue too: this often a shared database is looked at.
const POLL: Duration = Duration::from_millis(250);
/// A lease is renewed this often while it lasts.
const RENEWALS: i32 = 3;

/// A job that is about to be put into a queue.
#[derive(Debug, Clone, Copy)]
pub struct NewJob<'a, T: ?Sized> {
    /// The queue.
    pub queue: &'a str,
    /// Within tenant and queue there is one job of a key at a time; a second is not put in.
    pub key: Option<&'a str>,
    /// Not before this time; at once if it is past, or there is none.
    pub run_at: Option<Timestamp>,
    /// What the handler needs to know.
    pub payload: &'a T,
}

/// A job in the hands of a worker.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its id.
    pub id: Uuid,
    /// Whose job it is.
    pub tenant: TenantId,
    /// The queue it was in.
    pub queue: String,
    /// The key it was enqueued under.
    pub key: Option<String>,
    /// Which try this is: 1 for the first.
    pub attempt: u32,
    /// What was enqueued with it.
    pub payload: Value,
    /// Why it was enqueued.
    pub cause: Cause,
    epoch: i64,
    kernel: Kernel,
}

impl Job {
    /// Reads the payload.
    ///
    /// # Errors
    /// When the payload does not have the shape of `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(&self.payload)
    }

    /// Begins the unit of work that ends this job: when it is committed, the job is done. Whoever
    /// writes what came of a job in this unit writes it once.
    ///
    /// # Errors
    /// [`Error::Fenced`] when the job was given to another worker, or ended; otherwise as for
    /// [`Kernel::unit`].
    pub async fn unit(&self) -> Result<Unit, Error> {
        let mut turn = self.kernel.inner().database.turn().await?;
        if !delete(turn.connection(), self).await? {
            turn.rollback().await?;
            return Err(Error::Fenced(self.name()));
        }
        let (tenant, cause) = (self.tenant.clone(), self.cause.clone());
        Ok(Unit::new(&self.kernel, turn, tenant, cause).traced())
    }

    fn name(&self) -> String {
        format!("{}/{}", source(&self.queue), self.id)
    }
}

/// The name under which a queue's dead letters are kept.
pub(crate) fn source(queue: &str) -> String {
    format!("job:{queue}")
}

/// Puts a job in its queue; says whether it is new.
pub(crate) async fn insert<T: Serialize + ?Sized>(
    connection: &mut Connection,
    id: Uuid,
    tenant: &TenantId,
    cause: &Cause,
    job: NewJob<'_, T>,
) -> Result<bool, Error> {
    fault!("job.insert.before");
    let payload = serde_json::to_string(job.payload)?;
    // At once whatever becomes of the clock.
    let run_at = job.run_at.map_or(0, Timestamp::as_microsecond);
    let inserted = sqlx::query(
        "INSERT INTO jobs (id, tenant_id, queue, job_key, run_at, attempts, epoch, payload, \
         correlation_id, causation_id, traceparent) \
         VALUES ($1, $2, $3, $4, $5, 0, 0, $6, $7, $8, $9) \
         ON CONFLICT (tenant_id, queue, job_key) DO NOTHING",
    )
    .bind(id.to_string())
    .bind(tenant.as_str())
    .bind(job.queue)
    .bind(job.key)
    .bind(run_at)
    .bind(payload)
    .bind(&cause.correlation_id)
    .bind(&cause.causation_id)
    .bind(cause.traceparent.map(|it| it.to_string()))
    .execute(connection)
    .await?;
    fault!("job.insert.after");
    Ok(inserted.rows_affected() > 0)
}

/// A job as a dead letter keeps it.
#[derive(Serialize, Deserialize)]
struct Given {
    queue: String,
    key: Option<String>,
    payload: Value,
    correlation_id: String,
    causation_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    traceparent: Option<TraceParent>,
}

/// Puts a job that was given up into its queue again; not, if one of its key is there. Says
/// whether it did.
pub(crate) async fn revive(
    connection: &mut Connection,
    id: Uuid,
    tenant: &TenantId,
    payload: &[u8],
) -> Result<bool, Error> {
    let given: Given = serde_json::from_slice(payload)?;
    let Given { correlation_id, causation_id, traceparent, .. } = given;
    let cause = Cause { correlation_id, causation_id, traceparent };
    let job = NewJob {
        queue: &given.queue,
        key: given.key.as_deref(),
        run_at: None,
        payload: &given.payload,
    };
    insert(connection, id, tenant, &cause, job).await
}

/// Works on the jobs of a queue until the kernel closes, then waits for what is running.
pub(crate) async fn run(kernel: Kernel, handler: Arc<dyn AnyJobHandler>) {
    let closing = kernel.closing();
    let mut changed = kernel.inner().jobs.subscribe();
    let clock = kernel.clock();
    let is_shared = kernel.inner().database.is_shared();
    let limit = kernel.inner().settings.concurrency;
    let mut tasks = JoinSet::new();
    while !closing.is_cancelled() {
        changed.mark_unchanged();
        let found = match limit - tasks.len() {
            0 => Ok((Vec::new(), None)),
            free => take(&kernel, handler.queue(), handler.lease(), free).await,
        };
        let (jobs, next) = match found {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(queue = handler.queue(), cause = ?error, "no jobs were taken");
                tokio::select! {
                    biased;
                    () = closing.cancelled() => {}
                    () = tasks::sleep(PAUSE) => {}
                }
                continue;
            }
        };
        for job in jobs {
            tasks.spawn(work(kernel.clone(), Arc::clone(&handler), job));
        }
        tokio::select! {
            biased;
            () = closing.cancelled() => {}
            Some(_) = tasks.join_next() => {}
            Ok(()) = changed.changed() => {}
            () = tasks::sleep(POLL), if is_shared => {}
            () = clock.sleep_until(next.unwrap_or(Timestamp::MAX)), if next.is_some() => {}
        }
    }
    while tasks.join_next().await.is_some() {}
}

/// One try of a job, and what follows from it.
async fn work(kernel: Kernel, handler: Arc<dyn AnyJobHandler>, job: Job) {
    let _running = kernel.inner().counts.running(handler.queue());
    if job.attempt > kernel.inner().settings.attempts {
        return settle(&kernel, &job, "its workers were lost").await;
    }
    let (mut trial, running) = (job.clone(), Arc::clone(&handler));
    let span = crate::spans::work(&job);
    trial.cause.traceparent = spans::place(&span, trial.cause.traceparent);
    // A task of its own, so that a panic of the handler is one more way to fail.
    let mut trial = tasks::spawn(async move { running.run(&trial).await }.instrument(span.clone()));
    let lasting = handler.lease();
    let every = Duration::try_from(lasting / RENEWALS).unwrap_or(PAUSE);
    let handled: Handled = loop {
        tokio::select! {
            biased;
            ended = &mut trial => break ended.unwrap_or_else(|stopped| Err(stopped.into())),
            () = tasks::sleep(every) => match renew(&kernel, &job, lasting).await {
                Ok(true) => {}
                // It is another's by now, or was ended by the handler itself.
                Ok(false) => match (&mut trial).await {
                    Ok(Ok(())) => return,
                    Ok(Err(error)) => {
                        return tracing::warn!(job = job.name(), error, "a lost job has failed");
                    }
                    Err(stopped) => {
                        return tracing::warn!(job = job.name(), %stopped, "a lost job panicked");
                    }
                },
                Err(error) => {
                    tracing::warn!(job = job.name(), cause = ?error, "a job was not renewed");
                }
            },
        }
    };
    match handled {
        Ok(()) => finish(&kernel, &job).await,
        Err(error) => {
            spans::fail(&span);
            settle(&kernel, &job, &error.to_string()).await;
        }
    }
}

/// Ends a job whose handler has not done so in a unit of its own.
async fn finish(kernel: &Kernel, job: &Job) {
    let ended = async {
        let mut turn = kernel.inner().database.turn().await?;
        delete(turn.connection(), job).await?;
        turn.commit().await
    };
    // It runs again when its lease is over: at least once.
    if let Err(error) = ended.await {
        tracing::warn!(job = job.name(), cause = ?error, "a job was done and could not be ended");
    }
}

/// After a failure: it is tried again later, or given up.
async fn settle(kernel: &Kernel, job: &Job, reason: &str) {
    let is_over = job.attempt >= kernel.inner().settings.attempts;
    let settled = match is_over {
        true => give_up(kernel, job, reason).await,
        false => postpone(kernel, job).await,
    };
    let attempt = job.attempt;
    match (settled, is_over) {
        (Ok(()), true) => tracing::error!(job = job.name(), attempt, reason, "given up"),
        (Ok(()), false) => tracing::warn!(job = job.name(), attempt, reason, "a job has failed"),
        (Err(error), _) => {
            tracing::warn!(job = job.name(), reason, cause = ?error, "a failure was not noted");
        }
    }
}

async fn give_up(kernel: &Kernel, job: &Job, reason: &str) -> Result<(), Error> {
    let mut turn = kernel.inner().database.turn().await?;
    if !delete(turn.connection(), job).await? {
        return turn.rollback().await;
    }
    let Cause { correlation_id, causation_id, traceparent } = job.cause.clone();
    let given = Given {
        queue: job.queue.clone(),
        key: job.key.clone(),
        payload: job.payload.clone(),
        correlation_id,
        causation_id,
        traceparent,
    };
    let letter = NewLetter {
        id: kernel.new_id(),
        tenant: &job.tenant,
        source: &source(&job.queue),
        channel: "",
        spot: None,
        subject: job.key.as_deref().unwrap_or_default(),
        reason,
        attempts: job.attempt,
        failed_at: kernel.now(),
        payload: &serde_json::to_vec(&given)?,
    };
    dead_letters::insert(turn.connection(), letter).await?;
    turn.commit().await
}

async fn postpone(kernel: &Kernel, job: &Job) -> Result<(), Error> {
    let mut turn = kernel.inner().database.turn().await?;
    let run_at = kernel.inner().settings.backoff.after(kernel.clock().now(), job.attempt);
    move_on(turn.connection(), job, run_at).await?;
    turn.commit().await?;
    kernel.inner().jobs.send_replace(());
    Ok(())
}

async fn renew(kernel: &Kernel, job: &Job, lasting: SignedDuration) -> Result<bool, Error> {
    let mut turn = kernel.inner().database.turn().await?;
    let run_at = kernel.clock().now().saturating_add(lasting).unwrap_or(Timestamp::MAX);
    let renewed = move_on(turn.connection(), job, run_at).await?;
    turn.commit().await?;
    Ok(renewed)
}

/// Moves a job on in time, if it still is this worker's; says whether it is.
async fn move_on(connection: &mut Connection, job: &Job, to: Timestamp) -> Result<bool, Error> {
    let moved = sqlx::query("UPDATE jobs SET run_at = $3 WHERE id = $1 AND epoch = $2")
        .bind(job.id.to_string())
        .bind(job.epoch)
        .bind(to.as_microsecond())
        .execute(connection)
        .await?;
    Ok(moved.rows_affected() > 0)
}

/// Ends a job, if it still is this worker's; says whether it was.
async fn delete(connection: &mut Connection, job: &Job) -> Result<bool, Error> {
    fault!("job.end.before");
    if broken!(JobKept) {
        return Ok(true);
    }
    let deleted = sqlx::query("DELETE FROM jobs WHERE id = $1 AND epoch = $2")
        .bind(job.id.to_string())
        .bind(job.epoch)
        .execute(connection)
        .await?;
    fault!("job.end.after");
    Ok(deleted.rows_affected() > 0)
}

/// Takes what is due, and tells when the next job will be.
async fn take(
    kernel: &Kernel,
    queue: &str,
    lasting: SignedDuration,
    limit: usize,
) -> Result<(Vec<Job>, Option<Timestamp>), Error> {
    let now = kernel.clock().now();
    let mut snapshot = kernel.inner().database.read().await?;
    let next: Option<i64> = sqlx::query_scalar("SELECT MIN(run_at) FROM jobs WHERE queue = $1")
        .bind(queue)
        .fetch_one(snapshot.connection())
        .await?;
    drop(snapshot);
    let next = next.map(crate::delivery::messages::time).transpose()?;
    if next.is_none_or(|next| next > now) {
        return Ok((Vec::new(), next));
    }
    let mut turn = kernel.inner().database.turn().await?;
    fault!("job.take.before");
    let update = sql!(
        kernel.inner().database.dialect(),
        "UPDATE jobs SET run_at = $3, attempts = attempts + 1, epoch = epoch + 1 \
         WHERE id IN (SELECT id FROM jobs WHERE queue = $1 AND run_at <= $2 \
         ORDER BY run_at, id LIMIT $4 + 0",
        claim,
        ") RETURNING id, tenant_id, job_key, attempts, epoch, payload, correlation_id, \
         causation_id, traceparent"
    );
    let until = now.saturating_add(lasting).unwrap_or(Timestamp::MAX);
    let rows = sqlx::query(update)
        .bind(queue)
        .bind(now.as_microsecond())
        .bind(until.as_microsecond())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(turn.connection())
        .await?;
    turn.commit().await?;
    fault!("job.take.after");
    let jobs = rows.iter().map(|row| job(kernel, queue, row));
    // There may be more at once.
    Ok((jobs.collect::<Result<_, _>>()?, Some(now)))
}

fn job(kernel: &Kernel, queue: &str, row: &AnyRow) -> Result<Job, sqlx::Error> {
    Ok(Job {
        id: parsed(Uuid::parse_str(row.try_get("id")?))?,
        tenant: parsed(TenantId::new(row.try_get::<String, _>("tenant_id")?))?,
        queue: queue.to_owned(),
        key: row.try_get("job_key")?,
        attempt: parsed(row.try_get::<i64, _>("attempts")?.try_into())?,
        payload: parsed(serde_json::from_str(row.try_get("payload")?))?,
        cause: messages::cause(row)?,
        epoch: row.try_get("epoch")?,
        kernel: kernel.clone(),
    })
}
