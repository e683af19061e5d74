//! Messages as rows: written with their outbox row, read back in the order of the log.

use std::collections::HashMap;

use jiff::Timestamp;
use sqlx::Row;
use sqlx::any::AnyRow;
use symbolon_wire::TraceParent;
use uuid::Uuid;

use crate::database::{Connection, Dialect};
use crate::envelope::{Cause, Envelope, Recorded, TenantId};
use crate::error::Error;
use crate::faults::fault;

macro_rules! columns {
    () => {
        "m.seq, m.message_id, m.tenant_id, m.channel, m.aggregate_type, m.aggregate_id, \
         m.version, m.type, m.schema_version, m.occurred_at, m.correlation_id, m.causation_id, \
         m.traceparent, m.data"
    };
}
pub(crate) use columns;

macro_rules! insert {
    () => {
        "INSERT INTO messages (message_id, tenant_id, channel, aggregate_type, aggregate_id, \
         version, type, schema_version, occurred_at, correlation_id, causation_id, \
         traceparent, data) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
    };
}
/// Both rows at once: what a unit costs is how often it asks the database.
const INSERT_IN_SQLITE: &str = concat!(
    insert!(),
    "; INSERT INTO outbox (seq, unit) \
     VALUES (last_insert_rowid(), COALESCE($14, last_insert_rowid())) RETURNING seq"
);
const INSERT_IN_POSTGRES: &str = concat!(
    "WITH written AS (",
    insert!(),
    " RETURNING seq) INSERT INTO outbox (seq, unit) \
     SELECT seq, COALESCE($14, seq) FROM written RETURNING seq"
);

/// Writes a message and its outbox row; returns its number.
///
/// `unit` is the number of the first message of the same transaction, if there is one.
pub(crate) async fn insert(
    connection: &mut Connection,
    message: &Envelope,
    unit: Option<i64>,
) -> Result<i64, Error> {
    fault!("message.insert.before");
    let version = (message.version > 0).then_some(message.version);
    let statement = match Dialect::of(connection) {
        Dialect::Sqlite => INSERT_IN_SQLITE,
        Dialect::Postgres => INSERT_IN_POSTGRES,
    };
    let rows = sqlx::query(statement)
        .bind(message.message_id.to_string())
        .bind(message.tenant_id.as_str())
        .bind(&message.channel)
        .bind(&message.aggregate_type)
        .bind(&message.aggregate_id)
        .bind(version)
        .bind(&message.event_type)
        .bind(i64::from(message.schema_version))
        .bind(message.timestamp.as_microsecond())
        .bind(&message.correlation_id)
        .bind(&message.causation_id)
        .bind(message.traceparent.map(|it| it.to_string()))
        .bind(serde_json::to_string(&message.data)?)
        .bind(unit)
        // Not `fetch_one`: the first of two statements has no row.
        .fetch_all(connection)
        .await?;
    let seq = rows.first().ok_or(sqlx::Error::RowNotFound)?.try_get("seq")?;
    fault!("message.insert.after");
    Ok(seq)
}

/// The messages of every tenant in `(after, through]`, in the order of the log, each with the
/// number of the unit of work that wrote it.
pub(crate) async fn log(
    connection: &mut Connection,
    after: i64,
    through: i64,
    limit: i64,
) -> Result<Vec<(i64, Recorded)>, Error> {
    let rows = sqlx::query(concat!(
        "SELECT l.position, l.unit, ",
        columns!(),
        " FROM log l JOIN messages m ON m.seq = l.seq WHERE l.position > $1 AND l.position <= $2 \
         ORDER BY l.position LIMIT $3 + 0"
    ))
    .bind(after)
    .bind(through)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    let messages = rows.iter().map(|row| Ok((row.try_get("unit")?, recorded(row)?)));
    Ok(messages.collect::<Result<_, sqlx::Error>>()?)
}

/// Where to end a full batch, so that what was committed together is seen together; a unit longer
/// than a batch is cut. `units` has the number of the unit of each message.
pub(crate) fn whole_units(units: &[i64], limit: i64) -> usize {
    if (units.len() as i64) < limit {
        return units.len();
    }
    let last_place: HashMap<i64, usize> = (0..).zip(units).map(|(at, unit)| (*unit, at)).collect();
    let (mut open_until, mut end) = (0, 0);
    for (at, unit) in units.iter().enumerate() {
        if at > open_until {
            end = at;
        }
        // The last unit may go on beyond the batch.
        open_until = open_until.max(last_place[unit]);
    }
    if end == 0 { units.len() } else { end }
}

/// The messages of one tenant in `(after, through]`, in the order of the log.
pub(crate) async fn log_of_tenant(
    connection: &mut Connection,
    tenant: &TenantId,
    after: i64,
    through: i64,
    limit: i64,
) -> Result<Vec<Recorded>, Error> {
    let rows = sqlx::query(concat!(
        "SELECT l.position, ",
        columns!(),
        " FROM log l JOIN messages m ON m.seq = l.seq WHERE l.tenant_id = $1 \
         AND l.position > $2 AND l.position <= $3 ORDER BY l.position LIMIT $4 + 0"
    ))
    .bind(tenant.as_str())
    .bind(after)
    .bind(through)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    Ok(rows.iter().map(recorded).collect::<Result<_, _>>()?)
}

