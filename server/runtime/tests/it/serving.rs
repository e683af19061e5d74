//! A server on a socket: failures and their log, event streams, large bodies, shutdown.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde_json::json;
use symbolon_server::Requirement;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::log;
use crate::toy::Toy;

#[tokio::test]
async fn an_undocumented_failure_is_one_opaque_500_and_one_log_line() {
    let toy = Toy::new();
    for (path, logged) in [
        ("/v1/misbehave/fail", std::fmt::Error.to_string()),
        ("/v1/misbehave/panic", "panicked: secret in a panic".to_owned()),
    ] {
        log::clear();
        let request = http::Request::get(path)
            .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
            .header("x-correlation-id", "quote-me");
        let answer = toy.send(request.body(axum::body::Body::empty()).unwrap()).await;
        let problem = answer.problem(500, "internal-error");
        assert!(!answer.text().contains("secret"));
        let lines = log::lines("operation failed");
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(lines[0]["fields"]["error"], logged);
        assert_eq!(lines[0]["span"]["correlation_id"], "quote-me");
        assert_eq!(lines[0]["span"]["trace_id"], "0af7651916cd43dd8448eb211c80319c");
        let requests = log::lines("request answered");
        assert_eq!(requests.len(), 1);
        let fields = &requests[0]["fields"];
        assert_eq!((&fields["operation"], &fields["status"]), (&"misbehave".into(), &500.into()));
        assert_eq!(fields["problem"], problem["instance"]);
    }
}

/// A running server, its address and the means to stop it.
struct Running {
    toy: Toy,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<std::io::Result<()>>,
}

async fn run(toy: Toy) -> Running {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let shutdown = async move { drop(stopped.await) };
    let server = tokio::spawn(symbolon_server::serve(listener, toy.router.clone(), shutdown));
    Running { toy, address, stop, server }
}

fn with_events() -> Toy {
    const READ: Requirement = Requirement { scheme: "oidc", scopes: &["orders:read"] };
    Toy::with(|edge| {
        edge.events(READ, |principal, _| {
            let event = json!({ "messageId": "m1", "tenantId": principal.tenant() });
            stream::iter([event]).chain(stream::pending())
        })
    })
}

#[tokio::test]
async fn events_need_their_scope() {
    let toy = with_events();
    let request = http::Request::get("/events");
    let request = request.header("authorization", format!("Bearer {}", toy.token(&["x"])));
    let answer = toy.send_as_is(request.body(axum::body::Body::empty()).unwrap()).await;
    answer.problem(403, "forbidden");
}

#[tokio::test]
async fn an_event_stream_flows_and_ends_with_the_server() {
    let Running { toy, address, stop, server } = run(with_events()).await;
    let client = reqwest::Client::new();
    let request = client.get(format!("http://{address}/events"));
    let request = request.bearer_auth(toy.token(&["orders:read"]));
    let mut response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut text = String::new();
    while !text.contains("data:") {
        text.push_str(std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap());
    }
    let expected = "data: {\"messageId\":\"m1\",\"tenantId\":\"acme\"}\nid: m1\n\n";
    assert!(text.ends_with(expected), "{text}");
    stop.send(()).unwrap();
    let rest = tokio::time::timeout(Duration::from_secs(5), response.text()).await;
    assert_eq!(rest.unwrap().unwrap(), "");
    tokio::time::timeout(Duration::from_secs(5), server).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_caller_who_sends_far_too_much_still_reads_the_answer() {
    let Running { toy, address, stop, server } = run(Toy::new()).await;
    let client = reqwest::Client::new();
    let url = format!("http://{address}/v1/orders");
    for (token, status) in [(toy.token(&["orders:write"]), 413), ("none".to_owned(), 401)] {
        let chunks =
            std::iter::repeat_n(Ok::<_, std::convert::Infallible>(vec![b' '; 1 << 16]), 17 << 4);
        let body = reqwest::Body::wrap_stream(stream::iter(chunks));
        let request = client.post(&url).bearer_auth(token).body(body);
        let response = request.header("content-type", "application/json").send().await;
        assert_eq!(response.unwrap().status(), status);
    }
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_request_under_way_is_answered_before_the_server_ends() {
    let Running { toy, address, stop, server } = run(Toy::new()).await;
    let request = reqwest::Client::new()
        .post(format!("http://{address}/v1/orders"))
        .bearer_auth(toy.token(&["orders:write"]))
        .json(&json!({ "symbol": "SLOW", "quantity": 1 }));
    let answer = tokio::spawn(request.send());
    tokio::time::sleep(Duration::from_millis(80)).await;
    stop.send(()).unwrap();
    assert_eq!(answer.await.unwrap().unwrap().status(), 202);
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_failure_that_passes_is_503_and_worth_another_try() {
    let toy = Toy::new();
    let answer = toy.get("/v1/misbehave/busy").await;
    answer.problem(503, "unavailable");
    assert_eq!(answer.header("retry-after"), "1");
    assert!(!answer.text().contains("secret"));
}
