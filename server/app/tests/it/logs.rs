//! What the server logs: who did what for whom and why, and no secret.

use std::process::Stdio;
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::server::{self, Server};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn request(server: &Server, method: Method, path: &str) -> RequestBuilder {
    let client = Client::builder().no_proxy().build().unwrap();
    client.request(method, format!("{}{path}", server.origin))
}

/// The first line under a message.
fn line<'a>(log: &'a [Value], message: &str) -> &'a Value {
    let found = log.iter().find(|line| line["message"] == message);
    found.unwrap_or_else(|| panic!("no `{message}` in {log:#?}"))
}

#[tokio::test]
async fn a_call_is_followed_from_its_command_to_its_read_model() {
    let level = ["--log-level", "info,symbolon_kernel=debug,symbolon_calls=debug"];
    let server = Server::start(&[&level[..], &["--allow-loopback"]].concat()).await;
    let token = server.token(&[]).await;
    let submitted = request(&server, Method::POST, "/v1/service-calls")
        .bearer_auth(&token)
        .header("idempotency-key", "key-1")
        .header("x-correlation-id", "test-1")
        .header("traceparent", format!("00-{TRACE}-b7ad6b7169203331-01"))
        .json(&json!({
            "name": "test",
            "request": { "method": "GET", "url": format!("{}/version", server.origin) },
        }))
        .send()
        .await
        .unwrap();
    let location = submitted.headers()["location"].to_str().unwrap().to_owned();
    server.succeeded(&location, &token).await;
    server.terminate();
    let (_, log) = server.ended().await;

    for message in ["command received", "appended", "published", "handled", "projected"] {
        let line = line(&log, message);
        assert_eq!(line["correlationId"], "test-1", "{line}");
        // What is handled is the command, which the first event has caused.
        assert_eq!(line["causationId"] == "test-1", message != "handled", "{line}");
        assert_eq!(line["traceId"], TRACE, "{line}");
        assert_eq!(line["tenant"], "acme", "{line}");
    }
    let is_command = |line: &&Value| line["command"] == "ExecuteCall";
    let command = log.iter().find(is_command).expect("the worker receives a command, too");
    assert_eq!(
        (&command["message"], &command["traceId"]),
        (&"command received".into(), &TRACE.into())
    );
    // What the first event led to is caused by it.
    let appended: Vec<_> = log.iter().filter(|line| line["message"] == "appended").collect();
    assert_eq!(appended.len(), 4, "{appended:#?}");
    assert!(appended.iter().all(|line| line["correlationId"] == "test-1"));
    assert!(appended[1..].iter().all(|line| line["causationId"] != "test-1"));
    let ended = line(&log, "attempt ended");
    assert_eq!(
        (&ended["outcome"], &ended["correlationId"]),
        (&json!("succeeded"), &json!("test-1"))
    );

    let of_it = |line: &&Value| line["operation"] == "submitServiceCall";
    let answered = log.iter().filter(of_it).find(|line| line["message"] == "request answered");
    let answered = answered.unwrap();
    for (name, value) in [
        ("service", "symbolon-server"),
        ("version", env!("CARGO_PKG_VERSION")),
        ("level", "INFO"),
        ("correlationId", "test-1"),
        ("traceId", TRACE),
        ("tenant", "acme"),
        ("user", "developer"),
    ] {
        assert_eq!(answered[name], value, "{answered}");
    }
    let received = line(&log, "command received");
    assert_eq!(answered["requestId"], received["requestId"], "one request, one id");
    assert_eq!(answered["requestId"].as_str().unwrap().len(), 36);
    assert!(answered["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
}

/// Sends secrets along every way there is; each has a squirrel in it.
async fn confide(server: &Server, token: &str) {
    let target = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let call = |url: String| {
        json!({ "name": "private", "request": { "method": "POST", "url": url,
            "headers": { "Authorization": "Bearer squirrel-header", "X-Api-Key": "squirrel-key",
                "Cookie": "session=squirrel-cookie" },
            "body": "squirrel-body" }, "policy": { "timeoutMs": 2000 } })
    };
    for (key, url) in [
        ("squirrel-idempotency-1", format!("{}/version?token=squirrel-query", server.origin)),
        // Nobody listens there any more.
        ("squirrel-idempotency-2", format!("http://{target}/squirrel-path?password=squirrel")),
        ("squirrel-idempotency-3", "http://no-such-host.invalid/".to_owned()),
        ("squirrel-idempotency-4", format!("http://user:squirrel-password@{target}/")),
    ] {
        let answer = server.post(token, key, &call(url)).await.unwrap();
        let Some(location) = answer.headers().get("location") else { continue };
        let location = location.to_str().unwrap().to_owned();
        for _ in 0..500 {
            let call: Value = server.get(&location, token).await.json().await.unwrap();
            if call["result"].is_object() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let forged = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJzcXVpcnJlbCJ9.squirrel";
    let key = format!("sym_0123456789abcdef_{}", "5".repeat(72));
    for request in [
        request(server, Method::GET, "/v1/service-calls").bearer_auth(forged),
        request(server, Method::GET, "/v1/service-calls").bearer_auth(key),
        request(server, Method::GET, "/v1/service-calls").basic_auth("squirrel", Some("squirrel")),
        request(server, Method::GET, "/squirrel?access_token=squirrel").bearer_auth(token),
        request(server, Method::GET, "/v1/service-calls?limit=squirrel").bearer_auth(token),
        request(server, Method::GET, "/v1/service-calls?cursor=squirrel").bearer_auth(token),
        request(server, Method::POST, "/v1/service-calls")
            .bearer_auth(token)
            .header("idempotency-key", "squirrel")
            .header("content-type", "application/json")
            .body("{ \"squirrel\": "),
        request(server, Method::POST, "/development/token")
            .basic_auth("squirrel", Some("squirrel"))
            .body("grant_type=password&username=squirrel&password=squirrel"),
    ] {
        request.send().await.unwrap();
    }
}

#[tokio::test]
async fn secrets_are_in_no_log_and_no_metric() {
    let server = Server::start(&["--allow-loopback", "--log-level", "debug"]).await;
    let token = server.token(&[]).await;
    confide(&server, &token).await;
    let metrics = server.get("/metrics", &token).await.text().await.unwrap();
    server.terminate();
    let (_, log) = server.ended().await;
    assert!(log.len() > 50, "what is not logged tells nothing: {}", log.len());
    let log: Vec<String> = log.iter().map(Value::to_string).collect();
    let signature = token.rsplit('.').next().unwrap();
    for secret in ["squirrel", signature, &"5".repeat(72), "c3F1aXJyZWw"] {
        for line in &log {
            assert!(!line.contains(secret), "{secret} in {line}");
        }
        assert!(!metrics.contains(secret), "{secret} in {metrics}");
    }
}

#[tokio::test]
async fn text_is_for_people() {
    let folder = TempDir::new().unwrap();
    let mut command = server::command();
    command.args(["serve", "--development", "--listen", "127.0.0.1:0", "--log-format", "text"]);
    command.arg("--data").arg(folder.path()).stdout(Stdio::piped());
    let mut process = tokio::process::Command::from(command).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let found = async {
        loop {
            let line = lines.next_line().await.unwrap().unwrap();
            assert!(serde_json::from_str::<Value>(&line).is_err(), "{line}");
            // No colours where nobody sees them.
            assert!(!line.contains('\u{1b}'), "{line:?}");
            if line.contains("listening") {
                return line;
            }
        }
    };
    let line = tokio::time::timeout(Duration::from_secs(20), found).await.unwrap();
    assert!(line.contains("INFO") && line.contains("address=127.0.0.1:"), "{line}");
    process.kill().await.unwrap();
}

#[test]
fn a_database_that_cannot_be_opened_is_named_without_its_password() {
    let folder = TempDir::new().unwrap();
    let refused = server::command()
        .args(["serve", "--development", "--listen", "127.0.0.1:0", "--log-level", "debug"])
        .args(["--database", "postgres://me:squirrel@127.0.0.1:1/symbolon", "--data"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8([refused.stdout, refused.stderr].concat()).unwrap();
    assert!(said.contains("127.0.0.1:1") && !said.contains("squirrel"), "{said}");
}
