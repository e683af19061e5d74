//! Rows of accounts: opened, locked in one order, and written with what they hold then.

use jiff::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use super::names::{AccountId, Currency, LIMIT, Money, is_within_limit};
use super::refusals::LedgerError;
use super::transfers::{Floors, Posted};
use crate::database::dialect::sql;
use crate::database::{Connection, Dialect};
use crate::delivery::messages::parsed;
use crate::envelope::TenantId;
use crate::error::Error;
use crate::faults::fault;

/// What the available balance of an account is not taken below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Floor {
    /// So many minor units: 0 for an account that is never overdrawn, below zero for one that may
    /// be, by as much.
    At(i64),
    /// Nothing: for the other side, such as the house, equity, or money at a bank.
    None,
}

impl Floor {
    pub(crate) fn minor(self) -> Option<i64> {
        match self {
            Self::At(minor) => Some(minor),
            Self::None => None,
        }
    }
}

/// An account as it is held by this transaction.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) id: AccountId,
    pub(crate) currency: Currency,
    floor: Floor,
    pub(crate) total: i64,
    pub(crate) reserved: i64,
    /// The number of its last entry.
    pub(crate) entries: i64,
    /// When its last entry was made, or when it was opened.
    changed_at: i64,
}

impl Account {
    fn read(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: parsed(AccountId::new(row.try_get::<String, _>("account")?))?,
            currency: parsed(Currency::new(row.try_get::<String, _>("currency")?))?,
            floor: row.try_get::<Option<i64>, _>("floor")?.map_or(Floor::None, Floor::At),
            total: row.try_get("total")?,
            reserved: row.try_get("reserved")?,
            entries: row.try_get("entries")?,
            changed_at: row.try_get("changed_at")?,
        })
    }

    pub(crate) fn in_currency(&self, amount: &Money) -> Result<(), LedgerError> {
        if self.currency == amount.currency {
            return Ok(());
        }
        Err(LedgerError::CurrencyMismatch {
            account: self.id.clone(),
            expected: self.currency.clone(),
            actual: amount.currency.clone(),
        })
    }

    /// What it becomes by a change of its total and of what is reserved.
    ///
    /// What makes more available is never refused for the floor: an account that is below it comes
    /// up again step by step.
    pub(crate) fn change(
        &self,
        total_delta: i64,
        reserved_delta: i64,
        floors: Floors,
    ) -> Result<Self, LedgerError> {
        let overflow = || LedgerError::Overflow { account: self.id.clone() };
        let sum = |of: i64, with: i64| of.checked_add(with).filter(|it| is_within_limit(*it));
        let total = sum(self.total, total_delta).ok_or_else(overflow)?;
        let reserved = sum(self.reserved, reserved_delta).ok_or_else(overflow)?;
        let (before, after) = (self.total - self.reserved, total - reserved);
        let bound = match floors {
            Floors::Kept => self.floor,
            Floors::Ignored => Floor::None,
        };
        match bound {
            Floor::At(floor) if after < floor && after < before => {
                Err(LedgerError::InsufficientFunds {
                    account: self.id.clone(),
                    available: before.saturating_sub(floor).max(0),
                    needed: before.saturating_sub(after),
                })
            }
            Floor::At(_) | Floor::None => {
                Ok(Self { total, reserved, entries: self.entries + 1, ..self.clone() })
            }
        }
    }
}

/// The time of what is done to these accounts now: no account's time goes back.
pub(crate) fn time<'a>(accounts: impl IntoIterator<Item = &'a Account>, now: Timestamp) -> i64 {
    let times = accounts.into_iter().map(|it| it.changed_at);
    times.fold(now.as_microsecond(), i64::max)
}

pub(crate) async fn open(
    connection: &mut Connection,
    tenant: &TenantId,
    id: &AccountId,
    currency: &Currency,
    floor: Floor,
    now: Timestamp,
) -> Result<Posted, Error> {
    if !(-LIMIT..=LIMIT).contains(&floor.minor().unwrap_or(0)) {
        return Err(LedgerError::Overflow { account: id.clone() }.into());
    }
    let opened = sqlx::query(
        "INSERT INTO ledger_accounts (tenant_id, account, currency, floor, total, reserved, \
         entries, opened_at, changed_at) VALUES ($1, $2, $3, $4, 0, 0, 0, $5, $5) \
         ON CONFLICT (tenant_id, account) DO NOTHING",
    )
    .bind(tenant.as_str())
    .bind(id.as_str())
    .bind(currency.as_str())
    .bind(floor.minor())
    .bind(now.as_microsecond())
    .execute(&mut *connection)
    .await?;
    fault!("ledger.open.after");
    if opened.rows_affected() == 1 {
        return Ok(Posted::Now);
    }
    let row = sqlx::query(
        "SELECT currency, floor FROM ledger_accounts WHERE tenant_id = $1 AND account = $2",
    )
    .bind(tenant.as_str())
    .bind(id.as_str())
    .fetch_one(connection)
    .await?;
    let is_same = row.try_get::<String, _>("currency")? == currency.as_str()
        && row.try_get::<Option<i64>, _>("floor")? == floor.minor();
    if is_same {
        Ok(Posted::Before)
    } else {
        Err(LedgerError::OtherTerms { account: id.clone() }.into())
    }
}

/// These accounts as they are, and nobody else changes them until this transaction ends; those
/// that there are, in the order of their names.
///
/// Everyone locks them in the order of the database, so that two who want the same wait for one
/// another instead of standing in each other's way.
pub(crate) async fn lock(
    connection: &mut Connection,
    tenant: &TenantId,
    ids: &[&AccountId],
) -> Result<Vec<Account>, Error> {
    let names = (2..ids.len() + 2).map(|at| format!("${at}")).collect::<Vec<_>>().join(", ");
    let end = sql!(Dialect::of(connection), ") ORDER BY account", lock);
    let select = format!(
        "SELECT account, currency, floor, total, reserved, entries, changed_at \
         FROM ledger_accounts WHERE tenant_id = $1 AND account IN ({names}{end}"
    );
    let mut query = sqlx::query(AssertSqlSafe(select)).bind(tenant.as_str());
    for id in ids {
        query = query.bind(id.as_str());
    }
    fault!("ledger.lock.before");
    let rows = query.fetch_all(connection).await?;
    fault!("ledger.lock.after");
    let mut accounts = rows.iter().map(Account::read).collect::<Result<Vec<_>, _>>()?;
    accounts.sort_unstable_by(|one, other| one.id.cmp(&other.id));
    Ok(accounts)
}

/// Writes what accounts hold that this transaction has locked.
pub(crate) async fn store(
    connection: &mut Connection,
    tenant: &TenantId,
    accounts: impl ExactSizeIterator<Item = &Account> + Clone,
    at: i64,
) -> Result<(), Error> {
    let rows = (0..accounts.len())
        .map(|row| row * 4 + 3)
        .map(|at| format!("(${at}, ${}, ${}, ${})", at + 1, at + 2, at + 3));
    let rows = rows.collect::<Vec<_>>().join(", ");
    let update = format!(
        "UPDATE ledger_accounts SET total = v.column2, reserved = v.column3, \
         entries = v.column4, changed_at = $2 FROM (VALUES {rows}) AS v \
         WHERE tenant_id = $1 AND account = v.column1"
    );
    let mut query = sqlx::query(AssertSqlSafe(update)).bind(tenant.as_str()).bind(at);
    for account in accounts {
        query = query
            .bind(account.id.as_str())
            .bind(account.total)
            .bind(account.reserved)
            .bind(account.entries);
    }
    query.execute(connection).await?;
    Ok(())
}
