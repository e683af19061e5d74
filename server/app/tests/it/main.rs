//! The binary as it is run: over HTTP, with a data folder of its own, until a signal ends it.
#![allow(clippy::unwrap_used)]

mod configuration;
#[cfg(feature = "faults")]
mod faults;
#[path = "../../../kernel/tests/it/home.rs"]
mod home;
mod hostile;
mod keys;
#[cfg(feature = "faults")]
mod lives;
mod logs;
mod metrics;
mod modes;
mod server;
mod sockets;
mod target;
mod traces;
mod versions;

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;

use server::Server;
use tempfile::TempDir;

#[tokio::test]
async fn a_call_is_submitted_made_and_read() {
    let server = Server::start(&["--allow-loopback"]).await;
    let token = server.token(&[]).await;
    let mut events = server.get("/events", &token).await;
    let target = format!("{}/version", server.origin);
    let accepted = server.submit(&token, "key-1", &target).await;
    assert_eq!(accepted.status(), StatusCode::ACCEPTED);
    assert_eq!(accepted.headers()["x-correlation-id"], "test-1");
    let location = accepted.headers()["location"].to_str().unwrap().to_owned();
    let replayed = server.submit(&token, "key-1", &target).await;
    assert_eq!(replayed.status(), StatusCode::OK);
    assert_eq!(replayed.headers()["location"], location.as_str());
    let reused = server.submit(&token, "key-1", &format!("{target}?other")).await;
    assert_eq!(reused.status(), StatusCode::UNPROCESSABLE_ENTITY);

    let call = server.succeeded(&location, &token).await;
    assert_eq!(call["result"]["httpStatus"], 200);
    let history: Value =
        server.get(&format!("{location}/events"), &token).await.json().await.unwrap();
    assert_eq!(history["items"].as_array().unwrap().len(), 4);

    assert_eq!(history["items"], Value::from(succeeded(&mut events).await));
    // Who was cut off after the second event comes back for the others.
    let items = history["items"].as_array().unwrap();
    let second = items[1]["messageId"].as_str().unwrap();
    let mut resumed = server.resume(&token, second).await;
    assert_eq!(succeeded(&mut resumed).await, items[2..]);
    let mut unknown = server.resume(&token, "unknown").await;
    assert!(until(&mut unknown, "from now on").await.contains(": no such event"));
    // Who was cut off before it had seen any event comes back for all there were since.
    for tenant in ["quiet", "demo"] {
        let token = server.token(&["--tenant", tenant]).await;
        let mut cut = server.get("/events", &token).await;
        let opening = until(&mut cut, "\nid: ").await;
        drop(cut);
        let place = opening.lines().find_map(|line| line.strip_prefix("id: ")).unwrap();
        let location = server.submit(&token, "key-2", &target).await;
        let location = location.headers()["location"].to_str().unwrap().to_owned();
        server.succeeded(&location, &token).await;
        let mut resumed = server.resume(&token, place).await;
        assert_eq!(succeeded(&mut resumed).await.len(), 4, "{tenant}");
    }
    server.stop().await;
}

/// What comes on a stream until this is in it.
async fn until(stream: &mut reqwest::Response, wanted: &str) -> String {
    let mut text = String::new();
    while !text.contains(wanted) {
        let chunk = tokio::time::timeout(Duration::from_secs(5), stream.chunk()).await;
        text.push_str(std::str::from_utf8(&chunk.unwrap().unwrap().unwrap()).unwrap());
    }
    text
}

