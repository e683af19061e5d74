//! The live stream of a caller's events: where it goes on, that it is open, and how many there are.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use axum::body::{Body, BodyDataStream};
use axum::response::Response;
use futures_util::{StreamExt, stream};
use http::Request;
use serde_json::{Value, json};
use symbolon_server::{
    ApiKeys, Edge, InMemoryKeys, Live, NewApiKey, Proof, Requirement, Scheme, Server,
    Unauthenticated,
};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use crate::toy::{Door, Toy};

const PATIENCE: Duration = Duration::from_secs(30);
const READ: Requirement = Requirement { scheme: "oidc", scopes: &["orders:read"] };

/// Events that are numbered: after the last one seen, or from the hundredth on.
fn numbered(edge: Edge) -> Edge {
    edge.events(READ, |_, last| {
        let known = last.map(|last| last.parse::<u32>());
        let (first, comment) = match known {
            Some(Ok(last)) => (last + 1, None),
            Some(Err(_)) => (100, Some(Live::Comment("no such event\nevent: forged".to_owned()))),
            None => (100, Some(Live::Place("99".to_owned()))),
        };
        let events = (first..first + 2).map(|number| json!({ "messageId": number.to_string() }));
        stream::iter(comment.into_iter().chain(events.map(Live::from))).chain(stream::pending())
    })
}

async fn open(toy: &Toy, last: Option<&str>) -> Response {
    open_after(toy, &toy.token(&["orders:read"]), last).await
}

async fn open_as(toy: &Toy, token: &str) -> Response {
    open_after(toy, token, None).await
}

async fn open_after(toy: &Toy, token: &str, last: Option<&str>) -> Response {
    let request = Request::get("/events").header("authorization", format!("Bearer {token}"));
    let request = last.into_iter().fold(request, |it, last| it.header("last-event-id", last));
    toy.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

/// What comes until this is in it.
async fn until(body: &mut BodyDataStream, wanted: &str) -> String {
    let mut text = String::new();
    while !text.contains(wanted) {
        let chunk = tokio::time::timeout(PATIENCE, body.next()).await.unwrap().unwrap().unwrap();
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    text
}

/// Reads to the end of the stream, which is a good one.
async fn ended(body: &mut BodyDataStream) {
    let end = async {
        while let Some(chunk) = body.next().await {
            chunk.unwrap();
        }
    };
    tokio::time::timeout(PATIENCE, end).await.expect("the stream ends");
}

#[tokio::test]
async fn a_stream_goes_on_after_the_last_event_seen() {
    let toy = Toy::with(numbered);
    for (last, first) in [(None, "100"), (Some("6"), "7")] {
        let mut body = open(&toy, last).await.into_body().into_data_stream();
        let text = until(&mut body, "data:").await;
        let expected = format!("data: {{\"messageId\":\"{first}\"}}\nid: {first}\n\n");
        assert!(text.ends_with(&expected), "{text}");
        // Who is cut off before it has seen any event knows where to go on.
        assert_eq!(text.contains("\n\nid: 99\n\n"), last.is_none(), "{text}");
    }
    let mut body = open(&toy, Some("forgotten")).await.into_body().into_data_stream();
    let text = until(&mut body, "data:").await;
    assert!(text.contains(": no such event event: forged\n\n"), "{text}");
    assert!(!text.contains("\nevent:"), "{text}");
}

#[tokio::test]
async fn a_silent_stream_shows_that_it_is_open() {
    let toy = Toy::with(|edge| numbered(edge).heartbeat(Duration::from_millis(10)));
    let mut body = open(&toy, None).await.into_body().into_data_stream();
    until(&mut body, "101").await;
    until(&mut body, ": heartbeat\n\n").await;
    until(&mut body, ": heartbeat\n\n").await;
}

#[tokio::test]
async fn a_tenant_has_so_many_streams_and_no_more() {
    let toy = Toy::with(|edge| numbered(edge).streams_limit(2));
    let (first, _second) = (open(&toy, None).await, open(&toy, None).await);
    let refused = open(&toy, None).await;
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["retry-after"]),
        (429, &"5".parse().unwrap())
    );
    let body = axum::body::to_bytes(refused.into_body(), usize::MAX).await.unwrap();
    let problem: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(problem["code"], "rate-limited");
    drop(first);
    assert_eq!(open(&toy, None).await.status(), 200);
}

#[tokio::test]
async fn all_tenants_together_have_so_many_streams_and_no_more() {
    let toy = Toy::with(|edge| numbered(edge).streams_total(2));
    let (acme, other) = (toy.token(&["orders:read"]), toy.token_of("other", &["orders:read"]));
    let first = open_as(&toy, &acme).await;
    let _second = open_as(&toy, &other).await;
    for token in [&acme, &other] {
        let refused = open_as(&toy, token).await;
        let after = refused.headers()["retry-after"].clone();
        assert_eq!((refused.status().as_u16(), after), (503, "5".parse().unwrap()));
    }
    drop(first);
    assert_eq!(open_as(&toy, &other).await.status(), 200);
}

