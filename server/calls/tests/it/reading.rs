//! Lists, filters, cursors, and whose calls are seen.

use calls_wire::service_calls::list_service_calls::Request;
use calls_wire::types::ServiceCallStatus;
use serde_json::json;
use symbolon_server::{Fault, Refusal};
use uuid::Uuid;

use crate::fixture::{Home, SETTINGS, System, accepted, eventually, later};

const URL: &str = "http://192.0.9.1/";

async fn scheduled(system: &System, tenant: &str, tags: &[&str]) -> Uuid {
    let mut body = later(URL, 600_000);
    body["tags"] = json!(tags);
    accepted(system.submit(tenant, &Uuid::now_v7().to_string(), body).await)
}

async fn ids(system: &System, tenant: &str, request: Request) -> Vec<Uuid> {
    let page = system.page(tenant, request).await;
    page.items.into_iter().map(|item| item.service_call_id).collect()
}

async fn projected(system: &System, tenant: &str, count: usize) {
    let all = || Request { limit: Some(200), ..Request::default() };
    eventually("all are projected", || async { ids(system, tenant, all()).await.len() == count })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_given_filters_must_match() {
    let home = Home::new();
    let system = System::start(home.location(), SETTINGS).await;
    let red = scheduled(&system, "acme", &["red"]).await;
    let both = scheduled(&system, "acme", &["red", "blue"]).await;
    let blue = scheduled(&system, "acme", &["blue"]).await;
    system.cancel("acme", blue).await.unwrap();
    projected(&system, "acme", 3).await;
    let status = |status| Request { status: Some(status), ..Request::default() };
    eventually("the cancellation is projected", || async {
        ids(&system, "acme", status(ServiceCallStatus::Cancelled)).await == [blue]
    })
    .await;
    let tag = |tag: &str| Request { tag: Some(tag.to_owned()), ..Request::default() };
    assert_eq!(ids(&system, "acme", tag("red")).await, [red, both]);
    assert_eq!(ids(&system, "acme", tag("blue")).await, [both, blue]);
    assert!(ids(&system, "acme", tag("green")).await.is_empty());
    let scheduled_blue = Request { status: Some(ServiceCallStatus::Scheduled), ..tag("blue") };
    assert_eq!(ids(&system, "acme", scheduled_blue).await, [both]);
    let second = system.get("acme", both).await.unwrap().created_at;
    let since = Request { from: Some(second), ..Request::default() };
    assert_eq!(ids(&system, "acme", since).await, [both, blue]);
    let until = Request { to: Some(second), ..Request::default() };
    assert_eq!(ids(&system, "acme", until).await, [red]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_hold_every_call_once_in_the_order_of_creation() {
    let home = Home::new();
    let system = System::start(home.location(), SETTINGS).await;
    let mut created = Vec::new();
    for _ in 0..7 {
        created.push(scheduled(&system, "acme", &["a"]).await);
    }
    scheduled(&system, "globex", &["a"]).await;
    projected(&system, "acme", 7).await;
    projected(&system, "globex", 1).await;

    let page = |cursor| Request { cursor, limit: Some(3), ..Request::default() };
    let (mut seen, mut cursor, mut sizes) = (Vec::new(), None, Vec::new());
    loop {
        let found = system.page("acme", page(cursor)).await;
        sizes.push(found.items.len());
        seen.extend(found.items.into_iter().map(|item| item.service_call_id));
        cursor = found.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!((seen, sizes), (created, vec![3, 3, 1]));

    let cursor = system.page("acme", page(None)).await.next_cursor.unwrap();
    let foreign = [
        ("globex", page(Some(cursor.clone()))),
        ("acme", Request { tag: Some("a".to_owned()), ..page(Some(cursor.clone())) }),
        ("acme", page(Some(format!("A{}", &cursor[1..]).replacen("AA", "AB", 1)))),
        ("acme", page(Some("not-a-cursor".to_owned()))),
    ];
    for (tenant, request) in foreign {
        let refused = system.list(tenant, request).await;
        assert!(matches!(refused, Err(Fault::Refused(Refusal::ForeignCursor))));
    }
    // A limit is no filter.
    let rest = Request { limit: Some(200), ..page(Some(cursor)) };
    assert_eq!(ids(&system, "acme", rest).await.len(), 4);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenant_sees_nothing() {
    let home = Home::new();
    let system = System::start(home.location(), SETTINGS).await;
    let id = scheduled(&system, "acme", &[]).await;
    // From the stream first, from the read model then.
    assert!(system.get("globex", id).await.is_none());
    projected(&system, "acme", 1).await;
    assert!(system.get("globex", id).await.is_none());
    assert!(system.history("globex", id).await.is_empty());
    assert!(ids(&system, "globex", Request::default()).await.is_empty());
    assert_eq!(system.history("acme", id).await.len(), 2);
    system.stop().await;
}
