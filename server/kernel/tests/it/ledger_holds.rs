//! Holds: reserved, posted part by part, voided, and over by the clock.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use symbolon_kernel::ledger::{Consume, HoldState, LedgerError, Posted};
use symbolon_kernel::{Handlers, Unit};

use crate::fixture::{Home, eventually, manual, noon, tenant, unit};
use crate::ledger::{
    account, assert_lawful, btc, currency, held, hold, id, legs, open, opened, pay, refusal, rub,
};

#[tokio::test]
async fn a_hold_is_posted_part_by_part() {
    let home = Home::new();
    let kernel = home.open().await;
    opened(&kernel, "acme").await;
    let mut unit = unit(&kernel, "acme").await;
    let mut ledger = unit.ledger();
    let (alice, order) = (account("alice"), hold("order"));
    let reserved = ledger.reserve(&order, &alice, &rub(90), None).await.unwrap();
    assert_eq!(reserved, Posted::Now);
    assert_eq!(ledger.reserve(&order, &alice, &rub(90), None).await.unwrap(), Posted::Before);
    // What is set aside is not available.
    let refused = refusal(ledger.post(&pay("t", "alice", "cash", 11)).await);
    let expected =
        LedgerError::InsufficientFunds { account: alice.clone(), available: 10, needed: 11 };
    assert_eq!(refused, expected);

    // A fill for less than was set aside for it: what is over is available at once.
    let (fill, part) = (pay("fill-1", "alice", "cash", 25), Consume::KeepRest(rub(30)));
    assert_eq!(ledger.post_from(&order, &part, &fill).await.unwrap(), Posted::Now);
    assert_eq!(ledger.post_from(&order, &part, &fill).await.unwrap(), Posted::Before);
    let found = ledger.books().hold(&order).await.unwrap().unwrap();
    assert_eq!((found.remaining, found.state), (60, HoldState::Open));
    let balance = ledger.books().balance(&alice).await.unwrap().unwrap();
    assert_eq!((balance.total, balance.reserved, balance.available()), (75, 60, 15));

    for (other, consume) in [
        (&fill, Consume::KeepRest(rub(31))),
        (&fill, Consume::ReleaseRest(rub(30))),
        (&fill, Consume::All),
    ] {
        let refused = refusal(ledger.post_from(&order, &consume, other).await);
        assert_eq!(refused, LedgerError::IdReused { id: "fill-1".to_owned() });
    }
    assert_eq!(
        refusal(ledger.post(&fill).await),
        LedgerError::IdReused { id: "fill-1".to_owned() }
    );

    // The last one, and the rest is released.
    let (fill, rest) = (pay("fill-2", "alice", "cash", 10), Consume::ReleaseRest(rub(10)));
    assert_eq!(ledger.post_from(&order, &rest, &fill).await.unwrap(), Posted::Now);
    let closed = ledger.books().hold(&order).await.unwrap().unwrap();
    assert_eq!((closed.remaining, closed.state), (0, HoldState::Posted));
    assert_eq!(ledger.post_from(&order, &rest, &fill).await.unwrap(), Posted::Before);
    unit.commit().await.unwrap();

    assert_eq!(held(&kernel, "acme").await[1], (65, 0));
    let mut view = kernel.read(&tenant("acme")).await.unwrap();
    let posted = view.ledger().transfer(&id("fill-1")).await.unwrap().unwrap();
    assert_eq!(posted.hold, Some((hold("order"), Consume::KeepRest(rub(30)))));
    let entries = view.ledger().entries(&alice, 1, 10).await.unwrap();
    let moves: Vec<_> = entries
        .iter()
        .map(|it| (it.total_delta.minor, it.reserved_delta, it.total_after, it.reserved_after))
        .collect();
    assert_eq!(moves, [(0, 90, 100, 90), (-25, -30, 75, 60), (-10, -60, 65, 0)]);
    assert!(entries.iter().all(|entry| entry.hold == Some(hold("order"))));
    assert_lawful(&kernel).await;
}

