//! What callers may hold of a server, and that others are served meanwhile.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use futures_util::stream;
use http::Request;
use serde_json::{Value, json};
use symbolon_server::{
    Anonymous, Edge, Info, Input, Method, Operation, Outcome, Rejected, Reply, Routes, Server,
};
use symbolon_wire::{Lines, Validate};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tower::ServiceExt;

use crate::toy::{Answer, Nothing, Toy};

/// No test waits longer for what has to come.
const PATIENCE: Duration = Duration::from_secs(30);

async fn run(server: Server, router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(server.serve(listener, router, std::future::pending()));
    address
}

/// A connection on which this was sent.
async fn sent(address: SocketAddr, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

/// Everything that comes until the server closes the connection.
async fn rest(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    // A reset is an end, too.
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut text)).await.unwrap();
    String::from_utf8(text).unwrap()
}

async fn health(address: SocketAddr) -> u16 {
    let get = "GET /healthz HTTP/1.1\r\nhost: toy\r\nconnection: close\r\n\r\n";
    let text = rest(sent(address, get).await).await;
    text.split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_head_that_does_not_come_ends_its_connection() {
    let server = Server::new().head_timeout(Duration::from_millis(50));
    let address = run(server, Toy::new().router).await;
    for begun in ["", "GET /healthz HTTP/1.1\r\nho"] {
        assert_eq!(rest(sent(address, begun).await).await, "", "{begun}");
    }
    assert_eq!(health(address).await, 200);
}

#[tokio::test]
async fn a_head_that_does_not_come_holds_up_no_stop() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = Server::new().serve(listener, Toy::new().router, async { drop(stopped.await) });
    let server = tokio::spawn(server);
    let begun = sent(address, "GET /healthz HTTP/1.1\r\nho").await;
    // The server has accepted it when it has answered one who came later.
    assert_eq!(health(address).await, 200);
    drop(stop);
    // Less than the time that requests under way have.
    tokio::time::timeout(Duration::from_secs(15), server).await.unwrap().unwrap().unwrap();
    drop(begun);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_431() {
    let address = run(Server::new().head_limit(8 << 10), Toy::new().router).await;
    let filler = "x".repeat(9 << 10);
    let large = format!("GET /healthz HTTP/1.1\r\nhost: toy\r\nx-filler: {filler}\r\n\r\n");
    let answer = rest(sent(address, &large).await).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn a_body_that_drips_is_408() {
    let toy = Toy::with(|edge| edge.request_timeout(Duration::from_millis(50)));
    let address = run(Server::new(), toy.router.clone()).await;
    let begun = format!(
        "POST /v1/orders HTTP/1.1\r\nhost: toy\r\ncontent-type: application/json\r\n\
         authorization: Bearer {}\r\ncontent-length: 40\r\n\r\n{{",
        toy.token(&["orders:write"])
    );
    let answer = rest(sent(address, &begun).await).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains(r#""code":"request-timeout""#), "{answer}");
}

macro_rules! operation {
    ($marker:ident, $response:ty, $info:expr, |$body:ident| $reply:expr) => {
        struct $marker;

        impl Operation for $marker {
            type Request = Asked;
            type Response = $response;
            type Error = Nothing;
            type Principal = Anonymous;
            const INFO: Info = $info;

            fn decode(_: &mut Input) -> Result<Asked, Rejected> {
                Ok(Asked)
            }

            fn encode(answer: Result<$response, Nothing>) -> Reply {
                match answer {
                    Ok($body) => $reply,
                    Err(error) => match error {},
                }
            }
        }
    };
}

struct Asked;

impl Validate for Asked {}

operation!(Hold, Value, Info::new("hold", Method::POST, "/v1/hold"), |body| Reply::json(
    200, &body
));

/// What comes of a request beside one that is with its handler; when that is answered, others are.
async fn beside_another(configure: impl FnOnce(Edge) -> Edge) -> Answer {
    let (enter, mut entered) = mpsc::unbounded_channel();
    let gate = Arc::new(Semaphore::new(0));
    let waiting = Arc::clone(&gate);
    let routes = Routes::new(Arc::new(())).on::<Hold, _, _>(move |_, _| {
        let (enter, gate) = (enter.clone(), Arc::clone(&waiting));
        async move {
            let _ = enter.send(());
            let _ = gate.acquire().await;
            Ok(Value::Null)
        }
    });
    let router = configure(Edge::new("toy", "1")).router(vec![routes.finish()]).unwrap();
    let first = tokio::spawn(hold(router.clone()));
    tokio::time::timeout(PATIENCE, entered.recv()).await.unwrap().unwrap();
    let refused = hold(router.clone()).await;
    gate.close();
    assert_eq!(first.await.unwrap().status, 200);
    assert_eq!(hold(router).await.status, 200);
    refused
}

/// A request with a body of 80 bytes.
async fn hold(router: Router) -> Answer {
    let request = Request::post("/v1/hold").body(Body::from("x".repeat(80))).unwrap();
    let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    Answer { status: parts.status, headers: parts.headers, bytes }
}

#[tokio::test]
async fn more_requests_than_may_run_are_503_at_once() {
    let refused = beside_another(|edge| edge.running_limit(1)).await;
    refused.problem(503, "unavailable");
    assert_eq!(refused.header("retry-after"), "1");
}

#[tokio::test]
async fn bodies_share_their_room() {
    let refused = beside_another(|edge| edge.body_limit(100).bodies_limit(100)).await;
    refused.problem(503, "unavailable");
}

#[tokio::test]
async fn an_operation_may_have_a_time_limit_of_its_own() {
    let toy = Toy::new();
    toy.get("/v1/hurry").await.problem(503, "unavailable");
}

#[tokio::test]
async fn who_only_waits_makes_room_for_others() {
    let address = run(Server::new().connections(2), Toy::new().router).await;
    let first = sent(address, "GET /heal").await;
    let second = sent(address, "").await;
    for _ in 0..3 {
        assert_eq!(health(address).await, 200);
    }
    assert_eq!(rest(first).await, "");
    drop(second);
}

// Sends lines without an end.
operation!(Pour, Lines<Value>, Info::new("pour", Method::GET, "/v1/pour"), |body| Reply::lines(
    200,
    "application/jsonl",
    body
));

/// Tells when it is dropped.
struct Told(mpsc::UnboundedSender<()>);

impl Drop for Told {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

async fn pour(told: Told) -> Outcome<Pour> {
    let line = json!("x".repeat(64 << 10));
    let lines =
        stream::unfold(
            (line, told),
            |(line, told)| async move { Some((line.clone(), (line, told))) },
        );
    Ok(Lines::of(lines))
}

#[tokio::test]
async fn who_is_being_answered_keeps_the_connection() {
    let routes = Routes::new(Arc::new(()));
    let (tell, _told) = mpsc::unbounded_channel();
    let routes = routes.on::<Pour, _, _>(move |_, _| pour(Told(tell.clone()))).finish();
    let address = run(Server::new().connections(1), Toy::serving(vec![routes]).router).await;
    let mut stream = sent(address, "GET /v1/pour HTTP/1.1\r\nhost: toy\r\n\r\n").await;
    let mut taken = vec![0; 1 << 20];
    stream.read_exact(&mut taken).await.unwrap();
    let other = tokio::spawn(health(address));
    // Much more than what buffers may have held when the other came.
    for _ in 0..32 {
        stream.read_exact(&mut taken).await.unwrap();
    }
    assert!(!other.is_finished());
    drop(stream);
    assert_eq!(other.await.unwrap(), 200);
}

#[tokio::test]
async fn who_takes_nothing_of_an_answer_loses_it() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let routes = Routes::new(Arc::new(()));
    let routes = routes.on::<Pour, _, _>(move |_, _| pour(Told(tell.clone()))).finish();
    let Toy { router, .. } = Toy::serving(vec![routes]);
    let address = run(Server::new().stall_timeout(Duration::from_millis(50)), router).await;
    let stream = sent(address, "GET /v1/pour HTTP/1.1\r\nhost: toy\r\n\r\n").await;
    tokio::time::timeout(PATIENCE, told.recv()).await.unwrap().unwrap();
    drop(stream);
}

/// `cargo test -p symbolon-server --test it -- half_open --nocapture` tells what they cost.
#[tokio::test]
async fn half_open_connections_are_bounded_in_memory_and_others_are_served() {
    let (wanted, limit) = crowd();
    let address = run(Server::new().connections(limit), Toy::new().router).await;
    let before = resident_kib();
    let mut crowd = Vec::with_capacity(wanted);
    for _ in 0..wanted {
        crowd.push(sent(address, "GET /healthz HTTP/1.1\r\nhost: to").await);
    }
    assert_eq!(health(address).await, 200);
    let grown = resident_kib().saturating_sub(before);
    println!("{wanted} half-open connections to a server of {limit}: {grown} KiB more resident");
    assert_eq!(health(address).await, 200);
}

/// How many connections to open, as far as this process may have both of their ends, and how many
/// the server is to keep of them.
fn crowd() -> (usize, usize) {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let files = files.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    let wanted = (files.unwrap_or(1024) * 2 / 5).clamp(100, 10_000);
    (wanted, wanted * 9 / 10)
}

fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|text| text.parse().ok()).unwrap_or(0)
}
