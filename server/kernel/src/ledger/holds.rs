//! Holds: money that is set aside on an account until it is posted, voided, or its time is over.

use std::fmt;

use jiff::Timestamp;
use sqlx::Row;

use super::accounts::{self, Account};
use super::entries::{self, Change};
use super::names::{AccountId, HoldId, LIMIT, Money};
use super::refusals::LedgerError;
use super::transfers::{Consume, Floors, Posted};
use crate::database::Connection;
use crate::delivery::messages::{parsed, time};
use crate::envelope::TenantId;
use crate::error::Error;
use crate::faults::{broken, fault};
use crate::handlers::{Handled, TimerHandler};
use crate::unit::Unit;
use crate::work::timers::{self, Timer};

/// The kind of the timers of holds that expire; the key is the id of the hold.
const EXPIRY: &str = "kernel.ledger.hold-expired";

/// What became of a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldState {
    /// Something is set aside.
    Open,
    /// It was used up by transfers, or its rest released by the last of them.
    Posted,
    /// Its rest was released by [`Ledger::void`](super::Ledger::void).
    Voided,
    /// Its rest was released because its time was over.
    Expired,
}

impl HoldState {
    const ALL: [Self; 4] = [Self::Open, Self::Posted, Self::Voided, Self::Expired];

    fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Posted => "posted",
            Self::Voided => "voided",
            Self::Expired => "expired",
        }
    }
}

impl fmt::Display for HoldState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Money that is, or was, set aside on an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Its id.
    pub id: HoldId,
    /// Where it is.
    pub account: AccountId,
    /// How much was set aside when it was made.
    pub amount: Money,
    /// How much of it is left, in minor units.
    pub remaining: i64,
    /// What became of it.
    pub state: HoldState,
    /// When its time is over.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub reserved_at: Timestamp,
}

/// What a transfer does to a hold.
#[derive(Debug)]
pub(crate) struct Draw<'a> {
    pub(crate) hold: &'a HoldId,
    pub(crate) account: AccountId,
    /// What the transfer may take.
    pub(crate) consumed: i64,
    /// What is no longer set aside.
    pub(crate) released: i64,
    remaining: i64,
}

impl Hold {
    /// What consuming a part of it does to it.
    pub(crate) fn draw<'a>(
        self,
        id: &'a HoldId,
        consume: &Consume,
        now: Timestamp,
    ) -> Result<Draw<'a>, LedgerError> {
        let hold = self.id;
        // It may be over before its timer has fired.
        let is_over = self.expires_at.is_some_and(|until| until <= now);
        let state = match self.state {
            HoldState::Open if is_over => HoldState::Expired,
            state => state,
        };
        if state != HoldState::Open {
            return Err(LedgerError::HoldNotOpen { hold, state });
        }
        let left = self.remaining;
        if let Some(amount) = consume.amount() {
            let (needed, currency) = (amount.minor, &amount.currency);
            if *currency != self.amount.currency {
                let (expected, actual) = (self.amount.currency, currency.clone());
                let account = self.account;
                return Err(LedgerError::CurrencyMismatch { account, expected, actual });
            }
            if needed <= 0 {
                return Err(LedgerError::NotPositive { amount: needed });
            }
            if needed > left {
                return Err(LedgerError::HoldExceeded { hold, left, needed });
            }
        }
        let (consumed, released) = match consume {
            Consume::All => (left, left),
            Consume::KeepRest(amount) => (amount.minor, amount.minor),
            Consume::ReleaseRest(amount) => (amount.minor, left),
        };
        Ok(Draw { hold: id, account: self.account, consumed, released, remaining: left - released })
    }
}

