//! The laws of the ledger: they hold whoever posts at the same time, and a database in which they
//! do not is found out.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::SignedDuration;
use sqlx::AssertSqlSafe;
use symbolon_kernel::ledger::{
    AccountId, Consume, Floor, Floors, HoldState, Ledger, LedgerError, Posted, Transfer, check,
};
use symbolon_kernel::{Dialect, Error, Handlers, Kernel};
use tokio::task::JoinSet;

use crate::fixture::{Home, eventually, tenant, unit};
use crate::ledger::{LARGEST, account, assert_lawful, currency, hold, id, opened, pay, rub};

/// The same kernel twice; where a database may be open in several, two.
async fn two(home: &Home) -> [Kernel; 2] {
    let first = home.open().await;
    let second = match home.file() {
        Some(_) => first.clone(),
        None => home.open().await,
    };
    [first, second]
}

/// Numbers that look like chance and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: i64) -> i64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).unwrap() % sides
    }

    fn account(&mut self) -> AccountId {
        account(["alice", "bob", "cash"][usize::try_from(self.roll(3)).unwrap()])
    }
}

/// Refused or done; only what is busy is to be tried again.
fn settled(answer: Result<Posted, Error>) -> Option<Result<Posted, LedgerError>> {
    match answer {
        Ok(posted) => Some(Ok(posted)),
        Err(Error::Ledger(refusal)) => Some(Err(refusal)),
        Err(Error::Busy) => None,
        Err(error) => panic!("{error:?}"),
    }
}

/// One of the things that may be done to two accounts; none when it is to be tried again.
async fn move_some(
    ledger: &mut Ledger<'_>,
    dice: &mut Dice,
    (from, to): (&AccountId, &AccountId),
    name: &str,
) -> Option<Result<Posted, LedgerError>> {
    let amount = rub(dice.roll(20) + 1);
    let transfer = Transfer::between(id(name), from, to, &amount, "because");
    if dice.roll(2) == 0 {
        return settled(ledger.post(&transfer).await);
    }
    let reserved = settled(ledger.reserve(&hold(name), from, &amount, None).await)?;
    if reserved.is_err() {
        return Some(reserved);
    }
    match dice.roll(4) {
        0 => Some(reserved),
        1 => settled(ledger.void(&hold(name)).await),
        _ => settled(ledger.post_from(&hold(name), &Consume::All, &transfer).await),
    }
}

