//! Event streams: append with an expected version, load one stream, read the log of all of them.

use std::fmt;

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use uuid::Uuid;

use crate::envelope::{Envelope, Recorded, StreamId, TenantId};
use crate::error::{Conflict, Error};

/// At which version a stream must be for an append to go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Wherever it is.
    Any,
    /// It must not exist yet.
    New,
    /// The version of its last event: the first has 1.
    Version(i64),
}

impl fmt::Display for Expected {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => formatter.write_str("any"),
            Self::New => formatter.write_str("none"),
            Self::Version(version) => write!(formatter, "{version}"),
        }
    }
}

macro_rules! select_events {
    ($rest:literal) => {
        concat!(
            "SELECT e.position, e.message_id, e.tenant_id, e.aggregate_type, e.aggregate_id, ",
            "e.version, e.type, e.schema_version, e.occurred_at, e.correlation_id, ",
            "e.causation_id, e.data FROM events e ",
            $rest
        )
    };
}
pub(crate) use select_events;

/// Moves a stream on by `count`; returns the version it has then.
pub(crate) async fn advance(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    stream: &StreamId,
    expected: Expected,
    count: i64,
) -> Result<i64, Error> {
    let statement = match expected {
        Expected::Any => {
            "INSERT INTO streams (tenant_id, aggregate_type, aggregate_id, version) \
             VALUES ($1, $2, $3, $4) ON CONFLICT (tenant_id, aggregate_type, aggregate_id) \
             DO UPDATE SET version = streams.version + excluded.version RETURNING version"
        }
        Expected::New | Expected::Version(0) => {
            "INSERT INTO streams (tenant_id, aggregate_type, aggregate_id, version) \
             VALUES ($1, $2, $3, $4) ON CONFLICT (tenant_id, aggregate_type, aggregate_id) \
             DO NOTHING RETURNING version"
        }
        Expected::Version(_) => {
            "UPDATE streams SET version = version + $4 WHERE tenant_id = $1 \
             AND aggregate_type = $2 AND aggregate_id = $3 AND version = $5 RETURNING version"
        }
    };
    let query = sqlx::query_scalar(statement)
        .bind(tenant.as_str())
        .bind(&stream.aggregate_type)
        .bind(&stream.aggregate_id)
        .bind(count);
    let query = match expected {
        Expected::Any | Expected::New | Expected::Version(0) => query,
        Expected::Version(version) => query.bind(version),
    };
    match query.fetch_optional(&mut *connection).await? {
        Some(version) => Ok(version),
        None => {
            let actual = version(connection, tenant, stream).await?;
            Err(Conflict { stream: stream.clone(), expected, actual }.into())
        }
    }
}

/// Writes an event and its outbox row.
pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    event: &Envelope,
) -> Result<(), Error> {
    let position: i64 = sqlx::query_scalar(
        "INSERT INTO events (message_id, tenant_id, aggregate_type, aggregate_id, version, type, \
         schema_version, occurred_at, correlation_id, causation_id, data) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING position",
    )
    .bind(event.message_id.to_string())
    .bind(event.tenant_id.as_str())
    .bind(&event.aggregate_type)
    .bind(&event.aggregate_id)
    .bind(event.version)
    .bind(&event.event_type)
    .bind(i64::from(event.schema_version))
    .bind(event.timestamp.as_microsecond())
    .bind(&event.correlation_id)
    .bind(&event.causation_id)
    .bind(serde_json::to_string(&event.data)?)
    .fetch_one(&mut *connection)
    .await?;
    sqlx::query("INSERT INTO outbox (position) VALUES ($1)")
        .bind(position)
        .execute(connection)
        .await?;
    Ok(())
}

/// The version of a stream; 0 when it does not exist.
pub(crate) async fn version(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    stream: &StreamId,
) -> Result<i64, Error> {
    let version = sqlx::query_scalar(
        "SELECT version FROM streams \
         WHERE tenant_id = $1 AND aggregate_type = $2 AND aggregate_id = $3",
    )
    .bind(tenant.as_str())
    .bind(&stream.aggregate_type)
    .bind(&stream.aggregate_id)
    .fetch_optional(connection)
    .await?;
    Ok(version.unwrap_or(0))
}

/// All events of a stream, oldest first.
pub(crate) async fn load(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    stream: &StreamId,
) -> Result<Vec<Envelope>, Error> {
    let rows = sqlx::query(select_events!(
        "WHERE e.tenant_id = $1 AND e.aggregate_type = $2 AND e.aggregate_id = $3 \
         ORDER BY e.version"
    ))
    .bind(tenant.as_str())
    .bind(&stream.aggregate_type)
    .bind(&stream.aggregate_id)
    .fetch_all(connection)
    .await?;
    let recorded = rows.iter().map(recorded).collect::<Result<Vec<_>, _>>()?;
    Ok(recorded.into_iter().map(|recorded| recorded.envelope).collect())
}

