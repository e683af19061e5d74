//! What a list tells of each call, whichever version of the server has written it down.

use std::sync::Arc;

use calls_server::admin::{Admin, ListProjections};
use calls_server::service_calls::{ListServiceCalls, ServiceCalls};
use calls_wire::admin::list_projections;
use calls_wire::service_calls::list_service_calls::Request;
use calls_wire::types::{FailureKind, ProjectionState, ServiceCallSummary};
use serde_json::{Value, json};
use symbolon_calls::{Calls, MIGRATIONS};
use symbolon_kernel::{Cause, Kernel, SystemClock, TenantId, Unit};

use crate::fixture::{Home, SETTINGS, System, call, eventually, later, now};
use crate::target::Target;

/// The only call there is, once it is over for the list too.
async fn listed(system: &System) -> ServiceCallSummary {
    let first = async || system.page("acme", Request::default()).await.items.pop();
    eventually("it is listed", || async {
        first().await.is_some_and(|call| call.ended_at.is_some())
    })
    .await;
    first().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_tells_where_a_call_went_and_what_came_of_it() {
    for (path, kind) in [("ok", None), ("missing", Some(FailureKind::Http))] {
        let (home, target) = (Home::new(), Target::start().await);
        let system = System::start(home.location(), SETTINGS).await;
        let url = target.url(path);
        let id = system.accept(now(&format!("{url}?token=for-the-target#part"))).await;
        let detail = system.over(id).await;
        let told = listed(&system).await;
        assert_eq!((told.service_call_id, told.request.url), (id, url.clone()));
        assert!(detail.request.url.ends_with("?token=for-the-target#part"));
        let (outcome, result) = (told.result.unwrap(), detail.result.unwrap());
        assert!(outcome.latency_ms.is_some() && outcome.http_status.is_some());
        assert_eq!(outcome.http_status, result.http_status);
        assert_eq!(outcome.latency_ms, result.latency_ms);
        assert_eq!(outcome.failure_kind, kind.map(Into::into));
        assert_eq!((told.ended_at, detail.ended_at), (Some(detail.updated_at), told.ended_at));
        system.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_not_ended_has_no_end_and_no_outcome() {
    let (home, target) = (Home::new(), Target::start().await);
    let system = System::start(home.location(), SETTINGS).await;
    let id = system.accept(later(&target.url("ok"), 600_000)).await;
    let first = async || system.page("acme", Request::default()).await.items.pop();
    eventually("it is listed", || async { first().await.is_some() }).await;
    let waiting = first().await.unwrap();
    assert_eq!((waiting.ended_at, waiting.result), (None, None));
    assert_eq!(system.get("acme", id).await.unwrap().ended_at, None);
    system.cancel("acme", id).await.unwrap();
    let cancelled = listed(&system).await;
    assert_eq!((cancelled.ended_at, cancelled.result), (Some(cancelled.updated_at), None));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_has_as_many_calls_as_there_are_streams() {
    let (home, target) = (Home::new(), Target::start().await);
    let system = System::start(home.location(), SETTINGS).await;
    for path in ["ok", "missing", "odd"] {
        let id = system.accept(now(&target.url(path))).await;
        system.over(id).await;
    }
    system.accept(later(&target.url("ok"), 600_000)).await;
    let listed = async || system.page("acme", Request::default()).await.items.len();
    eventually("all are listed", || async { listed().await == 4 }).await;
    system.stop().await;
    let kernel =
        Kernel::open(&home.location(), &[MIGRATIONS], Arc::new(SystemClock)).await.unwrap();
    let mut unit = unit(&kernel).await;
    let counted = "SELECT (SELECT COUNT(*) FROM streams WHERE aggregate_type = 'ServiceCall') - \
                   (SELECT COUNT(*) FROM service_calls)";
    let more: i64 = sqlx::query_scalar(counted).fetch_one(unit.sql().1).await.unwrap();
    assert_eq!(more, 0);
    drop(unit);
    kernel.shutdown().await.unwrap();
}

/// A unit of the tenant on a kernel that runs nothing.
async fn unit(kernel: &Kernel) -> Unit {
    kernel.unit(&TenantId::new("acme").unwrap(), Cause::request("test-1")).await.unwrap()
}

/// The only row there is of a call.
async fn row(unit: &mut Unit) -> Value {
    let document = sqlx::query_scalar("SELECT document FROM service_calls");
    let text: String = document.fetch_one(unit.sql().1).await.unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Makes the read model one as it was before rows were trimmed.
async fn age(kernel: &Kernel, url: &str) {
    let mut unit = unit(kernel).await;
    let mut document = row(&mut unit).await;
    let request = &mut document["request"];
    assert_eq!((&request["body"], &request["headers"]), (&Value::Null, &json!({})));
    assert_eq!(document["result"]["snippet"], Value::Null, "lists keep no answers");
    document["request"] =
        json!({ "method": "GET", "url": url, "headers": { "accept": "*/*" }, "body": "whole" });
    document["result"]["snippet"] = "whole".into();
    document["result"]["headers"] = json!({ "content-type": "text/plain" });
    let written = sqlx::query("UPDATE service_calls_g1 SET document = $1");
    written.bind(document.to_string()).execute(unit.sql().1).await.unwrap();
    let live = sqlx::query_scalar("SELECT live FROM projections WHERE name = 'service_calls'");
    let live: String = live.fetch_one(unit.sql().1).await.unwrap();
    let mut live: Value = serde_json::from_str(&live).unwrap();
    live["fingerprint"] = "of the statements before".into();
    let written = sqlx::query("UPDATE projections SET live = $1 WHERE name = 'service_calls'");
    written.bind(live.to_string()).execute(unit.sql().1).await.unwrap();
    unit.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_model_of_the_version_before_is_read_and_then_built_anew() {
    let (home, target) = (Home::new(), Target::start().await);
    let system = System::start(home.location(), SETTINGS).await;
    let url = format!("{}?token=for-the-target", target.url("ok"));
    let id = system.accept(now(&url)).await;
    system.over(id).await;
    let told = listed(&system).await;
    system.stop().await;

    let open = async || {
        let location = home.location();
        Kernel::open(&location, &[MIGRATIONS], Arc::new(SystemClock)).await.unwrap()
    };
    let kernel = open().await;
    age(&kernel, &url).await;
    let calls = Calls::open(kernel.clone(), SETTINGS).await.unwrap();
    let asked = call::<ListServiceCalls>("acme", Request::default());
    let page = calls.service().list_service_calls(asked).await.unwrap().into_body();
    assert_eq!(page.items, std::slice::from_ref(&told));
    drop(calls);
    kernel.shutdown().await.unwrap();

    let system = System::start(home.location(), SETTINGS).await;
    eventually("it is built anew", || async {
        assert_eq!(listed(&system).await, told, "it is read all the while");
        let asked = call::<ListProjections>("acme", list_projections::Request {});
        let found = system.admin.list_projections(asked).await.unwrap().into_body().items;
        found[0].generation == 2 && found[0].state == ProjectionState::Live
    })
    .await;
    assert_eq!(listed(&system).await, told);
    system.stop().await;
    let kernel = open().await;
    let row = row(&mut unit(&kernel).await).await;
    assert!(!row.to_string().contains("whole") && !row.to_string().contains("token"), "{row}");
    kernel.shutdown().await.unwrap();
}
