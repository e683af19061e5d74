//! The server, driven from outside: made to fail at places of the kernel, its clock moved.

use reqwest::StatusCode;
use serde_json::json;
use tempfile::TempDir;

use crate::server::Server;

#[tokio::test]
async fn a_server_that_ends_after_a_commit_has_it_and_one_that_ends_before_has_nothing() {
    for (place, answer) in [
        ("idempotency.claim.after:abort:1", StatusCode::ACCEPTED),
        // After the unit of its start.
        ("unit.commit.after:abort:1:1", StatusCode::OK),
    ] {
        let folder = TempDir::new().unwrap();
        let armed = [("SYMBOLON_FAILPOINT", place)];
        let server = Server::start_under(folder, &["--allow-loopback"], &armed).await;
        let token = server.token(&[]).await;
        let target = format!("{}/version", server.origin);
        let body = json!({ "name": "test", "request": { "method": "GET", "url": target } });
        server.post(&token, "key-1", &body).await.expect_err("it ends instead");
        let server = Server::start_in(server.gone().await, &["--allow-loopback"]).await;
        let again = server.post(&token, "key-1", &body).await.unwrap();
        assert_eq!(again.status(), answer, "{place}");
        server.stop().await;
    }
}

#[tokio::test]
async fn a_call_falls_due_by_the_clock_that_is_moved_from_outside() {
    let offsets = TempDir::new().unwrap();
    let file = offsets.path().join("clock");
    let variables = [("SYMBOLON_CLOCK", file.to_str().unwrap())];
    let folder = TempDir::new().unwrap();
    let server = Server::start_under(folder, &["--allow-loopback"], &variables).await;
    let token = server.token(&["--lifetime", "5h"]).await;
    let target = format!("{}/version", server.origin);
    let due_at = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(2);
    let request = json!({ "method": "GET", "url": target });
    let body = json!({ "name": "test", "request": request, "dueAt": due_at.to_string() });
    let accepted = server.post(&token, "key-1", &body).await.unwrap();
    let location = accepted.headers()["location"].to_str().unwrap().to_owned();
    let waiting: serde_json::Value = server.get(&location, &token).await.json().await.unwrap();
    assert_eq!(waiting["status"], "Scheduled");
    std::fs::write(&file, "7200000").unwrap();
    server.succeeded(&location, &token).await;
    server.stop().await;
}
