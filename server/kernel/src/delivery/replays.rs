//! Handles dead letters again that a person has marked for replay, one at a time.
//!
//! A letter is one attempt: if it fails, it is a dead letter again, with its new reason.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::delivery::dead_letters::{self, Replay};
use crate::delivery::inbox;
use crate::envelope::{Cause, Envelope};
use crate::error::Error;
use crate::faults::fault;
use crate::handlers::{AnyConsumer, Handled};
use crate::kernel::Kernel;
use crate::tasks;
use crate::unit::Unit;
use crate::work::leases::Lease;

const BATCH: i64 = 64;
/// Letters may be marked in another process: this often they are looked for without a notice.
const POLL: Duration = Duration::from_secs(1);

/// Replays the letters of a consumer until the lease ends.
pub(crate) async fn run(kernel: Kernel, consumer: Arc<dyn AnyConsumer>, lease: Lease) {
    let source = inbox::reader(consumer.name());
    let mut marked = kernel.inner().replays.subscribe();
    while !lease.ended().is_cancelled() {
        marked.mark_unchanged();
        match next(&kernel, &source).await {
            Ok(found) if found.is_empty() => {}
            Ok(found) => {
                for id in found {
                    attempt(&kernel, &consumer, &lease, id).await;
                }
                continue;
            }
            Err(error) => tracing::warn!(source, cause = ?error, "no dead letters were read"),
        }
        tokio::select! {
            biased;
            () = lease.ended().cancelled() => {}
            Ok(()) = marked.changed() => {}
            () = tasks::sleep(POLL) => {}
        }
    }
}

async fn next(kernel: &Kernel, source: &str) -> Result<Vec<Uuid>, Error> {
    let mut snapshot = kernel.inner().database.read().await?;
    dead_letters::to_replay(snapshot.connection(), source, kernel.now(), BATCH).await
}

async fn attempt(kernel: &Kernel, consumer: &Arc<dyn AnyConsumer>, lease: &Lease, id: Uuid) {
    let replay = replay(kernel.clone(), Arc::clone(consumer), lease.clone(), id);
    // A task of its own, so that a panic of the handler is one more way to fail.
    let handled = match tasks::spawn(replay).await {
        Ok(handled) => handled,
        Err(stopped) => Err(stopped.into()),
    };
    let Err(error) = handled else { return };
    let reason = error.to_string();
    tracing::warn!(consumer = consumer.name(), letter = %id, reason, "a replay has failed");
    if let Err(error) = put_back(kernel, lease, id, &reason).await {
        tracing::warn!(letter = %id, cause = ?error, "a failed replay was not noted");
        tasks::sleep(POLL).await;
    }
}

async fn replay(kernel: Kernel, consumer: Arc<dyn AnyConsumer>, lease: Lease, id: Uuid) -> Handled {
    let mut turn = kernel.inner().database.turn().await?;
    lease.hold(turn.connection()).await?;
    let Some(Replay { channel, payload }) = dead_letters::take(turn.connection(), id).await? else {
        return Ok(turn.rollback().await?);
    };
    fault!("letter.replay.before");
    let event: Envelope = serde_json::from_slice(&payload)?;
    let event = Envelope { channel, ..event };
    let mut unit = Unit::new(&kernel, turn, event.tenant_id.clone(), Cause::event(&event));
    match consumer.handle(&event, &mut unit).await {
        Ok(()) => Ok(unit.commit().await?),
        Err(error) => {
            unit.rollback().await?;
            Err(error)
        }
    }
}

/// It is a dead letter again.
async fn put_back(kernel: &Kernel, lease: &Lease, id: Uuid, reason: &str) -> Result<(), Error> {
    let mut turn = kernel.inner().database.turn().await?;
    lease.hold(turn.connection()).await?;
    dead_letters::fail(turn.connection(), id, reason, kernel.now()).await?;
    turn.commit().await
}