/// A unit of several calls; says how many did something, or none if it is to be tried again.
async fn move_more(kernel: &Kernel, task: u64, number: u64) -> Option<usize> {
    let mut dice = Dice(task * 1000 + number);
    let pairs: Vec<_> = (0..1 + number % 3).map(|_| (dice.account(), dice.account())).collect();
    let mut unit = unit(kernel, "acme").await;
    let mut ledger = unit.ledger();
    let accounts: Vec<_> = pairs.iter().flat_map(|(from, to)| [from, to]).collect();
    ledger.lock(&accounts).await.unwrap();
    let mut done = 0;
    for (part, (from, to)) in pairs.iter().enumerate() {
        let name = format!("{task}.{number}.{part}");
        let answer = move_some(&mut ledger, &mut dice, (from, to), &name).await?;
        done += usize::from(answer.is_ok());
    }
    unit.commit().await.unwrap();
    Some(done)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_laws_hold_whoever_posts_at_the_same_time() {
    let home = Home::new();
    let kernels = two(&home).await;
    opened(&kernels[0], "acme").await;
    let mut tasks = JoinSet::new();
    for task in 0..8u64 {
        let kernel = kernels[usize::from(task % 2 == 1)].clone();
        tasks.spawn(async move {
            let mut done = 0;
            for number in 0..24u64 {
                let mut moved = move_more(&kernel, task, number).await;
                for tries in 0..50 {
                    if moved.is_some() {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(tries * 5)).await;
                    moved = move_more(&kernel, task, number).await;
                }
                done += moved.expect("it is not busy for good");
            }
            done
        });
    }
    let done: usize = tasks.join_all().await.into_iter().sum();
    assert!(done > 100, "only {done} were done");
    assert_lawful(&kernels[0]).await;
    let mut view = kernels[1].read(&tenant("acme")).await.unwrap();
    let mut sum = 0;
    for name in ["cash", "alice", "bob"] {
        let balance = view.ledger().balance(&account(name)).await.unwrap().unwrap();
        let entries = view.ledger().entries(&account(name), 0, u32::MAX).await.unwrap();
        assert_eq!(entries.iter().map(|it| it.total_delta.minor).sum::<i64>(), balance.total);
        sum += balance.total;
    }
    assert_eq!(sum, 0);
}

/// On PostgreSQL: what the database gives up is busy, and goes through when it is tried again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_units_that_lock_crosswise_one_is_busy() {
    let home = Home::new();
    if home.file().is_some() {
        return;
    }
    let kernel = home.open().await;
    opened(&kernel, "acme").await;
    let (mut one, mut other) = (unit(&kernel, "acme").await, unit(&kernel, "acme").await);
    let (alice, bob) = (account("alice"), account("bob"));
    one.ledger().lock(&[&alice]).await.unwrap();
    other.ledger().lock(&[&bob]).await.unwrap();
    let first = tokio::spawn(async move {
        let answer = one.ledger().post(&pay("one", "cash", "bob", 1)).await;
        (one, settled(answer))
    });
    let second = settled(other.ledger().post(&pay("other", "cash", "alice", 1)).await);
    // Whoever got no answer gives up what it has locked.
    match second {
        None => drop(other),
        Some(_) => other.commit().await.unwrap(),
    }
    let (one, first) = first.await.unwrap();
    assert_eq!([&first, &second].into_iter().filter(|answer| answer.is_none()).count(), 1);
    match first {
        None => drop(one),
        Some(_) => one.commit().await.unwrap(),
    }
    let mut again = unit(&kernel, "acme").await;
    for (name, to) in [("one", "bob"), ("other", "alice")] {
        again.ledger().post(&pay(name, "cash", to, 1)).await.unwrap();
    }
    again.commit().await.unwrap();
    assert_lawful(&kernel).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_use_one_id_one_has_the_effect() {
    let home = Home::new();
    let kernels = two(&home).await;
    opened(&kernels[0], "acme").await;
    let mut tasks = JoinSet::new();
    for task in 0..24 {
        let kernel = kernels[task % 2].clone();
        tasks.spawn(async move {
            loop {
                let mut unit = unit(&kernel, "acme").await;
                let mut ledger = unit.ledger();
                // Half of them mean the same, the others something else, on other accounts.
                let (from, to) = if task < 12 { ("cash", "alice") } else { ("cash", "bob") };
                ledger.lock(&[&account("cash"), &account(to), &account("alice")]).await.unwrap();
                let same = pay("same", from, to, 7);
                let Some(posted) = settled(ledger.post(&same).await) else { continue };
                let reserved = ledger.reserve(&hold("same"), &account(to), &rub(5), None).await;
                let Some(reserved) = settled(reserved) else { continue };
                let (name, first) = (id(&task.to_string()), id("first"));
                let reversed = ledger.reverse(&name, &first, "no", Floors::Ignored).await;
                let Some(reversed) = settled(reversed) else { continue };
                unit.commit().await.unwrap();
                return [posted, reserved, reversed];
            }
        });
    }
    let answers = tasks.join_all().await;
    for at in 0..3 {
        let of = |wanted: fn(&Result<Posted, LedgerError>) -> bool| {
            answers.iter().filter(|it| wanted(&it[at])).count()
        };
        assert_eq!(of(|it| matches!(it, Ok(Posted::Now))), 1, "{at}");
        let refused = of(|it| {
            matches!(it, Err(LedgerError::IdReused { .. } | LedgerError::AlreadyReversed { .. }))
        });
        assert_eq!(refused, if at == 2 { 23 } else { 12 }, "{at}");
    }
    assert_lawful(&kernels[0]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_ends_once_whoever_wants_to_end_it() {
    let home = Home::new();
    let kernels = two(&home).await;
    opened(&kernels[0], "acme").await;
    for kernel in &kernels[..if home.file().is_some() { 1 } else { 2 }] {
        kernel.start(Handlers::new()).await.unwrap();
    }
    let mut tasks = JoinSet::new();
    for task in 0..30u8 {
        let kernel = kernels[usize::from(task % 2)].clone();
        tasks.spawn(async move {
            let name = task.to_string();
            let mut first = unit(&kernel, "acme").await;
            let until = first.now() + SignedDuration::from_millis(2000 + i64::from(task));
            let (alice, amount) = (account("alice"), rub(2));
            let mut ledger = first.ledger();
            let reserved = ledger.reserve(&hold(&name), &alice, &amount, Some(until)).await;
            assert_eq!(reserved.unwrap(), Posted::Now);
            first.commit().await.unwrap();
            // A little before it is over, or a little after.
            let early = SignedDuration::from_millis(i64::from(task % 7) - 3);
            kernel.clock().sleep_until(until + early).await;
            loop {
                let mut unit = unit(&kernel, "acme").await;
                let mut ledger = unit.ledger();
                let answer = match task % 3 {
                    0 => ledger.void(&hold(&name)).await,
                    _ => {
                        let transfer = pay(&name, "alice", "cash", 1);
                        ledger.post_from(&hold(&name), &Consume::All, &transfer).await
                    }
                };
                let Some(answer) = settled(answer) else { continue };
                unit.commit().await.unwrap();
                let lost =
                    LedgerError::HoldNotOpen { hold: hold(&name), state: HoldState::Expired };
                assert!(answer == Ok(Posted::Now) || answer == Err(lost), "{answer:?}");
                return answer.is_ok();
            }
        });
    }
    let ended = tasks.join_all().await.into_iter().filter(|ended| *ended).count();
    let mut entries = BTreeSet::new();
    eventually("all have ended", || async {
        let mut view = kernels[0].read(&tenant("acme")).await.unwrap();
        let balance = view.ledger().balance(&account("alice")).await.unwrap().unwrap();
        balance.reserved == 0
    })
    .await;
    let mut view = kernels[0].read(&tenant("acme")).await.unwrap();
    let mut states = Vec::new();
    for entry in view.ledger().entries(&account("alice"), 1, u32::MAX).await.unwrap() {
        let hold = entry.hold.unwrap();
        assert!(entries.insert((hold.clone(), entry.reserved_delta)), "it ends twice");
        if entry.reserved_delta < 0 {
            states.push(view.ledger().hold(&hold).await.unwrap().unwrap().state);
        }
    }
    let expired = states.iter().filter(|state| **state == HoldState::Expired).count();
    assert_eq!((states.len(), expired), (30, 30 - ended));
    drop(view);
    assert_lawful(&kernels[0]).await;
    for kernel in kernels {
        kernel.shutdown().await.unwrap();
    }
}

/// Books with everything in them.
async fn written(kernel: &Kernel) {
    opened(kernel, "acme").await;
    let mut unit = unit(kernel, "acme").await;
    let mut ledger = unit.ledger();
    let alice = account("alice");
    ledger.reserve(&hold("h"), &alice, &rub(30), None).await.unwrap();
    let part = Consume::KeepRest(rub(10));
    ledger.post_from(&hold("h"), &part, &pay("part", "alice", "cash", 10)).await.unwrap();
    ledger.post(&pay("other", "cash", "bob", 5)).await.unwrap();
    ledger.reverse(&id("back"), &id("other"), "wrong", Floors::Kept).await.unwrap();
    let forced = pay("forced", "bob", "cash", 80).whatever_the_floors();
    ledger.post(&forced).await.unwrap();
    let mut huge = Transfer::new(id("huge"), "more than a number holds");
    for (name, minor) in [("a", LARGEST), ("b", LARGEST), ("c", -LARGEST), ("d", -LARGEST)] {
        ledger.open(&account(name), &currency("RUB"), Floor::None).await.unwrap();
        huge = huge.leg(&account(name), rub(minor));
    }
    ledger.post(&huge).await.unwrap();
    unit.commit().await.unwrap();
}

/// What breaks a law, and what is found then.
const BREAKS: &[(&str, &str, &str)] = &[
    (
        "holds what its last",
        "alice",
        "UPDATE ledger_accounts SET total = total + 1 WHERE account = $1",
    ),
    ("holds what its last", "alice", "UPDATE ledger_accounts SET entries = 1 WHERE account = $1"),
    (
        "holds what its last",
        "alice",
        "UPDATE ledger_accounts SET changed_at = 1 WHERE account = $1",
    ),
    (
        "holds what its last",
        "alice",
        "DELETE FROM ledger_entries WHERE account = $1 AND number = 3",
    ),
    (
        "are numbered 1, 2, 3",
        "alice",
        "UPDATE ledger_entries SET total_after = 0 WHERE account = $1 AND number = 1",
    ),
    (
        "are numbered 1, 2, 3",
        "alice",
        "UPDATE ledger_entries SET reserved_delta = 0 WHERE account = $1 AND number = 2",
    ),
    (
        "are numbered 1, 2, 3",
        "alice",
        "UPDATE ledger_entries SET posted_at = 1 WHERE account = $1 AND number = 2",
    ),
    (
        "are numbered 1, 2, 3",
        "alice",
        "DELETE FROM ledger_entries WHERE account = $1 AND number = 1",
    ),
    (
        "belongs to an account",
        "alice",
        "UPDATE ledger_entries SET currency = 'BTC' WHERE account = $1 AND number = 1",
    ),
    (
        "belongs to an account",
        "alice",
        "UPDATE ledger_entries SET hold_id = NULL WHERE account = $1 AND number = 2",
    ),
    ("belongs to an account", "alice", "DELETE FROM ledger_accounts WHERE account = $1"),
    (
        "belongs to an account",
        "alice",
        "UPDATE ledger_holds SET account = 'bob' WHERE 'alice' = $1",
    ),
    (
        "belongs to an account",
        "bob",
        "DELETE FROM ledger_transfers WHERE transfer_id = 'forced' AND '' <> $1",
    ),
    ("a transfer has entries", "huge", "DELETE FROM ledger_entries WHERE transfer_id = $1"),
    (
        "a transfer has entries",
        "huge",
        "UPDATE ledger_transfers SET posted_at = 1 WHERE transfer_id = $1",
    ),
    (
        "sum to zero",
        "huge",
        "UPDATE ledger_entries SET total_delta = total_delta - 1 \
             WHERE transfer_id = $1 AND account = 'b'",
    ),
    (
        "sum to zero",
        "huge",
        "DELETE FROM ledger_entries WHERE transfer_id = $1 AND account IN ('c', 'd')",
    ),
    (
        "below its floor",
        "bob",
        "UPDATE ledger_transfers SET floors = 'kept' WHERE transfer_id = 'forced' AND '' <> $1",
    ),
    ("what is reserved", "alice", "UPDATE ledger_holds SET remaining = 19 WHERE account = $1"),
    ("what is reserved", "alice", "DELETE FROM ledger_holds WHERE account = $1"),
    ("a hold has left", "h", "UPDATE ledger_holds SET remaining = 21 WHERE hold_id = $1"),
    ("a hold has left", "h", "UPDATE ledger_holds SET amount = 31 WHERE hold_id = $1"),
    ("a hold has left", "h", "UPDATE ledger_holds SET state = 'voided' WHERE hold_id = $1"),
    ("a hold has left", "h", "UPDATE ledger_holds SET state = 'lost' WHERE hold_id = $1"),
    (
        "the mirror image",
        "back",
        "UPDATE ledger_transfers SET reverses = 'huge' WHERE transfer_id = $1",
    ),
    (
        "the mirror image",
        "back",
        "UPDATE ledger_transfers SET reverses = 'none' WHERE transfer_id = $1",
    ),
    (
        "the mirror image",
        "back",
        "DELETE FROM ledger_entries WHERE transfer_id = $1 AND account = 'bob'",
    ),
];

#[tokio::test]
async fn what_breaks_a_law_is_found() {
    let home = Home::new();
    let kernel = home.open().await;
    written(&kernel).await;
    assert_lawful(&kernel).await;
    let mut first = unit(&kernel, "acme").await;
    let connection = first.sql().1;
    for table in ["ledger_transfers", "ledger_entries"] {
        let (sqlite, postgres) = (
            format!("DROP TRIGGER no_update_of_{table}; DROP TRIGGER no_delete_of_{table}"),
            format!("ALTER TABLE {table} DISABLE TRIGGER USER"),
        );
        let off = match Dialect::of(connection) {
            Dialect::Sqlite => sqlite,
            Dialect::Postgres => postgres,
        };
        sqlx::raw_sql(AssertSqlSafe(off)).execute(&mut *connection).await.unwrap();
    }
    first.commit().await.unwrap();
    for (law, name, breaks) in BREAKS {
        let mut unit = unit(&kernel, "acme").await;
        let connection = unit.sql().1;
        let broken = sqlx::query(*breaks).bind(*name).execute(&mut *connection).await.unwrap();
        assert!(broken.rows_affected() > 0, "{breaks}");
        let findings = check(connection).await.unwrap();
        let what = format!("acme {name}");
        let found = findings.iter().any(|it| it.rule.contains(law) && it.examples.contains(&what));
        assert!(found, "{breaks}: {findings:?}");
        unit.rollback().await.unwrap();
        assert_lawful(&kernel).await;
    }
    let mut last = unit(&kernel, "acme").await;
    let lost = sqlx::query("UPDATE ledger_accounts SET total = 0").execute(last.sql().1).await;
    assert!(lost.unwrap().rows_affected() > 0);
    last.commit().await.unwrap();
    let found = symbolon_kernel::inspect(&home.location()).await.unwrap();
    assert!(found.iter().any(|it| it.rule.contains("what its last entry says")), "{found:?}");
}
