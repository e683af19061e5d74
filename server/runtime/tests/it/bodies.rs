//! Request bodies: sizes, media types and forms.

use axum::body::Body;
use http::Request;
use serde_json::json;

use crate::toy::{self, Toy};

#[tokio::test]
async fn a_body_over_the_limit_is_413() {
    let toy = Toy::with(|edge| edge.body_limit(64));
    let body = format!(r#"{{"symbol":"a","quantity":1}}{}"#, " ".repeat(100));
    toy.post("/v1/orders", &body).await.problem(413, "payload-too-large");
    let mut announced = toy::json("/v1/orders", &body);
    announced.headers_mut().insert("content-length", "128".parse().unwrap());
    toy.send(announced).await.problem(413, "payload-too-large");
    let fitting = format!(r#"{{"symbol":"a","quantity":1}}{}"#, " ".repeat(36));
    assert_eq!(toy.post("/v1/orders", &fitting).await.status, 202);
}

#[tokio::test]
async fn a_media_type_the_operation_does_not_read_is_415() {
    let toy = Toy::new();
    let request = |media: &str, coding: &str| {
        let request = Request::post("/v1/orders")
            .header("content-type", media)
            .header("content-encoding", coding);
        request.body(Body::from(r#"{"symbol":"a","quantity":1}"#)).unwrap()
    };
    for (media, coding) in [
        ("text/plain", "identity"),
        ("application/jsonx", "identity"),
        ("", "identity"),
        ("application/json", "gzip"),
    ] {
        toy.send(request(media, coding)).await.problem(415, "unsupported-media-type");
    }
    let answer = toy.send(request("Application/JSON; charset=utf-8", "identity")).await;
    assert_eq!(answer.status, 202);
}

const MULTIPART: &str = "--b\r\n\
    Content-Disposition: form-data; name=\"title\"\r\n\r\n42\r\n--b\r\n\
    Content-Disposition: form-data; name=\"copies\"\r\n\r\n3\r\n--b\r\n\
    Content-Disposition: form-data; name=\"order\"\r\nContent-Type: application/json\r\n\r\n\
    {\"symbol\":\"a\",\"quantity\":1}\r\n--b\r\n\
    Content-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\
    Content-Type: application/octet-stream\r\nX-Id: 7\r\n\r\n\u{1}\u{2}\u{3}\r\n--b--\r\n";

#[tokio::test]
async fn multipart_parts_become_members() {
    let request = |body: String| {
        let request = Request::post("/v1/files");
        let request = request.header("content-type", "multipart/form-data; boundary=b");
        request.body(Body::from(body)).unwrap()
    };
    let toy = Toy::new();
    let answer = toy.send(request(MULTIPART.to_owned())).await;
    let order = json!({ "symbol": "a", "quantity": 1 });
    let expected = json!({ "title": "42", "copies": 3, "order": order, "bytes": 3,
        "headers": [["x-id", "7"]],
        "file": ["f", "application/octet-stream"] });
    assert_eq!(answer.json(), expected);
    let spread = MULTIPART.replace("name=\"title\"", "name=\"labels[0]\"");
    let spread = spread.replace("name=\"copies\"\r\n\r\n3", "name=\"title\"\r\n\r\n3");
    let spread = toy.send(request(spread)).await;
    assert_eq!(spread.violations(), ["body /copies required"]);
    let wrong = toy.send(request(MULTIPART.replace("\r\n3\r\n", "\r\nmany\r\n"))).await;
    assert_eq!(wrong.violations(), ["body /copies type"]);
    let missing = toy.send(request(MULTIPART.replace("\"title\"", "\"tilte\""))).await;
    assert_eq!(missing.violations(), ["body /title required"]);
    let cut = toy.send(request(MULTIPART[..150].to_owned())).await;
    assert_eq!(cut.violations(), ["body  syntax"]);
    let all = MULTIPART.replace("\r\n3\r\n", "\r\nmany\r\n").replace("\"title\"", "\"tilte\"");
    let all = toy.send(request(all.replace(":1}", ":true}"))).await;
    assert_eq!(all.violations(), ["body /copies type", "body /order type", "body /title required"]);
}

#[tokio::test]
async fn parts_without_names_come_in_order_with_their_headers() {
    let request = |body: &'static str| {
        let request = Request::post("/v1/files");
        let request = request.header("content-type", "multipart/mixed; boundary=b");
        request.body(Body::from(body)).unwrap()
    };
    let toy = Toy::new();
    let body = "--b\r\nX-Id: 1\r\nContent-Type: text/csv\r\n\r\na,b\r\n--b\r\n\r\nc\r\n--b--";
    let answer = toy.send(request(body)).await;
    assert_eq!(answer.json(), json!([["a,b", "text/csv", [["X-Id", "1"]]], ["c", null, []]]));
    assert_eq!(toy.send(request("--b\r\n\r\nc")).await.violations(), ["body  syntax"]);
    assert_eq!(toy.send(request("")).await.violations(), ["body  required"]);
}

#[tokio::test]
async fn a_form_is_an_object() {
    let request = |body: &'static str| {
        let request = Request::post("/v1/files");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.body(Body::from(body)).unwrap()
    };
    let toy = Toy::new();
    let answer = toy.send(request("title=a+%26b&copies=2&labels=x&labels[]=y&ages%5B%5D=7")).await;
    let expected = json!({ "title": "a &b", "copies": 2, "labels": ["x", "y"], "ages": [7] });
    assert_eq!(answer.json(), expected);
    let answer = toy.send(request("title=a&copies=-2")).await;
    assert_eq!(answer.violations(), ["body /copies type"]);
    let all = toy.send(request("copies=many&ages[]=7&ages[]=old&ages[]=older")).await;
    let ages = ["body /ages[]/1 type", "body /ages[]/2 type"];
    assert_eq!(
        all.violations(),
        [&["body /copies type"], &ages[..], &["body /title required"]].concat()
    );
}
