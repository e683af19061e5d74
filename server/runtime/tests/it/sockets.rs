//! Sockets as their callers have them: who gets one, what is said on it, and how it ends.
//!
//! The client is `tungstenite`, which nobody here wrote; what it would never send goes over a bare
//! connection.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};
use symbolon_server::{Cors, Edge, Server, Unauthenticated};
use symbolon_wire::socket::bearer_subprotocol;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::log;
use crate::rooms::rooms;
use crate::toy::{Door, Toy};

/// A test that can fail only by a hang fails after this.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server.
struct Running {
    toy: Toy,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<std::io::Result<()>>,
}

async fn run(configure: impl FnOnce(Edge) -> Edge) -> Running {
    run_by(Server::new(), configure).await
}

async fn run_by(server: Server, configure: impl FnOnce(Edge) -> Edge) -> Running {
    let toy = Toy::of(configure, rooms());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let shutdown = async move { drop(stopped.await) };
    let server = tokio::spawn(server.serve(listener, toy.router.clone(), shutdown));
    Running { toy, address, stop, server }
}

type Client = WebSocketStream<TcpStream>;
type Request = http::Request<()>;

impl Running {
    fn request(&self, path: &str) -> Request {
        let mut request = format!("ws://{}{path}", self.address).into_client_request().unwrap();
        let bearer = format!("Bearer {}", self.toy.token(&["orders:read"]));
        request.headers_mut().insert("authorization", bearer.parse().unwrap());
        request
    }

    async fn connect(&self, request: Request) -> Result<(Client, http::Response<Vec<u8>>), Error> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let connecting = tokio_tungstenite::client_async(request, stream);
        let connected = tokio::time::timeout(PATIENCE, connecting).await.unwrap();
        connected.map(|(client, response)| (client, response.map(|body| body.unwrap_or_default())))
    }

    async fn open(&self) -> Client {
        self.connect(self.request("/v1/rooms/red")).await.unwrap().0
    }

    /// The problem that an attempt is answered with.
    async fn refused(&self, request: Request) -> (StatusCode, Value) {
        match self.connect(request).await {
            Err(Error::Http(response)) => {
                assert_eq!(response.headers()["content-type"], "application/problem+json");
                let body = response.body().clone().unwrap_or_default();
                (response.status(), serde_json::from_slice(&body).unwrap())
            }
            other => panic!("{other:?}"),
        }
    }
}

fn say(text: &str) -> Message {
    Message::text(json!({ "type": "say", "text": text }).to_string())
}

async fn next(client: &mut Client) -> Message {
    tokio::time::timeout(PATIENCE, client.next()).await.unwrap().unwrap().unwrap()
}

/// What a socket was closed with, after these messages.
async fn closed(client: &mut Client) -> (Vec<Message>, u16, String) {
    let mut before = Vec::new();
    loop {
        match next(client).await {
            Message::Close(frame) => {
                let frame = frame.unwrap();
                return (before, frame.code.into(), frame.reason.as_str().to_owned());
            }
            Message::Ping(_) | Message::Pong(_) => {}
            other => before.push(other),
        }
    }
}

#[tokio::test]
async fn both_sides_talk_until_one_is_done() {
    let running = run(|edge| edge).await;
    let (mut client, response) = running.connect(running.request("/v1/rooms/red")).await.unwrap();
    assert!(response.headers().contains_key("x-correlation-id"));
    client.send(say("hello")).await.unwrap();
    assert_eq!(next(&mut client).await, Message::text("\"hello\""));
    client.send(Message::binary(vec![1, 2])).await.unwrap();
    assert_eq!(next(&mut client).await, Message::binary(vec![1, 2]));
    client.send(say("wrong")).await.unwrap();
    client.send(say("end")).await.unwrap();
    assert_eq!(closed(&mut client).await, (vec![], 1000, String::new()));

    let mut other = running.open().await;
    other.close(None).await.unwrap();
    assert!(matches!(next(&mut other).await, Message::Close(None)));
}

