//! Several kernels on one database: what one does no other does, and whoever is lost is replaced.
//!
//! Only a database on a server can be open in several; on a file these tests have nothing to do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use symbolon_kernel::{Clock, Expected, Handlers, Kernel, ManualClock, SystemClock};
use tokio::task::JoinSet;

use crate::fixture::{Home, Writer, append, effects, eventually, happened, tenant, thing, unit};

const THINGS: [&str; 5] = ["a", "b", "c", "d", "e"];

/// The numbers that a consumer has seen of each thing, in the order of its effects.
async fn seen(kernel: &Kernel, who: &str) -> BTreeMap<String, Vec<i64>> {
    let mut seen: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for (by, what, number) in effects(kernel, "acme").await {
        if by == who {
            seen.entry(what).or_default().push(number);
        }
    }
    seen
}

/// Every event of every thing was seen once, in the order of its stream.
async fn assert_each_once_in_order(kernel: &Kernel, who: &str) {
    let mut view = kernel.read(&tenant("acme")).await.unwrap();
    let mut expected = BTreeMap::new();
    for id in THINGS {
        let events = view.load(&thing(id)).await.unwrap();
        let numbers = events.iter().map(|event| event.data["number"].as_i64().unwrap());
        expected.insert(id.to_owned(), numbers.collect::<Vec<_>>());
    }
    drop(view);
    assert_eq!(seen(kernel, who).await, expected);
}

async fn idle(kernel: &Kernel) {
    eventually("everything is handled", || async {
        let stats = kernel.stats().await.unwrap();
        stats.outbox_depth == 0 && stats.readers.iter().all(|reader| reader.lag == 0)
    })
    .await;
}

