//! Persisted timers: they fire at least once, never early, and all that are overdue after a start.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::Row;
use sqlx::any::AnyRow;
use symbolon_wire::spans;
use tracing::Instrument as _;

use crate::database::dialect::sql;
use crate::database::{Connection, Dialect};
use crate::delivery::messages::{self, parsed, time};
use crate::envelope::{Cause, TenantId};
use crate::error::Error;
use crate::faults::{broken, fault};
use crate::handlers::{AnyTimerHandler, Handled};
use crate::kernel::Kernel;
use crate::tasks::{self, Id, JoinSet};
use crate::unit::Unit;

const PAUSE: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(250);

/// A timer that is due.
#[derive(Debug, Clone, PartialEq)]
pub struct Timer {
    /// Whose timer it is.
    pub tenant: TenantId,
    /// Its kind.
    pub kind: String,
    /// Its name within tenant and kind.
    pub key: String,
    /// When it was due; the time is this or later.
    pub due_at: Timestamp,
    /// How often its handler has failed.
    pub attempts: u32,
    /// What was scheduled with it.
    pub payload: Value,
}

impl Timer {
    /// Reads the payload.
    ///
    /// # Errors
    /// When the payload does not have the shape of `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(&self.payload)
    }
}

pub(crate) struct NewTimer<'a> {
    pub(crate) kind: &'a str,
    pub(crate) key: &'a str,
    pub(crate) due_at: Timestamp,
    pub(crate) payload: String,
}

pub(crate) async fn insert(
    connection: &mut Connection,
    tenant: &TenantId,
    cause: &Cause,
    timer: NewTimer<'_>,
) -> Result<(), Error> {
    fault!("timer.insert.before");
    sqlx::query(
        "INSERT INTO timers (tenant_id, kind, timer_key, due_at, fire_at, attempts, payload, \
         correlation_id, causation_id, traceparent) VALUES ($1, $2, $3, $4, $4, 0, $5, $6, $7, $8) \
         ON CONFLICT (tenant_id, kind, timer_key) DO UPDATE SET due_at = excluded.due_at, \
         fire_at = excluded.fire_at, attempts = 0, payload = excluded.payload, \
         correlation_id = excluded.correlation_id, causation_id = excluded.causation_id, \
         traceparent = excluded.traceparent",
    )
    .bind(tenant.as_str())
    .bind(timer.kind)
    .bind(timer.key)
    .bind(ceiling_micros(timer.due_at))
    .bind(timer.payload)
    .bind(&cause.correlation_id)
    .bind(&cause.causation_id)
    .bind(cause.traceparent.map(|it| it.to_string()))
    .execute(connection)
    .await?;
    fault!("timer.insert.after");
    Ok(())
}

/// Rounded up: a timer rounded down would fire early. The end of time is as late as it gets.
pub(crate) fn ceiling_micros(at: Timestamp) -> i64 {
    // Microseconds of the last second cannot be read again.
    let last = Timestamp::MAX.as_second() * 1_000_000;
    let micros = at.as_microsecond().min(last);
    match Timestamp::from_microsecond(micros) {
        Ok(rounded) if rounded < at => last.min(micros + 1),
        Ok(_) | Err(_) => micros,
    }
}

pub(crate) async fn delete(
    connection: &mut Connection,
    tenant: &TenantId,
    kind: &str,
    key: &str,
) -> Result<bool, Error> {
    let deleted =
        sqlx::query("DELETE FROM timers WHERE tenant_id = $1 AND kind = $2 AND timer_key = $3")
            .bind(tenant.as_str())
            .bind(kind)
            .bind(key)
            .execute(connection)
            .await?;
    Ok(deleted.rows_affected() > 0)
}

/// Removes a timer, unless it fires right now: then its handler finds that there is nothing to do.
/// Waiting for that handler could be waiting for each other.
pub(crate) async fn delete_unless_firing(
    connection: &mut Connection,
    tenant: &TenantId,
    kind: &str,
    key: &str,
) -> Result<(), Error> {
    let delete = sql!(
        Dialect::of(connection),
        "DELETE FROM timers WHERE tenant_id = $1 AND kind = $2 AND timer_key = \
         (SELECT timer_key FROM timers WHERE tenant_id = $1 AND kind = $2 AND timer_key = $3",
        claim,
        ")"
    );
    sqlx::query(delete).bind(tenant.as_str()).bind(kind).bind(key).execute(connection).await?;
    Ok(())
}

type TimerKey = (TenantId, String);

struct Runner {
    kernel: Kernel,
    handler: Arc<dyn AnyTimerHandler>,
    tasks: JoinSet<()>,
    firing: HashMap<TimerKey, Id>,
}