/// A hold as it is.
pub(crate) async fn find(
    connection: &mut Connection,
    tenant: &TenantId,
    id: &HoldId,
) -> Result<Option<Hold>, Error> {
    let row = sqlx::query(
        "SELECT h.account, h.amount, h.remaining, h.state, h.expires_at, h.reserved_at, \
         a.currency FROM ledger_holds h JOIN ledger_accounts a \
         ON a.tenant_id = h.tenant_id AND a.account = h.account \
         WHERE h.tenant_id = $1 AND h.hold_id = $2",
    )
    .bind(tenant.as_str())
    .bind(id.as_str())
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let state: String = row.try_get("state")?;
    let state = HoldState::ALL.into_iter().find(|it| it.as_str() == state);
    let state = state.ok_or_else(|| sqlx::Error::Decode("a hold has no such state".into()))?;
    let currency = parsed(row.try_get::<String, _>("currency")?.try_into())?;
    let expires_at: Option<i64> = row.try_get("expires_at")?;
    Ok(Some(Hold {
        id: id.clone(),
        account: parsed(row.try_get::<String, _>("account")?.try_into())?,
        amount: Money { minor: row.try_get("amount")?, currency },
        remaining: row.try_get("remaining")?,
        state,
        expires_at: expires_at.map(time).transpose()?,
        reserved_at: time(row.try_get("reserved_at")?)?,
    }))
}

/// What is to be set aside.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewHold<'a> {
    pub(crate) id: &'a HoldId,
    pub(crate) account: &'a AccountId,
    pub(crate) amount: &'a Money,
    pub(crate) expires_at: Option<Timestamp>,
}

impl NewHold<'_> {
    /// In microseconds, not before what was asked.
    fn expires_at(&self) -> Option<i64> {
        self.expires_at.map(timers::ceiling_micros)
    }

    /// What becomes of its account.
    fn plan(&self, account: Option<&Account>, now: Timestamp) -> Result<Account, LedgerError> {
        let Some(account) = account else {
            return Err(LedgerError::UnknownAccount { account: self.account.clone() });
        };
        account.in_currency(self.amount)?;
        if self.expires_at.is_some_and(|until| until <= now) {
            return Err(LedgerError::BornExpired { hold: self.id.clone() });
        }
        account.change(0, self.amount.minor, Floors::Kept)
    }
}

pub(crate) async fn reserve(unit: &mut Unit, new: NewHold<'_>) -> Result<Posted, Error> {
    match new.amount.minor {
        1..=LIMIT => {}
        amount @ ..=0 => return Err(LedgerError::NotPositive { amount }.into()),
        _ => return Err(LedgerError::Overflow { account: new.account.clone() }.into()),
    }
    let now = unit.now();
    let (tenant, connection) = unit.sql();
    let accounts = accounts::lock(connection, tenant, &[new.account]).await?;
    let at = accounts::time(&accounts, now);
    let after = match new.plan(accounts.first(), now) {
        Ok(after) => after,
        Err(refusal) => {
            return before(connection, tenant, new).await?.ok_or_else(|| refusal.into());
        }
    };
    let inserted = sqlx::query(
        "INSERT INTO ledger_holds (tenant_id, hold_id, account, amount, remaining, state, \
         expires_at, reserved_at) VALUES ($1, $2, $3, $4, $4, $5, $6, $7) \
         ON CONFLICT (tenant_id, hold_id) DO NOTHING",
    )
    .bind(tenant.as_str())
    .bind(new.id.as_str())
    .bind(new.account.as_str())
    .bind(new.amount.minor)
    .bind(HoldState::Open.as_str())
    .bind(new.expires_at())
    .bind(at)
    .execute(&mut *connection)
    .await?;
    fault!("ledger.hold.made");
    if inserted.rows_affected() == 0 {
        return before(connection, tenant, new).await?.ok_or(Error::Busy);
    }
    let reserved_delta = new.amount.minor;
    let change = Change { after, total_delta: 0, reserved_delta, hold: Some(new.id) };
    entries::write(connection, tenant, None, &[change], at).await?;
    if let Some(expires_at) = new.expires_at {
        unit.schedule(EXPIRY, new.id.as_str(), expires_at, &()).await?;
    }
    Ok(Posted::Now)
}

/// Whether the same was reserved before.
async fn before(
    connection: &mut Connection,
    tenant: &TenantId,
    new: NewHold<'_>,
) -> Result<Option<Posted>, Error> {
    let Some(found) = find(connection, tenant, new.id).await? else { return Ok(None) };
    let is_same = found.account == *new.account
        && found.amount == *new.amount
        && found.expires_at.map(timers::ceiling_micros) == new.expires_at();
    if is_same {
        return Ok(Some(Posted::Before));
    }
    Err(LedgerError::IdReused { id: new.id.to_string() }.into())
}

