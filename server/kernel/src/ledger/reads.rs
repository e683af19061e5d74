//! What the books say, of one tenant.

use jiff::Timestamp;
use serde_json::Value;
use sqlx::Row;

use super::entries::{Entry, columns};
use super::holds::{self, Hold};
use super::names::{AccountId, Currency, HoldId, Money, TransferId};
use super::transfers::{Consume, Floors, Leg, PostedTransfer, Transfer};
use crate::database::Connection;
use crate::delivery::messages::{parsed, time};
use crate::envelope::TenantId;
use crate::error::Error;

/// What an account holds, in minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balance {
    /// Of what.
    pub currency: Currency,
    /// All of it.
    pub total: i64,
    /// How much of that is set aside by holds.
    pub reserved: i64,
}

impl Balance {
    /// How much is not set aside.
    #[must_use]
    pub fn available(&self) -> i64 {
        self.total.saturating_sub(self.reserved)
    }
}

/// The books of one tenant, to be read.
#[derive(Debug)]
pub struct Books<'a> {
    tenant: &'a TenantId,
    connection: &'a mut Connection,
}

impl<'a> Books<'a> {
    pub(crate) fn new((tenant, connection): (&'a TenantId, &'a mut Connection)) -> Self {
        Self { tenant, connection }
    }

    /// What an account holds; none when there is no such account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn balance(&mut self, account: &AccountId) -> Result<Option<Balance>, Error> {
        let row = sqlx::query(
            "SELECT currency, total, reserved FROM ledger_accounts \
             WHERE tenant_id = $1 AND account = $2",
        )
        .bind(self.tenant.as_str())
        .bind(account.as_str())
        .fetch_optional(&mut *self.connection)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let currency = parsed(row.try_get::<String, _>("currency")?.try_into())?;
        let (total, reserved) = (row.try_get("total")?, row.try_get("reserved")?);
        Ok(Some(Balance { currency, total, reserved }))
    }

    /// What an account held at a moment, after everything that was posted at that moment; none
    /// when it was not open yet.
    ///
    /// All accounts of a transfer have it from one moment on: balances at one moment sum to zero
    /// in each currency. On PostgreSQL a unit that is still running may add to what was held a
    /// moment ago.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn balance_at(
        &mut self,
        account: &AccountId,
        at: Timestamp,
    ) -> Result<Option<Balance>, Error> {
        let row = sqlx::query(
            "SELECT a.currency, e.total_after, e.reserved_after FROM ledger_accounts a \
             LEFT JOIN ledger_entries e ON e.tenant_id = a.tenant_id AND e.account = a.account \
             AND e.number = (SELECT l.number FROM ledger_entries l WHERE l.tenant_id = $1 \
             AND l.account = $2 AND l.posted_at <= $3 \
             ORDER BY l.posted_at DESC, l.number DESC LIMIT 1) \
             WHERE a.tenant_id = $1 AND a.account = $2 AND a.opened_at <= $3",
        )
        .bind(self.tenant.as_str())
        .bind(account.as_str())
        .bind(floor_micros(at))
        .fetch_optional(&mut *self.connection)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let currency = parsed(row.try_get::<String, _>("currency")?.try_into())?;
        let total = row.try_get::<Option<i64>, _>("total_after")?.unwrap_or(0);
        let reserved = row.try_get::<Option<i64>, _>("reserved_after")?.unwrap_or(0);
        Ok(Some(Balance { currency, total, reserved }))
    }

    /// The entries of an account after a number, in order: the first page is after 0, the next one
    /// after the number of its last entry.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn entries(
        &mut self,
        account: &AccountId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Entry>, Error> {
        let rows = sqlx::query(concat!(
            "SELECT ",
            columns!(),
            " FROM ledger_entries WHERE tenant_id = $1 AND account = $2 AND number > $3 \
             ORDER BY number LIMIT $4 + 0"
        ))
        .bind(self.tenant.as_str())
        .bind(account.as_str())
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&mut *self.connection)
        .await?;
        Ok(rows.iter().map(Entry::read).collect::<Result<_, _>>()?)
    }

    /// A transfer as it was posted; none when there is no such transfer.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn transfer(&mut self, id: &TransferId) -> Result<Option<PostedTransfer>, Error> {
        transfer(self.connection, self.tenant, id).await
    }

    /// A hold as it is; none when there is no such hold.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn hold(&mut self, id: &HoldId) -> Result<Option<Hold>, Error> {
        holds::find(self.connection, self.tenant, id).await
    }
}