/// Where a message of a tenant stands in the log, if it is there.
pub(crate) async fn position(
    connection: &mut Connection,
    tenant: &TenantId,
    message_id: Uuid,
) -> Result<Option<i64>, Error> {
    let query = sqlx::query_scalar(
        "SELECT l.position FROM messages m JOIN log l ON l.seq = m.seq \
         WHERE m.message_id = $1 AND m.tenant_id = $2",
    );
    let query = query.bind(message_id.to_string()).bind(tenant.as_str());
    Ok(query.fetch_optional(connection).await?)
}

/// The last message of a tenant up to a position of the log, if there is one.
pub(crate) async fn last(
    connection: &mut Connection,
    tenant: &TenantId,
    through: i64,
) -> Result<Option<Uuid>, Error> {
    let query = sqlx::query_scalar(
        "SELECT m.message_id FROM log l JOIN messages m ON m.seq = l.seq \
         WHERE l.tenant_id = $1 AND l.position <= $2 ORDER BY l.position DESC LIMIT 1",
    );
    let query = query.bind(tenant.as_str()).bind(through);
    let id: Option<String> = query.fetch_optional(connection).await?;
    Ok(id.map(|id| parsed(Uuid::parse_str(&id))).transpose()?)
}

/// The messages of one channel in `(after, through]`, in the order of the log.
#[cfg(feature = "kafka")]
pub(crate) async fn log_of_channel(
    connection: &mut Connection,
    channel: &str,
    after: i64,
    through: i64,
    limit: i64,
) -> Result<Vec<Recorded>, Error> {
    let rows = sqlx::query(concat!(
        "SELECT l.position, ",
        columns!(),
        " FROM log l JOIN messages m ON m.seq = l.seq WHERE m.channel = $1 \
         AND l.position > $2 AND l.position <= $3 ORDER BY l.position LIMIT $4 + 0"
    ))
    .bind(channel)
    .bind(after)
    .bind(through)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    Ok(rows.iter().map(recorded).collect::<Result<_, _>>()?)
}

/// The message at a position of the log.
pub(crate) async fn at(connection: &mut Connection, position: i64) -> Result<Envelope, Error> {
    let row = sqlx::query(concat!(
        "SELECT ",
        columns!(),
        " FROM log l JOIN messages m ON m.seq = l.seq WHERE l.position = $1"
    ))
    .bind(position)
    .fetch_one(connection)
    .await?;
    Ok(envelope(&row)?)
}

fn recorded(row: &AnyRow) -> Result<Recorded, sqlx::Error> {
    Ok(Recorded { position: row.try_get("position")?, envelope: envelope(row)? })
}

pub(crate) fn envelope(row: &AnyRow) -> Result<Envelope, sqlx::Error> {
    Ok(Envelope {
        message_id: parsed(Uuid::parse_str(row.try_get("message_id")?))?,
        tenant_id: parsed(TenantId::new(row.try_get::<String, _>("tenant_id")?))?,
        channel: row.try_get("channel")?,
        aggregate_type: row.try_get("aggregate_type")?,
        aggregate_id: row.try_get("aggregate_id")?,
        event_type: row.try_get("type")?,
        timestamp: time(row.try_get("occurred_at")?)?,
        correlation_id: row.try_get("correlation_id")?,
        causation_id: row.try_get("causation_id")?,
        traceparent: trace_parent(row)?,
        schema_version: parsed(row.try_get::<i64, _>("schema_version")?.try_into())?,
        version: row.try_get::<Option<i64>, _>("version")?.unwrap_or(0),
        data: parsed(serde_json::from_str(row.try_get("data")?))?,
    })
}

/// Why something was written, from the columns that say so.
pub(crate) fn cause(row: &AnyRow) -> Result<Cause, sqlx::Error> {
    Ok(Cause {
        correlation_id: row.try_get("correlation_id")?,
        causation_id: row.try_get("causation_id")?,
        traceparent: trace_parent(row)?,
    })
}

fn trace_parent(row: &AnyRow) -> Result<Option<TraceParent>, sqlx::Error> {
    let text: Option<String> = row.try_get("traceparent")?;
    Ok(text.and_then(|text| text.parse().ok()))
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
            channel: "things".to_owned(),
            aggregate_type: "Thing".to_owned(),
            aggregate_id: "a".to_owned(),
            event_type: "Happened".to_owned(),
            timestamp: Timestamp::UNIX_EPOCH,
            correlation_id: correlation_id.to_owned(),
            causation_id: correlation_id.to_owned(),
            traceparent: None,
            schema_version: 1,
            version: position,
            data: serde_json::Value::Null,
        };
        Recorded { position, envelope }
    }

    #[test]
    fn a_full_batch_ends_between_two_units() {
        for (units, limit, kept) in [
            (&[1, 1, 2, 2], 4, 2),
            (&[1, 1, 1, 2], 4, 3),
            // Not full: the last unit is there whole.
            (&[1, 1, 2, 2], 5, 4),
            // Nothing but a part of one unit.
            (&[1, 1, 1, 1], 4, 4),
            // Transactions that ran side by side.
            (&[1, 2, 1, 3], 4, 3),
            (&[1, 2, 3, 2], 4, 1),
            (&[1, 2, 2, 1], 4, 4),
        ] {
            assert_eq!(whole_units(units, limit), kept, "{units:?} {limit}");
        }
    }
}
