//! Calls that are late: sent all the same, or skipped where that was asked for.

use std::sync::Arc;

use calls_wire::service_calls::{cancel_service_call, list_service_calls};
use calls_wire::types::ServiceCallStatus;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use symbolon_kernel::{Cause, ManualClock, TenantId};
use symbolon_server::Fault;
use uuid::Uuid;

use crate::fixture::{Home, SETTINGS, System, now};
use crate::target::Target;

const HOUR_MS: i64 = 3_600_000;

/// A body with a secret, a time and a policy.
fn timed(target: &Target, due_at: Timestamp, policy: Value) -> Value {
    let mut body = now(&target.url("ok"));
    body["request"]["headers"] = json!({ "Authorization": "Bearer squirrel" });
    body["dueAt"] = due_at.to_string().into();
    body["policy"] = policy;
    body
}

async fn is_sent(system: &System, target: &Target, id: Uuid) {
    let call = system.over(id).await;
    assert!(call.status == ServiceCallStatus::Succeeded, "{:?}", call.status);
    assert_eq!(target.hits(&id.to_string()).len(), 1);
}

async fn is_skipped(system: &System, target: &Target, id: Uuid) {
    let call = system.over(id).await;
    assert!(call.status == ServiceCallStatus::Skipped, "{:?}", call.status);
    assert_eq!((call.attempts, call.result), (0, None));
    assert!(target.hits(&id.to_string()).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fell_due_while_nobody_was_there_is_skipped_where_that_was_asked_for() {
    let (home, target) = (Home::new(), Target::start().await);
    let start = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
    let clock = ManualClock::new(start);
    let system = System::start_at(home.location(), SETTINGS, Arc::new(clock.clone())).await;
    let due_at = start + SignedDuration::from_hours(2);
    let skip = json!({ "misfire": "skip" });
    let wide = json!({ "misfire": "skip", "catchUpWindowMs": 3 * HOUR_MS });
    let narrow_run = json!({ "misfire": "run", "catchUpWindowMs": 1000 });
    let later_skip = due_at + SignedDuration::from_hours(2);
    let silent = system.accept(timed(&target, due_at, json!({}))).await;
    let run = system.accept(timed(&target, due_at, narrow_run)).await;
    let skipped = system.accept(timed(&target, due_at, skip.clone())).await;
    let within = system.accept(timed(&target, due_at, wide)).await;
    let in_time = system.accept(timed(&target, later_skip, skip)).await;
    system.stop().await;

    clock.set(later_skip);
    let system = System::start_at(home.location(), SETTINGS, Arc::new(clock)).await;
    for id in [silent, run, within, in_time] {
        is_sent(&system, &target, id).await;
    }
    is_skipped(&system, &target, skipped).await;
    // Versions before it know no such policy: it is told of those alone that have it.
    let policy = |events: Vec<Value>| events[0]["data"]["policy"].clone();
    let told = json!({ "maxAttempts": 1, "timeoutMs": 10_000 });
    assert_eq!(policy(system.events("acme", silent).await), told);
    assert_eq!(policy(system.events("acme", run).await), told);
    assert_eq!(policy(system.events("acme", skipped).await)["catchUpWindowMs"], 60_000);
    let expected =
        ["ServiceCallSubmitted", "ServiceCallScheduled", "DueTimeReached", "ServiceCallSkipped"];
    assert_eq!(system.history("acme", skipped).await, expected);
    let data = system.events("acme", skipped).await.remove(3)["data"].clone();
    assert_eq!(data["expectedAt"], due_at.to_string());
    assert!(data["lateMs"].as_i64().unwrap() >= 2 * HOUR_MS, "{data}");

    // It is over: nothing of it is kept, and nothing can be done about it.
    let mut unit = system.kernel.unit(&acme(), Cause::request("test")).await.unwrap();
    let kept = sqlx::query_scalar::<_, i64>("SELECT COUNT(*) FROM service_call_secrets");
    assert_eq!(kept.fetch_one(unit.sql().1).await.unwrap(), 0);
    unit.rollback().await.unwrap();
    let cancelled = system.cancel("acme", skipped).await;
    let Err(Fault::Documented(cancel_service_call::Error::NotCancellable(_))) = cancelled else {
        panic!("{cancelled:?}");
    };
    let status = Some(ServiceCallStatus::Skipped);
    crate::fixture::eventually("the list tells it", || async {
        let request = list_service_calls::Request { status, ..Default::default() };
        let page = system.page("acme", request).await;
        page.items.iter().map(|call| call.service_call_id).eq([skipped])
    })
    .await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_was_past_already_counts_too() {
    let (home, target) = (Home::new(), Target::start().await);
    let system = System::start(home.location(), SETTINGS).await;
    let skip = json!({ "misfire": "skip", "catchUpWindowMs": 60_000 });
    let ago = |seconds| Timestamp::now() - SignedDuration::from_secs(seconds);
    let long_past = system.accept(timed(&target, ago(3600), skip.clone())).await;
    let just_past = system.accept(timed(&target, ago(5), skip.clone())).await;
    let mut at_once = now(&target.url("ok"));
    at_once["policy"] = skip;
    let at_once = system.accept(at_once).await;
    is_skipped(&system, &target, long_past).await;
    assert_eq!(system.history("acme", long_past).await.len(), 2);
    is_sent(&system, &target, just_past).await;
    is_sent(&system, &target, at_once).await;
    system.stop().await;
}

fn acme() -> TenantId {
    TenantId::new("acme").unwrap()
}
