//! Timers: never early, at least once, also after a restart.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use symbolon_kernel::{
    Handled, Handlers, Kernel, ManualClock, Timer, TimerHandler, TimerPage, Unit,
};

use crate::fixture::{Home, effects, eventually, manual, noon, note, tenant, unit};

/// Notes the timer, and whether it was early.
#[derive(Default)]
struct Wake {
    failures: AtomicU32,
    again: AtomicI64,
}

impl TimerHandler for Wake {
    fn kind(&self) -> &str {
        "wake"
    }

    async fn fire(&self, timer: &Timer, unit: &mut Unit) -> Handled {
        let number: i64 = timer.decode()?;
        let early = unit.now() < timer.due_at;
        note(unit.sql(), if early { "early" } else { "wake" }, &timer.key, number).await;
        if self.again.fetch_sub(1, Ordering::SeqCst) > 0 {
            let due_at = timer.due_at + SignedDuration::from_secs(60);
            unit.schedule("wake", &timer.key, due_at, &(number + 1)).await?;
        }
        let failing = |left: u32| left.checked_sub(1);
        match self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, failing) {
            Ok(_) => Err("told to fail".into()),
            Err(_) => Ok(()),
        }
    }
}

fn in_seconds(seconds: i64) -> Timestamp {
    noon() + SignedDuration::from_secs(seconds)
}

async fn schedule(kernel: &Kernel, key: &str, due_at: Timestamp, number: i64) {
    let mut unit = unit(kernel, "acme").await;
    unit.schedule("wake", key, due_at, &number).await.unwrap();
    unit.commit().await.unwrap();
}

async fn woken(kernel: &Kernel) -> Vec<(String, i64)> {
    let effects = effects(kernel, "acme").await;
    assert!(effects.iter().all(|(who, ..)| who == "wake"), "{effects:?}");
    effects.into_iter().map(|(_, key, number)| (key, number)).collect()
}

