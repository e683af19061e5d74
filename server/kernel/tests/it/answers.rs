//! Answers that the edge has the kernel keep.

use std::time::Duration;

use jiff::SignedDuration;
use symbolon_kernel::Kernel;
use symbolon_wire::idempotency::{Answer, Answers, Ended, Keyed, Known, Permit};
use tokio::task::JoinSet;

use crate::fixture::{Home, manual};

const ALONE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_hours(24);

fn request(tenant: &str, key: &str, fingerprint: &str) -> Keyed {
    let (tenant, key) = (tenant.to_owned(), key.to_owned());
    Keyed { tenant, operation: "placeOrder", key, fingerprint: fingerprint.to_owned() }
}

fn accepted() -> Answer {
    Answer {
        status: 202,
        media_type: Some("application/json".to_owned()),
        headers: vec![("location".to_owned(), "/orders/7".to_owned())],
        body: br#"{"id":7}"#.to_vec(),
    }
}

async fn begin(kernel: &Kernel, request: &Keyed) -> Known {
    kernel.begin(request, ALONE).await.unwrap()
}

async fn permit(kernel: &Kernel, request: &Keyed) -> Permit {
    match begin(kernel, request).await {
        Known::Nothing(permit) => permit,
        known => panic!("{known:?} of a new key"),
    }
}

#[tokio::test]
async fn an_answer_is_known_after_a_restart_to_its_tenant_and_for_its_time() {
    let (home, (clock, injected)) = (Home::new(), manual());
    let kernel = home.open_at(injected.clone()).await;
    let key = request("acme", "k", "body");
    let mine = permit(&kernel, &key).await;
    assert_eq!(begin(&kernel, &key).await, Known::InFlight);
    kernel.end(&key, mine, Ended::Done(accepted(), DAY)).await.unwrap();
    kernel.shutdown().await.unwrap();

    let kernel = home.open_at(injected).await;
    assert_eq!(begin(&kernel, &key).await, Known::Answered(accepted()));
    assert_eq!(begin(&kernel, &request("acme", "k", "other")).await, Known::Reused);
    permit(&kernel, &request("other", "k", "other")).await;
    clock.advance(SignedDuration::from_hours(25));
    permit(&kernel, &request("acme", "k", "other")).await;
}

#[tokio::test]
async fn what_came_to_nothing_is_forgotten_and_an_empty_answer_is_not() {
    let home = Home::new();
    let kernel = home.open().await;
    let key = request("acme", "k", "body");
    let mine = permit(&kernel, &key).await;
    kernel.end(&key, mine, Ended::InVain).await.unwrap();
    let mine = permit(&kernel, &key).await;
    let empty = Answer { status: 204, media_type: None, headers: Vec::new(), body: Vec::new() };
    kernel.end(&key, mine, Ended::Done(empty.clone(), DAY)).await.unwrap();
    // Too late to have come to nothing.
    kernel.end(&key, mine, Ended::InVain).await.unwrap();
    assert_eq!(begin(&kernel, &key).await, Known::Answered(empty));
}

#[tokio::test]
async fn whoever_comes_back_after_its_lock_has_no_say() {
    let (home, (clock, injected)) = (Home::new(), manual());
    let kernel = home.open_at(injected).await;
    let key = request("acme", "k", "body");
    let lost = permit(&kernel, &key).await;
    clock.advance(SignedDuration::from_secs(61));
    let mine = permit(&kernel, &key).await;
    assert_ne!(lost, mine);
    kernel.end(&key, lost, Ended::Done(accepted(), DAY)).await.unwrap();
    assert_eq!(begin(&kernel, &key).await, Known::InFlight);
    let other = Answer { status: 200, ..accepted() };
    kernel.end(&key, mine, Ended::Done(other.clone(), DAY)).await.unwrap();
    assert_eq!(begin(&kernel, &key).await, Known::Answered(other));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_32_at_once_one_may_go_on() {
    let home = Home::new();
    let kernel = home.open().await;
    let mut callers = JoinSet::new();
    for _ in 0..32 {
        let kernel = kernel.clone();
        callers.spawn(async move { begin(&kernel, &request("acme", "k", "body")).await });
    }
    let known = callers.join_all().await;
    assert_eq!(known.iter().filter(|known| matches!(known, Known::Nothing(_))).count(), 1);
    assert_eq!(known.iter().filter(|known| **known == Known::InFlight).count(), 31);
}
