//! Calls that no command brings any more: a version that knew no commands has accepted them, or one
//! has passed over theirs. A worker looks for them once, when it starts.

use std::time::Duration;

use calls_wire::types::ServiceCallStatus;
use symbolon_kernel::{BoxError, Cause, Kernel, TenantId};

use super::events::Unreadable;
use super::execution::{DUE, Queue};
use super::rules::{self, Call};
use super::{store, stream};

/// How many are looked for together.
const BATCH: usize = 256;
const PAUSE: Duration = Duration::from_secs(1);

/// Queues those whose turn it is, and sets the timers of the others. A command that comes all the
/// same changes nothing.
pub(crate) async fn take_up(kernel: Kernel, queue: Queue, operator: TenantId) {
    let closing = kernel.closing();
    loop {
        let taken = tokio::select! {
            () = closing.cancelled() => return,
            taken = all(&kernel, &queue, &operator) => taken,
        };
        match taken {
            Ok(0) => return,
            Ok(calls) => {
                return tracing::info!(calls, "taken up that were neither queued nor timed");
            }
            Err(error) => tracing::warn!(error, "calls that wait could not be looked for"),
        }
        tokio::select! {
            () = closing.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

/// Returns how many there were.
async fn all(kernel: &Kernel, queue: &Queue, operator: &TenantId) -> Result<usize, BoxError> {
    let (mut after, mut count) = (None, 0);
    loop {
        let mut view = kernel.read(operator).await?;
        let mut found = store::overlooked(view.sql().1, DUE, after.as_ref(), BATCH).await?;
        drop(view);
        for (tenant, id) in &found {
            match take(kernel, queue, tenant, id).await {
                Ok(is_taken) => count += usize::from(is_taken),
                Err(error) if error.is::<Unreadable>() => {
                    tracing::error!(%tenant, service_call_id = id, error, "a call is left out");
                }
                Err(error) => return Err(error),
            }
        }
        if found.len() < BATCH {
            return Ok(count);
        }
        after = found.pop();
    }
}

/// Says whether there was something to do about a call.
async fn take(
    kernel: &Kernel,
    queue: &Queue,
    tenant: &TenantId,
    id: &str,
) -> Result<bool, BoxError> {
    let mut opening = kernel.opening(tenant).await?;
    let events = opening.load(&stream(id)).await?;
    let (Some(call), Some(last)) = (Call::fold(&events)?, events.last()) else {
        opening.rollback().await?;
        return Ok(false);
    };
    let mut unit = opening.caused_by(Cause::event(last));
    if rules::may_start(&call) {
        queue.add(id, &mut unit).await?;
    } else if let (ServiceCallStatus::Scheduled, Some(due_at)) = (call.status, call.due_at) {
        unit.schedule(DUE, id, due_at, &()).await?;
    } else {
        unit.rollback().await?;
        return Ok(false);
    }
    unit.commit().await?;
    Ok(true)
}
