//! What handlers have given up on: kept with its reason, to be replayed or discarded by a person.

use jiff::Timestamp;
use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use crate::database::dialect::sql;
use crate::database::{Connection, Dialect};
use crate::delivery::messages::{parsed, time};
use crate::envelope::TenantId;
use crate::error::Error;
use crate::faults::fault;

/// A message or job that a handler has given up on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its id, which is not the message's: several handlers may give up on one message.
    pub id: Uuid,
    /// Who gave it up: `consumer:<name>`, `projection:<name>`, `job:<queue>` or `bus:kafka`.
    pub source: String,
    /// What it is about: the type and aggregate of a message, the key of a job.
    pub subject: String,
    /// The last error.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was given up.
    pub failed_at: Timestamp,
    /// Whether it is about to be handled again.
    pub is_replaying: bool,
}

impl DeadLetter {
    /// Whether handling it again is of use. What a projection could not read is in no order any
    /// more by the time it could: the projection is to be built anew.
    #[must_use]
    pub fn is_replayable(&self) -> bool {
        self.source.starts_with("consumer:") || self.source.starts_with("job:")
    }
}

/// Where a message lay in its topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    /// Its key, as text.
    pub(crate) key: Option<String>,
}

pub(crate) struct NewLetter<'a> {
    pub(crate) id: Uuid,
    pub(crate) tenant: &'a TenantId,
    pub(crate) source: &'a str,
    /// Of a message; empty for a job.
    pub(crate) channel: &'a str,
    /// Where it lay in the topic of this name, if it did.
    pub(crate) spot: Option<&'a Spot>,
    pub(crate) subject: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) attempts: u32,
    pub(crate) failed_at: Timestamp,
    pub(crate) payload: &'a [u8],
}

/// Keeps what was given up.
pub(crate) async fn insert(
    connection: &mut Connection,
    letter: NewLetter<'_>,
) -> Result<(), Error> {
    fault!("letter.insert.before");
    sqlx::query(
        "INSERT INTO dead_letters (id, tenant_id, source, channel, subject, reason, attempts, \
         failed_at, replay_at, payload, topic_partition, topic_offset, topic_key) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULL, $9, $10, $11, $12)",
    )
    .bind(letter.id.to_string())
    .bind(letter.tenant.as_str())
    .bind(letter.source)
    .bind(letter.channel)
    .bind(letter.subject)
    .bind(letter.reason)
    .bind(i64::from(letter.attempts))
    .bind(letter.failed_at.as_microsecond())
    .bind(letter.payload)
    .bind(letter.spot.map(|spot| i64::from(spot.partition)))
    .bind(letter.spot.map(|spot| spot.offset))
    .bind(letter.spot.and_then(|spot| spot.key.as_deref()))
    .execute(connection)
    .await?;
    fault!("letter.insert.after");
    Ok(())
}