async fn woken_are(kernel: &Kernel, expected: &[(&str, i64)]) {
    eventually(&format!("{expected:?}"), || async {
        let woken = woken(kernel).await;
        woken.len() >= expected.len()
    })
    .await;
    let woken = woken(kernel).await;
    let woken: Vec<_> = woken.iter().map(|(key, number)| (key.as_str(), *number)).collect();
    assert_eq!(woken, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timer_fires_when_it_is_due_and_not_before() {
    let home = Home::new();
    let (clock, injected) = manual();
    let kernel = home.open_at(injected).await;
    kernel.start(Handlers::new().timer(Wake::default())).await.unwrap();
    schedule(&kernel, "late", in_seconds(20), 2).await;
    schedule(&kernel, "soon", in_seconds(10), 1).await;
    schedule(&kernel, "past", in_seconds(-5), 0).await;
    woken_are(&kernel, &[("past", 0)]).await;

    clock.set(in_seconds(10) - SignedDuration::from_nanos(1));
    // Something that makes the kernel look at its timers right now.
    schedule(&kernel, "far", in_seconds(1000), 9).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    woken_are(&kernel, &[("past", 0)]).await;
    clock.set(in_seconds(10));
    woken_are(&kernel, &[("past", 0), ("soon", 1)]).await;
    // Back and forward again: what has fired does not fire twice.
    clock.set(in_seconds(0));
    clock.set(in_seconds(20));
    woken_are(&kernel, &[("past", 0), ("soon", 1), ("late", 2)]).await;
    assert_eq!(kernel.stats().await.unwrap().timers_pending, 1, "the far one");
    kernel.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overdue_timers_fire_after_a_restart() {
    let home = Home::new();
    let (clock, injected) = manual();
    let kernel = home.open_at(Arc::clone(&injected)).await;
    for number in 0..40 {
        schedule(&kernel, &number.to_string(), in_seconds(number), number).await;
    }
    kernel.shutdown().await.unwrap();

    clock.set(in_seconds(29));
    let kernel = home.open_at(injected).await;
    let stats = kernel.stats().await.unwrap();
    assert_eq!((stats.timers_pending, stats.timers_overdue), (40, 30));
    kernel.start(Handlers::new().timer(Wake::default())).await.unwrap();
    eventually("the overdue fire", || async { woken(&kernel).await.len() >= 30 }).await;
    clock.set(in_seconds(39));
    eventually("the others fire", || async { woken(&kernel).await.len() >= 40 }).await;
    let mut numbers: Vec<_> = woken(&kernel).await.into_iter().map(|it| it.1).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..40).collect::<Vec<_>>());
    kernel.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timer_whose_handler_fails_fires_again() {
    let home = Home::new();
    let (clock, injected) = manual();
    let kernel = home.open_at(injected).await;
    let wake = Arc::new(Wake { failures: AtomicU32::new(3), ..Wake::default() });
    kernel.start(Handlers::new().timer(Arc::clone(&wake))).await.unwrap();
    schedule(&kernel, "a", noon(), 1).await;
    eventually("it fires after its failures", || async {
        clock.advance(SignedDuration::from_millis(60));
        let has_fired = !woken(&kernel).await.is_empty();
        assert!(!has_fired || wake.failures.load(Ordering::SeqCst) == 0);
        has_fired
    })
    .await;
    woken_are(&kernel, &[("a", 1)]).await;
    kernel.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timer_can_be_set_anew_and_removed() {
    let home = Home::new();
    let (clock, injected) = manual();
    let kernel = home.open_at(injected).await;
    let wake = Wake { again: AtomicI64::new(2), ..Wake::default() };
    kernel.start(Handlers::new().timer(wake)).await.unwrap();
    schedule(&kernel, "moved", in_seconds(1), 1).await;
    schedule(&kernel, "moved", in_seconds(100), 2).await;
    schedule(&kernel, "removed", in_seconds(1), 3).await;
    let mut first = unit(&kernel, "acme").await;
    assert!(first.unschedule("wake", "removed").await.unwrap());
    assert!(!first.unschedule("wake", "removed").await.unwrap());
    first.commit().await.unwrap();
    let mut other =
        kernel.unit(&tenant("other"), symbolon_kernel::Cause::request("request-2")).await.unwrap();
    assert!(!other.unschedule("wake", "moved").await.unwrap(), "it is another tenant's");
    drop(other);

    clock.set(in_seconds(99));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(woken(&kernel).await, []);
    clock.set(in_seconds(1000));
    // Set anew twice from within its handler.
    woken_are(&kernel, &[("moved", 2), ("moved", 3), ("moved", 4)]).await;
    kernel.shutdown().await.unwrap();
}

/// Sets the clock back as soon as it is called, and keeps the time it is given then.
struct Hindered {
    clock: ManualClock,
    told: Arc<Mutex<Option<Timestamp>>>,
}

impl TimerHandler for Hindered {
    fn kind(&self) -> &str {
        "hindered"
    }

    async fn fire(&self, _: &Timer, unit: &mut Unit) -> Handled {
        self.clock.set(noon());
        *self.told.lock().unwrap() = Some(unit.now());
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_is_never_told_a_time_before_its_timer_was_due() {
    let home = Home::new();
    let (clock, injected) = manual();
    let kernel = home.open_at(injected).await;
    let told = Arc::new(Mutex::new(None));
    let handler = Hindered { clock: clock.clone(), told: Arc::clone(&told) };
    kernel.start(Handlers::new().timer(handler)).await.unwrap();
    let mut unit = unit(&kernel, "acme").await;
    unit.schedule("hindered", "a", in_seconds(1), &()).await.unwrap();
    unit.commit().await.unwrap();
    clock.set(in_seconds(2));
    eventually("it fires", || async { told.lock().unwrap().is_some() }).await;
    assert!(*told.lock().unwrap() >= Some(in_seconds(1)));
    kernel.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_not_fired_is_listed_by_kind_and_key() {
    let home = Home::new();
    let (_, injected) = manual();
    let kernel = home.open_at(injected).await;
    for (key, seconds) in [("c", 10), ("a", -10), ("b", 0)] {
        schedule(&kernel, key, in_seconds(seconds), 0).await;
    }
    let mut other = unit(&kernel, "other").await;
    other.schedule("wake", "d", in_seconds(-10), &()).await.unwrap();
    other.schedule("another kind", "z", in_seconds(1), &()).await.unwrap();
    other.commit().await.unwrap();
    let listed = async |name: &str, page: TimerPage<'_>| {
        let mut view = kernel.read(&tenant(name)).await.unwrap();
        let timers = view.timers(page).await.unwrap();
        timers.into_iter().map(|it| it.key).collect::<Vec<_>>()
    };
    let all = TimerPage { limit: 10, ..TimerPage::default() };
    assert_eq!(listed("acme", all).await, ["a", "b", "c"]);
    assert_eq!(listed("other", all).await, ["z", "d"], "by kind first");
    assert_eq!(listed("acme", TimerPage { limit: 2, ..all }).await, ["a", "b"]);
    let rest = TimerPage { after: Some(("wake", "b")), ..all };
    assert_eq!(listed("acme", rest).await, ["c"]);
    let overdue = TimerPage { due_by: Some(noon()), ..all };
    assert_eq!(listed("acme", overdue).await, ["a", "b"]);
    let pending = TimerPage { due_after: Some(noon()), ..all };
    assert_eq!(listed("acme", pending).await, ["c"]);
    let mut view = kernel.read(&tenant("acme")).await.unwrap();
    let first = view.timers(all).await.unwrap().remove(0);
    assert_eq!((first.kind.as_str(), first.attempts), ("wake", 0));
    assert_eq!((first.due_at, first.fire_at), (in_seconds(-10), in_seconds(-10)));
    drop(view);
    kernel.shutdown().await.unwrap();
}