/// The envelopes that come until a call has succeeded.
async fn succeeded(stream: &mut reqwest::Response) -> Vec<Value> {
    let text = until(stream, "\"ServiceCallSucceeded\"").await;
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn callers_are_told_apart() {
    let server = Server::start(&[]).await;
    let path = "/v1/service-calls";
    let unknown = reqwest::get(format!("{}{path}", server.origin)).await.unwrap();
    assert_eq!(unknown.status(), StatusCode::UNAUTHORIZED);
    let reader = server.token(&["--scope", "calls:read", "--lifetime", "5m"]).await;
    assert_eq!(server.get(path, &reader).await.status(), StatusCode::OK);
    let refused = server.submit(&reader, "key-1", "http://example.com/").await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let writer = server.token(&["--scope", "calls:write", "--tenant", "globex"]).await;
    assert_eq!(server.get(path, &writer).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(server.get("/events", &writer).await.status(), StatusCode::FORBIDDEN);
    // Loopback is not allowed here.
    let blocked = server.submit(&writer, "key-1", &server.origin).await;
    assert_eq!(blocked.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let problem: Value = blocked.json().await.unwrap();
    assert_eq!(problem["code"], "target-blocked");
    assert_eq!(problem["type"], "urn:symbolon:problem:target-blocked");
    server.stop().await;
}

#[tokio::test]
async fn callers_are_held_to_what_the_operator_says() {
    let origin = "https://app.example";
    let server = Server::start(&["--rate-limit", "2/1h", "--allow-origin", origin]).await;
    let path = "/v1/service-calls";
    let token = server.token(&[]).await;
    for status in [StatusCode::OK, StatusCode::OK, StatusCode::TOO_MANY_REQUESTS] {
        let answer = server.get(path, &token).await;
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["ratelimit-policy"], "\"default\";q=2;w=3600");
    }
    let other = server.token(&["--tenant", "globex"]).await;
    assert_eq!(server.get(path, &other).await.status(), StatusCode::OK);
    let asked = reqwest::Client::new()
        .request(reqwest::Method::OPTIONS, format!("{}{path}", server.origin))
        .header("origin", origin)
        .header("access-control-request-method", "POST");
    let told = asked.send().await.unwrap();
    assert_eq!(told.headers()["access-control-allow-origin"], origin);
    assert_eq!(told.headers()["access-control-allow-methods"], "GET, HEAD, POST");
    server.stop().await;
}

#[tokio::test]
async fn the_server_describes_itself() {
    let server = Server::start(&[]).await;
    for (path, part) in [
        ("/healthz", "UP"),
        ("/readyz", "\"database\":\"UP\""),
        ("/version", env!("CARGO_PKG_VERSION")),
        ("/openapi.json", "submitServiceCall"),
        ("/asyncapi.json", "ServiceCallSubmitted"),
        ("/docs/", "<html"),
    ] {
        let found = reqwest::get(format!("{}{path}", server.origin)).await.unwrap();
        assert_eq!(found.status(), StatusCode::OK, "{path}");
        assert!(found.text().await.unwrap().contains(part), "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_signal_lets_what_is_running_end() {
    let server = Server::start(&["--allow-loopback"]).await;
    let token = server.token(&[]).await;
    let stuck = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("http://{}/", stuck.local_addr().unwrap());
    let accepted = server.submit(&token, "key-1", &target).await;
    let location = accepted.headers()["location"].to_str().unwrap().to_owned();
    let (mut connection, _) = stuck.accept().await.unwrap();
    let mut live = server.get("/events", &token).await;

    server.terminate();
    // The live tail ends; the call that is out gets its answer.
    while let Ok(Some(_)) = live.chunk().await {}
    tokio::time::sleep(Duration::from_millis(200)).await;
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
    tokio::io::AsyncWriteExt::write_all(&mut connection, answer).await.unwrap();
    let (folder, log) = server.ended().await;
    assert!(log.iter().any(|line| line["message"] == "stopped"), "{log:?}");
    let about = |line: &&Value| line["message"] == "attempt ended";
    let attempt = log.iter().find(about).unwrap();
    assert_eq!(attempt["correlationId"], "test-1");
    assert_eq!(attempt["outcome"], "succeeded");

    let server = Server::start_in(folder, &[]).await;
    server.succeeded(&location, &token).await;
    server.stop().await;
}

/// Runs `serve` where it must fail; returns what it says.
fn refused(listen: &str, folder: &Path) -> String {
    let mut command = server::command();
    command.args(["serve", "--development", "--listen", listen, "--data"]).arg(folder);
    let refused = command.stdout(Stdio::null()).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    String::from_utf8(refused.stderr).unwrap()
}

#[test]
fn without_its_port_a_server_touches_no_data() {
    let folder = TempDir::new().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = refused(&address, folder.path());
    assert!(said.contains(&format!("cannot listen on {address}")), "{said}");
    assert!(!folder.path().join("symbolon.sqlite").exists());
}

#[tokio::test]
async fn a_data_folder_has_one_server() {
    let server = Server::start(&[]).await;
    let said = refused("127.0.0.1:0", server.folder());
    assert!(said.contains("in use by another process"), "{said}");
    // Whoever only needs the identity goes in.
    server.token(&[]).await;
    server.stop().await;
}

#[test]
fn a_server_must_be_told_whom_to_trust() {
    let folder = TempDir::new().unwrap();
    let refused = server::command()
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder.path())
        .stdout(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--issuer"));
}

/// Runs a command on the data in a folder; returns its exit code and what it prints.
fn care(arguments: &[&str], folder: &Path) -> (Option<i32>, String) {
    let mut command = server::command();
    let done = command.args(arguments).arg("--data").arg(folder).output().unwrap();
    let printed = [done.stdout, done.stderr].concat();
    (done.status.code(), String::from_utf8(printed).unwrap())
}

#[tokio::test]
async fn a_database_is_backed_up_in_use_restored_elsewhere_and_audited() {
    let (target, folder) = (Server::start(&["--allow-loopback"]).await, TempDir::new().unwrap());
    let (token, elsewhere) = (target.token(&[]).await, TempDir::new().unwrap());
    let version = format!("{}/version", target.origin);
    let accepted = target.submit(&token, "backup-1", &version).await;
    let location = accepted.headers()["location"].to_str().unwrap().to_owned();
    target.succeeded(&location, &token).await;

    let file = folder.path().join("backup.jsonl");
    let archive = file.display().to_string();
    let (code, said) = care(&["backup", &archive], target.folder());
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("backed up"), "{said}");
    let (code, said) = care(&["audit"], target.folder());
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(": 0 findings"), "{said}");
    let (code, said) = care(&["restore", &archive], target.folder());
    assert_eq!(code, Some(1), "the database is in use: {said}");

    let (code, said) = care(&["restore", &archive], elsewhere.path());
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = care(&["restore", &archive], elsewhere.path());
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("is not empty"), "{said}");
    // The development identity is no part of the database.
    let identity = elsewhere.path().join("identity");
    std::fs::create_dir_all(&identity).unwrap();
    for entry in std::fs::read_dir(target.folder().join("identity")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), identity.join(entry.file_name())).unwrap();
    }
    target.stop().await;
    let restored = Server::start_in(elsewhere, &[]).await;
    restored.succeeded(&location, &token).await;
    restored.stop().await;

    let nothing = TempDir::new().unwrap();
    let (code, said) = care(&["audit"], nothing.path());
    assert_eq!(code, Some(1));
    assert!(said.contains("there is no database"), "{said}");
}
