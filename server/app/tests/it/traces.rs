//! Traces as a collector gets them: OTLP over HTTP, decoded as the protocol says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::{any, post};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value as Any};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message as _;
use serde_json::json;
use symbolon_kernel::Location;
use tempfile::TempDir;

use crate::home::Home;
use crate::server::Server;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";
const CHANNEL: &str = "scheduler.service-call.v1";
const COMMANDS: &str = "scheduler.commands.v1";

/// What came to the collector, and what was said with it of who sent it.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Received>>);

type Received = (Vec<Span>, BTreeMap<String, String>);

impl Collector {
    /// A collector and its URL.
    async fn start() -> (Self, String) {
        let collector = Self::default();
        let take =
            async |State(collector): State<Self>, headers: HeaderMap, body: axum::body::Bytes| {
                assert_eq!(headers["content-type"], "application/x-protobuf");
                let batch = ExportTraceServiceRequest::decode(body).unwrap();
                let (spans, sender) = &mut *collector.0.lock().unwrap();
                for group in batch.resource_spans {
                    sender.extend(texts(&group.resource.unwrap().attributes));
                    spans.extend(group.scope_spans.into_iter().flat_map(|scope| scope.spans));
                }
            };
        let router = Router::new().route("/v1/traces", post(take)).with_state(collector.clone());
        (collector, listen(router).await)
    }

    /// The spans of a trace by their ids.
    fn trace(&self, trace_id: &str) -> BTreeMap<String, Span> {
        let (spans, _) = &*self.0.lock().unwrap();
        let of_it = spans.iter().filter(|span| hex(&span.trace_id) == trace_id);
        of_it.map(|span| (hex(&span.span_id), span.clone())).collect()
    }
}

async fn listen(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Attributes as text.
fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |attribute: &KeyValue| {
        let value = match attribute.value.clone()?.value? {
            Any::StringValue(text) => text,
            Any::IntValue(number) => number.to_string(),
            _ => return None,
        };
        Some((attribute.key.clone(), value))
    };
    attributes.iter().filter_map(text).collect()
}

/// The names of a span and of all it hangs below, and who called.
fn path(span: &Span, trace: &BTreeMap<String, Span>) -> Vec<String> {
    let mut path = vec![span.name.clone()];
    let mut parent = hex(&span.parent_span_id);
    while let Some(span) = trace.get(&parent) {
        path.push(span.name.clone());
        parent = hex(&span.parent_span_id);
    }
    path.push(parent);
    path.reverse();
    path
}

/// Submits a call of this target to be made in a second; says where it is.
async fn submit(server: &Server, token: &str, target: &str) -> String {
    let due_at = jiff::Timestamp::now() + Duration::from_secs(1);
    let body = json!({ "name": "traced", "dueAt": due_at,
        "request": { "method": "GET", "url": format!("{target}/squirrel?token=squirrel") } });
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client
        .post(format!("{}/v1/service-calls", server.origin))
        .bearer_auth(token)
        .header("idempotency-key", "key-1")
        .header("x-correlation-id", "test-1")
        .header("traceparent", format!("00-{TRACE}-{CALLER}-01"))
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 202);
    answer.headers()["location"].to_str().unwrap().to_owned()
}

/// A target, and where it keeps the `traceparent` it was sent.
async fn target() -> (String, Arc<Mutex<Vec<Option<String>>>>) {
    let seen: Arc<Mutex<Vec<Option<String>>>> = Arc::default();
    let keep = Arc::clone(&seen);
    let answer = any(async move |headers: HeaderMap| {
        let told = headers.get("traceparent").map(|value| value.to_str().unwrap().to_owned());
        keep.lock().unwrap().push(told);
    });
    (listen(Router::new().fallback(answer)).await, seen)
}