#[tokio::test]
async fn streams_leave_connections_for_requests() {
    let toy = Toy::with(numbered);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = Server::new().connections(5);
    tokio::spawn(server.serve(listener, toy.router.clone(), std::future::pending()));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut open = Vec::new();
    for (number, status) in [200, 200, 200, 200, 503].into_iter().enumerate() {
        let token = toy.token_of(&format!("tenant-{number}"), &["orders:read"]);
        let stream = client.get(format!("{url}/events")).bearer_auth(token).send().await.unwrap();
        assert_eq!(stream.status(), status, "{number}");
        open.push(stream);
    }
    let health = client.get(format!("{url}/healthz")).timeout(PATIENCE).send();
    assert_eq!(health.await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_stream_ends_with_the_credentials_it_was_opened_with() {
    let door = Door::open();
    let held = door.clone();
    let toy = Toy::with(move |edge| {
        let edge = edge.scheme("oidc", held).heartbeat(Duration::from_millis(5));
        numbered(edge).streams_limit(1).recheck(Duration::from_millis(5))
    });
    let mut body = open(&toy, None).await.into_body().into_data_stream();
    until(&mut body, "101").await;
    // While nobody can tell it goes on, and it does when they are good again.
    door.say(Err(Unauthenticated::Undecided { reason: "the store is away" }));
    until(&mut body, ": heartbeat\n\n").await;
    until(&mut body, ": heartbeat\n\n").await;
    door.say(Ok(()));
    until(&mut body, ": heartbeat\n\n").await;
    door.say(Err(Unauthenticated::Invalid { reason: "token has expired" }));
    ended(&mut body).await;
    // Its place is free although whoever read it still holds its body.
    door.say(Ok(()));
    assert_eq!(open(&toy, Some("101")).await.status(), 200);
}

#[tokio::test]
async fn a_stream_ends_with_the_api_key_it_was_opened_with() {
    let now = Arc::new(Mutex::new(SystemTime::UNIX_EPOCH));
    let clock = Arc::clone(&now);
    let keys = ApiKeys::new(InMemoryKeys::default()).clock(move || *clock.lock().unwrap());
    let toy = Toy::with(|edge| {
        let scheme = Scheme { name: "oidc", proof: Proof::Authorization("bearer") };
        let edge = edge.scheme("oidc", keys.sent_by(scheme));
        numbered(edge).recheck(Duration::from_millis(5))
    });
    let new = NewApiKey {
        name: "till".to_owned(),
        tenant: "acme".to_owned(),
        scopes: ["orders:read".to_owned()].into(),
        lifetime: Some(Duration::from_secs(60)),
    };
    let (first, second) =
        (keys.create(new.clone()).await.unwrap(), keys.create(new).await.unwrap());
    let mut revoked = open_as(&toy, &first.text).await.into_body().into_data_stream();
    let mut expired = open_as(&toy, &second.text).await.into_body().into_data_stream();
    until(&mut revoked, "101").await;
    until(&mut expired, "101").await;
    assert!(keys.revoke("acme", &first.key.id).await.unwrap());
    ended(&mut revoked).await;
    *now.lock().unwrap() += Duration::from_secs(60);
    ended(&mut expired).await;
}

#[tokio::test]
async fn who_reads_slowly_is_waited_for_and_then_left() {
    let pulled = Arc::new(AtomicUsize::new(0));
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let counted = Arc::clone(&pulled);
    let toy = Toy::with(|edge| {
        edge.events(READ, move |_, _| {
            let state = (counted.clone(), Told(tell.clone()));
            stream::unfold(state, |(counted, told)| async move {
                counted.fetch_add(1, Ordering::Relaxed);
                let event = json!({ "messageId": "m", "data": "x".repeat(64 << 10) });
                Some((event, (counted, told)))
            })
        })
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::new().stall_timeout(Duration::from_millis(50));
    tokio::spawn(server.serve(listener, toy.router.clone(), std::future::pending()));
    let mut stream = TcpStream::connect(address).await.unwrap();
    let token = toy.token(&["orders:read"]);
    let request =
        format!("GET /events HTTP/1.1\r\nhost: toy\r\nauthorization: Bearer {token}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    tokio::time::timeout(PATIENCE, told.recv()).await.unwrap().unwrap();
    // What the sockets hold, and no more: 64 MiB are beyond any of them.
    assert!(pulled.load(Ordering::Relaxed) < 1024, "{pulled:?}");
    drop(stream);
}

/// Tells when it is dropped.
struct Told(tokio::sync::mpsc::UnboundedSender<()>);

impl Drop for Told {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}