/// The letters of a tenant after an id, in the order of ids.
pub(crate) async fn list(
    connection: &mut Connection,
    tenant: &TenantId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<DeadLetter>, Error> {
    let rows = sqlx::query(
        "SELECT id, source, subject, reason, attempts, failed_at, replay_at FROM dead_letters \
         WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT $3 + 0",
    )
    .bind(tenant.as_str())
    .bind(after.map_or(String::new(), |id| id.to_string()))
    .bind(limit)
    .fetch_all(connection)
    .await?;
    Ok(rows.iter().map(letter).collect::<Result<_, _>>()?)
}

/// The letter of a tenant with this id.
pub(crate) async fn find(
    connection: &mut Connection,
    tenant: &TenantId,
    id: Uuid,
) -> Result<Option<DeadLetter>, Error> {
    let row = sqlx::query(
        "SELECT id, source, subject, reason, attempts, failed_at, replay_at FROM dead_letters \
         WHERE tenant_id = $1 AND id = $2",
    )
    .bind(tenant.as_str())
    .bind(id.to_string())
    .fetch_optional(connection)
    .await?;
    Ok(row.as_ref().map(letter).transpose()?)
}

fn letter(row: &AnyRow) -> Result<DeadLetter, sqlx::Error> {
    Ok(DeadLetter {
        id: parsed(Uuid::parse_str(row.try_get("id")?))?,
        source: row.try_get("source")?,
        subject: row.try_get("subject")?,
        reason: row.try_get("reason")?,
        attempts: parsed(row.try_get::<i64, _>("attempts")?.try_into())?,
        failed_at: time(row.try_get("failed_at")?)?,
        is_replaying: row.try_get::<Option<i64>, _>("replay_at")?.is_some(),
    })
}

/// Notes that a replay has failed.
pub(crate) async fn fail(
    connection: &mut Connection,
    id: Uuid,
    reason: &str,
    failed_at: Timestamp,
) -> Result<(), Error> {
    sqlx::query(
        "UPDATE dead_letters SET reason = $2, attempts = attempts + 1, failed_at = $3, \
         replay_at = NULL WHERE id = $1",
    )
    .bind(id.to_string())
    .bind(reason)
    .bind(failed_at.as_microsecond())
    .execute(connection)
    .await?;
    Ok(())
}

/// The payload of a letter, if it is a job's.
pub(crate) async fn job(
    connection: &mut Connection,
    tenant: &TenantId,
    id: Uuid,
) -> Result<Option<Vec<u8>>, Error> {
    let payload = sqlx::query_scalar(
        "SELECT payload FROM dead_letters WHERE tenant_id = $1 AND id = $2 \
         AND source LIKE 'job:%'",
    )
    .bind(tenant.as_str())
    .bind(id.to_string());
    Ok(payload.fetch_optional(connection).await?)
}

/// Marks a letter for replay; says whether there is such a letter of a consumer: what others could
/// not do is not done by handling one message.
pub(crate) async fn mark(
    connection: &mut Connection,
    tenant: &TenantId,
    id: Uuid,
    replay_at: Timestamp,
) -> Result<bool, Error> {
    let marked = sqlx::query(
        "UPDATE dead_letters SET replay_at = $3 WHERE tenant_id = $1 AND id = $2 \
             AND source LIKE 'consumer:%'",
    )
    .bind(tenant.as_str())
    .bind(id.to_string())
    .bind(replay_at.as_microsecond())
    .execute(connection)
    .await?;
    Ok(marked.rows_affected() > 0)
}

/// Deletes a letter; says whether there was one.
pub(crate) async fn delete(
    connection: &mut Connection,
    tenant: &TenantId,
    id: Uuid,
) -> Result<bool, Error> {
    let deleted = sqlx::query("DELETE FROM dead_letters WHERE tenant_id = $1 AND id = $2")
        .bind(tenant.as_str())
        .bind(id.to_string())
        .execute(connection)
        .await?;
    Ok(deleted.rows_affected() > 0)
}

/// A letter that is to be handled again.
pub(crate) struct Replay {
    pub(crate) channel: String,
    pub(crate) payload: Vec<u8>,
}

/// The ids of letters of a source that are to be handled again.
pub(crate) async fn to_replay(
    connection: &mut Connection,
    source: &str,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Uuid>, Error> {
    let ids: Vec<String> = sqlx::query_scalar(
        "SELECT id FROM dead_letters WHERE source = $1 AND replay_at <= $2 \
         ORDER BY replay_at, id LIMIT $3 + 0",
    )
    .bind(source)
    .bind(now.as_microsecond())
    .bind(limit)
    .fetch_all(connection)
    .await?;
    let ids = ids.iter().map(|id| parsed(Uuid::parse_str(id)));
    Ok(ids.collect::<Result<_, _>>()?)
}

/// Takes a letter out, to be handled in this transaction; none if it is being handled elsewhere.
pub(crate) async fn take(connection: &mut Connection, id: Uuid) -> Result<Option<Replay>, Error> {
    let select = sql!(
        Dialect::of(connection),
        "SELECT channel, payload FROM dead_letters WHERE id = $1 AND replay_at IS NOT NULL",
        claim
    );
    let row = sqlx::query(select).bind(id.to_string()).fetch_optional(&mut *connection).await?;
    let Some(row) = row else { return Ok(None) };
    sqlx::query("DELETE FROM dead_letters WHERE id = $1")
        .bind(id.to_string())
        .execute(connection)
        .await?;
    Ok(Some(Replay { channel: row.try_get("channel")?, payload: row.try_get("payload")? }))
}

/// A letter that is to be shipped.
#[cfg(feature = "kafka")]
pub(crate) struct Unshipped {
    pub(crate) id: Uuid,
    pub(crate) reason: String,
    pub(crate) attempts: i64,
    pub(crate) failed_at: Timestamp,
    pub(crate) partition: i64,
    pub(crate) offset: i64,
    pub(crate) key: Option<String>,
    pub(crate) payload: Vec<u8>,
}

/// The channels and sources that have letters to be shipped.
#[cfg(feature = "kafka")]
pub(crate) async fn unshipped_groups(
    connection: &mut Connection,
) -> Result<Vec<(String, String)>, Error> {
    let groups = sqlx::query_as(
        "SELECT DISTINCT channel, source FROM dead_letters \
         WHERE topic_offset IS NOT NULL AND shipped_at IS NULL ORDER BY channel, source",
    );
    Ok(groups.fetch_all(connection).await?)
}

/// The letters of a source and channel that are to be shipped, the oldest first.
#[cfg(feature = "kafka")]
pub(crate) async fn unshipped(
    connection: &mut Connection,
    channel: &str,
    source: &str,
    limit: i64,
) -> Result<Vec<Unshipped>, Error> {
    let rows = sqlx::query(
        "SELECT id, reason, attempts, failed_at, topic_partition, topic_offset, topic_key, payload \
         FROM dead_letters WHERE channel = $1 AND source = $2 AND topic_offset IS NOT NULL \
         AND shipped_at IS NULL ORDER BY id LIMIT $3 + 0",
    )
    .bind(channel)
    .bind(source)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    let letters = rows.iter().map(|row| {
        Ok::<_, sqlx::Error>(Unshipped {
            id: parsed(Uuid::parse_str(row.try_get("id")?))?,
            reason: row.try_get("reason")?,
            attempts: row.try_get("attempts")?,
            failed_at: time(row.try_get("failed_at")?)?,
            partition: row.try_get("topic_partition")?,
            offset: row.try_get("topic_offset")?,
            key: row.try_get("topic_key")?,
            payload: row.try_get("payload")?,
        })
    });
    Ok(letters.collect::<Result<_, _>>()?)
}

/// Notes that a letter is where it was to be shipped.
#[cfg(feature = "kafka")]
pub(crate) async fn note_shipped(
    connection: &mut Connection,
    id: Uuid,
    now: Timestamp,
) -> Result<(), Error> {
    sqlx::query("UPDATE dead_letters SET shipped_at = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(now.as_microsecond())
        .execute(connection)
        .await?;
    Ok(())
}
