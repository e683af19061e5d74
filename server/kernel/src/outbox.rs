//! The relay: publishes what is in the outbox, in order, and then takes it out.

use std::time::Duration;

use sqlx::SqliteConnection;

use crate::envelope::Recorded;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::streams::{recorded, select_events, whole_units};

const BATCH: i64 = 256;
/// A notice of new rows is only a hint: this often the relay looks without one.
const POLL: Duration = Duration::from_millis(500);

/// The position up to which everything was published before the last stop.
pub(crate) async fn published(connection: &mut SqliteConnection) -> Result<i64, Error> {
    Ok(sqlx::query_scalar(
        "SELECT COALESCE((SELECT MIN(position) - 1 FROM outbox), \
         (SELECT MAX(position) FROM events), 0)",
    )
    .fetch_one(connection)
    .await?)
}

/// Publishes until the kernel closes.
pub(crate) async fn relay(kernel: Kernel) {
    let closing = kernel.closing();
    let mut position = *kernel.inner().bus.published().borrow();
    while !closing.is_cancelled() {
        match pass(&kernel, &mut position).await {
            Ok(0) => {}
            Ok(_) => continue,
            Err(error) => tracing::warn!(%error, cause = ?error, "the relay could not go on"),
        }
        tokio::select! {
            () = closing.cancelled() => {}
            () = kernel.inner().outbox.notified() => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }
}

/// Publishes what follows `position`; returns how many events that were.
async fn pass(kernel: &Kernel, position: &mut i64) -> Result<usize, Error> {
    let mut batch = pending(&mut *kernel.inner().store.read().await?, *position).await?;
    whole_units(&mut batch, BATCH);
    let count = batch.len();
    for recorded in &batch {
        *position = recorded.position;
        tracing::debug!(
            tenant = %recorded.envelope.tenant_id, position = recorded.position,
            event = recorded.envelope.event_type,
            correlation_id = recorded.envelope.correlation_id,
            causation_id = recorded.envelope.causation_id,
            "published"
        );
    }
    kernel.inner().bus.publish(batch);
    if count > 0 {
        let mut turn = kernel.inner().store.turn().await?;
        sqlx::query("DELETE FROM outbox WHERE position <= $1")
            .bind(*position)
            .execute(turn.connection())
            .await?;
        turn.commit().await?;
    }
    Ok(count)
}

async fn pending(connection: &mut SqliteConnection, after: i64) -> Result<Vec<Recorded>, Error> {
    let rows = sqlx::query(select_events!(
        "JOIN outbox o ON o.position = e.position \
         WHERE o.position > $1 ORDER BY o.position LIMIT $2"
    ))
    .bind(after)
    .bind(BATCH)
    .fetch_all(connection)
    .await?;
    Ok(rows.iter().map(recorded).collect::<Result<_, _>>()?)
}