/// The events of every tenant in `(after, through]`, in the order of commit.
pub(crate) async fn log(
    connection: &mut SqliteConnection,
    after: i64,
    through: i64,
    limit: i64,
) -> Result<Vec<Recorded>, Error> {
    let rows = sqlx::query(select_events!(
        "WHERE e.position > $1 AND e.position <= $2 ORDER BY e.position LIMIT $3"
    ))
    .bind(after)
    .bind(through)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    Ok(rows.iter().map(recorded).collect::<Result<_, _>>()?)
}

/// The events of one tenant in `(after, through]`, in the order of commit.
pub(crate) async fn log_of_tenant(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    after: i64,
    through: i64,
    limit: i64,
) -> Result<Vec<Recorded>, Error> {
    let rows = sqlx::query(select_events!(
        "WHERE e.tenant_id = $1 AND e.position > $2 AND e.position <= $3 \
         ORDER BY e.position LIMIT $4"
    ))
    .bind(tenant.as_str())
    .bind(after)
    .bind(through)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    Ok(rows.iter().map(recorded).collect::<Result<_, _>>()?)
}

/// Ends a full batch of the log between two units of work: what was committed together is to be
/// seen together. The events of a unit follow each other and share tenant and correlation; a unit
/// longer than a batch is cut.
pub(crate) fn whole_units(batch: &mut Vec<Recorded>, limit: i64) {
    if (batch.len() as i64) < limit {
        return;
    }
    let unit = |recorded: &Recorded| {
        let Envelope { tenant_id, correlation_id, .. } = &recorded.envelope;
        (tenant_id.clone(), correlation_id.clone())
    };
    let Some(last) = batch.last().map(unit) else { return };
    if let Some(before) = batch.iter().rposition(|recorded| unit(recorded) != last) {
        batch.truncate(before + 1);
    }
}

/// The event at a position of the log.
pub(crate) async fn at(
    connection: &mut SqliteConnection,
    position: i64,
) -> Result<Envelope, Error> {
    let row = sqlx::query(select_events!("WHERE e.position = $1"))
        .bind(position)
        .fetch_one(connection)
        .await?;
    Ok(recorded(&row)?.envelope)
}

pub(crate) fn recorded(row: &SqliteRow) -> Result<Recorded, sqlx::Error> {
    Ok(Recorded {
        position: row.try_get("position")?,
        envelope: Envelope {
            message_id: parsed(Uuid::parse_str(row.try_get("message_id")?))?,
            tenant_id: parsed(TenantId::new(row.try_get::<String, _>("tenant_id")?))?,
            aggregate_type: row.try_get("aggregate_type")?,
            aggregate_id: row.try_get("aggregate_id")?,
            event_type: row.try_get("type")?,
            timestamp: time(row.try_get("occurred_at")?)?,
            correlation_id: row.try_get("correlation_id")?,
            causation_id: row.try_get("causation_id")?,
            schema_version: parsed(row.try_get::<i64, _>("schema_version")?.try_into())?,
            version: row.try_get("version")?,
            data: parsed(serde_json::from_str(row.try_get("data")?))?,
        },
    })
}

/// A column of microseconds.
pub(crate) fn time(micros: i64) -> Result<Timestamp, sqlx::Error> {
    parsed(Timestamp::from_microsecond(micros))
}

/// A column that does not hold what was written there is a failure of the database.
pub(crate) fn parsed<T, E>(value: Result<T, E>) -> Result<T, sqlx::Error>
where
    E: std::error::Error + Send + Sync + 'static,
{
    value.map_err(|error| sqlx::Error::Decode(error.into()))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn recorded_at(position: i64, correlation_id: &str) -> Recorded {
        let envelope = Envelope {
            message_id: Uuid::nil(),
            tenant_id: TenantId::new("acme").expect("a name of 1 to 255 bytes"),
            aggregate_type: "Thing".to_owned(),
            aggregate_id: "a".to_owned(),
            event_type: "Happened".to_owned(),
            timestamp: Timestamp::UNIX_EPOCH,
            correlation_id: correlation_id.to_owned(),
            causation_id: correlation_id.to_owned(),
            schema_version: 1,
            version: position,
            data: serde_json::Value::Null,
        };
        Recorded { position, envelope }
    }

    #[test]
    fn a_full_batch_ends_between_two_units() {
        let of = |units: &[&str]| -> Vec<Recorded> {
            (1..).zip(units).map(|(position, unit)| recorded_at(position, unit)).collect()
        };
        for (units, limit, kept) in [
            (["a", "a", "b", "b"], 4, 2),
            (["a", "a", "a", "b"], 4, 3),
            // Not full: the last unit is there whole.
            (["a", "a", "b", "b"], 5, 4),
            // Nothing but a part of one unit.
            (["a", "a", "a", "a"], 4, 4),
        ] {
            let mut batch = of(&units);
            whole_units(&mut batch, limit);
            assert_eq!(batch.len(), kept, "{units:?} {limit}");
        }
    }
}
