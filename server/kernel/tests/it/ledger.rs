//! The ledger: what it does, what it refuses, and that a refusal leaves everything as it was.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use symbolon_kernel::ledger::{
    AccountId, Balance, Currency, Floor, Floors, Hold, HoldId, LedgerError, Money, Posted,
    Transfer, TransferId,
};
use symbolon_kernel::{Error, Kernel, Unit};

use crate::fixture::{Home, manual, noon, tenant, unit};

pub(crate) const LARGEST: i64 = (1 << 62) - 1;

pub(crate) fn account(name: &str) -> AccountId {
    AccountId::new(name).unwrap()
}

pub(crate) fn id(name: &str) -> TransferId {
    TransferId::new(name).unwrap()
}

pub(crate) fn hold(name: &str) -> HoldId {
    HoldId::new(name).unwrap()
}

pub(crate) fn currency(code: &str) -> Currency {
    Currency::new(code).unwrap()
}

pub(crate) fn rub(minor: i64) -> Money {
    Money::new(minor, &currency("RUB"))
}

pub(crate) fn btc(minor: i64) -> Money {
    Money::new(minor, &currency("BTC"))
}

pub(crate) fn pay(name: &str, from: &str, to: &str, minor: i64) -> Transfer {
    Transfer::between(id(name), &account(from), &account(to), &rub(minor), "because")
}

pub(crate) fn legs(name: &str, legs: &[(&str, Money)]) -> Transfer {
    let transfer = Transfer::new(id(name), "because");
    legs.iter().fold(transfer, |it, (name, amount)| it.leg(&account(name), amount.clone()))
}

/// Opens `cash` and `gold`, which have no floor, `alice` and `purse`, which are never overdrawn,
/// and `bob`, who may be by 50; brings 100 to alice.
pub(crate) async fn open(unit: &mut Unit) {
    for (name, code, floor) in [
        ("cash", "RUB", Floor::None),
        ("alice", "RUB", Floor::At(0)),
        ("bob", "RUB", Floor::At(-50)),
        ("gold", "BTC", Floor::None),
        ("purse", "BTC", Floor::At(0)),
    ] {
        let opened = unit.ledger().open(&account(name), &currency(code), floor).await.unwrap();
        assert_eq!(opened, Posted::Now);
    }
    let first = unit.ledger().post(&pay("first", "cash", "alice", 100)).await.unwrap();
    assert_eq!(first, Posted::Now);
}

pub(crate) async fn opened(kernel: &Kernel, name: &str) {
    let mut unit = unit(kernel, name).await;
    open(&mut unit).await;
    unit.commit().await.unwrap();
}

/// What the accounts hold: total and reserved.
pub(crate) async fn held(kernel: &Kernel, name: &str) -> [(i64, i64); 5] {
    let mut view = kernel.read(&tenant(name)).await.unwrap();
    let mut held = [(0, 0); 5];
    for (name, held) in ["cash", "alice", "bob", "gold", "purse"].iter().zip(&mut held) {
        let balance = view.ledger().balance(&account(name)).await.unwrap().unwrap();
        *held = (balance.total, balance.reserved);
    }
    held
}

pub(crate) async fn assert_lawful(kernel: &Kernel) {
    let mut view = kernel.read(&tenant("acme")).await.unwrap();
    assert_eq!(symbolon_kernel::ledger::check(view.sql().1).await.unwrap(), []);
}

