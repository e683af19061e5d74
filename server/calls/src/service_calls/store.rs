//! The SQL of service calls: read model, queue, secrets.

use std::collections::BTreeMap;

use calls_wire::types::ServiceCallStatus;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use symbolon_kernel::{Connection, Dialect, ReadModel, TenantId};
use uuid::Uuid;

use super::AGGREGATE_TYPE;
use super::rules::Call;

/// What the store reports.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    #[error("a stored document does not have its shape")]
    Document(#[from] serde_json::Error),
}

type Scope<'a> = (&'a TenantId, &'a mut Connection);

/// The secret that cursors are signed with: `fresh`, if there is none yet.
pub(crate) async fn cursor_secret(
    connection: &mut Connection,
    fresh: &[u8],
) -> Result<Vec<u8>, StoreError> {
    sqlx::query(
        "INSERT INTO service_call_cursor_key (id, secret) VALUES (1, $1) \
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(fresh)
    .execute(&mut *connection)
    .await?;
    let query = sqlx::query_scalar("SELECT secret FROM service_call_cursor_key WHERE id = 1");
    Ok(query.fetch_one(connection).await?)
}

/// Makes the database overwrite what is deleted from now on, so that no secret outlives its row.
/// PostgreSQL keeps a row until it is vacuumed, and has nothing like it.
pub(crate) async fn overwrite_deleted(connection: &mut Connection) -> Result<(), StoreError> {
    match Dialect::of(connection) {
        Dialect::Sqlite => {
            sqlx::query("PRAGMA secure_delete = ON").execute(connection).await?;
        }
        Dialect::Postgres => {}
    }
    Ok(())
}

/// The read model of service calls. Times are microseconds since the Unix epoch, UTC; JSON is text.
/// `version` is that of the stream up to which the row tells it; `document` is the call without
/// what lists leave out. A change of that is told in its comment, so that it is built anew.
pub(crate) const READ_MODEL: [&str; 3] = [
    "CREATE TABLE {service_calls} (tenant_id TEXT NOT NULL, service_call_id TEXT NOT NULL, \
     version BIGINT NOT NULL, status TEXT NOT NULL, created_at BIGINT NOT NULL, \
     document TEXT NOT NULL /* trimmed */, PRIMARY KEY (tenant_id, service_call_id))",
    "CREATE INDEX {service_calls_by_age} \
     ON {service_calls} (tenant_id, created_at, service_call_id)",
    "CREATE TABLE {service_call_tags} (tenant_id TEXT NOT NULL, tag TEXT NOT NULL, \
     service_call_id TEXT NOT NULL, PRIMARY KEY (tenant_id, tag, service_call_id))",
];

/// A call as it was last projected.
pub(crate) async fn find(model: &mut ReadModel<'_>, id: &str) -> Result<Option<Call>, StoreError> {
    let select = model
        .text("SELECT document FROM {service_calls} WHERE tenant_id = $1 AND service_call_id = $2");
    let (tenant, connection) = model.sql();
    let document: Option<String> = sqlx::query_scalar(select)
        .bind(tenant.as_str())
        .bind(id)
        .fetch_optional(connection)
        .await?;
    Ok(document.map(|text| serde_json::from_str(&text)).transpose()?)
}

/// Writes a call down as it is after its last event.
pub(crate) async fn project(model: &mut ReadModel<'_>, call: &Call) -> Result<(), StoreError> {
    let id = call.id.to_string();
    let upsert = model.text(
        "INSERT INTO {service_calls} (tenant_id, service_call_id, version, status, \
         created_at, document) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (tenant_id, service_call_id) DO UPDATE SET version = excluded.version, \
         status = excluded.status, document = excluded.document",
    );
    let tagged = model.text(
        "INSERT INTO {service_call_tags} (tenant_id, tag, service_call_id) VALUES ($1, $2, $3) \
         ON CONFLICT (tenant_id, tag, service_call_id) DO NOTHING",
    );
    let (tenant, connection) = model.sql();
    sqlx::query(upsert)
        .bind(tenant.as_str())
        .bind(&id)
        .bind(call.version)
        .bind(call.status.as_str())
        .bind(call.created_at.as_microsecond())
        .bind(serde_json::to_string(call)?)
        .execute(&mut *connection)
        .await?;
    // Tags never change: they are written with the first event.
    let tags = if call.version == 1 { call.tags.as_slice() } else { &[] };
    for tag in tags {
        sqlx::query(tagged.clone())
            .bind(tenant.as_str())
            .bind(tag)
            .bind(&id)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Which calls a list shows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) status: Option<ServiceCallStatus>,
    pub(crate) tag: Option<String>,
    pub(crate) from: Option<Timestamp>,
    pub(crate) to: Option<Timestamp>,
}

impl Filter {
    /// The same text for the same filters, and for no others.
    pub(crate) fn fingerprint(&self) -> String {
        let Self { status, tag, from, to } = self;
        format!("{status:?} {tag:?} {:?} {:?}", from.map(micros), to.map(micros))
    }
}

/// Rounded up: bounds are finer than what is stored.
fn micros(at: Timestamp) -> i64 {
    let micros = at.as_microsecond();
    match Timestamp::from_microsecond(micros) {
        Ok(rounded) if rounded < at => micros + 1,
        Ok(_) | Err(_) => micros,
    }
}

/// The last call of a page; the next page begins after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// Microseconds since the Unix epoch.
    pub(crate) created_at: i64,
    pub(crate) id: Uuid,
}

