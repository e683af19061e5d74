//! Requests that keep the contract, and requests that break it.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use serde_json::json;

use crate::toy::{self, Toy};

#[tokio::test]
async fn a_valid_request_reaches_the_handler_and_its_answer_the_caller() {
    let toy = Toy::new();
    let answer = toy.post("/v1/orders", r#"{"symbol":"BTC","quantity":2}"#).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (202, "/v1/orders/7"));
    assert_eq!(answer.header("x-body"), answer.text());
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.json()["order"], json!({ "symbol": "BTC", "quantity": 2 }));
    assert_eq!(answer.json()["tenant"], "acme");
}

#[tokio::test]
async fn a_documented_problem_has_the_catalogue_s_members() {
    let answer = Toy::new().post("/v1/orders", r#"{"symbol":"HALT","quantity":2}"#).await;
    let problem = answer.problem(409, "halted");
    assert_eq!(problem["title"], "Trading is halted");
    assert_eq!(problem["detail"], "the market is closed");
}

#[tokio::test]
async fn parameters_of_every_place_are_read() {
    let request = Request::get(
        "/v1/orders?limit=3&tag=a%20b&tag=c+d&filter[status]=Buy&filter%5Bsince%5D=9&other=1\
         &legs[0][side]=Sell&legs%5B1%5D%5Bside%5D=Buy",
    );
    let request = request.header("x-trace", "true").header("cookie", "a=b; seat=12");
    let answer = Toy::new().send(request.body(Body::empty()).unwrap()).await;
    let expected = json!({ "limit": 3, "tag": ["a b", "c d"], "trace": true, "seat": 12,
        "filter": { "status": "Buy", "since": 9 },
        "legs": [{ "side": "Sell" }, { "side": "Buy" }] });
    assert_eq!(answer.json(), expected);
    let wrong = "/v1/orders?legs[0][side]=Keep&legs[1][side]=Sell&legs[2][site]=Buy";
    let wrong = Toy::new().get(&format!("{wrong}&filter[status]=Keep&filter[since]=-1")).await;
    let expected = [
        "query /filter/status enum",
        "query /filter/since type",
        "query /legs/0/side enum",
        "query /legs/2/side required",
    ];
    assert_eq!(wrong.violations(), expected);
}

#[tokio::test]
async fn all_violations_are_reported_at_once_with_pointers_and_without_values() {
    let request = Request::get("/v1/orders?limit=hunter2&filter[since]=hunter2")
        .header("x-trace", "hunter2")
        .header("cookie", "seat=hunter2");
    let answer = Toy::new().send(request.body(Body::empty()).unwrap()).await;
    let expected = [
        "query /limit type",
        "query /filter/since type",
        "header /X-Trace type",
        "cookie /seat type",
    ];
    assert_eq!(answer.violations(), expected);
    assert!(!answer.text().contains("hunter2"));
    let answer = Toy::new().get("/v1/orders?limit=1000").await;
    assert_eq!(answer.violations(), ["query /limit maximum"]);
}

#[tokio::test]
async fn a_body_s_violations_point_into_it_and_never_quote_it() {
    let toy = Toy::new();
    for (body, expected) in [
        ("", vec!["body  required"]),
        ("{", vec!["body  syntax"]),
        (r#"{"symbol":"a","quantity":1} x"#, vec!["body  syntax"]),
        (r#"{"symbol":"a"}"#, vec!["body /quantity required"]),
        (r#"{"symbol":"a","quantity":"hunter2"}"#, vec!["body /quantity type"]),
        (r#"{}"#, vec!["body /symbol required", "body /quantity required"]),
        (r#"{"symbol":7,"quantity":"hunter2"}"#, vec!["body /quantity type", "body /symbol type"]),
        (
            r#"{"symbol":7,"legs":[{"side":7},["Buy"],{},{"side":"Buy"}]}"#,
            vec![
                "body /legs/0/side type",
                "body /legs/1 type",
                "body /legs/2/side required",
                "body /symbol type",
                "body /quantity required",
            ],
        ),
        (r#"{"symbol":"a","quantity":1.5}"#, vec!["body /quantity type"]),
        (
            r#"{"symbol":"a","quantity":1,"legs":[{"side":"Buy"},{"side":"hunter2"}]}"#,
            vec!["body /legs/1/side enum"],
        ),
        (
            r#"{"symbol":"a","quantity":"hunter2, expected hunter2, expected a","x":1}"#,
            vec!["body /quantity type", "body /x additionalProperties"],
        ),
        (r#"["a",1]"#, vec!["body  type"]),
        (r#"{"symbol":"a","quantity":1,"legs":[["Buy"]]}"#, vec!["body /legs/0 type"]),
        (
            r#"{"symbol":"a","quantity":1,"legs":[{"side":{"Buy":null}}]}"#,
            vec!["body /legs/0/side type"],
        ),
        (r#"{"symbol":"a","quantity":1,"hunter2":1}"#, vec!["body /hunter2 additionalProperties"]),
        (
            r#"{"symbol":"hunter2hunter2","quantity":0}"#,
            vec!["body /symbol maxLength", "body /quantity minimum"],
        ),
    ] {
        let answer = toy.post("/v1/orders", body).await;
        assert_eq!(answer.violations(), expected, "{body}");
        let problem = answer.json();
        // No count: what cannot be read hides what else is wrong.
        let detail = "the request violates the contract; `errors` names the places found";
        assert_eq!(problem["detail"], detail);
        let errors = problem["errors"].as_array().unwrap();
        assert!(!errors.iter().any(|one| one["detail"].as_str().unwrap().contains("hunter2")));
    }
}

#[tokio::test]
async fn one_request_at_a_time_under_one_idempotency_key() {
    let toy = Toy::new();
    let request = |key: &str| {
        let mut request = toy::json("/v1/orders", r#"{"symbol":"SLOW","quantity":1}"#);
        request.headers_mut().insert("idempotency-key", key.parse().unwrap());
        request
    };
    let (first, second, other) =
        tokio::join!(toy.send(request("k")), toy.send(request("k")), toy.send(request("l")));
    assert_eq!((first.status, other.status), (202.try_into().unwrap(), first.status));
    second.problem(409, "idempotency-in-flight");
    assert_eq!(second.header("retry-after"), "1");
    let again = toy.send(request("k")).await;
    assert_eq!(again.status, 202);
    assert_eq!(again.json()["fingerprint"], first.json()["fingerprint"]);
    assert_eq!(again.json()["fingerprint"].as_str().unwrap().len(), 64);
    let too_long = toy.send(request(&"x".repeat(256))).await;
    assert_eq!(too_long.violations(), ["header /Idempotency-Key pattern"]);
}

#[tokio::test]
async fn a_handler_that_takes_too_long_is_ended() {
    let toy = Toy::with(|edge| edge.request_timeout(Duration::from_millis(50)));
    let answer = toy.get("/v1/misbehave/sleep").await;
    answer.problem(503, "unavailable");
    assert_eq!(answer.header("retry-after"), "1");
}
