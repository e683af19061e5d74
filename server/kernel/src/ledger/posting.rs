//! Posting: accounts are locked, everything is decided, and only then anything is written.

use jiff::Timestamp;

use super::accounts::{self, Account};
use super::entries::{self, Change};
use super::holds::{self, Draw, Hold};
use super::names::{HoldId, TransferId};
use super::reads;
use super::refusals::LedgerError;
use super::transfers::{Consume, Floors, Leg, Posted, PostedTransfer, Transfer};
use crate::database::Connection;
use crate::envelope::{Cause, TenantId};
use crate::error::Error;
use crate::faults::fault;
use crate::unit::Unit;

/// A transfer, and why it is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Posting<'a> {
    pub(crate) transfer: &'a Transfer,
    pub(crate) reverses: Option<&'a TransferId>,
    pub(crate) hold: Option<(&'a HoldId, &'a Consume)>,
}

pub(crate) async fn post(unit: &mut Unit, posting: Posting<'_>) -> Result<Posted, Error> {
    posting.transfer.shape()?;
    let (now, cause) = (unit.now(), unit.cause().clone());
    let legs = posting.transfer.sorted();
    let (tenant, connection) = unit.sql();
    let names: Vec<_> = legs.iter().map(|leg| &leg.account).collect();
    let accounts = accounts::lock(connection, tenant, &names).await?;
    let at = accounts::time(&accounts, now);
    let draw = match posting.hold {
        None => Ok(None),
        // Nobody changes it while its account is locked, as it is if the transfer draws on it.
        Some((id, consume)) => {
            let hold = holds::find(connection, tenant, id).await?;
            draw(id, hold, consume, &legs, now).map(Some)
        }
    };
    let planned = draw.and_then(|draw| {
        Ok((plan(&legs, &accounts, draw.as_ref(), posting.transfer.floors)?, draw))
    });
    let (changes, draw) = match planned {
        Ok(planned) => planned,
        Err(refusal) => {
            // What is refused now may have been posted before.
            let before = before(connection, tenant, posting).await?;
            return before.ok_or_else(|| refusal.into());
        }
    };
    if !insert(connection, tenant, &cause, posting, at).await? {
        let before = before(connection, tenant, posting).await?;
        return before.ok_or(Error::Busy);
    }
    if let Some(draw) = &draw {
        holds::settle(connection, tenant, draw).await?;
    }
    entries::write(connection, tenant, Some(&posting.transfer.id), &changes, at).await?;
    Ok(Posted::Now)
}

/// What a transfer does to a hold.
fn draw<'a>(
    id: &'a HoldId,
    hold: Option<Hold>,
    consume: &Consume,
    legs: &[&Leg],
    now: Timestamp,
) -> Result<Draw<'a>, LedgerError> {
    let hold = hold.ok_or_else(|| LedgerError::UnknownHold { hold: id.clone() })?;
    let draw = hold.draw(id, consume, now)?;
    let taken = legs.iter().find(|leg| leg.account == draw.account && leg.amount.minor < 0);
    let Some(taken) = taken else {
        return Err(LedgerError::HoldNotDrawn { hold: id.clone(), account: draw.account });
    };
    let needed = -taken.amount.minor;
    if needed > draw.consumed {
        return Err(LedgerError::HoldExceeded { hold: id.clone(), left: draw.consumed, needed });
    }
    Ok(draw)
}

/// What becomes of each account. `legs` and `accounts` are in the order of names.
fn plan<'a>(
    legs: &[&Leg],
    accounts: &[Account],
    draw: Option<&Draw<'a>>,
    floors: Floors,
) -> Result<Vec<Change<'a>>, LedgerError> {
    let mut accounts = accounts.iter().peekable();
    let changes = legs.iter().map(|leg| {
        let account = accounts
            .next_if(|account| account.id == leg.account)
            .ok_or_else(|| LedgerError::UnknownAccount { account: leg.account.clone() })?;
        account.in_currency(&leg.amount)?;
        let draw = draw.filter(|draw| draw.account == leg.account);
        let reserved_delta = draw.map_or(0, |draw| -draw.released);
        let after = account.change(leg.amount.minor, reserved_delta, floors)?;
        let hold = draw.map(|draw| draw.hold);
        Ok(Change { after, total_delta: leg.amount.minor, reserved_delta, hold })
    });
    changes.collect()
}