#[tokio::test]
async fn what_fails_is_logged_and_says_nothing() {
    let running = run(|edge| edge).await;
    for (how, logged) in [("fail", 1), ("panic", 1)] {
        log::clear();
        let mut client = running.open().await;
        client.send(say(how)).await.unwrap();
        let (_, code, reason) = closed(&mut client).await;
        assert_eq!((code, reason.as_str()), (1011, "the failure has been logged"));
        assert_eq!(log::lines("session failed").len(), logged);
    }
}

#[tokio::test]
async fn who_may_not_open_it_learns_why_before_there_is_a_socket() {
    let running = run(|edge| edge).await;
    let path = "/v1/rooms/red";
    let without = |name: &str| {
        let mut request = running.request(path);
        request.headers_mut().remove(name);
        request
    };
    let with = |name: &'static str, value: &str| {
        let mut request = running.request(path);
        request.headers_mut().insert(name, value.parse().unwrap());
        request
    };
    let weak = format!("Bearer {}", running.toy.token(&["orders:write"]));
    for (request, status, code) in [
        (without("authorization"), 401, "unauthenticated"),
        (with("authorization", "Bearer forged"), 401, "unauthenticated"),
        (with("authorization", &weak), 403, "forbidden"),
        (with("origin", "https://evil.example"), 403, "forbidden"),
        (with("origin", "null"), 403, "forbidden"),
        (running.request("/v1/rooms/red?depth=0"), 400, "invalid-request"),
        (running.request("/v1/rooms/closed"), 409, "closed-room"),
        (running.request("/v1/halls/red"), 400, "invalid-request"),
        (running.request("/v1/nowhere"), 404, "not-found"),
    ] {
        let (found, problem) = running.refused(request).await;
        assert_eq!((found.as_u16(), problem["code"].as_str()), (status, Some(code)), "{problem}");
    }
}

