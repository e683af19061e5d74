//! Submitting, replaying, refusing and cancelling.

use calls_wire::service_calls as wire;
use calls_wire::types::ServiceCallStatus;
use serde_json::json;
use symbolon_calls::{Loopback, Settings};
use symbolon_server::Fault;
use tokio::task::JoinSet;
use wire::cancel_service_call::Error as CancelError;
use wire::submit_service_call::{Error, Response};

use crate::fixture::{Home, SETTINGS, Submitted, System, accepted, later, now};
use crate::target::Target;

fn problem(submitted: Submitted) -> Error {
    match submitted {
        Err(Fault::Documented(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_leads_to_one_call_however_many_use_it_at_once() {
    let (home, target) = (Home::new(), Target::start().await);
    let system = std::sync::Arc::new(System::start(home.location(), SETTINGS).await);
    let mut callers = JoinSet::new();
    for _ in 0..24 {
        let (system, body) = (system.clone(), now(&target.url("ok")));
        callers.spawn(async move { system.submit("acme", "one-key", body).await });
    }
    let (mut fresh, mut replays) = (Vec::new(), Vec::new());
    while let Some(submitted) = callers.join_next().await {
        match submitted.unwrap().unwrap() {
            Response::Accepted { body, .. } => fresh.push(body.service_call_id),
            Response::Ok { location, body } => {
                assert_eq!(location, format!("/v1/service-calls/{}", body.service_call_id));
                replays.push(body.service_call_id);
            }
        }
    }
    assert_eq!((fresh.len(), replays.len()), (1, 23));
    assert!(replays.iter().all(|id| *id == fresh[0]));
    system.over(fresh[0]).await;
    assert_eq!(target.all_hits(), 1);

    let other = system.submit("acme", "one-key", now(&target.url("missing"))).await;
    assert!(matches!(problem(other), Error::IdempotencyKeyReused(_)));
    let of_another = accepted(system.submit("globex", "one-key", now(&target.url("ok"))).await);
    assert_ne!(of_another, fresh[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_can_be_read_as_soon_as_it_is_accepted() {
    let (home, target) = (Home::new(), Target::start().await);
    let system = System::start(home.location(), SETTINGS).await;
    for _ in 0..20 {
        let id = system.accept(later(&target.url("ok"), 60_000)).await;
        let call = system.get("acme", id).await.unwrap();
        assert_eq!((call.service_call_id, call.attempts), (id, 0));
        assert!(call.status == ServiceCallStatus::Scheduled);
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_what_is_read_then() {
    let (home, target) = (Home::new(), Target::start().await);
    let system = System::start(home.location(), SETTINGS).await;
    for _ in 0..50 {
        let id = system.accept(later(&target.url("ok"), 60_000)).await;
        system.cancel("acme", id).await.unwrap();
        let call = system.get("acme", id).await.unwrap();
        assert!(call.status == ServiceCallStatus::Cancelled, "{:?}", call.status);
    }
    // Lists may lag, but show no state a call never had.
    let queued = wire::list_service_calls::Request {
        status: Some(ServiceCallStatus::Queued),
        ..Default::default()
    };
    for _ in 0..50 {
        system.accept(later(&target.url("ok"), 60_000)).await;
        assert!(system.page("acme", queued.clone()).await.items.is_empty());
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_sent_is_refused() {
    let home = Home::new();
    let settings = Settings { loopback: Loopback::Denied, ..SETTINGS };
    let system = System::start(home.location(), settings).await;
    let blocked = [
        "http://127.0.0.1/",
        "http://localhost/",
        "http://[::1]/",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:192.168.0.1]/",
    ];
    for url in blocked {
        let refused = problem(system.submit("acme", "blocked", now(url)).await);
        assert!(matches!(refused, Error::TargetBlocked(_)), "{url}: {refused:?}");
    }
    let names = [
        "Host",
        "content-length",
        "Transfer-Encoding",
        "connection",
        "Upgrade",
        "TE",
        "Trailer",
        "a~c",
        "A~c",
    ];
    let headers: serde_json::Map<_, _> =
        names.iter().map(|name| ((*name).to_owned(), json!("secret-value"))).collect();
    let body = json!({ "name": "n", "request":
        { "method": "GET", "url": "http://example.com/", "headers": headers } });
    let Error::InvalidRequest(refused) = problem(system.submit("acme", "framing", body).await)
    else {
        panic!("not refused as invalid");
    };
    let pointers: Vec<_> = refused.errors.iter().map(|it| it.pointer.as_str()).collect();
    // Of a name that stands twice, in whatever case, the second one is refused.
    assert_eq!(pointers.len(), names.len() - 1);
    assert!(pointers.contains(&"/request/headers/Transfer-Encoding"));
    assert!(pointers.contains(&"/request/headers/a~0c"));
    assert!(!serde_json::to_string(&refused).unwrap().contains("secret-value"));
    // Nothing was done under the keys.
    accepted(system.submit("acme", "framing", now("http://192.0.9.1/")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_call_is_cancelled_once_and_never_sent() {
    let (home, target) = (Home::new(), Target::start().await);
    let system = System::start(home.location(), SETTINGS).await;
    let id = system.accept(later(&target.url("ok"), 400)).await;
    assert!(matches!(
        system.cancel("globex", id).await,
        Err(Fault::Documented(CancelError::NotFound(_)))
    ));
    let cancelled = system.cancel("acme", id).await.unwrap().into_body();
    assert!(cancelled.status == ServiceCallStatus::Cancelled);
    assert!(matches!(
        system.cancel("acme", id).await,
        Err(Fault::Documented(CancelError::NotCancellable(_)))
    ));
    tokio::time::sleep(std::time::Duration::from_millis(800)).await;
    let expected = ["ServiceCallSubmitted", "ServiceCallScheduled", "ServiceCallCancelled"];
    assert_eq!(system.history("acme", id).await, expected);
    assert!(target.hits(&id.to_string()).is_empty());
    assert_eq!(system.kernel.stats().await.unwrap().timers_pending, 0);

    let done = system.accept(now(&target.url("ok"))).await;
    system.over(done).await;
    assert!(matches!(
        system.cancel("acme", done).await,
        Err(Fault::Documented(CancelError::NotCancellable(_)))
    ));
    system.stop().await;
}
