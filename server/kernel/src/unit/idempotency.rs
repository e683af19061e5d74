//! Idempotency records: a caller's key leads to one resource, whatever happens.

use sqlx::Row;

use crate::database::Connection;
use crate::delivery::messages::time;
use crate::envelope::TenantId;
use crate::error::Error;
use crate::faults::{broken, fault};
use crate::unit::Unit;

/// What a caller wants to do once.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The operation's id in the contract.
    pub operation: &'a str,
    /// The caller's key.
    pub key: &'a str,
    /// A digest of what was sent under the key.
    pub fingerprint: &'a str,
    /// The id of the resource that this unit of work makes if the key is fresh.
    pub resource: &'a str,
}

/// What became of a [`Claim`].
#[derive(Debug)]
pub enum Claimed {
    /// The key is new: do the work in this unit and commit it.
    Fresh(Unit),
    /// The same was done before. The unit is rolled back.
    Replay {
        /// The resource made then.
        resource: String,
        /// When it was made.
        created_at: jiff::Timestamp,
    },
    /// The key stands for something else. The unit is rolled back.
    KeyReused,
}

pub(crate) enum Found {
    Nothing,
    Same { resource: String, created_at: jiff::Timestamp },
    Other,
}

pub(crate) async fn claim(
    connection: &mut Connection,
    tenant: &TenantId,
    claim: Claim<'_>,
    now: jiff::Timestamp,
) -> Result<Found, Error> {
    fault!("idempotency.claim.before");
    let inserted = sqlx::query(
        "INSERT INTO idempotency (tenant_id, operation, idempotency_key, fingerprint, resource, \
         created_at) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (tenant_id, operation, idempotency_key) DO NOTHING",
    )
    .bind(tenant.as_str())
    .bind(claim.operation)
    .bind(claim.key)
    .bind(claim.fingerprint)
    .bind(claim.resource)
    .bind(now.as_microsecond())
    .execute(&mut *connection)
    .await?;
    fault!("idempotency.claim.after");
    if inserted.rows_affected() == 1 || broken!(KeyUnread) {
        return Ok(Found::Nothing);
    }
    let row = sqlx::query(
        "SELECT fingerprint, resource, created_at FROM idempotency \
         WHERE tenant_id = $1 AND operation = $2 AND idempotency_key = $3",
    )
    .bind(tenant.as_str())
    .bind(claim.operation)
    .bind(claim.key)
    .fetch_one(connection)
    .await?;
    let fingerprint: String = row.try_get("fingerprint")?;
    if fingerprint != claim.fingerprint {
        return Ok(Found::Other);
    }
    let created_at = time(row.try_get("created_at")?)?;
    Ok(Found::Same { resource: row.try_get("resource")?, created_at })
}