/// Opens the accounts, and sets aside on alice's: `order`, for a minute, of which 50 are left,
/// `used`, which is used up, and `void`.
async fn set_aside(unit: &mut Unit) {
    open(unit).await;
    let mut ledger = unit.ledger();
    let alice = account("alice");
    ledger.reserve(&hold("order"), &alice, &rub(50), Some(in_a_minute())).await.unwrap();
    ledger.reserve(&hold("used"), &alice, &rub(1), None).await.unwrap();
    let used = pay("used", "alice", "cash", 1);
    ledger.post_from(&hold("used"), &Consume::All, &used).await.unwrap();
    ledger.reserve(&hold("void"), &alice, &rub(1), None).await.unwrap();
    assert_eq!(ledger.void(&hold("void")).await.unwrap(), Posted::Now);
    assert_eq!(ledger.void(&hold("void")).await.unwrap(), Posted::Before);
}

fn in_a_minute() -> Timestamp {
    noon() + SignedDuration::from_secs(60)
}

fn mismatch() -> LedgerError {
    let (expected, actual) = (currency("RUB"), currency("BTC"));
    LedgerError::CurrencyMismatch { account: account("alice"), expected, actual }
}

fn closed(name: &str, state: HoldState) -> LedgerError {
    LedgerError::HoldNotOpen { hold: hold(name), state }
}

#[tokio::test]
async fn what_cannot_be_set_aside_is_refused_and_changes_nothing() {
    let home = Home::new();
    let (_, injected) = manual();
    let kernel = home.open_at(injected).await;
    let mut unit = unit(&kernel, "acme").await;
    set_aside(&mut unit).await;
    let later = Some(in_a_minute());
    let alice = account("alice");
    let overdraft =
        LedgerError::InsufficientFunds { account: alice.clone(), available: 49, needed: 50 };
    for (name, on, amount, until, expected) in [
        ("h", "alice", rub(0), None, LedgerError::NotPositive { amount: 0 }),
        ("h", "alice", rub(i64::MIN), None, LedgerError::NotPositive { amount: i64::MIN }),
        ("h", "alice", rub(i64::MAX), None, LedgerError::Overflow { account: alice }),
        ("h", "no", rub(1), None, LedgerError::UnknownAccount { account: account("no") }),
        ("h", "alice", btc(1), None, mismatch()),
        ("h", "alice", rub(1), Some(noon()), LedgerError::BornExpired { hold: hold("h") }),
        ("h", "alice", rub(50), None, overdraft),
        ("order", "alice", rub(1), None, LedgerError::IdReused { id: "order".to_owned() }),
        ("order", "alice", rub(50), None, LedgerError::IdReused { id: "order".to_owned() }),
        ("order", "bob", rub(50), later, LedgerError::IdReused { id: "order".to_owned() }),
    ] {
        let (id, on) = (hold(name), account(on));
        assert_eq!(refusal(unit.ledger().reserve(&id, &on, &amount, until).await), expected);
    }
    unit.commit().await.unwrap();
    assert_eq!(held(&kernel, "acme").await[1], (99, 50));
    assert_lawful(&kernel).await;
}

