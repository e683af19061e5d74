//! Runs a projection: events in the order of commit, written together with the checkpoint.

use std::sync::Arc;
use std::time::Duration;

use crate::database::Connection;
use crate::envelope::{Cause, Recorded};
use crate::error::Error;
use crate::handlers::{AnyProjection, BoxError, ReadModel};
use crate::inbox::checkpoint;
use crate::kernel::Kernel;
use crate::leases::Lease;
use crate::messages;
use crate::unit::Unit;

const BATCH: i64 = 256;
const PAUSE: Duration = Duration::from_secs(1);

/// The name under which a projection's checkpoint is kept.
pub(crate) fn reader(projection: &str) -> String {
    format!("projection:{projection}")
}

/// Projects until the lease ends.
pub(crate) async fn run(kernel: Kernel, projection: Arc<dyn AnyProjection>, lease: Lease) {
    let ended = lease.ended();
    let reader = reader(projection.name());
    let mut published = kernel.inner().bus.published();
    let (mut limit, mut attempts) = (BATCH, 0);
    while !ended.is_cancelled() {
        let through = *published.borrow_and_update();
        let batch = match next(&kernel, &reader, through, limit).await {
            Ok(batch) => batch,
            Err(error) => {
                tracing::warn!(reader, cause = ?error, "a projection could not read on");
                tokio::select! {
                    () = ended.cancelled() => {}
                    () = tokio::time::sleep(PAUSE) => {}
                }
                continue;
            }
        };
        if batch.is_empty() {
            tokio::select! {
                () = ended.cancelled() => {}
                Ok(()) = published.changed() => {}
            }
            continue;
        }
        let step = step(kernel.clone(), Arc::clone(&projection), lease.clone(), batch);
        // A task of its own, so that a panic of the projection is one more way to fail.
        let applied = match tokio::spawn(step).await {
            Ok(applied) => applied,
            Err(stopped) => Err(stopped.into()),
        };
        let Err(error) = applied else {
            (limit, attempts) = ((limit * 2).min(BATCH), 0);
            continue;
        };
        tracing::warn!(reader, error, attempts, "a projection failed");
        // One at a time up to the event that fails; that one is tried again and again.
        if limit == 1 {
            attempts += 1;
            let clock = &kernel.inner().stamps.clock;
            let retry_at = kernel.inner().settings.backoff.after(clock.now(), attempts);
            tokio::select! {
                () = ended.cancelled() => {}
                () = clock.sleep_until(retry_at) => {}
            }
        }
        limit = 1;
    }
}

struct Batch {
    from: i64,
    through: i64,
    events: Vec<Recorded>,
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.from >= self.through
    }
}

async fn next(kernel: &Kernel, reader: &str, through: i64, limit: i64) -> Result<Batch, Error> {
    let mut snapshot = kernel.inner().database.read().await?;
    let from = checkpoint(snapshot.connection(), reader).await?;
    let (units, mut events): (Vec<i64>, Vec<Recorded>) =
        messages::log(snapshot.connection(), from, through, limit).await?.into_iter().unzip();
    let is_full = events.len() as i64 == limit;
    events.truncate(messages::whole_units(&units, limit));
    let through = match events.last() {
        Some(last) if is_full => last.position,
        Some(_) | None => through,
    };
    Ok(Batch { from, through, events })
}

async fn step(
    kernel: Kernel,
    projection: Arc<dyn AnyProjection>,
    lease: Lease,
    batch: Batch,
) -> Result<(), BoxError> {
    let reader = reader(projection.name());
    let mut turn = kernel.inner().database.turn().await?;
    lease.hold(turn.connection()).await?;
    let Some(first) = batch.events.first() else {
        advance(turn.connection(), &reader, &batch).await?;
        return Ok(turn.commit().await?);
    };
    let tenant = first.envelope.tenant_id.clone();
    let mut unit = Unit::new(&kernel, turn, tenant, Cause::event(&first.envelope));
    for recorded in &batch.events {
        if !projection.accepts(&recorded.envelope.event_type) {
            continue;
        }
        unit.turn_to(&recorded.envelope);
        projection.apply(&recorded.envelope, &mut ReadModel::new(&mut unit)).await?;
    }
    advance(unit.sql().1, &reader, &batch).await?;
    Ok(unit.commit().await?)
}

/// Moves the checkpoint, if it still is where this batch began.
async fn advance(connection: &mut Connection, reader: &str, batch: &Batch) -> Result<(), Error> {
    let moved = sqlx::query(
        "INSERT INTO checkpoints (reader, position) VALUES ($1, $2) ON CONFLICT (reader) \
         DO UPDATE SET position = excluded.position WHERE checkpoints.position = $3",
    )
    .bind(reader)
    .bind(batch.through)
    .bind(batch.from)
    .execute(connection)
    .await?;
    match moved.rows_affected() {
        0 => Err(Error::Checkpoint(reader.to_owned())),
        _ => Ok(()),
    }
}
