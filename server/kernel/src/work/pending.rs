//! Timers that have not fired, for people to look at.

use jiff::Timestamp;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::database::Connection;
use crate::delivery::messages::{parsed, time};
use crate::envelope::TenantId;
use crate::error::Error;

/// A timer that has not fired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingTimer {
    /// Its kind.
    pub kind: String,
    /// Its name within tenant and kind.
    pub key: String,
    /// When it is or was due.
    pub due_at: Timestamp,
    /// When its handler is called; later than `due_at` where it has failed.
    pub fire_at: Timestamp,
    /// How often its handler has failed.
    pub attempts: u32,
}

/// Which page of the timers of a tenant is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimerPage<'a> {
    /// Only what is due at this time or was before.
    pub due_by: Option<Timestamp>,
    /// Only what is due later than this.
    pub due_after: Option<Timestamp>,
    /// Only what comes after this kind and key.
    pub after: Option<(&'a str, &'a str)>,
    /// At most so many.
    pub limit: u32,
}

/// Timers of a tenant by kind and key, which is the order they are kept in.
pub(crate) async fn list(
    connection: &mut Connection,
    tenant: &TenantId,
    page: TimerPage<'_>,
) -> Result<Vec<PendingTimer>, Error> {
    let (kind, key) = page.after.unwrap_or_default();
    let rows = sqlx::query(
        "SELECT kind, timer_key, due_at, fire_at, attempts FROM timers WHERE tenant_id = $1 \
         AND (kind, timer_key) > ($2, $3) AND due_at > $4 AND due_at <= $5 \
         ORDER BY kind, timer_key LIMIT $6 + 0",
    )
    .bind(tenant.as_str())
    .bind(kind)
    .bind(key)
    .bind(page.due_after.map_or(i64::MIN, Timestamp::as_microsecond))
    .bind(page.due_by.map_or(i64::MAX, Timestamp::as_microsecond))
    .bind(i64::from(page.limit))
    .fetch_all(connection)
    .await?;
    Ok(rows.iter().map(pending).collect::<Result<_, _>>()?)
}

fn pending(row: &AnyRow) -> Result<PendingTimer, sqlx::Error> {
    Ok(PendingTimer {
        kind: row.try_get("kind")?,
        key: row.try_get("timer_key")?,
        due_at: time(row.try_get("due_at")?)?,
        fire_at: time(row.try_get("fire_at")?)?,
        attempts: parsed(row.try_get::<i64, _>("attempts")?.try_into())?,
    })
}