#[tokio::test]
async fn what_asks_for_no_socket_is_told_to() {
    let running = run(|edge| edge).await;
    let bearer = format!("Bearer {}", running.toy.token(&["orders:read"]));
    let client = reqwest::Client::new();
    let url = format!("http://{}/v1/rooms/red", running.address);
    let get = || client.get(&url).header("authorization", &bearer);
    let asking = |version: &str, key: &str| {
        let get = get().header("connection", "keep-alive, Upgrade").header("upgrade", "WebSocket");
        get.header("sec-websocket-version", version).header("sec-websocket-key", key)
    };
    let key = "dGhlIHNhbXBsZSBub25jZQ==";
    for request in [get(), asking("12", key)] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 426);
        assert_eq!(answer.headers()["sec-websocket-version"], "13");
        assert_eq!(answer.headers()["upgrade"], "websocket");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["code"], "upgrade-required");
    }
    let answer = asking("13", "too short").send().await.unwrap();
    assert_eq!(answer.status(), 400);
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["errors"][0]["pointer"], "/sec-websocket-key");
    let answer = asking("13", key).send().await.unwrap();
    assert_eq!(answer.status(), 101);
    assert_eq!(answer.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

#[tokio::test]
async fn pages_are_let_in_by_origin_and_send_their_token_as_a_subprotocol() {
    let running = run(|edge| edge.cors(Cors::of(["https://app.example"]))).await;
    let own = format!("http://{}", running.address);
    let bearer = bearer_subprotocol(&running.toy.token(&["orders:read"]));
    for (path, origin, offered, chosen) in [
        ("/v1/rooms/red", "https://app.example", "symbolon", Some("symbolon")),
        ("/v1/rooms/red", own.as_str(), "symbolon", Some("symbolon")),
        ("/v1/rooms/red", own.as_str(), "", None),
        ("/v1/halls/red", own.as_str(), "whisper, soft, loud", Some("soft")),
    ] {
        let mut request = running.request(path);
        let headers = request.headers_mut();
        headers.remove("authorization");
        headers.insert("origin", origin.parse().unwrap());
        let offers = [offered, &bearer].join(", ");
        let offers = offers.trim_start_matches(", ");
        headers.insert("sec-websocket-protocol", offers.parse().unwrap());
        let stream = TcpStream::connect(running.address).await.unwrap();
        let answer = bare(stream, &request).await;
        assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
        let line = answer.lines().find_map(|line| line.strip_prefix("sec-websocket-protocol: "));
        assert_eq!(line, chosen, "{answer}");
        assert!(!answer.contains(&bearer));
    }
    let mut request = running.request("/v1/rooms/red");
    request.headers_mut().remove("authorization");
    let forged = HeaderValue::from_str(&bearer_subprotocol("forged")).unwrap();
    request.headers_mut().insert("sec-websocket-protocol", forged);
    assert_eq!(running.refused(request).await.0, 401);
}

/// Sends a request as it stands, and returns the head of the answer.
async fn bare(mut stream: TcpStream, request: &Request) -> String {
    let path = request.uri().path();
    let mut text = format!("GET {path} HTTP/1.1\r\n");
    for (name, value) in request.headers() {
        text += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    text += "\r\n";
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let byte = tokio::time::timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap();
        answer.push(byte);
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn what_breaks_the_contract_is_told_in_full_and_closes() {
    let running = run(|edge| edge).await;
    let long = json!({ "type": "say", "text": "secret secret", "number": 7 }).to_string();
    for (message, pointers) in [
        (Message::text("{"), vec![""]),
        (Message::text("{\"type\":\"shout\"}"), vec!["/type"]),
        (Message::text("{\"type\":\"say\"}"), vec!["/text"]),
        (Message::text(long), vec!["/text", "/number"]),
    ] {
        let mut client = running.open().await;
        client.send(message).await.unwrap();
        let (before, code, reason) = closed(&mut client).await;
        assert_eq!(code, 1007, "{reason}");
        assert!(!reason.is_empty() && reason.len() < 124 && !reason.contains("secret"));
        let [Message::Text(told)] = before.as_slice() else { panic!("{before:?}") };
        assert!(!told.contains("secret"));
        let problem: Value = serde_json::from_str(told).unwrap();
        assert_eq!(problem["code"], "invalid-message");
        assert_eq!(problem["type"], "/problems/invalid-message");
        let found = problem["errors"].as_array().unwrap();
        let found: Vec<&str> = found.iter().map(|it| it["pointer"].as_str().unwrap()).collect();
        assert_eq!(found, pointers);
    }
}

#[tokio::test]
async fn what_is_too_large_or_no_protocol_closes() {
    let running = run(|edge| edge.socket_message_limit(1024)).await;
    let mut client = running.open().await;
    client.send(Message::binary(vec![0; 1025])).await.unwrap();
    let (_, code, _) = closed(&mut client).await;
    assert_eq!(code, 1009);

    // A head that promises a gigabyte, and a frame without a mask.
    for (bytes, code) in [
        (&[0x82, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 1, 2, 3, 4][..], 1009),
        (&[0x82, 0x01, 0x00][..], 1002),
        (&[0xf2, 0x80, 0, 0, 0, 0][..], 1002),
    ] {
        let mut client = running.open().await;
        client.get_mut().write_all(bytes).await.unwrap();
        assert_eq!(closed(&mut client).await.1, code);
    }
}

#[tokio::test]
async fn who_reads_too_slowly_is_told_to_come_back() {
    let patience = Duration::from_millis(200);
    let running = run(|edge| edge.socket_patience(patience)).await;
    let mut client = running.open().await;
    let tell = json!({ "type": "tell", "times": 100_000 }).to_string();
    client.send(Message::text(tell)).await.unwrap();
    // Nothing is read for longer than the server has patience.
    tokio::time::sleep(5 * patience).await;
    let (before, code, _) = closed(&mut client).await;
    assert_eq!(code, 1013);
    assert!(before.len() < 100_000);
}

#[tokio::test]
async fn who_is_silent_is_asked_and_left_if_nothing_comes() {
    let running = run(|edge| edge.heartbeat(Duration::from_millis(50))).await;
    // A client that is read answers pings by itself.
    let mut client = running.open().await;
    for _ in 0..4 {
        assert!(matches!(next(&mut client).await, Message::Ping(_)));
    }
    client.send(say("there")).await.unwrap();
    while next(&mut client).await != Message::text("\"there\"") {}
    // One that is not is left.
    let stream = TcpStream::connect(running.address).await.unwrap();
    let request = running.request("/v1/rooms/red");
    let (client, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    let mut stream = client.into_inner();
    let mut bytes = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.unwrap().unwrap();
    let code = 3008_u16.to_be_bytes();
    assert!(bytes.windows(2).any(|found| found == code), "{bytes:?}");
}

#[tokio::test]
async fn a_socket_ends_with_the_credentials_it_was_opened_with() {
    let door = Door::open();
    let held = door.clone();
    let recheck = Duration::from_millis(5);
    let running = run(move |edge| edge.scheme("oidc", held).recheck(recheck)).await;
    let mut client = running.open().await;
    client.send(say("hello")).await.unwrap();
    assert_eq!(next(&mut client).await, Message::text("\"hello\""));
    door.say(Err(Unauthenticated::Invalid { reason: "the token has expired" }));
    assert_eq!(closed(&mut client).await.1, 3000);
}

#[tokio::test]
async fn a_stopping_server_sends_callers_away() {
    let running = run(|edge| edge).await;
    let mut client = running.open().await;
    client.send(say("hello")).await.unwrap();
    next(&mut client).await;
    let Running { stop, server, .. } = running;
    stop.send(()).unwrap();
    assert_eq!(closed(&mut client).await.1, 1001);
    drop(client);
    tokio::time::timeout(PATIENCE, server).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn an_open_socket_keeps_its_seat() {
    let running = run_by(Server::new().connections(1), |edge| edge).await;
    let mut client = running.open().await;
    let mut waiting = TcpStream::connect(running.address).await.unwrap();
    waiting.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut byte = [0];
    let early = tokio::time::timeout(Duration::from_millis(300), waiting.read(&mut byte)).await;
    assert!(early.is_err(), "there was a seat while a socket had it");
    client.send(say("hello")).await.unwrap();
    assert_eq!(next(&mut client).await, Message::text("\"hello\""));
    client.close(None).await.unwrap();
    while let Some(Ok(_)) = client.next().await {}
    drop(client);
    tokio::time::timeout(PATIENCE, waiting.read_exact(&mut byte)).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_tenant_has_so_many_sockets_and_all_have_so_many() {
    let running = run(|edge| edge.streams_limit(1).streams_total(2)).await;
    let mut first = running.open().await;
    let (status, problem) = running.refused(running.request("/v1/rooms/red")).await;
    assert_eq!((status.as_u16(), &problem["code"]), (429, &json!("rate-limited")));
    let of = |tenant: &str| {
        let mut request = running.request("/v1/rooms/red");
        let token = running.toy.token_of(tenant, &["orders:read"]);
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        request
    };
    let _second = running.connect(of("globex")).await.unwrap();
    let (status, problem) = running.refused(of("initech")).await;
    assert_eq!((status.as_u16(), &problem["code"]), (503, &json!("unavailable")));
    first.close(None).await.unwrap();
    while let Some(Ok(_)) = first.next().await {}
    for _ in 0..500 {
        match running.connect(running.request("/v1/rooms/red")).await {
            Ok(_) => return,
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    panic!("the place of a socket that is closed was never free");
}
