//! Versions of a call: who has one is spared it, and changes no other.

use reqwest::header::{ETAG, IF_MATCH, IF_NONE_MATCH};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::server::Server;

/// Asks for something of a call on condition of a version.
async fn ask(
    server: &Server,
    (method, path): (Method, &str),
    token: &str,
    condition: Option<(&str, &str)>,
) -> Response {
    let client = reqwest::Client::new();
    let request = client.request(method, format!("{}{path}", server.origin)).bearer_auth(token);
    let request = match condition {
        Some((header, version)) => request.header(header, version),
        None => request,
    };
    request.send().await.unwrap()
}

fn version(answer: &Response) -> String {
    answer.headers()[ETAG].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_version_is_read_once_and_the_only_one_that_is_cancelled() {
    let server = Server::start(&[]).await;
    let token = server.token(&[]).await;
    let request = json!({ "method": "GET", "url": "http://192.0.9.1/" });
    let body = json!({ "name": "test", "request": request, "dueAt": "2099-01-01T00:00:00Z" });
    let accepted = server.post(&token, "key-1", &body).await.unwrap();
    let location = accepted.headers()["location"].to_str().unwrap().to_owned();

    let read = |condition| ask(&server, (Method::GET, &location), &token, condition);
    let scheduled = version(&read(None).await);
    assert_eq!(scheduled, r#""2""#);
    let (match_, none_match) = (IF_MATCH.as_str(), IF_NONE_MATCH.as_str());
    let spared = read(Some((none_match, &scheduled))).await;
    assert_eq!((spared.status(), version(&spared)), (StatusCode::NOT_MODIFIED, scheduled.clone()));
    assert_eq!(spared.bytes().await.unwrap().len(), 0);
    assert_eq!(read(Some((none_match, r#""1""#))).await.status(), StatusCode::OK);

    let path = format!("{location}/cancel");
    let either = format!(r#""1", {scheduled}"#);
    let cancel = |condition| ask(&server, (Method::POST, &path), &token, condition);
    for condition in [(match_, r#""1""#), (match_, r#"W/"2""#), (none_match, "*")] {
        let refused = cancel(Some(condition)).await;
        assert_eq!(refused.status(), StatusCode::PRECONDITION_FAILED, "{condition:?}");
        let problem: Value = refused.json().await.unwrap();
        assert_eq!(problem["code"], "precondition-failed");
    }
    assert_eq!(version(&read(None).await), scheduled, "nothing has happened");
    let cancelled = cancel(Some((match_, &either))).await;
    assert_eq!(cancelled.status(), StatusCode::ACCEPTED);
    let last = r#""3""#;
    assert_eq!((version(&cancelled).as_str(), version(&read(None).await).as_str()), (last, last));
    // What is over cannot be cancelled in whatever version; another tenant is told of none.
    assert_eq!(cancel(Some((match_, last))).await.status(), StatusCode::CONFLICT);
    let other = server.token(&["--tenant", "globex"]).await;
    let condition = Some((match_, last));
    let unknown = ask(&server, (Method::POST, &path), &other, condition).await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    server.stop().await;
}
