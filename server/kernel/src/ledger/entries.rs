//! Entries: every change of every account, written with the account and never changed.

use jiff::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use super::accounts::{self, Account};
use super::names::{AccountId, HoldId, Money, TransferId};
use crate::database::Connection;
use crate::delivery::messages::{parsed, time};
use crate::envelope::TenantId;
use crate::error::Error;
use crate::faults::{broken, fault};

/// One change of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The account.
    pub account: AccountId,
    /// Its place among the entries of the account: 1, 2, 3, without gaps.
    pub number: i64,
    /// The transfer that made it; without one, a hold was made, voided or expired.
    pub transfer: Option<TransferId>,
    /// The hold that it is about.
    pub hold: Option<HoldId>,
    /// What came to the account; below zero, what left it.
    pub total_delta: Money,
    /// What was set aside, in minor units; below zero, what no longer is.
    pub reserved_delta: i64,
    /// What the account held then, in minor units.
    pub total_after: i64,
    /// How much of that was set aside.
    pub reserved_after: i64,
    /// When; never before the entry that it follows.
    pub posted_at: Timestamp,
}

impl Entry {
    pub(crate) fn read(row: &AnyRow) -> Result<Self, sqlx::Error> {
        let currency = parsed(row.try_get::<String, _>("currency")?.try_into())?;
        let transfer: Option<String> = row.try_get("transfer_id")?;
        let hold: Option<String> = row.try_get("hold_id")?;
        Ok(Self {
            account: parsed(row.try_get::<String, _>("account")?.try_into())?,
            number: row.try_get("number")?,
            transfer: parsed(transfer.map(TransferId::new).transpose())?,
            hold: parsed(hold.map(HoldId::new).transpose())?,
            total_delta: Money { minor: row.try_get("total_delta")?, currency },
            reserved_delta: row.try_get("reserved_delta")?,
            total_after: row.try_get("total_after")?,
            reserved_after: row.try_get("reserved_after")?,
            posted_at: time(row.try_get("posted_at")?)?,
        })
    }
}

macro_rules! columns {
    () => {
        "account, number, currency, transfer_id, hold_id, total_delta, reserved_delta, \
         total_after, reserved_after, posted_at"
    };
}
pub(crate) use columns;

/// A change of an account that this transaction has locked.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    pub(crate) after: Account,
    pub(crate) total_delta: i64,
    pub(crate) reserved_delta: i64,
    pub(crate) hold: Option<&'a HoldId>,
}

/// Writes the entries of changes and what their accounts hold then.
pub(crate) async fn write(
    connection: &mut Connection,
    tenant: &TenantId,
    transfer: Option<&TransferId>,
    changes: &[Change<'_>],
    at: i64,
) -> Result<(), Error> {
    let changes = if broken!(LegForgotten) { &changes[..1] } else { changes };
    const SHARED: usize = 3;
    const OWN: usize = 8;
    let rows = (0..changes.len()).map(|row| {
        let own = (1..=OWN).map(|column| format!("${}", SHARED + row * OWN + column));
        format!("($1, $2, $3, {})", own.collect::<Vec<_>>().join(", "))
    });
    let insert = format!(
        "INSERT INTO ledger_entries (tenant_id, transfer_id, posted_at, account, number, \
         currency, hold_id, total_delta, reserved_delta, total_after, reserved_after) VALUES {}",
        rows.collect::<Vec<_>>().join(", ")
    );
    let mut query = sqlx::query(AssertSqlSafe(insert))
        .bind(tenant.as_str())
        .bind(transfer.map(TransferId::as_str))
        .bind(at);
    for Change { after, total_delta, reserved_delta, hold } in changes {
        query = query
            .bind(after.id.as_str())
            .bind(after.entries)
            .bind(after.currency.as_str())
            .bind(hold.map(HoldId::as_str))
            .bind(*total_delta)
            .bind(*reserved_delta)
            .bind(after.total)
            .bind(after.reserved);
    }
    query.execute(&mut *connection).await?;
    fault!("ledger.entries.after");
    accounts::store(connection, tenant, changes.iter().map(|it| &it.after), at).await?;
    fault!("ledger.balances.after");
    Ok(())
}
