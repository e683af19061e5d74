//! Making calls: once, in time, with a bounded number out, whatever happens to the process.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use calls_wire::types::{FailureKind, ServiceCallStatus};
use jiff::SignedDuration;
use serde_json::{Value, json};
use symbolon_calls::{Loopback, MIGRATIONS, Settings};
use symbolon_kernel::{Cause, Kernel, Location, SystemClock, TenantId};

use crate::fixture::{Home, SETTINGS, System, TRACE, accepted, eventually, later, now};
use crate::target::Target;

fn timed(url: &str, timeout_ms: i64) -> Value {
    let mut body = now(url);
    body["policy"] = json!({ "timeoutMs": timeout_ms });
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_for_now_is_sent_at_once() {
    let (home, target) = (Home::new(), Target::start().await);
    let system = System::start(home.location(), SETTINGS).await;
    for body in [now(&target.url("ok")), later(&target.url("ok"), -5000)] {
        let id = system.accept(body).await;
        let call = system.over(id).await;
        assert!(call.status == ServiceCallStatus::Succeeded);
        let result = call.result.unwrap();
        assert_eq!((call.attempts, result.http_status), (1, Some(200)));
        assert_eq!(result.snippet.as_deref(), Some("fine"));
        let expected =
            ["ServiceCallSubmitted", "AttemptStarted", "AttemptSucceeded", "ServiceCallSucceeded"];
        assert_eq!(system.history("acme", id).await, expected);
        let hits = target.hits(&id.to_string());
        assert_eq!(hits.len(), 1);
        assert_eq!(hits[0]["x-scheduler-attempt"], "1");
        for (version, event) in (1..).zip(system.events("acme", id).await) {
            assert_eq!(event["version"], version);
            assert_eq!(event["correlationId"], "test-1");
            assert_eq!(event["traceparent"], TRACE);
            assert!(!event["causationId"].as_str().unwrap().is_empty());
        }
        let events = system.events("acme", id).await;
        for (cause, effect) in events.iter().zip(&events[1..]) {
            assert_eq!(effect["causationId"], cause["messageId"]);
        }
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_take_turns_in_whatever_order_the_database_has() {
    let (home, target) = (Home::new(), Target::start().await);
    if let Location::Server(_) = home.location() {
        // Where `acme` comes before `Beta`, as most servers have it and bytes do not.
        let kernel = Kernel::open(&home.location(), &[MIGRATIONS], Arc::new(SystemClock)).await;
        let kernel = kernel.unwrap();
        let tenant = TenantId::new("acme").unwrap();
        let mut unit = kernel.unit(&tenant, Cause::request("test")).await.unwrap();
        let order = "ALTER TABLE service_call_queue ALTER COLUMN tenant_id \
                     TYPE TEXT COLLATE \"en-US-x-icu\"";
        sqlx::query(order).execute(unit.sql().1).await.unwrap();
        unit.commit().await.unwrap();
        kernel.shutdown().await.unwrap();
    }
    let system = System::start(home.location(), SETTINGS).await;
    for (round, tenant) in ["Beta", "acme", "Beta", "zeta", "acme"].into_iter().enumerate() {
        let submitted = system.submit(tenant, &round.to_string(), now(&target.url("ok"))).await;
        let id = accepted(submitted);
        eventually(tenant, || async {
            let call = system.get(tenant, id).await;
            call.is_some_and(|call| call.status == ServiceCallStatus::Succeeded)
        })
        .await;
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_for_later_waits_for_its_time() {
    let (home, target) = (Home::new(), Target::start().await);
    let system = System::start(home.location(), SETTINGS).await;
    let id = system.accept(later(&target.url("ok"), 500)).await;
    let due_at = system.get("acme", id).await.unwrap().due_at.unwrap();
    assert!(target.hits(&id.to_string()).is_empty());
    assert!(system.over(id).await.status == ServiceCallStatus::Succeeded);
    let expected = [
        "ServiceCallSubmitted",
        "ServiceCallScheduled",
        "DueTimeReached",
        "AttemptStarted",
        "AttemptSucceeded",
        "ServiceCallSucceeded",
    ];
    assert_eq!(system.history("acme", id).await, expected);
    let events = system.events("acme", id).await;
    assert!(events.iter().all(|event| event["traceparent"] == TRACE), "by way of a timer too");
    let started = system.events("acme", id).await.remove(3);
    let started_at: jiff::Timestamp = started["timestamp"].as_str().unwrap().parse().unwrap();
    assert!(started_at >= due_at);
    assert_eq!(target.hits(&id.to_string()).len(), 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_but_2xx_in_time_is_a_failure() {
    let (home, target) = (Home::new(), Target::start().await);
    let system = System::start(home.location(), SETTINGS).await;
    let https = target.url("ok").replace("http:", "https:");
    let cases = [
        (timed(&target.url("missing"), 5000), FailureKind::Http, Some(404)),
        (timed(&target.url("odd"), 5000), FailureKind::Http, Some(799)),
        (timed(&target.url("elsewhere"), 5000), FailureKind::Http, Some(302)),
        (timed(&target.url("slow"), 150), FailureKind::Timeout, None),
        (timed(&target.url("endless"), 300), FailureKind::Timeout, Some(200)),
        (timed("http://127.0.0.1:1/", 5000), FailureKind::Connect, None),
        (timed("http://no-such-host.invalid/", 5000), FailureKind::Dns, None),
        (timed(&https, 5000), FailureKind::Tls, None),
    ];
    for (body, kind, status) in cases {
        let id = system.accept(body.clone()).await;
        let call = system.over(id).await;
        let result = call.result.unwrap();
        assert!(call.status == ServiceCallStatus::Failed, "{body}");
        assert_eq!(result.failure_kind, Some(kind.into()), "{body}");
        assert_eq!(result.http_status, status, "{body}");
        let history = system.history("acme", id).await;
        assert_eq!(history[2..], ["AttemptFailed", "ServiceCallFailed"], "{body}");
        assert!(target.hits(&id.to_string()).len() <= 1, "{body}");
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_is_judged_again_when_the_call_is_made() {
    let (home, target) = (Home::new(), Target::start().await);
    let system = System::start(home.location(), SETTINGS).await;
    let id = system.accept(later(&target.url("ok"), 700)).await;
    system.stop().await;
    let denied = Settings { loopback: Loopback::Denied, ..SETTINGS };
    let system = System::start(home.location(), denied).await;
    let result = system.over(id).await.result.unwrap();
    assert_eq!(result.failure_kind, Some(FailureKind::Blocked.into()));
    assert_eq!(target.all_hits(), 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_was_lost_is_aborted_and_never_sent_again() {
    let (home, target) = (Home::new(), Target::start().await);
    // The first process is a runtime that ends in the middle of the request.
    let process = tokio::runtime::Runtime::new().unwrap();
    let (location, body) = (home.location(), timed(&target.url("slow"), 1500));
    let id = process
        .spawn(async move {
            let system = System::start(location, SETTINGS).await;
            system.accept(body).await
        })
        .await
        .unwrap();
    eventually("the request is out", || async { target.all_hits() == 1 }).await;
    let end = || process.shutdown_timeout(Duration::from_secs(10));
    tokio::task::spawn_blocking(end).await.unwrap();

    let system = System::start(home.location(), SETTINGS).await;
    assert!(system.get("acme", id).await.unwrap().result.is_none());
    let call = system.over(id).await;
    assert_eq!(call.result.unwrap().failure_kind, Some(FailureKind::Aborted.into()));
    let expected = ["ServiceCallSubmitted", "AttemptStarted", "AttemptFailed", "ServiceCallFailed"];
    assert_eq!(system.history("acme", id).await, expected);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(target.hits(&id.to_string()).len(), 1);
    assert_eq!(system.history("acme", id).await, expected);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_sends_what_was_not_sent_and_waits_for_what_is_out() {
    let (home, target) = (Home::new(), Target::start().await);
    let one_at_a_time = Settings { concurrency: 1, ..SETTINGS };
    let system = System::start(home.location(), one_at_a_time).await;
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(system.accept(timed(&target.url("slow"), 400)).await);
    }
    eventually("one is out", || async { target.all_hits() >= 1 }).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(target.all_hits(), 1, "no more are out than may be");
    system.stop().await;
    assert!(target.all_hits() <= 2);

    let system = System::start(home.location(), SETTINGS).await;
    for id in ids {
        let result = system.over(id).await.result.unwrap();
        assert_eq!(result.failure_kind, Some(FailureKind::Timeout.into()));
        assert_eq!(target.hits(&id.to_string()).len(), 1);
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_with_many_calls_keeps_nobody_waiting() {
    let (home, target) = (Home::new(), Target::start().await);
    let fair = Settings { concurrency: 4, tenant_concurrency: 2, ..SETTINGS };
    let system = System::start(home.location(), fair).await;
    // Each of them is out until the end of the test.
    for _ in 0..12 {
        system.accept(timed(&target.url("slow"), 9000)).await;
    }
    eventually("the first are out", || async { target.all_hits() == 2 }).await;
    for number in 0..3 {
        let body = now(&target.url("ok"));
        let id = accepted(system.submit("globex", &number.to_string(), body).await);
        eventually("it is answered", || async { target.hits(&id.to_string()).len() == 1 }).await;
    }
    assert_eq!(target.all_hits(), 2 + 3, "the first tenant has no more out than it may");
    for call in system.page("acme", Default::default()).await.items {
        let _ = system.cancel("acme", call.service_call_id).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_begins_no_more_calls_in_a_second_than_it_may() {
    let (home, target) = (Home::new(), Target::start().await);
    let slowly = Settings { tenant_rate: NonZeroU32::new(4), ..SETTINGS };
    let system = System::start(home.location(), slowly).await;
    let begun = jiff::Timestamp::now();
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push(system.accept(now(&target.url("ok"))).await);
    }
    let mut last = begun;
    for id in ids {
        system.over(id).await;
        let started = system.events("acme", id).await.remove(1);
        last = last.max(started["timestamp"].as_str().unwrap().parse().unwrap());
    }
    // Those of a whole second at once, and one every quarter of a second after them.
    assert!(last.duration_since(begun) >= SignedDuration::from_millis(6 * 250), "{last} {begun}");
    system.stop().await;
}