/// Writes what a transfer has left of a hold.
pub(crate) async fn settle(
    connection: &mut Connection,
    tenant: &TenantId,
    draw: &Draw<'_>,
) -> Result<(), Error> {
    let state = if draw.remaining > 0 { HoldState::Open } else { HoldState::Posted };
    store(connection, tenant, draw.hold, draw.remaining, state).await
}

/// Writes what is left of a hold; its timer goes with it when it is closed.
async fn store(
    connection: &mut Connection,
    tenant: &TenantId,
    hold: &HoldId,
    remaining: i64,
    state: HoldState,
) -> Result<(), Error> {
    let expires_at: Option<i64> = sqlx::query_scalar(
        "UPDATE ledger_holds SET remaining = $3, state = $4 \
         WHERE tenant_id = $1 AND hold_id = $2 RETURNING expires_at",
    )
    .bind(tenant.as_str())
    .bind(hold.as_str())
    .bind(remaining)
    .bind(state.as_str())
    .fetch_one(&mut *connection)
    .await?;
    fault!("ledger.hold.changed");
    if state != HoldState::Open && expires_at.is_some() {
        timers::delete_unless_firing(connection, tenant, EXPIRY, hold.as_str()).await?;
    }
    Ok(())
}

pub(crate) async fn void(unit: &mut Unit, id: &HoldId) -> Result<Posted, Error> {
    let now = unit.now();
    let (tenant, connection) = unit.sql();
    let Some((account, hold)) = lock(connection, tenant, id).await? else {
        return Err(LedgerError::UnknownHold { hold: id.clone() }.into());
    };
    match hold.state {
        HoldState::Open => {
            close(connection, tenant, account, hold, HoldState::Voided, now).await?;
            Ok(Posted::Now)
        }
        HoldState::Voided => Ok(Posted::Before),
        state @ (HoldState::Posted | HoldState::Expired) => {
            Err(LedgerError::HoldNotOpen { hold: id.clone(), state }.into())
        }
    }
}

/// A hold as it is, and nobody else changes it or its account until this transaction ends.
async fn lock(
    connection: &mut Connection,
    tenant: &TenantId,
    id: &HoldId,
) -> Result<Option<(Account, Hold)>, Error> {
    let Some(found) = find(connection, tenant, id).await? else { return Ok(None) };
    let mut accounts = accounts::lock(connection, tenant, &[&found.account]).await?;
    // Whoever changes a hold has its account locked: from here on it stands still.
    let hold = find(connection, tenant, id).await?;
    Ok(accounts.pop().zip(hold))
}

/// Makes available again what is left of a hold.
async fn close(
    connection: &mut Connection,
    tenant: &TenantId,
    account: Account,
    hold: Hold,
    state: HoldState,
    now: Timestamp,
) -> Result<(), Error> {
    let at = accounts::time([&account], now);
    let reserved_delta = -hold.remaining;
    let after = account.change(0, reserved_delta, Floors::Kept)?;
    store(connection, tenant, &hold.id, 0, state).await?;
    let change = Change { after, total_delta: 0, reserved_delta, hold: Some(&hold.id) };
    entries::write(connection, tenant, None, &[change], at).await
}

/// Expires holds when their time is over; part of every kernel that is started.
#[derive(Debug)]
pub(crate) struct Expiry;

impl TimerHandler for Expiry {
    fn kind(&self) -> &str {
        EXPIRY
    }

    async fn fire(&self, timer: &Timer, unit: &mut Unit) -> Handled {
        let id = HoldId::new(&timer.key)?;
        let now = unit.now();
        let (tenant, connection) = unit.sql();
        let Some((account, hold)) = lock(connection, tenant, &id).await? else { return Ok(()) };
        let is_over = hold.expires_at.is_some_and(|until| until <= now);
        if hold.state == HoldState::Open && is_over && !broken!(HoldKept) {
            tracing::debug!(%tenant, hold = %id, account = %hold.account, "a hold has expired");
            close(connection, tenant, account, hold, HoldState::Expired, now).await?;
        }
        Ok(())
    }
}
