//! The socket of live service calls, with a client that nobody here wrote.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::server::Server;

/// A test that can fail only by a hang fails after this.
const PATIENCE: Duration = Duration::from_secs(30);

type Client = WebSocketStream<TcpStream>;

async fn connect(server: &Server, token: &str, after: &str) -> Result<Client, Error> {
    let authority = server.origin.strip_prefix("http://").unwrap();
    let url = format!("ws://{authority}/v1/service-calls/live{after}");
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let stream = TcpStream::connect(authority).await.unwrap();
    Ok(tokio_tungstenite::client_async(request, stream).await?.0)
}

async fn open(server: &Server, token: &str) -> Client {
    connect(server, token, "").await.unwrap()
}

/// The next message that is no ping.
async fn next(client: &mut Client) -> Value {
    loop {
        let next = tokio::time::timeout(PATIENCE, client.next()).await.unwrap();
        match next.unwrap().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn say(client: &mut Client, said: Value) -> Value {
    client.send(Message::text(said.to_string())).await.unwrap();
    next(client).await
}

/// Submits a call to the server itself; returns its path.
async fn submit(server: &Server, token: &str, key: &str) -> String {
    let accepted = server.submit(token, key, &format!("{}/version", server.origin)).await;
    assert_eq!(accepted.status(), StatusCode::ACCEPTED);
    accepted.headers()["location"].to_str().unwrap().to_owned()
}

fn id(location: &str) -> &str {
    location.rsplit('/').next().unwrap()
}

#[tokio::test]
async fn what_is_watched_is_told_and_nothing_else() {
    let server = Server::start(&["--allow-loopback"]).await;
    let token = server.token(&[]).await;
    let mut client = open(&server, &token).await;
    // What happens before the first `Watch` waits for it.
    let first = submit(&server, &token, "key-1").await;
    let watching = say(&mut client, json!({ "type": "Watch" })).await;
    let nothing = "00000000-0000-0000-0000-000000000000";
    assert_eq!(watching, json!({ "type": "Watching", "after": nothing }));
    let mut told = Vec::new();
    while told.last() != Some(&json!("ServiceCallSucceeded")) {
        let event = next(&mut client).await;
        assert_eq!(event["aggregateId"], id(&first));
        told.push(event["type"].clone());
    }
    assert_eq!(told[0], "ServiceCallSubmitted");

    let unwatched = say(&mut client, json!({ "type": "Unwatch" })).await;
    assert_eq!(unwatched, json!({ "type": "Unwatched" }));
    let missed = submit(&server, &token, "key-2").await;
    server.succeeded(&missed, &token).await;
    // Neither what was not watched then, nor what is of another type.
    let watch = json!({ "type": "Watch", "types": ["AttemptStarted"] });
    let watching = say(&mut client, watch).await;
    assert_eq!(watching["type"], "Watching");
    let third = submit(&server, &token, "key-3").await;
    let event = next(&mut client).await;
    assert_eq!(
        (&event["type"], &event["aggregateId"]),
        (&json!("AttemptStarted"), &json!(id(&third)))
    );
    client.close(None).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn who_was_cut_off_comes_back_after_the_last_event_it_has_seen() {
    let server = Server::start(&["--allow-loopback"]).await;
    let token = server.token(&[]).await;
    let mut client = open(&server, &token).await;
    say(&mut client, json!({ "type": "Watch" })).await;
    let first = submit(&server, &token, "key-1").await;
    let submitted = next(&mut client).await;
    drop(client);
    server.succeeded(&first, &token).await;
    let after = format!("?after={}", submitted["messageId"].as_str().unwrap());
    let mut back = connect(&server, &token, &after).await.unwrap();
    let watching = say(&mut back, json!({ "type": "Watch" })).await;
    assert_eq!(watching["after"], submitted["messageId"]);
    let mut versions = Vec::new();
    loop {
        let event = next(&mut back).await;
        versions.push(event["version"].as_i64().unwrap());
        if event["type"] == "ServiceCallSucceeded" {
            break;
        }
    }
    assert_eq!(versions, (2..2 + versions.len() as i64).collect::<Vec<_>>());
    server.stop().await;
}

#[tokio::test]
async fn another_tenants_calls_are_as_if_there_were_none() {
    let server = Server::start(&["--allow-loopback"]).await;
    let (token, other) = (server.token(&[]).await, server.token(&["--tenant", "other"]).await);
    let theirs = submit(&server, &other, "key-1").await;
    let mut client = open(&server, &token).await;
    let ours = submit(&server, &token, "key-1").await;
    server.succeeded(&theirs, &other).await;
    server.succeeded(&ours, &token).await;
    let watch = json!({ "type": "Watch", "ids": [id(&theirs), id(&ours)] });
    say(&mut client, watch).await;
    loop {
        let event = next(&mut client).await;
        assert_eq!(event["aggregateId"], id(&ours));
        if event["type"] == "ServiceCallSucceeded" {
            break;
        }
    }
    // The event of another tenant is no place to go on from: that is now.
    let events = server.get(&format!("{theirs}/events"), &other).await;
    let events: Value = events.json().await.unwrap();
    let after = format!("?after={}", events["items"][0]["messageId"].as_str().unwrap());
    let mut client = connect(&server, &token, &after).await.unwrap();
    say(&mut client, json!({ "type": "Watch" })).await;
    let newest = submit(&server, &token, "key-2").await;
    assert_eq!(next(&mut client).await["aggregateId"], id(&newest));
    server.stop().await;
}

#[tokio::test]
async fn who_may_not_watch_is_refused_and_who_breaks_the_contract_is_left() {
    let server = Server::start(&[]).await;
    let blind = server.token(&["--scope", "calls:write"]).await;
    for (token, status) in [("forged", 401), (blind.as_str(), 403)] {
        match connect(&server, token, "").await {
            Err(Error::Http(answer)) => assert_eq!(answer.status().as_u16(), status),
            other => panic!("{other:?}"),
        }
    }
    let token = server.token(&[]).await;
    let mut client = open(&server, &token).await;
    let told = say(&mut client, json!({ "type": "Watch", "ids": ["me"], "secret": 1 })).await;
    assert_eq!(told["code"], "invalid-message");
    assert_eq!(told["errors"].as_array().unwrap().len(), 2, "{told}");
    let Some(Ok(Message::Close(Some(frame)))) = client.next().await else { panic!("it is open") };
    assert_eq!(u16::from(frame.code), 1007);
    server.stop().await;
}

#[tokio::test]
async fn hundreds_of_sockets_take_little_and_end_with_the_server() {
    let server = Server::start(&[]).await;
    let token = server.token(&[]).await;
    let resident = async || {
        let text = server.get("/metrics", &token).await.text().await.unwrap();
        let line = text.lines().find(|line| line.starts_with("process_resident_memory_bytes "));
        line.unwrap().rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    let before = resident().await;
    let mut clients = Vec::new();
    for _ in 0..400 {
        let mut client = open(&server, &token).await;
        say(&mut client, json!({ "type": "Watch" })).await;
        clients.push(client);
    }
    let each = (resident().await - before) / 400.0;
    assert!(each < 128.0 * 1024.0, "{each} bytes a socket");
    let metrics = server.get("/metrics", &token).await.text().await.unwrap();
    for line in [
        "http_server_sockets 400",
        "http_server_socket_messages_total{operation=\"liveServiceCalls\",direction=\"in\"} 400",
    ] {
        assert!(metrics.contains(line), "{line} in\n{metrics}");
    }
    server.terminate();
    for client in &mut clients {
        let farewell = tokio::time::timeout(PATIENCE, client.next()).await.unwrap();
        let Some(Ok(Message::Close(Some(frame)))) = farewell else { panic!("{farewell:?}") };
        assert_eq!(u16::from(frame.code), 1001);
    }
    drop(clients);
    let (_, lines) = server.ended().await;
    let closed = lines.iter().filter(|line| line["message"] == "socket closed");
    let closed: Vec<&Value> = closed.collect();
    assert_eq!(closed.len(), 400);
    assert!(closed.iter().all(|line| line["closeCode"] == 1001 && line["requestId"].is_string()));
}
