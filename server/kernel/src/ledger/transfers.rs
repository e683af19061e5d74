//! What a transfer says, and what is wrong with it whatever the accounts hold.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::names::{AccountId, Currency, HoldId, Money, TransferId, is_within_limit};
use super::refusals::LedgerError;

/// A posting is a few statements whatever it moves; databases bound what fits into one.
const MOST_LEGS: usize = 1000;
const LONGEST_REASON: usize = 1000;

/// Whether floors of accounts stand in the way of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Floors {
    /// It is refused if it takes an account below its floor.
    #[default]
    Kept,
    /// It is posted even so, because what it books has happened: a refund of what was spent since,
    /// a fill that came late. What a hold has set aside stays set aside.
    Ignored,
}

/// What a transfer does to one account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leg {
    /// The account.
    pub account: AccountId,
    /// What comes to it; below zero, what leaves it.
    pub amount: Money,
}

/// Money that moves between accounts, all of it at one moment.
///
/// In each currency the legs sum to zero, an account has one leg at most, and no leg is zero: leave
/// out the fee that is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Transfer {
    /// Its id: the same content may be posted again under it, and has no second effect.
    pub id: TransferId,
    /// What it does to accounts, in any order.
    pub legs: Vec<Leg>,
    /// Why it is made, for people: up to 1,000 bytes.
    pub reason: String,
    /// What else is to be known about it.
    pub metadata: Value,
    /// Whether floors stand in its way.
    pub floors: Floors,
}

impl Transfer {
    /// A transfer that has no legs yet.
    pub fn new(id: TransferId, reason: impl Into<String>) -> Self {
        let (legs, metadata, floors) = (Vec::new(), Value::Null, Floors::Kept);
        Self { id, legs, reason: reason.into(), metadata, floors }
    }

    /// A transfer of an amount from one account to another.
    pub fn between(
        id: TransferId,
        from: &AccountId,
        to: &AccountId,
        amount: &Money,
        reason: impl Into<String>,
    ) -> Self {
        // What has no opposite is refused for its size.
        let opposite = Money::new(amount.minor.saturating_neg(), &amount.currency);
        Self::new(id, reason).leg(from, opposite).leg(to, amount.clone())
    }

    /// Adds a leg: what comes to an account or, below zero, leaves it.
    #[must_use]
    pub fn leg(mut self, account: &AccountId, amount: Money) -> Self {
        self.legs.push(Leg { account: account.clone(), amount });
        self
    }

    /// Adds what else is to be known about it.
    ///
    /// # Errors
    /// When `metadata` cannot be written as JSON.
    pub fn metadata<T: Serialize + ?Sized>(
        mut self,
        metadata: &T,
    ) -> Result<Self, serde_json::Error> {
        self.metadata = serde_json::to_value(metadata)?;
        Ok(self)
    }

    /// Says that it has happened, whatever the floors of accounts are: see [`Floors::Ignored`].
    #[must_use]
    pub fn whatever_the_floors(mut self) -> Self {
        self.floors = Floors::Ignored;
        self
    }

    /// Its legs in the order of accounts.
    pub(crate) fn sorted(&self) -> Vec<&Leg> {
        let mut legs: Vec<&Leg> = self.legs.iter().collect();
        legs.sort_unstable();
        legs
    }

    /// What is wrong with it whatever the accounts are.
    pub(crate) fn shape(&self) -> Result<(), LedgerError> {
        match self.legs.len() {
            0 => return Err(LedgerError::NoLegs),
            1..=MOST_LEGS => {}
            count => return Err(LedgerError::TooManyLegs { count }),
        }
        if self.reason.len() > LONGEST_REASON || self.reason.chars().any(char::is_control) {
            return Err(LedgerError::Reason);
        }
        let mut sums: BTreeMap<&Currency, i128> = BTreeMap::new();
        let mut before = None;
        for Leg { account, amount } in self.sorted() {
            let is_repeated = before.replace(account) == Some(account);
            let account = account.clone();
            if !is_within_limit(amount.minor) {
                return Err(LedgerError::Overflow { account });
            }
            if amount.minor == 0 {
                return Err(LedgerError::ZeroAmount { account });
            }
            if is_repeated {
                return Err(LedgerError::RepeatedAccount { account });
            }
            *sums.entry(&amount.currency).or_default() += i128::from(amount.minor);
        }
        match sums.into_iter().find(|(_, sum)| *sum != 0) {
            None => Ok(()),
            Some((currency, sum)) => {
                Err(LedgerError::Unbalanced { currency: currency.clone(), sum })
            }
        }
    }
}

/// What a transfer out of a hold consumes of it. The transfer may take less from the account than
/// it consumes; the difference is available again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consume {
    /// All that is left; the hold is closed.
    All,
    /// So much; the rest stays set aside.
    KeepRest(Money),
    /// So much; the rest is available again and the hold is closed.
    ReleaseRest(Money),
}

impl Consume {
    /// The amount it names.
    pub(crate) fn amount(&self) -> Option<&Money> {
        match self {
            Self::All => None,
            Self::KeepRest(amount) | Self::ReleaseRest(amount) => Some(amount),
        }
    }
}

/// Whether a call did something, or the same had been done under the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Posted {
    /// It was done by this call.
    Now,
    /// It had been done before; nothing was written.
    Before,
}

/// A transfer as it was posted.
#[derive(Debug, Clone, PartialEq)]
pub struct PostedTransfer {
    /// What was posted; its legs are in the order of accounts.
    pub transfer: Transfer,
    /// The transfer it corrects.
    pub reverses: Option<TransferId>,
    /// The transfer that corrects it.
    pub reversed_by: Option<TransferId>,
    /// The hold it was posted out of, and what it consumed of it.
    pub hold: Option<(HoldId, Consume)>,
    /// When it was posted.
    pub posted_at: Timestamp,
    /// The conversation it belongs to.
    pub correlation_id: String,
    /// The message or request that led to it.
    pub causation_id: String,
}
