//! Double-entry bookkeeping: accounts, transfers that sum to zero, holds, and an entry for each
//! change of each account, in the transaction of the unit of work.
//!
//! The models are TigerBeetle (two-phase transfers, idempotent by their ids) and Formance (any
//! number of legs). A unit posts through [`Unit::ledger`]; what is refused is a [`LedgerError`] and
//! has written nothing. [`Books`] reads, in a unit and in a view.
//!
//! Laws, which [`check`](check()) holds a whole database to: the legs of a transfer
//! sum to zero in each currency; what an account holds is the sum of its entries, now and at any
//! moment; what is reserved is what open holds have left; no transfer takes what is available below
//! the floor of its account unless it says so; entries and transfers are never changed.

mod accounts;
mod entries;
mod holds;
mod laws;
mod names;
mod posting;
mod reads;
mod refusals;
mod transfers;

use jiff::Timestamp;

use crate::error::Error;
use crate::unit::Unit;

pub use accounts::Floor;
pub use entries::Entry;
pub use holds::{Hold, HoldState};
pub use laws::check;
pub use names::{AccountId, Currency, HoldId, InvalidName, Money, TransferId};
pub use reads::{Balance, Books};
pub use refusals::LedgerError;
pub use transfers::{Consume, Floors, Leg, Posted, PostedTransfer, Transfer};

pub(crate) use holds::Expiry;
use holds::NewHold;
pub(crate) use laws::RULES;
use posting::Posting;

/// The ledger of a unit's tenant; what is done through it is part of the unit.
///
/// Each call locks the accounts it is about until the unit ends. On PostgreSQL two units that lock
/// the same accounts by several calls in different orders stand in each other's way, and after a
/// second one of them is [`Error::Busy`]: a unit that makes several calls says first, by
/// [`Ledger::lock`], which accounts they are about.
#[derive(Debug)]
pub struct Ledger<'a> {
    unit: &'a mut Unit,
}

impl<'a> Ledger<'a> {
    pub(crate) fn new(unit: &'a mut Unit) -> Self {
        Self { unit }
    }

    /// Opens an account. It is in one currency, and its floor is for good.
    ///
    /// # Errors
    /// [`LedgerError::OtherTerms`] when it is open in another currency or with another floor,
    /// [`LedgerError::Overflow`] for a floor beyond 2^62 - 1; otherwise when the database fails.
    pub async fn open(
        &mut self,
        account: &AccountId,
        currency: &Currency,
        floor: Floor,
    ) -> Result<Posted, Error> {
        let now = self.unit.now();
        let (tenant, connection) = self.unit.sql();
        accounts::open(connection, tenant, account, currency, floor, now).await
    }

    /// Locks accounts that several calls of this unit are about, in the order in which everyone
    /// does. One call needs none of this, and SQLite has one writer anyway.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lock(&mut self, accounts: &[&AccountId]) -> Result<(), Error> {
        if accounts.is_empty() {
            return Ok(());
        }
        let (tenant, connection) = self.unit.sql();
        accounts::lock(connection, tenant, accounts).await?;
        Ok(())
    }

    /// Posts a transfer: all of its legs, or none.
    ///
    /// # Errors
    /// [`Error::Ledger`] with what is wrong with the transfer ([`LedgerError::NoLegs`],
    /// [`LedgerError::TooManyLegs`], [`LedgerError::Reason`], [`LedgerError::ZeroAmount`],
    /// [`LedgerError::RepeatedAccount`], [`LedgerError::Unbalanced`], [`LedgerError::Overflow`]),
    /// with an account ([`LedgerError::UnknownAccount`], [`LedgerError::CurrencyMismatch`],
    /// [`LedgerError::InsufficientFunds`]), or with the id ([`LedgerError::IdReused`]); otherwise
    /// when the database fails.
    pub async fn post(&mut self, transfer: &Transfer) -> Result<Posted, Error> {
        posting::post(self.unit, Posting { transfer, reverses: None, hold: None }).await
    }

    /// Sets money aside on an account: it is reserved and no longer available. At `expires_at` or
    /// soon after, what is left is available again; nothing is posted out of it from then on.
    ///
    /// # Errors
    /// [`Error::Ledger`] with [`LedgerError::NotPositive`], [`LedgerError::Overflow`],
    /// [`LedgerError::UnknownAccount`], [`LedgerError::CurrencyMismatch`],
    /// [`LedgerError::BornExpired`], [`LedgerError::InsufficientFunds`] or
    /// [`LedgerError::IdReused`]; otherwise when the database fails.
    pub async fn reserve(
        &mut self,
        id: &HoldId,
        account: &AccountId,
        amount: &Money,
        expires_at: Option<Timestamp>,
    ) -> Result<Posted, Error> {
        holds::reserve(self.unit, NewHold { id, account, amount, expires_at }).await
    }

    /// Posts a transfer out of a hold: its leg on the account of the hold takes, from what is
    /// reserved, no more than the transfer consumes of the hold.
    ///
    /// # Errors
    /// What [`Ledger::post`] refuses, [`LedgerError::UnknownHold`], [`LedgerError::HoldNotOpen`],
    /// [`LedgerError::HoldExceeded`], [`LedgerError::HoldNotDrawn`] and
    /// [`LedgerError::NotPositive`]; otherwise when the database fails.
    pub async fn post_from(
        &mut self,
        hold: &HoldId,
        consume: &Consume,
        transfer: &Transfer,
    ) -> Result<Posted, Error> {
        let hold = Some((hold, consume));
        posting::post(self.unit, Posting { transfer, reverses: None, hold }).await
    }

    /// Makes available again what is left of a hold, and closes it.
    ///
    /// # Errors
    /// [`LedgerError::UnknownHold`], or [`LedgerError::HoldNotOpen`] when it is used up or
    /// expired; otherwise when the database fails.
    pub async fn void(&mut self, hold: &HoldId) -> Result<Posted, Error> {
        holds::void(self.unit, hold).await
    }

    /// Corrects a transfer by its mirror image, once. A hold that it came out of does not come
    /// back: the money is available.
    ///
    /// With [`Floors::Ignored`] it may take accounts below their floors, as the refund of what was
    /// spent since does.
    ///
    /// # Errors
    /// What [`Ledger::post`] refuses, [`LedgerError::UnknownTransfer`],
    /// [`LedgerError::AlreadyReversed`] and [`LedgerError::IsReversal`]; otherwise when the
    /// database fails.
    pub async fn reverse(
        &mut self,
        id: &TransferId,
        of: &TransferId,
        reason: &str,
        floors: Floors,
    ) -> Result<Posted, Error> {
        posting::reverse(self.unit, id, of, reason, floors).await
    }

    /// What the books say, with what this unit has done.
    pub fn books(&mut self) -> Books<'_> {
        Books::new(self.unit.sql())
    }
}
