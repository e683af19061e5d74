//! Rates that processes count together: here two of them, on a store in memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, FutureExt};
use symbolon_server::{
    Allotment, Allotments, Bucket, Failure, Rate, RateLimits, SharedRateLimits, Taken,
};

/// How a store behaves.
#[derive(Clone, Copy, PartialEq)]
enum State {
    Well,
    Refusing,
    Hanging,
}

/// Buckets that all who have a clone share.
#[derive(Clone)]
struct Store {
    now: Arc<Mutex<Instant>>,
    full_at: Arc<Mutex<HashMap<Bucket, Instant>>>,
    asked: Arc<AtomicUsize>,
    state: Arc<Mutex<State>>,
}

impl Store {
    fn new() -> Self {
        let (now, state) =
            (Arc::new(Mutex::new(Instant::now())), Arc::new(Mutex::new(State::Well)));
        Self { now, full_at: Arc::default(), asked: Arc::default(), state }
    }

    fn now(&self) -> Instant {
        *self.now.lock().unwrap()
    }

    fn forward(&self, time: Duration) {
        *self.now.lock().unwrap() += time;
    }

    fn be(&self, state: State) {
        *self.state.lock().unwrap() = state;
    }

    /// One process.
    fn process(&self) -> SharedRateLimits<Self> {
        let store = self.clone();
        SharedRateLimits::new(self.clone()).clock(move || store.now())
    }
}

impl Allotments for Store {
    fn allot<'a>(
        &'a self,
        bucket: &'a Bucket,
        rate: Rate,
        wanted: u32,
    ) -> BoxFuture<'a, Result<Allotment, Failure>> {
        async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let state = *self.state.lock().unwrap();
            match state {
                State::Well => {}
                State::Refusing => return Err(Failure::message("the store is away")),
                State::Hanging => std::future::pending().await,
            }
            let window = Duration::from_secs(rate.window_s.into());
            let (interval, now) = (window / rate.requests, self.now());
            let mut buckets = self.full_at.lock().unwrap();
            let full_at = buckets.entry(bucket.clone()).or_insert(now);
            *full_at = (*full_at).max(now);
            let room = (now + window).saturating_duration_since(*full_at);
            let room = u32::try_from(room.as_nanos() / interval.as_nanos()).unwrap();
            let granted = room.min(wanted);
            *full_at += interval * granted;
            Ok(Allotment { granted, full_in: *full_at - now })
        }
        .boxed()
    }
}

fn acme() -> Bucket {
    Bucket { policy: "default", caller: "tenant:acme".to_owned() }
}

/// How many of so many requests one of the processes lets through, asked by turns.
async fn let_through(processes: &[SharedRateLimits<Store>], rate: Rate, requests: usize) -> usize {
    let mut through = 0;
    for process in processes.iter().cycle().take(requests) {
        if let Taken::Token { left, .. } = process.take(&acme(), rate).await.unwrap() {
            assert!(left < rate.requests);
            through += 1;
        }
    }
    through
}

#[tokio::test]
async fn processes_let_through_together_what_one_would() {
    let (store, rate) = (Store::new(), Rate::new(600, 60));
    let processes = [store.process(), store.process(), store.process()];
    assert_eq!(let_through(&processes, rate, 3_000).await, 600);
    // A block is twelve tokens: one request in so many asks, and none of those who are refused.
    let asked = store.asked.load(Ordering::SeqCst);
    assert!((50..=56).contains(&asked), "{asked}");
    // Ten come back in a second, and no more than that however long one looks.
    let mut through = 0;
    for _ in 0..30 {
        store.forward(Duration::from_secs(1));
        through += let_through(&processes, rate, 60).await;
    }
    assert!((280..=300).contains(&through), "{through}");
    let asked = store.asked.load(Ordering::SeqCst) - asked;
    assert!(asked <= 150, "{asked}");
}

#[tokio::test]
async fn what_a_process_has_left_is_all_that_it_lets_through_beyond_the_rate() {
    let (store, rate) = (Store::new(), Rate::new(600, 60));
    let processes = [store.process(), store.process()];
    // Each has eleven of its block left, for as long as it likes.
    assert_eq!(let_through(&processes, rate, 2).await, 2);
    store.forward(Duration::from_secs(3_600));
    assert_eq!(let_through(&processes, rate, 3_000).await, 600 + 2 * 11);
}

#[tokio::test]
async fn who_is_refused_is_told_when_to_come_back_and_is_let_in_then() {
    let (store, rate) = (Store::new(), Rate::new(2, 60));
    let [one, other] = [store.process(), store.process()];
    assert!(matches!(one.take(&acme(), rate).await.unwrap(), Taken::Token { left: 1, .. }));
    assert!(matches!(other.take(&acme(), rate).await.unwrap(), Taken::Token { left: 0, .. }));
    for process in [&one, &other] {
        let refused = process.take(&acme(), rate).await.unwrap();
        assert_eq!(refused, Taken::Nothing { again_in: Duration::from_secs(30) });
    }
    store.forward(Duration::from_secs(30));
    assert!(matches!(other.take(&acme(), rate).await.unwrap(), Taken::Token { .. }));
    assert!(matches!(one.take(&acme(), rate).await.unwrap(), Taken::Nothing { .. }));
}

#[tokio::test]
async fn while_the_store_is_away_each_counts_for_itself() {
    for away in [State::Refusing, State::Hanging] {
        let (store, rate) = (Store::new(), Rate::new(100, 60));
        let processes = [store.process(), store.process()];
        store.be(away);
        assert_eq!(let_through(&processes, rate, 1_000).await, 200);
        // Once each, and not for every request.
        assert_eq!(store.asked.load(Ordering::SeqCst), 2);
        store.be(State::Well);
        store.forward(Duration::from_secs(60));
        assert_eq!(let_through(&processes, rate, 1_000).await, 100);
    }
}

#[tokio::test]
async fn callers_without_credentials_cost_the_store_nothing() {
    let store = Store::new();
    let process = store.process();
    let bucket = Bucket { policy: "default", caller: "address:192.0.2.1".to_owned() };
    for is_let_in in [true, true, false] {
        let taken = process.take(&bucket, Rate::new(2, 60)).await.unwrap();
        assert_eq!(matches!(taken, Taken::Token { .. }), is_let_in);
    }
    assert_eq!(store.asked.load(Ordering::SeqCst), 0);
}