/// Rounded down: what happens later in the same microsecond had not happened.
fn floor_micros(at: Timestamp) -> i64 {
    let micros = at.as_microsecond();
    match Timestamp::from_microsecond(micros) {
        Ok(rounded) if rounded > at => micros - 1,
        Ok(_) | Err(_) => micros,
    }
}

pub(crate) async fn transfer(
    connection: &mut Connection,
    tenant: &TenantId,
    id: &TransferId,
) -> Result<Option<PostedTransfer>, Error> {
    let row = sqlx::query(
        "SELECT reason, metadata, floors, reverses, hold_id, consumption, consumed, posted_at, \
         correlation_id, causation_id, (SELECT r.transfer_id FROM ledger_transfers r \
         WHERE r.tenant_id = t.tenant_id AND r.reverses = t.transfer_id) AS reversed_by \
         FROM ledger_transfers t WHERE tenant_id = $1 AND transfer_id = $2",
    )
    .bind(tenant.as_str())
    .bind(id.as_str())
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let entries = entries(connection, tenant, id).await?;
    let (reverses, reversed_by) = (row.try_get("reverses")?, row.try_get("reversed_by")?);
    let named = |id: Option<String>| parsed(id.map(TransferId::new).transpose());
    let hold: Option<String> = row.try_get("hold_id")?;
    let hold = match parsed(hold.map(HoldId::new).transpose())? {
        None => None,
        Some(hold) => {
            let drawn = entries.iter().find(|entry| entry.hold.as_ref() == Some(&hold));
            let consumption: String = row.try_get("consumption")?;
            let consume = match (consumption.as_str(), row.try_get("consumed")?, drawn) {
                ("all", ..) => Consume::All,
                ("keep", Some(minor), Some(entry)) => {
                    Consume::KeepRest(Money { minor, ..entry.total_delta.clone() })
                }
                ("release", Some(minor), Some(entry)) => {
                    Consume::ReleaseRest(Money { minor, ..entry.total_delta.clone() })
                }
                _ => return Err(unreadable("a transfer out of a hold does not say how").into()),
            };
            Some((hold, consume))
        }
    };
    let floors = match row.try_get("floors")? {
        "kept" => Floors::Kept,
        "ignored" => Floors::Ignored,
        _ => return Err(unreadable("a transfer does not say what floors are to it").into()),
    };
    let legs = entries.into_iter().map(|it| Leg { account: it.account, amount: it.total_delta });
    let metadata: Value = parsed(serde_json::from_str(row.try_get("metadata")?))?;
    let (id, reason, legs) = (id.clone(), row.try_get("reason")?, legs.collect());
    Ok(Some(PostedTransfer {
        transfer: Transfer { id, legs, reason, metadata, floors },
        reverses: named(reverses)?,
        reversed_by: named(reversed_by)?,
        hold,
        posted_at: time(row.try_get("posted_at")?)?,
        correlation_id: row.try_get("correlation_id")?,
        causation_id: row.try_get("causation_id")?,
    }))
}

/// The entries of a transfer, in the order of accounts.
async fn entries(
    connection: &mut Connection,
    tenant: &TenantId,
    transfer: &TransferId,
) -> Result<Vec<Entry>, Error> {
    let rows = sqlx::query(concat!(
        "SELECT ",
        columns!(),
        " FROM ledger_entries WHERE tenant_id = $1 AND transfer_id = $2"
    ))
    .bind(tenant.as_str())
    .bind(transfer.as_str())
    .fetch_all(connection)
    .await?;
    let mut entries = rows.iter().map(Entry::read).collect::<Result<Vec<_>, _>>()?;
    entries.sort_unstable_by(|one, other| one.account.cmp(&other.account));
    Ok(entries)
}

fn unreadable(what: &'static str) -> sqlx::Error {
    sqlx::Error::Decode(what.into())
}