pub(crate) fn refusal(result: Result<Posted, Error>) -> LedgerError {
    match result {
        Err(Error::Ledger(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

const OPENED: [(i64, i64); 5] = [(-100, 0), (100, 0), (0, 0), (0, 0), (0, 0)];

#[tokio::test]
async fn a_transfer_moves_money_in_several_currencies_at_once() {
    let home = Home::new();
    let (clock, injected) = manual();
    let kernel = home.open_at(injected).await;
    opened(&kernel, "acme").await;
    clock.advance(SignedDuration::from_secs(60));
    let trade = legs(
        "trade",
        &[("alice", rub(-70)), ("cash", rub(70)), ("purse", btc(3)), ("gold", btc(-3))],
    );
    let trade = trade.metadata(&json!({"order": 7})).unwrap();
    let mut first = unit(&kernel, "acme").await;
    assert_eq!(first.ledger().post(&trade).await.unwrap(), Posted::Now);
    let mut books = first.ledger();
    let alice = books.books().balance(&account("alice")).await.unwrap();
    assert_eq!(alice, Some(Balance { currency: currency("RUB"), total: 30, reserved: 0 }));
    first.commit().await.unwrap();
    assert_eq!(held(&kernel, "acme").await, [(-30, 0), (30, 0), (0, 0), (-3, 0), (3, 0)]);

    let mut view = kernel.read(&tenant("acme")).await.unwrap();
    let found = view.ledger().transfer(&id("trade")).await.unwrap().unwrap();
    let mut sorted = trade.clone();
    sorted.legs.sort();
    assert_eq!(found.transfer, sorted);
    assert_eq!((found.reverses, found.reversed_by, found.hold), (None, None, None));
    assert_eq!(found.posted_at, noon() + SignedDuration::from_secs(60));
    assert_eq!(found.correlation_id, "request-1");
    assert_eq!(view.ledger().transfer(&id("other")).await.unwrap(), None);

    let mut books = view.ledger();
    let pages = [
        books.entries(&account("alice"), 0, 1).await.unwrap(),
        books.entries(&account("alice"), 1, 10).await.unwrap(),
        books.entries(&account("alice"), 2, 10).await.unwrap(),
    ];
    let seen: Vec<Vec<_>> = pages
        .iter()
        .map(|page| page.iter().map(|it| (it.number, it.total_delta.minor, it.total_after)))
        .map(Iterator::collect)
        .collect();
    assert_eq!(seen, [vec![(1, 100, 100)], vec![(2, -70, 30)], vec![]]);
    assert_eq!(pages[1][0].transfer, Some(id("trade")));
    assert_lawful(&kernel).await;
}

/// Transfers that are refused once the accounts are open, and why.
fn refusals() -> Vec<(Transfer, LedgerError)> {
    let (alice, bob, cash) = (account("alice"), account("bob"), account("cash"));
    let unbalanced = |code, sum| LedgerError::Unbalanced { currency: currency(code), sum };
    let mut long = pay("t", "cash", "bob", 1);
    long.reason = "x".repeat(1001);
    let mut many = Transfer::new(id("t"), "many");
    for number in 0..1001 {
        many = many.leg(&account(&number.to_string()), rub(1));
    }
    let overdraft = |account: &AccountId, available, needed| {
        let account = account.clone();
        LedgerError::InsufficientFunds { account, available, needed }
    };
    let mismatch = LedgerError::CurrencyMismatch {
        account: account("purse"),
        expected: currency("BTC"),
        actual: currency("RUB"),
    };
    vec![
        (legs("t", &[]), LedgerError::NoLegs),
        (many, LedgerError::TooManyLegs { count: 1001 }),
        (long, LedgerError::Reason),
        (legs("t", &[("alice", rub(-1))]), unbalanced("RUB", -1)),
        (legs("t", &[("alice", rub(-1)), ("gold", btc(1))]), unbalanced("BTC", 1)),
        (
            legs("t", &[("cash", rub(LARGEST)), ("bob", rub(LARGEST)), ("alice", rub(LARGEST))]),
            unbalanced("RUB", 3 * i128::from(LARGEST)),
        ),
        (
            legs("t", &[("alice", rub(-1)), ("bob", rub(0)), ("cash", rub(1))]),
            LedgerError::ZeroAmount { account: bob.clone() },
        ),
        (
            legs("t", &[("alice", rub(-1)), ("cash", rub(2)), ("alice", rub(-1))]),
            LedgerError::RepeatedAccount { account: alice.clone() },
        ),
        (pay("t", "alice", "alice", 1), LedgerError::RepeatedAccount { account: alice.clone() }),
        (pay("t", "alice", "bob", i64::MIN), LedgerError::Overflow { account: alice.clone() }),
        (pay("t", "cash", "bob", LARGEST + 1), LedgerError::Overflow { account: bob.clone() }),
        (
            pay("t", "alice", "nobody", 1),
            LedgerError::UnknownAccount { account: account("nobody") },
        ),
        (pay("t", "alice", "purse", 1), mismatch),
        (pay("t", "alice", "cash", 101), overdraft(&alice, 100, 101)),
        (pay("t", "bob", "cash", 51), overdraft(&bob, 50, 51)),
        (
            legs("t", &[("alice", rub(-101)), ("bob", rub(-51)), ("cash", rub(152))]),
            overdraft(&alice, 100, 101),
        ),
        // 100 are there already.
        (pay("t", "cash", "alice", LARGEST - 99), LedgerError::Overflow { account: alice.clone() }),
        (pay("t", "cash", "bob", LARGEST - 99), LedgerError::Overflow { account: cash.clone() }),
        (pay("first", "cash", "alice", 99), LedgerError::IdReused { id: "first".to_owned() }),
        (pay("first", "cash", "bob", 100), LedgerError::IdReused { id: "first".to_owned() }),
        (pay("first", "alice", "nobody", 1), LedgerError::IdReused { id: "first".to_owned() }),
        (
            pay("first", "cash", "alice", 100).whatever_the_floors(),
            LedgerError::IdReused { id: "first".to_owned() },
        ),
    ]
}

#[tokio::test]
async fn a_transfer_that_is_refused_leaves_the_books_and_the_unit_as_they_were() {
    let home = Home::new();
    let kernel = home.open().await;
    opened(&kernel, "acme").await;
    let mut unit = unit(&kernel, "acme").await;
    for (transfer, expected) in refusals() {
        assert_eq!(refusal(unit.ledger().post(&transfer).await), expected);
    }
    // Everything that is there, and everything that may be overdrawn.
    let last = legs("t", &[("alice", rub(-100)), ("bob", rub(-50)), ("cash", rub(150))]);
    assert_eq!(unit.ledger().post(&last).await.unwrap(), Posted::Now);
    unit.commit().await.unwrap();
    assert_eq!(held(&kernel, "acme").await, [(50, 0), (0, 0), (-50, 0), (0, 0), (0, 0)]);
    assert_lawful(&kernel).await;
}

#[tokio::test]
async fn the_same_transfer_is_posted_once() {
    let home = Home::new();
    let kernel = home.open().await;
    opened(&kernel, "acme").await;
    let spent = pay("t", "alice", "cash", 60).metadata(&json!({"a": 1.5, "b": [null]})).unwrap();
    for expected in [Posted::Now, Posted::Before, Posted::Before] {
        // Were it posted again, it would overdraw.
        let mut unit = unit(&kernel, "acme").await;
        assert_eq!(unit.ledger().post(&spent).await.unwrap(), expected);
        assert_eq!(unit.ledger().post(&spent).await.unwrap(), Posted::Before);
        unit.commit().await.unwrap();
    }
    let mut turned = spent.clone();
    turned.legs.reverse();
    let mut unit = unit(&kernel, "acme").await;
    assert_eq!(unit.ledger().post(&turned).await.unwrap(), Posted::Before);
    drop(unit);
    assert_eq!(held(&kernel, "acme").await[1], (40, 0));
    assert_lawful(&kernel).await;
}

#[tokio::test]
async fn an_account_is_opened_once_and_on_the_same_terms() {
    let home = Home::new();
    let kernel = home.open().await;
    opened(&kernel, "acme").await;
    let mut unit = unit(&kernel, "acme").await;
    let mut ledger = unit.ledger();
    let alice = account("alice");
    let again = ledger.open(&alice, &currency("RUB"), Floor::At(0)).await.unwrap();
    assert_eq!(again, Posted::Before);
    for (code, floor) in
        [("BTC", Floor::At(0)), ("RUB", Floor::At(-1)), ("RUB", Floor::None), ("rub", Floor::At(0))]
    {
        let refused = refusal(ledger.open(&alice, &currency(code), floor).await);
        assert_eq!(refused, LedgerError::OtherTerms { account: alice.clone() });
    }
    let deep = ledger.open(&account("deep"), &currency("RUB"), Floor::At(i64::MIN)).await;
    assert_eq!(refusal(deep), LedgerError::Overflow { account: account("deep") });
    ledger.open(&account("deep"), &currency("RUB"), Floor::At(-LARGEST)).await.unwrap();
    ledger.post(&pay("all", "deep", "bob", LARGEST)).await.unwrap();
    let refused = refusal(ledger.post(&pay("more", "deep", "alice", 1)).await);
    assert_eq!(refused, LedgerError::Overflow { account: account("deep") });
    unit.commit().await.unwrap();
    assert_eq!(held(&kernel, "acme").await[1..3], [(100, 0), (LARGEST, 0)]);
    assert_lawful(&kernel).await;
}

#[tokio::test]
async fn a_transfer_is_reversed_once() {
    let home = Home::new();
    let kernel = home.open().await;
    opened(&kernel, "acme").await;
    let mut unit = unit(&kernel, "acme").await;
    let mut ledger = unit.ledger();
    ledger.post(&pay("spent", "alice", "cash", 80)).await.unwrap();
    let overdraft =
        LedgerError::InsufficientFunds { account: account("alice"), available: 20, needed: 100 };
    let (first, back) = (id("first"), id("back"));
    // What came to alice is spent since.
    let refused = ledger.reverse(&back, &first, "refund", Floors::Kept).await;
    assert_eq!(refusal(refused), overdraft);
    for (expected, reason) in
        [(Ok(Posted::Now), "refund"), (Ok(Posted::Before), "refund"), (Err(()), "another")]
    {
        let reversed = ledger.reverse(&back, &first, reason, Floors::Ignored).await;
        match expected {
            Ok(expected) => assert_eq!(reversed.unwrap(), expected),
            Err(()) => {
                let reused = LedgerError::IdReused { id: "back".to_owned() };
                assert_eq!(refusal(reversed), reused);
            }
        }
    }
    let twice = LedgerError::AlreadyReversed { transfer: first.clone(), by: back.clone() };
    for floors in [Floors::Kept, Floors::Ignored] {
        let refused = ledger.reverse(&id("once more"), &first, "refund", floors).await;
        assert_eq!(refusal(refused), twice);
    }
    let refused = ledger.reverse(&id("t"), &back, "no", Floors::Kept).await;
    assert_eq!(refusal(refused), LedgerError::IsReversal { transfer: back.clone() });
    let refused = ledger.reverse(&id("t"), &id("none"), "no", Floors::Kept).await;
    assert_eq!(refusal(refused), LedgerError::UnknownTransfer { transfer: id("none") });

    // Below its floor it takes what comes, and gives nothing.
    let refused = refusal(ledger.post(&pay("t", "alice", "cash", 1)).await);
    let expected =
        LedgerError::InsufficientFunds { account: account("alice"), available: 0, needed: 1 };
    assert_eq!(refused, expected);
    ledger.post(&pay("again", "cash", "alice", 30)).await.unwrap();
    let found = ledger.books().transfer(&first).await.unwrap().unwrap();
    assert_eq!(found.reversed_by, Some(back.clone()));
    let found = ledger.books().transfer(&back).await.unwrap().unwrap();
    assert_eq!((found.reverses, found.transfer.floors), (Some(first), Floors::Ignored));
    unit.commit().await.unwrap();
    assert_eq!(held(&kernel, "acme").await[..2], [(50, 0), (-50, 0)]);
    assert_lawful(&kernel).await;
}

#[tokio::test]
async fn balances_are_known_at_any_past_moment() {
    let home = Home::new();
    let (clock, injected) = manual();
    let kernel = home.open_at(injected).await;
    let at = |seconds: i64| noon() + SignedDuration::from_secs(seconds);
    clock.set(at(10));
    opened(&kernel, "acme").await;
    for (seconds, minor) in [(20, 10), (15, 20), (30, 30)] {
        // Where the clock goes back, time stands still.
        clock.set(at(seconds));
        let mut unit = unit(&kernel, "acme").await;
        let transfer = pay(&seconds.to_string(), "alice", "cash", minor);
        unit.ledger().post(&transfer).await.unwrap();
        let name = format!("h{seconds}");
        unit.ledger().reserve(&hold(&name), &account("alice"), &rub(1), None).await.unwrap();
        unit.commit().await.unwrap();
    }
    let mut view = kernel.read(&tenant("acme")).await.unwrap();
    for (moment, expected) in [
        (at(10) - SignedDuration::from_nanos(1), None),
        (at(10), Some((100, 0))),
        (at(20) - SignedDuration::from_nanos(1), Some((100, 0))),
        (at(20), Some((70, 2))),
        (at(29), Some((70, 2))),
        (at(30), Some((40, 3))),
        (Timestamp::MAX, Some((40, 3))),
    ] {
        let balance = view.ledger().balance_at(&account("alice"), moment).await.unwrap();
        assert_eq!(balance.map(|it| (it.total, it.reserved)), expected, "{moment}");
    }
    let bob = view.ledger().balance_at(&account("bob"), at(40)).await.unwrap();
    assert_eq!(bob, Some(Balance { currency: currency("RUB"), total: 0, reserved: 0 }));
    assert_eq!(view.ledger().balance_at(&account("no"), at(40)).await.unwrap(), None);
}

#[tokio::test]
async fn the_books_of_two_tenants_never_meet() {
    let home = Home::new();
    let kernel = home.open().await;
    for name in ["acme", "other"] {
        opened(&kernel, name).await;
    }
    let mut acme = unit(&kernel, "acme").await;
    acme.ledger().reserve(&hold("h"), &account("alice"), &rub(10), None).await.unwrap();
    acme.ledger().open(&account("private"), &currency("RUB"), Floor::None).await.unwrap();
    acme.ledger().post(&pay("t", "private", "alice", 5)).await.unwrap();
    acme.commit().await.unwrap();

    let mut other = unit(&kernel, "other").await;
    let mut ledger = other.ledger();
    let unknown = LedgerError::UnknownAccount { account: account("private") };
    assert_eq!(refusal(ledger.post(&pay("u", "private", "alice", 5)).await), unknown);
    let unknown = LedgerError::UnknownHold { hold: hold("h") };
    assert_eq!(refusal(ledger.void(&hold("h")).await), unknown);
    let unknown = LedgerError::UnknownTransfer { transfer: id("t") };
    let refused = ledger.reverse(&id("u"), &id("t"), "no", Floors::Ignored).await;
    assert_eq!(refusal(refused), unknown);
    // The same names, and nothing in common.
    ledger.post(&pay("t", "alice", "bob", 7)).await.unwrap();
    ledger.reserve(&hold("h"), &account("bob"), &rub(7), None).await.unwrap();
    other.commit().await.unwrap();

    assert_eq!(held(&kernel, "acme").await[..3], [(-100, 0), (105, 10), (0, 0)]);
    assert_eq!(held(&kernel, "other").await[..3], [(-100, 0), (93, 0), (7, 7)]);
    let mut view = kernel.read(&tenant("third")).await.unwrap();
    let mut books = view.ledger();
    assert_eq!(books.balance(&account("alice")).await.unwrap(), None);
    assert_eq!(books.balance_at(&account("alice"), Timestamp::MAX).await.unwrap(), None);
    assert_eq!(books.entries(&account("alice"), 0, 10).await.unwrap(), []);
    assert_eq!(books.transfer(&id("t")).await.unwrap(), None);
    assert_eq!(books.hold(&hold("h")).await.unwrap(), None::<Hold>);
    drop(view);
    assert_lawful(&kernel).await;
}

#[tokio::test]
async fn a_unit_that_is_dropped_leaves_nothing_in_the_books() {
    let home = Home::new();
    let kernel = home.open().await;
    opened(&kernel, "acme").await;
    let mut unit = unit(&kernel, "acme").await;
    let until = Some(kernel.now() + SignedDuration::from_secs(60));
    unit.ledger().post(&pay("t", "alice", "bob", 5)).await.unwrap();
    unit.ledger().reserve(&hold("h"), &account("bob"), &rub(5), until).await.unwrap();
    unit.rollback().await.unwrap();
    assert_eq!(held(&kernel, "acme").await, OPENED);
    assert_eq!(kernel.stats().await.unwrap().timers_pending, 0);
    let mut view = kernel.read(&tenant("acme")).await.unwrap();
    assert_eq!(view.ledger().transfer(&id("t")).await.unwrap(), None);
}
