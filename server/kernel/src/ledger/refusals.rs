//! Why the ledger refuses something: nothing was written then, and the unit goes on.

use super::holds::HoldState;
use super::names::{AccountId, Currency, HoldId, TransferId};

/// Why the ledger refuses something. Nothing was written by the call, and the unit goes on.
///
/// Where several are true, what is wrong with the transfer itself comes first, then what is wrong
/// with the hold, then with the accounts, each in the order of their names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// A transfer has no leg.
    #[error("a transfer has no leg")]
    NoLegs,
    /// A transfer has more legs than one may have: 1,000. Make several, in one unit.
    #[error("a transfer has {count} legs, more than it may have")]
    TooManyLegs {
        /// How many.
        count: usize,
    },
    /// The reason of a transfer is longer than 1,000 bytes, or has control characters.
    #[error("the reason of a transfer is too long, or has control characters")]
    Reason,
    /// A leg moves nothing.
    #[error("the leg of `{account}` moves nothing")]
    ZeroAmount {
        /// Whose leg it is.
        account: AccountId,
    },
    /// An account has two legs: what a transfer does to an account is one amount.
    #[error("`{account}` has two legs")]
    RepeatedAccount {
        /// Whose legs they are.
        account: AccountId,
    },
    /// The legs in a currency do not sum to zero.
    #[error("the legs in {currency} sum to {sum}, not to zero")]
    Unbalanced {
        /// The first such currency.
        currency: Currency,
        /// Their sum.
        sum: i128,
    },
    /// An amount, a floor, or what a balance would become, is beyond 2^62 - 1.
    #[error("`{account}` cannot hold so much")]
    Overflow {
        /// Where it would be.
        account: AccountId,
    },
    /// An amount that must be above zero is not.
    #[error("an amount of {amount} cannot be set aside or taken")]
    NotPositive {
        /// The amount.
        amount: i64,
    },
    /// The tenant has no such account.
    #[error("there is no account `{account}`")]
    UnknownAccount {
        /// The account.
        account: AccountId,
    },
    /// The account is open, in another currency or with another floor.
    #[error("`{account}` is open on other terms")]
    OtherTerms {
        /// The account.
        account: AccountId,
    },
    /// The account is in another currency.
    #[error("`{account}` is in {expected}, not in {actual}")]
    CurrencyMismatch {
        /// The account.
        account: AccountId,
        /// The currency of the account.
        expected: Currency,
        /// The currency of the amount.
        actual: Currency,
    },
    /// The account would be taken below its floor.
    #[error("`{account}` can give {available}, and {needed} is needed")]
    InsufficientFunds {
        /// The account.
        account: AccountId,
        /// How much it can give: its available balance above its floor, in minor units.
        available: i64,
        /// How much would leave it.
        needed: i64,
    },
    /// The id stands for a transfer, or a hold, with other content.
    #[error("the id `{id}` stands for something else")]
    IdReused {
        /// The id.
        id: String,
    },
    /// There is no such transfer to reverse.
    #[error("there is no transfer `{transfer}`")]
    UnknownTransfer {
        /// The transfer.
        transfer: TransferId,
    },
    /// The transfer was reversed, by another one than this.
    #[error("`{transfer}` is reversed by `{by}`")]
    AlreadyReversed {
        /// The transfer.
        transfer: TransferId,
        /// Its reversal.
        by: TransferId,
    },
    /// A reversal is not reversed: post what was right anew.
    #[error("`{transfer}` is a reversal itself")]
    IsReversal {
        /// The transfer.
        transfer: TransferId,
    },
    /// The tenant has no such hold.
    #[error("there is no hold `{hold}`")]
    UnknownHold {
        /// The hold.
        hold: HoldId,
    },
    /// A hold would have expired when it was made.
    #[error("the hold `{hold}` would have expired by now")]
    BornExpired {
        /// The hold.
        hold: HoldId,
    },
    /// The hold is used up, voided or expired.
    #[error("the hold `{hold}` is {state}")]
    HoldNotOpen {
        /// The hold.
        hold: HoldId,
        /// What became of it.
        state: HoldState,
    },
    /// More is to be consumed than the hold has left, or more to be taken than is consumed.
    #[error("the hold `{hold}` has {left}, and {needed} is needed")]
    HoldExceeded {
        /// The hold.
        hold: HoldId,
        /// What there is to take from.
        left: i64,
        /// What was to be taken.
        needed: i64,
    },
    /// A transfer out of a hold takes nothing from the account of the hold.
    #[error("the transfer takes nothing from `{account}`, where the hold `{hold}` is")]
    HoldNotDrawn {
        /// The hold.
        hold: HoldId,
        /// The account of the hold.
        account: AccountId,
    },
}
