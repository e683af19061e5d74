//! The audit log: who did what to what, appended in the transaction of what was done.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::database::dialect::sql;
use crate::database::{Connection, Dialect};
use crate::delivery::messages::{parsed, time};
use crate::envelope::{Cause, TenantId};
use crate::error::Error;
use crate::faults::fault;

/// What somebody did, to be written down.
///
/// Put no secret in it, and no personal data that may have to be forgotten: nothing is ever
/// removed from the audit log.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// What was done, e.g. `limits.changed`.
    pub action: String,
    /// To what, e.g. `account/7`.
    pub subject: String,
    /// Who did it; none when it was the system itself.
    pub actor: Option<String>,
    /// What else is to be known about it.
    pub detail: Value,
}

impl Action {
    /// Something that was done to a subject, by nobody yet.
    pub fn new(action: impl Into<String>, subject: impl Into<String>) -> Self {
        let (action, subject) = (action.into(), subject.into());
        Self { action, subject, actor: None, detail: Value::Null }
    }

    /// Says who did it.
    #[must_use]
    pub fn by(mut self, actor: impl Into<String>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// Adds what else is to be known about it.
    ///
    /// # Errors
    /// When `detail` cannot be written as JSON.
    pub fn detail<T: Serialize + ?Sized>(mut self, detail: &T) -> Result<Self, serde_json::Error> {
        self.detail = serde_json::to_value(detail)?;
        Ok(self)
    }
}

/// An action as it was written down.
#[derive(Debug, Clone, PartialEq)]
pub struct Audited {
    /// Rises with every row of every tenant; it skips numbers.
    pub seq: i64,
    /// What was done.
    pub action: Action,
    /// When.
    pub recorded_at: Timestamp,
    /// The conversation it belongs to.
    pub correlation_id: String,
    /// The message or request that led to it.
    pub causation_id: String,
}

/// Which rows of the audit log are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AuditReach {
    /// All that are committed: for people. On PostgreSQL a row may appear before one that was
    /// there already, when the unit that wrote it has taken longer.
    #[default]
    Committed,
    /// Those before which none will ever appear: for whoever remembers the last one and comes
    /// back for what is after it. They may lag behind, by as much as the longest unit that runs.
    Settled,
}

/// Which page of the audit log is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditPage<'a> {
    /// Only what was done to this.
    pub subject: Option<&'a str>,
    /// Only what comes after this row: 0, or the `seq` of the last one of the page before.
    pub after: i64,
    /// At most so many.
    pub limit: u32,
    /// How far it reaches.
    pub reach: AuditReach,
}

impl AuditPage<'_> {
    /// The first page, about everything that is committed.
    #[must_use]
    pub fn first(limit: u32) -> Self {
        Self { subject: None, after: 0, limit, reach: AuditReach::Committed }
    }
}

pub(crate) async fn append(
    connection: &mut Connection,
    tenant: &TenantId,
    cause: &Cause,
    action: Action,
    now: Timestamp,
) -> Result<(), Error> {
    let insert = sql!(
        Dialect::of(connection),
        "INSERT INTO audit_log (tenant_id, action, subject, actor, detail, recorded_at, \
         correlation_id, causation_id, written_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, ",
        transaction,
        ")"
    );
    fault!("audit.append.before");
    sqlx::query(insert)
        .bind(tenant.as_str())
        .bind(action.action)
        .bind(action.subject)
        .bind(action.actor)
        .bind(serde_json::to_string(&action.detail)?)
        .bind(now.as_microsecond())
        .bind(&cause.correlation_id)
        .bind(&cause.causation_id)
        .execute(connection)
        .await?;
    fault!("audit.append.after");
    Ok(())
}

/// A page of a tenant's audit log, oldest first.
pub(crate) async fn page(
    connection: &mut Connection,
    tenant: &TenantId,
    page: AuditPage<'_>,
) -> Result<Vec<Audited>, Error> {
    macro_rules! select {
        ($($filter:tt),*) => {
            sql!(
                Dialect::of(connection),
                "SELECT seq, action, subject, actor, detail, recorded_at, correlation_id, \
                 causation_id FROM audit_log o WHERE tenant_id = $1 AND seq > $2",
                $($filter,)*
                " ORDER BY seq LIMIT $3 + 0"
            )
        };
    }
    let select = match (page.subject, page.reach) {
        (None, AuditReach::Committed) => select!(),
        (None, AuditReach::Settled) => select!(" AND ", settled),
        (Some(_), AuditReach::Committed) => select!(" AND subject = $4"),
        (Some(_), AuditReach::Settled) => select!(" AND subject = $4 AND ", settled),
    };
    let query =
        sqlx::query(select).bind(tenant.as_str()).bind(page.after).bind(i64::from(page.limit));
    let query = match page.subject {
        None => query,
        Some(subject) => query.bind(subject),
    };
    let rows = query.fetch_all(connection).await?;
    Ok(rows.iter().map(audited).collect::<Result<_, _>>()?)
}

fn audited(row: &AnyRow) -> Result<Audited, sqlx::Error> {
    let action = Action {
        action: row.try_get("action")?,
        subject: row.try_get("subject")?,
        actor: row.try_get("actor")?,
        detail: parsed(serde_json::from_str(row.try_get("detail")?))?,
    };
    Ok(Audited {
        seq: row.try_get("seq")?,
        action,
        recorded_at: time(row.try_get("recorded_at")?)?,
        correlation_id: row.try_get("correlation_id")?,
        causation_id: row.try_get("causation_id")?,
    })
}