/// Fires the timers of one kind until the kernel closes, then waits for what is running.
pub(crate) async fn run(kernel: Kernel, handler: Arc<dyn AnyTimerHandler>) {
    let closing = kernel.closing();
    let mut changed = kernel.inner().timers.subscribe();
    let clock = Arc::clone(&kernel.inner().stamps.clock);
    let is_shared = kernel.inner().database.is_shared();
    let mut runner = Runner { kernel, handler, tasks: JoinSet::new(), firing: HashMap::new() };
    while !closing.is_cancelled() {
        changed.mark_unchanged();
        let next = match runner.fire_due().await {
            Ok(next) => next,
            Err(error) => {
                let kind = runner.handler.kind();
                tracing::warn!(kind, cause = ?error, "timers could not be read");
                tokio::select! {
                    biased;
                    () = closing.cancelled() => {}
                    () = tasks::sleep(PAUSE) => {}
                }
                continue;
            }
        };
        tokio::select! {
            biased;
            () = closing.cancelled() => {}
            Some(fired) = runner.tasks.join_next_with_id() => {
                let id = fired.map_or_else(|stopped| stopped.id(), |(id, ())| id);
                runner.firing.retain(|_, task| *task != id);
            }
            Ok(()) = changed.changed() => {}
            // Other processes schedule too.
            () = tasks::sleep(POLL), if is_shared => {}
            () = clock.sleep_until(next.unwrap_or(Timestamp::MAX)), if next.is_some() => {}
        }
    }
    while runner.tasks.join_next().await.is_some() {}
}

impl Runner {
    /// Starts what is due and returns when the next one will be.
    async fn fire_due(&mut self) -> Result<Option<Timestamp>, Error> {
        let inner = self.kernel.inner();
        let now = inner.stamps.clock.now();
        let limit = inner.settings.concurrency;
        let mut snapshot = inner.database.read().await?;
        let until = if broken!(TimerEarly) { Timestamp::MAX } else { now };
        for due in due(snapshot.connection(), self.handler.kind(), until, limit).await? {
            if self.tasks.len() >= limit {
                break;
            }
            if self.firing.contains_key(&due) {
                continue;
            }
            let (kernel, handler) = (self.kernel.clone(), Arc::clone(&self.handler));
            let (tenant, key) = due.clone();
            let task = self.tasks.spawn(attempt(kernel, handler, tenant, key));
            self.firing.insert(due, task.id());
        }
        next_after(snapshot.connection(), self.handler.kind(), now).await
    }
}

/// Fires one timer; if that fails, moves it on.
async fn attempt(kernel: Kernel, handler: Arc<dyn AnyTimerHandler>, tenant: TenantId, key: String) {
    let kind = handler.kind().to_owned();
    let firing = fire(kernel.clone(), handler, tenant.clone(), key.clone());
    // A task of its own, so that a panic of the handler is one more way to fail.
    let handled = match tasks::spawn(firing).await {
        Ok(handled) => handled,
        Err(stopped) => Err(stopped.into()),
    };
    let Err(error) = handled else { return };
    tracing::warn!(kind, %tenant, key, error, "a timer could not be handled");
    if let Err(error) = postpone(&kernel, &tenant, &kind, &key).await {
        tracing::warn!(kind, %tenant, key, cause = ?error, "a timer could not be moved on");
        tasks::sleep(PAUSE).await;
    }
}

async fn fire(
    kernel: Kernel,
    handler: Arc<dyn AnyTimerHandler>,
    tenant: TenantId,
    key: String,
) -> Handled {
    let mut turn = kernel.inner().database.turn().await?;
    // The clock may be set back before the handler asks for the time.
    let now = kernel.inner().stamps.look();
    let now = if broken!(TimerEarly) { Timestamp::MAX } else { now }.as_microsecond();
    let select = sql!(
        kernel.inner().database.dialect(),
        "SELECT due_at, attempts, payload, correlation_id, causation_id, traceparent \
         FROM timers WHERE tenant_id = $1 AND kind = $2 AND timer_key = $3 AND fire_at <= $4",
        claim
    );
    let row = sqlx::query(select)
        .bind(tenant.as_str())
        .bind(handler.kind())
        .bind(&key)
        .bind(now)
        .fetch_optional(turn.connection())
        .await?;
    // Removed or moved on since it was found to be due, or another process fires it.
    let Some(row) = row else { return Ok(turn.rollback().await?) };
    fault!("timer.fire.before");
    // Deleted first: the handler may schedule it anew.
    if !broken!(TimerKept) {
        delete(turn.connection(), &tenant, handler.kind(), &key).await?;
    }
    let (timer, cause) = read(&row, tenant, handler.kind(), key)?;
    let span = crate::spans::fire(handler.kind(), &timer.tenant, cause.traceparent);
    let place = spans::place(&span, cause.traceparent);
    let mut unit = Unit::new(&kernel, turn, timer.tenant.clone(), cause.traced(place)).traced();
    match handler.fire(&timer, &mut unit).instrument(span.clone()).await {
        Ok(()) => {
            fault!("timer.fire.after");
            Ok(unit.commit().await?)
        }
        Err(error) => {
            spans::fail(&span);
            unit.rollback().await?;
            Err(error)
        }
    }
}