/// Up to `limit` calls after a position, oldest first.
pub(crate) async fn list(
    (tenant, connection): Scope<'_>,
    filter: &Filter,
    after: Option<Position>,
    limit: i64,
) -> Result<Vec<Call>, StoreError> {
    let documents: Vec<String> = sqlx::query_scalar(
        "SELECT c.document FROM service_calls c WHERE c.tenant_id = $1 \
         AND (c.created_at, c.service_call_id) > ($2, $3) \
         AND c.created_at >= $4 AND c.created_at < $5 AND ($6 IS NULL OR c.status = $6) \
         AND ($7 IS NULL OR EXISTS (SELECT 1 FROM service_call_tags t WHERE t.tenant_id = $1 \
         AND t.tag = $7 AND t.service_call_id = c.service_call_id)) \
         ORDER BY c.created_at, c.service_call_id LIMIT $8 + 0",
    )
    .bind(tenant.as_str())
    .bind(after.map_or(i64::MIN, |position| position.created_at))
    .bind(after.map_or(String::new(), |position| position.id.to_string()))
    .bind(filter.from.map_or(i64::MIN, micros))
    .bind(filter.to.map_or(i64::MAX, micros))
    .bind(filter.status.map(ServiceCallStatus::as_str))
    .bind(filter.tag.as_deref())
    .bind(limit)
    .fetch_all(connection)
    .await?;
    Ok(documents.iter().map(|text| serde_json::from_str(text)).collect::<Result<_, _>>()?)
}

/// Puts a call in the queue, or moves it there.
pub(crate) async fn enqueue(
    (tenant, connection): Scope<'_>,
    id: &str,
    ready_at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO service_call_queue (tenant_id, service_call_id, ready_at) \
         VALUES ($1, $2, $3) ON CONFLICT (tenant_id, service_call_id) \
         DO UPDATE SET ready_at = excluded.ready_at",
    )
    .bind(tenant.as_str())
    .bind(id)
    .bind(ready_at.as_microsecond())
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes a call out of the queue, wherever it stands there.
pub(crate) async fn dequeue((tenant, connection): Scope<'_>, id: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM service_call_queue WHERE tenant_id = $1 AND service_call_id = $2")
        .bind(tenant.as_str())
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// The tenants that have calls in the queue, after one of them by name. Looks across tenants: the
/// worker is one for all of them. However long the queue is, each costs one look into an index.
pub(crate) async fn queuing(
    connection: &mut Connection,
    after: &str,
    limit: usize,
) -> Result<Vec<TenantId>, StoreError> {
    let names: Vec<String> = sqlx::query_scalar(
        "WITH RECURSIVE queuing (tenant_id) AS ( \
         SELECT MIN(tenant_id) FROM service_call_queue WHERE tenant_id > $1 UNION ALL \
         SELECT (SELECT MIN(q.tenant_id) FROM service_call_queue q \
         WHERE q.tenant_id > queuing.tenant_id) FROM queuing WHERE queuing.tenant_id IS NOT NULL) \
         SELECT tenant_id FROM queuing WHERE tenant_id IS NOT NULL LIMIT $2 + 0",
    )
    .bind(after)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(connection)
    .await?;
    let read = names.into_iter().map(|name| TenantId::new(name).map_err(decode));
    Ok(read.collect::<Result<_, _>>()?)
}

/// How many calls of a tenant wait for their turn; of more than `limit` it is `limit`.
pub(crate) async fn waiting(
    connection: &mut Connection,
    tenant: &TenantId,
    now: Timestamp,
    limit: usize,
) -> Result<usize, StoreError> {
    let count: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM (SELECT 1 AS one FROM service_call_queue WHERE tenant_id = $1 \
         AND ready_at <= $2 LIMIT $3 + 0) AS waiting",
    )
    .bind(tenant.as_str())
    .bind(now.as_microsecond())
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_one(connection)
    .await?;
    Ok(usize::try_from(count).unwrap_or(0))
}