/// Appends to one thing after the other, holding each transaction open for a while; every third one
/// is given up.
async fn load(kernel: Kernel, seed: u64) {
    for round in 0..30_u64 {
        let id = THINGS[((seed + round) % 5) as usize];
        let mut unit = unit(&kernel, "acme").await;
        let events = (0..3).map(|number| happened((seed * 1000 + round * 10 + number) as i64));
        unit.append(&thing(id), Expected::Any, events.collect()).await.unwrap();
        tokio::time::sleep(Duration::from_millis((seed * 7 + round * 13) % 11)).await;
        match round % 3 {
            0 => unit.rollback().await.unwrap(),
            _ => unit.commit().await.unwrap(),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_kernels_under_load_lose_nothing_and_do_nothing_twice() {
    let home = Home::new();
    if home.file().is_some() {
        return;
    }
    let kernels = [home.open().await, home.open().await];
    let mut tasks = JoinSet::new();
    for (number, kernel) in (0..).zip(&kernels) {
        let handlers = Handlers::new().consumer(Writer::new("writer"));
        kernel.start(handlers.consumer(Writer::new("other"))).await.unwrap();
        for task in 0..4 {
            tasks.spawn(load(kernel.clone(), number * 4 + task));
        }
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    idle(&kernels[0]).await;
    let stats = kernels[0].stats().await.unwrap();
    assert_eq!(
        stats.head,
        8 * 20 * 3,
        "every event has its place in the log, and no place is empty"
    );
    for who in ["writer", "other"] {
        assert_each_once_in_order(&kernels[1], who).await;
    }
    for kernel in kernels {
        kernel.shutdown().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_stands_by_does_not_wait_for_who_works() {
    let home = Home::new();
    if home.file().is_some() {
        return;
    }
    let handlers = || Handlers::new().consumer(Writer::new("writer"));
    let (holder, other) = (home.open().await, home.open().await);
    holder.start(handlers()).await.unwrap();
    append(&holder, "acme", "a", 1).await;
    idle(&holder).await;
    // In the middle of what it does under its leases.
    let mut working = unit(&holder, "acme").await;
    let held = sqlx::query("SELECT name FROM leases FOR KEY SHARE");
    assert!(!held.fetch_all(working.sql().1).await.unwrap().is_empty());
    other.start(handlers()).await.unwrap();
    append(&other, "acme", "b", 1).await;
    let stopped = tokio::time::timeout(Duration::from_secs(20), other.shutdown()).await;
    stopped.expect("it stops while the other goes on").unwrap();
    working.rollback().await.unwrap();
    holder.shutdown().await.unwrap();
}

/// A clock so far ahead of the system's.
struct Ahead(SignedDuration);

impl std::fmt::Debug for Ahead {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:?} ahead", self.0)
    }
}

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock.now() + self.0
    }

    fn sleep_until(&self, deadline: Timestamp) -> symbolon_kernel::Sleep<'_> {
        Box::pin(async move { SystemClock.sleep_until(deadline - self.0).await })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clocks_that_differ_move_leases_and_nothing_else() {
    let home = Home::new();
    if home.file().is_some() {
        return;
    }
    let hour = SignedDuration::from_hours(1);
    let kernels = [home.open().await, home.open_at(Arc::new(Ahead(hour))).await];
    for kernel in &kernels {
        kernel.start(Handlers::new().consumer(Writer::new("writer"))).await.unwrap();
    }
    // The one that is ahead takes every lease from the other as soon as it has it.
    let mut tasks = JoinSet::new();
    for (number, kernel) in (0..).zip(&kernels) {
        tasks.spawn(load(kernel.clone(), number));
        tasks.spawn(load(kernel.clone(), number + 2));
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    idle(&kernels[1]).await;
    assert_each_once_in_order(&kernels[0], "writer").await;
    for kernel in kernels {
        kernel.shutdown().await.unwrap();
    }
}

#[test]
fn whoever_is_lost_is_replaced() {
    let home = Home::new();
    if home.file().is_some() {
        return;
    }
    let runtime = || tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let lost = runtime();
    lost.block_on(async {
        let kernel = home.open().await;
        // It fails and fails, and holds its key.
        let writer = Writer::failing("writer", "a", u32::MAX);
        kernel.start(Handlers::new().consumer(writer.clone())).await.unwrap();
        append(&kernel, "acme", "a", 1).await;
        append(&kernel, "acme", "b", 2).await;
        eventually("it has begun", || async {
            writer.calls_for("a") > 0 && writer.calls_for("b") > 0
        })
        .await;
    });
    // Without giving anything back.
    lost.shutdown_timeout(Duration::from_secs(10));
    runtime().block_on(async {
        let kernel = home.open().await;
        kernel.start(Handlers::new().consumer(Writer::new("writer"))).await.unwrap();
        append(&kernel, "acme", "a", 3).await;
        eventually("the other goes on", || async {
            seen(&kernel, "writer").await.get("a").is_some_and(|numbers| numbers == &[1, 3])
        })
        .await;
        assert_eq!(seen(&kernel, "writer").await["b"], [2]);
        kernel.shutdown().await.unwrap();
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timer_fires_in_one_of_them() {
    use symbolon_kernel::{Handled, Timer, TimerHandler, Unit};

    struct Wake;

    impl TimerHandler for Wake {
        fn kind(&self) -> &str {
            "wake"
        }

        async fn fire(&self, timer: &Timer, unit: &mut Unit) -> Handled {
            crate::fixture::note(unit.sql(), "wake", "", timer.decode()?).await;
            Ok(())
        }
    }

    let home = Home::new();
    if home.file().is_some() {
        return;
    }
    let clock = ManualClock::new(crate::fixture::noon());
    let kernels =
        [home.open_at(Arc::new(clock.clone())).await, home.open_at(Arc::new(clock.clone())).await];
    for kernel in &kernels {
        kernel.start(Handlers::new().timer(Wake)).await.unwrap();
    }
    let due_at = crate::fixture::noon() + SignedDuration::from_secs(5);
    for number in 0..100_i64 {
        let mut unit = unit(&kernels[0], "acme").await;
        unit.schedule("wake", &number.to_string(), due_at, &number).await.unwrap();
        unit.commit().await.unwrap();
    }
    clock.set(due_at);
    eventually("all have fired", || async { effects(&kernels[0], "acme").await.len() >= 100 })
        .await;
    let mut fired: Vec<_> = effects(&kernels[1], "acme").await.into_iter().map(|it| it.2).collect();
    fired.sort_unstable();
    assert_eq!(fired, (0..100).collect::<Vec<_>>());
    for kernel in kernels {
        kernel.shutdown().await.unwrap();
    }
}