fn read(
    row: &AnyRow,
    tenant: TenantId,
    kind: &str,
    key: String,
) -> Result<(Timer, Cause), sqlx::Error> {
    let cause = messages::cause(row)?;
    let timer = Timer {
        tenant,
        kind: kind.to_owned(),
        key,
        due_at: time(row.try_get("due_at")?)?,
        attempts: parsed(row.try_get::<i64, _>("attempts")?.try_into())?,
        payload: parsed(serde_json::from_str(row.try_get("payload")?))?,
    };
    Ok((timer, cause))
}

async fn postpone(kernel: &Kernel, tenant: &TenantId, kind: &str, key: &str) -> Result<(), Error> {
    let mut turn = kernel.inner().database.turn().await?;
    fault!("timer.postpone.before");
    let now = kernel.inner().stamps.clock.now();
    let attempts: Option<i64> = sqlx::query_scalar(
        "UPDATE timers SET attempts = attempts + 1 WHERE tenant_id = $1 AND kind = $2 \
         AND timer_key = $3 AND fire_at <= $4 RETURNING attempts",
    )
    .bind(tenant.as_str())
    .bind(kind)
    .bind(key)
    .bind(now.as_microsecond())
    .fetch_optional(turn.connection())
    .await?;
    if let Some(attempts) = attempts {
        let attempts = u32::try_from(attempts).unwrap_or(u32::MAX);
        let retry_at = kernel.inner().settings.backoff.after(now, attempts);
        sqlx::query(
            "UPDATE timers SET fire_at = $4 \
             WHERE tenant_id = $1 AND kind = $2 AND timer_key = $3",
        )
        .bind(tenant.as_str())
        .bind(kind)
        .bind(key)
        .bind(retry_at.as_microsecond())
        .execute(turn.connection())
        .await?;
    }
    turn.commit().await
}

async fn due(
    connection: &mut Connection,
    kind: &str,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<TimerKey>, Error> {
    let rows = sqlx::query(
        "SELECT tenant_id, timer_key FROM timers WHERE kind = $1 AND fire_at <= $2 \
         ORDER BY fire_at LIMIT $3 + 0",
    )
    .bind(kind)
    .bind(now.as_microsecond())
    // Those that are firing are among the first.
    .bind(i64::try_from(limit.saturating_mul(2)).unwrap_or(i64::MAX))
    .fetch_all(connection)
    .await?;
    let keys = rows.iter().map(|row| {
        let tenant = parsed(TenantId::new(row.try_get::<String, _>("tenant_id")?))?;
        Ok::<_, sqlx::Error>((tenant, row.try_get("timer_key")?))
    });
    Ok(keys.collect::<Result<_, _>>()?)
}

async fn next_after(
    connection: &mut Connection,
    kind: &str,
    now: Timestamp,
) -> Result<Option<Timestamp>, Error> {
    let next: Option<i64> =
        sqlx::query_scalar("SELECT MIN(fire_at) FROM timers WHERE kind = $1 AND fire_at > $2")
            .bind(kind)
            .bind(now.as_microsecond())
            .fetch_one(connection)
            .await?;
    Ok(next.map(time).transpose()?)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn what_is_rounded_up_is_never_early_and_can_be_read_again() {
        let micros = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1);
        let nano = SignedDuration::from_nanos(1);
        let before_the_epoch = Timestamp::UNIX_EPOCH - SignedDuration::from_micros(1);
        for (at, expected) in [
            (micros, 1_000_000),
            (micros + nano, 1_000_001),
            (micros - nano, 1_000_000),
            (before_the_epoch + nano, 0),
            (before_the_epoch - nano, -1),
        ] {
            assert_eq!(ceiling_micros(at), expected, "{at}");
        }
        for at in [Timestamp::MIN, Timestamp::MAX] {
            assert!(time(ceiling_micros(at)).is_ok(), "{at}");
        }
    }
}
