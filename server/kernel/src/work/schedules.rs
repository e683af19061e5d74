//! Schedules: what is to be done again and again, by one process at a time.
//!
//! A schedule is a timer that sets itself anew in the transaction of its work, so that it survives
//! restarts and no two processes do the same turn. Turns that were missed are made up by one.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::database::Connection;
use crate::envelope::{Cause, TenantId};
use crate::error::Error;
use crate::handlers::{Handled, Schedule, TimerHandler};
use crate::kernel::Kernel;
use crate::tasks;
use crate::unit::Unit;
use crate::work::timers::{self, NewTimer, Timer};

const PAUSE: Duration = Duration::from_secs(1);

/// When a schedule's turns are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Every {
    period: SignedDuration,
    offset: SignedDuration,
}

impl Every {
    /// A turn each `period`, counted from the Unix epoch: every day means at midnight, UTC.
    ///
    /// A period below a millisecond is taken as one.
    #[must_use]
    pub fn new(period: SignedDuration) -> Self {
        let period = period.max(SignedDuration::from_millis(1));
        Self { period, offset: SignedDuration::ZERO }
    }

    /// So much later each time: every day with an offset of three hours means at 3:00, UTC.
    #[must_use]
    pub fn offset(self, offset: SignedDuration) -> Self {
        Self { offset, ..self }
    }

    /// The first turn after `time`.
    #[must_use]
    pub fn after(&self, time: Timestamp) -> Timestamp {
        let (period, offset) = (self.period.as_micros(), self.offset.as_micros());
        let since = i128::from(time.as_microsecond()) - offset;
        let next = (since.div_euclid(period) + 1) * period + offset;
        let next = i64::try_from(next).ok().map(Timestamp::from_microsecond);
        next.and_then(Result::ok).unwrap_or(Timestamp::MAX)
    }
}

/// A schedule as the timer that it is.
pub(crate) struct Scheduled<S> {
    kind: String,
    schedule: S,
}

impl<S: Schedule> Scheduled<S> {
    pub(crate) fn new(schedule: S) -> Self {
        Self { kind: kind(schedule.name()), schedule }
    }
}

fn kind(name: &str) -> String {
    format!("schedule:{name}")
}

impl<S: Schedule> TimerHandler for Scheduled<S> {
    fn kind(&self) -> &str {
        &self.kind
    }

    async fn fire(&self, timer: &Timer, unit: &mut Unit) -> Handled {
        self.schedule.run(timer.due_at, unit).await?;
        let next = self.schedule.every().after(unit.now().max(timer.due_at));
        Ok(unit.schedule(&self.kind, "", next, &()).await?)
    }
}

/// Sets the timer of a schedule that has none yet, as soon as the database lets it.
pub(crate) async fn begin(kernel: Kernel, name: String, tenant: TenantId, every: Every) {
    let (closing, kind) = (kernel.closing(), kind(&name));
    while let Err(error) = set(&kernel, &kind, &tenant, every).await {
        tracing::warn!(schedule = name, cause = ?error, "a schedule was not begun");
        tokio::select! {
            biased;
            () = closing.cancelled() => return,
            () = tasks::sleep(PAUSE) => {}
        }
    }
}

async fn set(kernel: &Kernel, kind: &str, tenant: &TenantId, every: Every) -> Result<(), Error> {
    let mut turn = kernel.inner().database.turn().await?;
    if is_set(turn.connection(), tenant, kind).await? {
        return turn.rollback().await;
    }
    let due_at = every.after(kernel.now());
    let timer = NewTimer { kind, key: "", due_at, payload: "null".to_owned() };
    timers::insert(turn.connection(), tenant, &Cause::request(kind), timer).await?;
    turn.commit().await?;
    kernel.inner().timers.send_replace(());
    Ok(())
}

async fn is_set(connection: &mut Connection, tenant: &TenantId, kind: &str) -> Result<bool, Error> {
    let timer = sqlx::query("SELECT due_at FROM timers WHERE tenant_id = $1 AND kind = $2");
    let timer = timer.bind(tenant.as_str()).bind(kind).fetch_optional(connection).await?;
    Ok(timer.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_counted_from_the_epoch() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a timestamp");
        let day = Every::new(SignedDuration::from_hours(24));
        let at_three = day.offset(SignedDuration::from_hours(3));
        for (every, time, next) in [
            (day, "2026-01-01T12:00:00Z", "2026-01-02T00:00:00Z"),
            (day, "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"),
            (at_three, "2026-01-02T00:00:00Z", "2026-01-02T03:00:00Z"),
            (at_three, "1969-12-31T12:00:00Z", "1970-01-01T03:00:00Z"),
        ] {
            assert_eq!(every.after(at(time)), at(next), "{time}");
        }
        assert_eq!(day.after(Timestamp::MAX), Timestamp::MAX);
    }
}