#[tokio::test]
async fn a_call_is_one_trace_from_its_request_to_its_read_model() {
    let (collector, endpoint) = Collector::start().await;
    let (url, told) = target().await;
    let server = Server::start(&["--allow-loopback", "--otlp-endpoint", &endpoint]).await;
    let token = server.token(&[]).await;
    let location = submit(&server, &token, &url).await;
    server.succeeded(&location, &token).await;
    server.terminate();
    let (_, log) = server.ended().await;

    let trace = collector.trace(TRACE);
    let found: BTreeSet<Vec<String>> = trace.values().map(|span| path(span, &trace)).collect();
    let (publish, process) = (format!("publish {CHANNEL}"), format!("process {COMMANDS}"));
    let (publish, process) = (publish.as_str(), process.as_str());
    let command = format!("publish {COMMANDS}");
    let (unit, project) = ("unit of work", "project service_calls");
    // Who called, the request, and what it has written.
    let submitted = [CALLER, "POST /v1/service-calls", unit];
    let commanded = [&submitted[..], &[process, unit]].concat();
    let fired = [&commanded[..], &["fire service_calls.due", unit]].concat();
    let started = [&fired[..], &[unit]].concat();
    let ended = [&started[..], &["GET", unit]].concat();
    for (written, rest) in [
        (&submitted[..2], &[][..]),
        (&submitted[..], &[][..]),
        (&submitted, &[publish]),
        (&submitted, &[&command]),
        (&commanded, &[][..]),
        (&submitted, &[project]),
        (&fired, &[publish]),
        (&fired, &[project]),
        (&started, &[publish]),
        (&started, &[project]),
        (&started, &["GET"]),
        (&ended, &[publish]),
        (&ended, &[project]),
    ] {
        let path: Vec<String> = written.iter().chain(rest).map(|it| (*it).to_owned()).collect();
        assert!(found.contains(&path), "{path:#?} in {found:#?}");
    }
    assert!(found.iter().all(|path| path[0] == CALLER), "nothing hangs anywhere else: {found:#?}");
    conventions(&trace);
    let (_, sender) = &*collector.0.lock().unwrap();
    assert_eq!(sender["service.name"], "symbolon-server");
    assert_eq!(sender["service.version"], env!("CARGO_PKG_VERSION"));
    // Log lines name the span they were written in.
    let received = log.iter().find(|line| line["message"] == "service call accepted").unwrap();
    assert_eq!(received["traceId"], TRACE);
    assert_eq!(trace[received["spanId"].as_str().unwrap()].name, "POST /v1/service-calls");
    // Somebody else's target learns nothing.
    assert_eq!(*told.lock().unwrap(), [None]);
}

/// Holds spans against the semantic conventions of OpenTelemetry.
fn conventions(trace: &BTreeMap<String, Span>) {
    let find = |name: &str, kind: SpanKind| {
        let span = trace.values().find(|span| span.name == name);
        let span = span.unwrap_or_else(|| panic!("no `{name}`"));
        assert_eq!(span.kind(), kind, "{name}");
        assert!(span.end_time_unix_nano >= span.start_time_unix_nano, "{name}");
        texts(&span.attributes)
    };
    let request = find("POST /v1/service-calls", SpanKind::Server);
    for (name, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/v1/service-calls"),
        ("http.response.status_code", "202"),
        ("url.path", "/v1/service-calls"),
        ("symbolon.operation", "submitServiceCall"),
        ("symbolon.tenant", "acme"),
    ] {
        assert_eq!(request.get(name).map(String::as_str), Some(value), "{name} in {request:?}");
    }
    let attempt = find("GET", SpanKind::Client);
    for (name, value) in [
        ("http.request.method", "GET"),
        ("http.response.status_code", "200"),
        ("server.address", "127.0.0.1"),
    ] {
        assert_eq!(attempt.get(name).map(String::as_str), Some(value), "{name} in {attempt:?}");
    }
    for (operation, channel, kind, of_type) in [
        ("publish", CHANNEL, SpanKind::Producer, "send"),
        ("process", COMMANDS, SpanKind::Consumer, "process"),
    ] {
        let message = find(&format!("{operation} {channel}"), kind);
        assert_eq!(message["messaging.operation.name"], operation);
        assert_eq!(message["messaging.operation.type"], of_type);
        assert_eq!(message["messaging.destination.name"], channel);
        assert_eq!(message["messaging.message.conversation_id"], "test-1");
        assert_eq!(message["messaging.message.id"].len(), 36);
    }
    find("unit of work", SpanKind::Internal);
    find("fire service_calls.due", SpanKind::Internal);
    find("project service_calls", SpanKind::Consumer);
    let all = format!("{trace:?}");
    assert!(!all.contains("squirrel"), "a target's path and query are in no span: {all}");
}

