//! The money of an order: it comes when the order is placed, and some of it is spent when the order
//! is amended.

use jiff::SignedDuration;
use symbolon_kernel::ledger::{
    AccountId, Consume, Currency, Floor, HoldId, LedgerError, Money, Transfer, TransferId,
};
use symbolon_kernel::{Action, BoxError, Error, Unit, View};

/// What comes when an order is placed.
const PAID: i64 = 100;
/// What is set aside then, for so long.
const RESERVED: i64 = 60;
const LASTING: SignedDuration = SignedDuration::from_millis(30);
/// What an amendment costs.
const SPENT: i64 = 40;

fn till() -> Result<AccountId, BoxError> {
    Ok(AccountId::new("till")?)
}

fn account(order: &str) -> Result<AccountId, BoxError> {
    Ok(AccountId::new(format!("order:{order}"))?)
}

fn money(minor: i64) -> Result<Money, BoxError> {
    Ok(Money::new(minor, &Currency::new("RUB")?))
}

/// The customer pays, and some of it is set aside.
pub(crate) async fn pay(unit: &mut Unit, order: &str) -> Result<(), BoxError> {
    let (till, account, amount) = (till()?, account(order)?, money(PAID)?);
    let expires_at = unit.now() + LASTING;
    unit.audit(Action::new("order.paid", order)).await?;
    let mut ledger = unit.ledger();
    ledger.open(&till, &amount.currency, Floor::None).await?;
    ledger.open(&account, &amount.currency, Floor::At(0)).await?;
    let id = TransferId::new(format!("paid:{order}"))?;
    ledger.post(&Transfer::between(id, &till, &account, &amount, "paid")).await?;
    ledger.reserve(&HoldId::new(order)?, &account, &money(RESERVED)?, Some(expires_at)).await?;
    Ok(())
}

/// The shop takes its part: of what is set aside, or, when that is over, of what is there.
pub(crate) async fn spend(unit: &mut Unit, order: &str) -> Result<(), BoxError> {
    let id = TransferId::new(format!("spent:{order}"))?;
    let spent = Transfer::between(id, &account(order)?, &till()?, &money(SPENT)?, "spent");
    let mut ledger = unit.ledger();
    match ledger.post_from(&HoldId::new(order)?, &Consume::All, &spent).await {
        Err(Error::Ledger(LedgerError::HoldNotOpen { .. })) => ledger.post(&spent).await?,
        posted => posted?,
    };
    Ok(())
}

/// What is wrong with the money of an order that was placed, and amended if it says so, once
/// nothing is left to do.
pub(crate) async fn finding(
    view: &mut View,
    order: &str,
    is_amended: bool,
) -> Result<Option<String>, BoxError> {
    let balance = view.ledger().balance(&account(order)?).await?;
    let left = if is_amended { PAID - SPENT } else { PAID };
    let is_right = balance.as_ref().is_some_and(|it| (it.total, it.reserved) == (left, 0));
    Ok((!is_right).then(|| format!("has {balance:?} and not {left}")))
}

/// Takes more than an order has.
#[cfg(feature = "simulation")]
pub(crate) async fn overdraw(unit: &mut Unit, order: &str) -> Result<(), Error> {
    let wrong = |error: BoxError| Error::Bus(error);
    let (from, to) = (account(order).map_err(wrong)?, till().map_err(wrong)?);
    let amount = money(PAID + 1).map_err(wrong)?;
    let id = TransferId::new(format!("overdrawn:{order}")).map_err(|error| wrong(error.into()))?;
    unit.ledger().post(&Transfer::between(id, &from, &to, &amount, "overdrawn")).await?;
    Ok(())
}