macro_rules! claim {
    ($lock:literal) => {
        concat!(
            "DELETE FROM service_call_queue WHERE tenant_id = $1 AND service_call_id = \
             (SELECT service_call_id FROM service_call_queue WHERE tenant_id = $1 \
             AND ready_at <= $2 ORDER BY ready_at, service_call_id LIMIT 1",
            $lock,
            ") RETURNING service_call_id"
        )
    };
}

/// Takes out of the queue the call that waits longest of those that nobody else is taking; none, if
/// there is none. It is in the queue again if the unit that takes it comes to nothing.
pub(crate) async fn claim(
    (tenant, connection): Scope<'_>,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    let statement = match Dialect::of(connection) {
        Dialect::Sqlite => claim!(""),
        Dialect::Postgres => claim!(" FOR UPDATE SKIP LOCKED"),
    };
    let claimed = sqlx::query_scalar(statement).bind(tenant.as_str()).bind(now.as_microsecond());
    Ok(claimed.fetch_optional(connection).await?)
}

/// Moves a call back in the queue, if it still is there.
pub(crate) async fn postpone(
    (tenant, connection): Scope<'_>,
    id: &str,
    ready_at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE service_call_queue SET ready_at = $3 \
         WHERE tenant_id = $1 AND service_call_id = $2",
    )
    .bind(tenant.as_str())
    .bind(id)
    .bind(ready_at.as_microsecond())
    .execute(connection)
    .await?;
    Ok(())
}

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}

/// Calls that wait for their turn or their time and are not in the queue, nor have a timer of this
/// kind; those after one of them. What waits has written the last of its first three events. It
/// reads every stream there is, in the order of tenants.
pub(crate) async fn overlooked(
    connection: &mut Connection,
    due: &str,
    after: Option<&(TenantId, String)>,
    limit: usize,
) -> Result<Vec<(TenantId, String)>, StoreError> {
    let (tenant, id) = after.map_or(("", ""), |(tenant, id)| (tenant.as_str(), id));
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT s.tenant_id, s.aggregate_id FROM streams s JOIN messages m \
         ON m.tenant_id = s.tenant_id AND m.aggregate_type = s.aggregate_type \
         AND m.aggregate_id = s.aggregate_id AND m.version = s.version \
         WHERE s.aggregate_type = $1 AND (s.tenant_id, s.aggregate_id) > ($2, $3) \
         AND s.version <= 3 \
         AND m.type IN ('ServiceCallSubmitted', 'ServiceCallScheduled', 'DueTimeReached') \
         AND NOT EXISTS (SELECT 1 FROM service_call_queue q \
         WHERE q.tenant_id = s.tenant_id AND q.service_call_id = s.aggregate_id) \
         AND NOT EXISTS (SELECT 1 FROM timers t WHERE t.tenant_id = s.tenant_id \
         AND t.kind = $4 AND t.timer_key = s.aggregate_id) \
         ORDER BY s.tenant_id, s.aggregate_id LIMIT $5 + 0",
    )
    .bind(AGGREGATE_TYPE)
    .bind(tenant)
    .bind(id)
    .bind(due)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(connection)
    .await?;
    let read = rows
        .into_iter()
        .map(|(tenant, id)| Ok::<_, sqlx::Error>((TenantId::new(tenant).map_err(decode)?, id)));
    Ok(read.collect::<Result<_, _>>()?)
}

/// How many calls wait for their attempt, of all tenants.
pub(crate) async fn count_waiting(
    connection: &mut Connection,
    now: Timestamp,
) -> Result<i64, StoreError> {
    let count = sqlx::query_scalar("SELECT COUNT(*) FROM service_call_queue WHERE ready_at <= $1");
    Ok(count.bind(now.as_microsecond()).fetch_one(connection).await?)
}

/// Keeps the values of sensitive headers until the attempt starts.
pub(crate) async fn keep_secrets(
    (tenant, connection): Scope<'_>,
    id: &str,
    headers: &BTreeMap<String, String>,
) -> Result<(), StoreError> {
    if headers.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO service_call_secrets (tenant_id, service_call_id, headers) \
         VALUES ($1, $2, $3)",
    )
    .bind(tenant.as_str())
    .bind(id)
    .bind(serde_json::to_string(headers)?)
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes the values of sensitive headers and returns them.
pub(crate) async fn take_secrets(
    (tenant, connection): Scope<'_>,
    id: &str,
) -> Result<BTreeMap<String, String>, StoreError> {
    let headers: Option<String> = sqlx::query_scalar(
        "DELETE FROM service_call_secrets WHERE tenant_id = $1 AND service_call_id = $2 \
         RETURNING headers",
    )
    .bind(tenant.as_str())
    .bind(id)
    .fetch_optional(connection)
    .await?;
    let headers = headers.map(|text| serde_json::from_str(&text)).transpose()?;
    Ok(headers.unwrap_or_default())
}