/// Only a database on a server can be shared; on a file there is nothing to do.
#[tokio::test]
async fn a_trace_goes_on_in_another_process() {
    let home = Home::new();
    let Location::Server(database) = home.location() else { return };
    let (collector, endpoint) = Collector::start().await;
    let (url, _) = target().await;
    let database = [("SYMBOLON_DATABASE", database.as_str())];
    let start = async |mode| {
        let flags = ["--allow-loopback", "--otlp-endpoint", &endpoint, "--mode", mode];
        Server::start_under(TempDir::new().unwrap(), &flags, &database).await
    };
    let (api, worker, relay) = (start("api").await, start("worker").await, start("relay").await);
    let token = api.token(&[]).await;
    let location = submit(&api, &token, &url).await;
    api.succeeded(&location, &token).await;
    for server in [worker, relay, api] {
        server.stop().await;
    }
    let trace = collector.trace(TRACE);
    let found: BTreeSet<Vec<String>> = trace.values().map(|span| path(span, &trace)).collect();
    let (unit, process) = ("unit of work", &format!("process {COMMANDS}"));
    let submitted = [CALLER, "POST /v1/service-calls", unit];
    let fired = [&submitted[..], &[process, unit, "fire service_calls.due", unit]].concat();
    for rest in [&[unit, "GET", unit][..], &[&format!("publish {CHANNEL}")]] {
        let path: Vec<String> = fired.iter().chain(rest).map(|it| (*it).to_owned()).collect();
        assert!(found.contains(&path), "{path:#?} in {found:#?}");
    }
    assert!(found.iter().all(|path| path[0] == CALLER), "{found:#?}");
}

#[tokio::test]
async fn a_target_of_ones_own_can_be_part_of_the_trace() {
    let (url, told) = target().await;
    let server = Server::start(&["--allow-loopback", "--trace-targets"]).await;
    let token = server.token(&[]).await;
    let location = submit(&server, &token, &url).await;
    server.succeeded(&location, &token).await;
    server.stop().await;
    // Nobody exports here: what the request said is passed on.
    assert_eq!(*told.lock().unwrap(), [Some(format!("00-{TRACE}-{CALLER}-01"))]);
}

#[tokio::test]
async fn of_traces_that_begin_here_a_part_is_sent() {
    let (collector, endpoint) = Collector::start().await;
    let none = ["--allow-loopback", "--otlp-endpoint", &endpoint, "--trace-ratio", "0"];
    let server = Server::start(&none).await;
    let token = server.token(&[]).await;
    // It begins at the caller, who has decided.
    let location = submit(&server, &token, &target().await.0).await;
    server.succeeded(&location, &token).await;
    for _ in 0..20 {
        assert_eq!(server.get("/v1/service-calls", &token).await.status(), 200);
    }
    server.stop().await;
    let (spans, _) = &*collector.0.lock().unwrap();
    assert!(!spans.is_empty());
    assert!(spans.iter().all(|span| hex(&span.trace_id) == TRACE));
}

#[tokio::test]
async fn a_collector_that_is_gone_is_in_nobodys_way() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let server = Server::start(&["--allow-loopback", "--otlp-endpoint", &endpoint]).await;
    let token = server.token(&[]).await;
    let location = submit(&server, &token, &target().await.0).await;
    server.succeeded(&location, &token).await;
    // More than are kept for a collector.
    for _ in 0..200 {
        assert_eq!(server.get("/v1/service-calls", &token).await.status(), 200);
    }
    server.stop().await;
}