#[tokio::test]
async fn what_a_hold_does_not_allow_is_refused_and_changes_nothing() {
    let home = Home::new();
    let (clock, injected) = manual();
    let kernel = home.open_at(injected).await;
    let mut unit = unit(&kernel, "acme").await;
    set_aside(&mut unit).await;
    let mut ledger = unit.ledger();
    let exceeded = |left, needed| LedgerError::HoldExceeded { hold: hold("order"), left, needed };
    let undrawn = LedgerError::HoldNotDrawn { hold: hold("order"), account: account("alice") };
    let unknown = |name| LedgerError::UnknownAccount { account: account(name) };
    let spend = |minor| pay("t", "alice", "cash", minor);
    for (name, consume, transfer, expected) in [
        ("no", Consume::All, spend(1), LedgerError::UnknownHold { hold: hold("no") }),
        ("used", Consume::All, spend(1), closed("used", HoldState::Posted)),
        ("void", Consume::All, spend(1), closed("void", HoldState::Voided)),
        ("order", Consume::KeepRest(rub(51)), spend(1), exceeded(50, 51)),
        ("order", Consume::All, spend(51), exceeded(50, 51)),
        ("order", Consume::ReleaseRest(rub(10)), spend(11), exceeded(10, 11)),
        ("order", Consume::KeepRest(rub(0)), spend(1), LedgerError::NotPositive { amount: 0 }),
        ("order", Consume::KeepRest(btc(1)), spend(1), mismatch()),
        ("order", Consume::All, pay("t", "bob", "cash", 1), undrawn.clone()),
        ("order", Consume::All, pay("t", "cash", "alice", 1), undrawn),
        ("order", Consume::All, pay("t", "alice", "nobody", 1), unknown("nobody")),
        ("order", Consume::All, legs("t", &[]), LedgerError::NoLegs),
    ] {
        let refused = refusal(ledger.post_from(&hold(name), &consume, &transfer).await);
        assert_eq!(refused, expected);
    }
    let refused = refusal(ledger.void(&hold("used")).await);
    assert_eq!(refused, closed("used", HoldState::Posted));
    let refused = refusal(ledger.void(&hold("no")).await);
    assert_eq!(refused, LedgerError::UnknownHold { hold: hold("no") });

    // Its time is over, although nothing has released it yet.
    clock.set(in_a_minute());
    let refused = refusal(ledger.post_from(&hold("order"), &Consume::All, &spend(1)).await);
    assert_eq!(refused, closed("order", HoldState::Expired));
    unit.commit().await.unwrap();
    assert_eq!(held(&kernel, "acme").await[1], (99, 50));
    assert_lawful(&kernel).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_expires_by_the_clock() {
    let home = Home::new();
    let (clock, injected) = manual();
    let kernel = home.open_at(injected).await;
    kernel.start(Handlers::new()).await.unwrap();
    opened(&kernel, "acme").await;
    let soon = noon() + SignedDuration::from_secs(10);
    let mut first = unit(&kernel, "acme").await;
    let mut ledger = first.ledger();
    for (name, until) in [("a", soon), ("b", soon), ("c", soon), ("d", Timestamp::MAX)] {
        ledger.reserve(&hold(name), &account("alice"), &rub(10), Some(until)).await.unwrap();
    }
    // Part of one is used, and another is gone before its time.
    let part = Consume::KeepRest(rub(4));
    ledger.post_from(&hold("a"), &part, &pay("t", "alice", "cash", 4)).await.unwrap();
    ledger.void(&hold("b")).await.unwrap();
    first.commit().await.unwrap();
    assert_eq!(kernel.stats().await.unwrap().timers_pending, 3, "that of b is gone");

    clock.set(soon - SignedDuration::from_nanos(1));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(held(&kernel, "acme").await[1], (96, 26));
    clock.set(soon);
    eventually("they expire", || async { held(&kernel, "acme").await[1] == (96, 10) }).await;
    let mut view = kernel.read(&tenant("acme")).await.unwrap();
    for (name, state) in [
        ("a", HoldState::Expired),
        ("b", HoldState::Voided),
        ("c", HoldState::Expired),
        ("d", HoldState::Open),
    ] {
        assert_eq!(view.ledger().hold(&hold(name)).await.unwrap().unwrap().state, state);
    }
    let mut unit = unit(&kernel, "acme").await;
    let closed = LedgerError::HoldNotOpen { hold: hold("a"), state: HoldState::Expired };
    assert_eq!(refusal(unit.ledger().void(&hold("a")).await), closed);
    // Whoever reserves once more under the same id is not told that it is there anew.
    let again = unit.ledger().reserve(&hold("a"), &account("alice"), &rub(10), Some(soon)).await;
    assert_eq!(again.unwrap(), Posted::Before);
    drop(unit);
    drop(view);
    assert_lawful(&kernel).await;
    kernel.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_hold_is_judged_by_the_clock_where_the_time_of_its_account_is_ahead() {
    let home = Home::new();
    let (clock, injected) = manual();
    let ahead = noon() + SignedDuration::from_hours(1);
    clock.set(ahead);
    let kernel = home.open_at(injected).await;
    opened(&kernel, "acme").await;
    kernel.shutdown().await.unwrap();

    // Another process, whose clock is an hour behind.
    let (_, injected) = manual();
    let kernel = home.open_at(injected).await;
    let mut unit = unit(&kernel, "acme").await;
    let mut ledger = unit.ledger();
    let reserved =
        ledger.reserve(&hold("h"), &account("alice"), &rub(5), Some(in_a_minute())).await;
    assert_eq!(reserved.unwrap(), Posted::Now);
    let spent = pay("t", "alice", "cash", 5);
    assert_eq!(ledger.post_from(&hold("h"), &Consume::All, &spent).await.unwrap(), Posted::Now);
    let entries = ledger.books().entries(&account("alice"), 0, 9).await.unwrap();
    assert!(entries.iter().all(|entry| entry.posted_at == ahead), "time never goes back");
    unit.commit().await.unwrap();
    assert_lawful(&kernel).await;
}