/// Writes the row of a transfer; says whether there was none by its id, nor another reversal of
/// the same.
async fn insert(
    connection: &mut Connection,
    tenant: &TenantId,
    cause: &Cause,
    posting: Posting<'_>,
    at: i64,
) -> Result<bool, Error> {
    let Posting { transfer, reverses, hold } = posting;
    let consumption = hold.map(|(_, consume)| match consume {
        Consume::All => "all",
        Consume::KeepRest(_) => "keep",
        Consume::ReleaseRest(_) => "release",
    });
    let inserted = sqlx::query(
        "INSERT INTO ledger_transfers (tenant_id, transfer_id, reason, metadata, floors, \
         reverses, hold_id, consumption, consumed, posted_at, correlation_id, causation_id) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING",
    )
    .bind(tenant.as_str())
    .bind(transfer.id.as_str())
    .bind(&transfer.reason)
    .bind(serde_json::to_string(&transfer.metadata)?)
    .bind(match transfer.floors {
        Floors::Kept => "kept",
        Floors::Ignored => "ignored",
    })
    .bind(reverses.map(TransferId::as_str))
    .bind(hold.map(|(id, _)| id.as_str()))
    .bind(consumption)
    .bind(hold.and_then(|(_, consume)| consume.amount()).map(|amount| amount.minor))
    .bind(at)
    .bind(&cause.correlation_id)
    .bind(&cause.causation_id)
    .execute(connection)
    .await?;
    fault!("ledger.transfer.after");
    Ok(inserted.rows_affected() == 1)
}

/// Whether the same was posted before.
async fn before(
    connection: &mut Connection,
    tenant: &TenantId,
    posting: Posting<'_>,
) -> Result<Option<Posted>, Error> {
    let id = &posting.transfer.id;
    if let Some(found) = reads::transfer(connection, tenant, id).await? {
        if says_the_same(&found, posting) {
            return Ok(Some(Posted::Before));
        }
        return Err(LedgerError::IdReused { id: id.to_string() }.into());
    }
    let Some(transfer) = posting.reverses else { return Ok(None) };
    let by = reads::transfer(connection, tenant, transfer).await?.and_then(|it| it.reversed_by);
    match by {
        None => Ok(None),
        Some(by) => Err(LedgerError::AlreadyReversed { transfer: transfer.clone(), by }.into()),
    }
}

fn says_the_same(found: &PostedTransfer, posting: Posting<'_>) -> bool {
    let Transfer { id: _, legs: _, reason, metadata, floors } = posting.transfer;
    let legs = found.transfer.legs.iter().eq(posting.transfer.sorted());
    let hold = found.hold.as_ref().map(|(hold, consume)| (hold, consume)) == posting.hold;
    let reverses = found.reverses.as_ref() == posting.reverses;
    let rest = found.transfer.reason == *reason
        && found.transfer.metadata == *metadata
        && found.transfer.floors == *floors;
    legs && hold && reverses && rest
}

/// Posts the mirror image of a transfer.
pub(crate) async fn reverse(
    unit: &mut Unit,
    id: &TransferId,
    of: &TransferId,
    reason: &str,
    floors: Floors,
) -> Result<Posted, Error> {
    let (tenant, connection) = unit.sql();
    let Some(original) = reads::transfer(connection, tenant, of).await? else {
        return Err(LedgerError::UnknownTransfer { transfer: of.clone() }.into());
    };
    if original.reverses.is_some() {
        return Err(LedgerError::IsReversal { transfer: of.clone() }.into());
    }
    let mut transfer = Transfer { floors, ..Transfer::new(id.clone(), reason) };
    transfer.legs = original.transfer.legs;
    for leg in &mut transfer.legs {
        leg.amount.minor = -leg.amount.minor;
    }
    post(unit, Posting { transfer: &transfer, reverses: Some(of), hold: None }).await
}
