//! Submissions that nobody should make: refused as they are written, and repeated to nobody.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::server::Server;

const SECRET: &str = "s3cr3t-0f-a-submission";

fn body(url: &str, headers: &Value) -> Value {
    json!({ "name": "test", "request": { "method": "GET", "url": url, "headers": headers } })
}

#[tokio::test]
async fn what_is_near_the_server_is_blocked_however_it_is_spelled() {
    let server = Server::start(&[]).await;
    let token = server.token(&[]).await;
    let port = server.origin.rsplit(':').next().unwrap().to_owned();
    let hosts = [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "2130706433",
        "017700000001",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.01",
        "127.0.0.1.",
        "%31%32%37.0.0.1",
        "１２７.０.０.１",
        "127。0。0。1",
        "ⓛocalhost",
        "LOCALHOST",
        "localhost.",
        "a.b.localhost",
        "0",
        "0.0.0.0",
        "[::]",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "[::ffff:169.254.169.254]",
        "[fd00:ec2::254]",
        "100.100.100.200",
        "192.168.1.1",
        "10.0.0.1",
        "172.16.0.1",
        "[fe80::1]",
        "[fc00::1]",
    ];
    for (number, host) in hosts.iter().enumerate() {
        let url = format!("http://{host}:{port}/latest/meta-data/");
        let refused = server.post(&token, &format!("key-{number}"), &body(&url, &json!({}))).await;
        let refused = refused.unwrap();
        let (status, said) = (refused.status(), refused.text().await.unwrap());
        let is_refused =
            matches!(status, StatusCode::UNPROCESSABLE_ENTITY | StatusCode::BAD_REQUEST);
        assert!(is_refused, "{host}: {status} {said}");
    }
    let listed: Value = server.get("/v1/service-calls", &token).await.json().await.unwrap();
    assert_eq!(listed["items"], json!([]));
    server.stop().await;
}

#[tokio::test]
async fn what_is_refused_is_repeated_to_nobody() {
    let server = Server::start(&["--log-level", "debug"]).await;
    let token = server.token(&[]).await;
    let none = json!({});
    let cases = [
        (body(&format!("http://user:{SECRET}@example.com/"), &none), "/request/url"),
        (body(&format!("http://{SECRET}@example.com/"), &none), "/request/url"),
        (body(&format!("ftp://example.com/{SECRET}"), &none), "/request/url"),
        (body(&format!("http://example.com/\r\nX-A: {SECRET}"), &none), "/request/url"),
        (
            body("http://example.com/", &json!({ "X-A": format!("a\r\nX-B: {SECRET}") })),
            "/request/headers/X-A",
        ),
        (
            body("http://example.com/", &json!({ "Authorization": format!("{SECRET}\n") })),
            "/request/headers/Authorization",
        ),
        (body("http://example.com/", &json!({ "Host": SECRET })), "/request/headers/Host"),
    ];
    for (number, (body, place)) in cases.iter().enumerate() {
        let refused = server.post(&token, &format!("key-{number}"), body).await.unwrap();
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{body}");
        let said = refused.text().await.unwrap();
        assert!(!said.contains(SECRET), "{said}");
        let problem: Value = serde_json::from_str(&said).unwrap();
        let places = problem["errors"].as_array().unwrap().iter();
        assert!(places.clone().any(|it| it["pointer"] == *place), "{problem}");
    }
    server.terminate();
    let (folder, log) = server.ended().await;
    for line in log {
        assert!(!line.to_string().contains(SECRET), "{line}");
    }
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = if path.is_file() { std::fs::read(&path).unwrap() } else { Vec::new() };
        let found = bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
        assert!(!found, "{}", path.display());
    }
}
