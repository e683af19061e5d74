//! Event streams: append with an expected version, load one stream.

use std::fmt;

use crate::database::Connection;
use crate::delivery::messages::{columns, envelope};
use crate::envelope::{Envelope, StreamId, TenantId};
use crate::error::{Conflict, Error};
use crate::faults::{broken, fault};

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

/// Moves a stream on by `count`; returns the version it has then.
pub(crate) async fn advance(
    connection: &mut Connection,
    tenant: &TenantId,
    stream: &StreamId,
    expected: Expected,
    count: i64,
) -> Result<i64, Error> {
    fault!("stream.advance.before");
    let expected = if broken!(VersionUnread) { Expected::Any } else { expected };
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
        Some(version) => {
            fault!("stream.advance.after");
            Ok(version)
        }
        None => {
            let actual = version(connection, tenant, stream).await?;
            Err(Conflict { stream: stream.clone(), expected, actual }.into())
        }
    }
}

/// The version of a stream; 0 when it does not exist.
pub(crate) async fn version(
    connection: &mut Connection,
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

/// The events of a stream after a version, oldest first.
pub(crate) async fn load(
    connection: &mut Connection,
    tenant: &TenantId,
    stream: &StreamId,
    after: i64,
) -> Result<Vec<Envelope>, Error> {
    let rows = sqlx::query(concat!(
        "SELECT ",
        columns!(),
        " FROM messages m WHERE m.tenant_id = $1 AND m.aggregate_type = $2 \
         AND m.aggregate_id = $3 AND m.version > $4 ORDER BY m.version"
    ))
    .bind(tenant.as_str())
    .bind(&stream.aggregate_type)
    .bind(&stream.aggregate_id)
    .bind(after)
    .fetch_all(connection)
    .await?;
    Ok(rows.iter().map(envelope).collect::<Result<_, _>>()?)
}
