//! What every server has besides its contract.

use axum::body::Body;
use http::Request;
use serde_json::json;
use symbolon_server::Failure;

use crate::toy::Toy;

#[tokio::test]
async fn health_version_and_documents_are_open() {
    let toy = Toy::with(|edge| {
        edge.openapi(r#"{"openapi":"3.1.0"}"#).asyncapi(r#"{"asyncapi":"3.0.0"}"#.to_owned())
    });
    for (path, expected) in [
        ("/healthz", json!({ "status": "UP" })),
        ("/actuator/health", json!({ "status": "UP" })),
        ("/readyz", json!({ "status": "UP", "checks": {} })),
        ("/version", json!({ "name": "toy", "version": "1.2.3" })),
        ("/openapi.json", json!({ "openapi": "3.1.0" })),
        ("/asyncapi.json", json!({ "asyncapi": "3.0.0" })),
    ] {
        let answer = toy.send_as_is(Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, expected), "{path}");
        assert_eq!(answer.header("content-type"), "application/json");
    }
}

#[tokio::test]
async fn the_contract_names_the_server_that_serves_it_first() {
    let document = r#"{"openapi":"3.1.0","servers":[{"url":"https://elsewhere.example"}]}"#;
    let toy = Toy::with(|edge| edge.openapi(document));
    let answer = toy.get("/openapi.json").await;
    let urls: Vec<_> = answer.json()["servers"].as_array().unwrap().clone();
    assert_eq!(urls[0]["url"], "/");
    assert_eq!(urls[1]["url"], "https://elsewhere.example");
}

#[tokio::test]
async fn readiness_is_that_of_all_checks_and_tells_no_reasons() {
    let toy = Toy::with(|edge| {
        edge.readiness("disk", || async { Ok(()) })
            .readiness("database", || async { Err(Failure::message("secret host is down")) })
    });
    let answer = toy.get("/readyz").await;
    let expected = json!({ "status": "DOWN", "checks": { "disk": "UP", "database": "DOWN" } });
    assert_eq!((answer.status.as_u16(), answer.json()), (503, expected));
}

#[tokio::test]
async fn the_documentation_page_needs_nothing_from_elsewhere() {
    let toy = Toy::with(|edge| edge.openapi(r#"{"openapi":"3.1.0"}"#));
    let moved = toy.get("/docs").await;
    assert_eq!((moved.status.as_u16(), moved.header("location")), (308, "docs/"));
    let page = toy.get("/docs/").await;
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.header("content-security-policy").contains("script-src 'self'"));
    let html = page.text();
    let references: Vec<&str> = html
        .split(['"', '\''])
        .filter(|text| text.ends_with(".js") || text.ends_with(".css") || text.ends_with(".png"))
        .collect();
    assert!(references.len() > 3, "{html}");
    for reference in references {
        assert!(!reference.contains("//"), "{reference}");
        let file = toy.get(&format!("/docs/{}", reference.trim_start_matches("./"))).await;
        assert_eq!(file.status, 200, "{reference}");
        assert!(!file.bytes.is_empty());
    }
    let initializer = toy.get("/docs/swagger-initializer.js").await.text();
    assert!(initializer.contains("../openapi.json"), "{initializer}");
    toy.get("/docs/../secret").await.problem(404, "not-found");
}

#[tokio::test]
async fn metrics_count_requests_by_operation_and_status() {
    let toy = Toy::new();
    toy.get("/v1/orders/7/legs").await;
    let text = toy.get("/metrics").await.text();
    let counter = r#"http_server_requests_total{operation="getLegs",status="200"}"#;
    assert!(text.contains(counter), "{text}");
    let bucket = r#"http_server_request_duration_seconds_bucket{operation="getLegs",status="200""#;
    assert!(text.contains(bucket), "{text}");
}

#[tokio::test]
async fn a_correlation_id_is_echoed_when_valid_and_made_when_not() {
    let toy = Toy::new();
    let given = |id: &str| {
        let request = Request::get("/v1/orders/mine").header("x-correlation-id", id);
        request.body(Body::empty()).unwrap()
    };
    for id in ["a", "order/7:retry~2", &"x".repeat(128)] {
        assert_eq!(toy.send(given(id)).await.header("x-correlation-id"), id);
    }
    for id in ["", "a b", "ünïcode", &"x".repeat(129)] {
        let answer = toy.send(given(id)).await;
        assert_ne!(answer.header("x-correlation-id"), id);
        assert_eq!(answer.header("x-correlation-id").len(), 36);
    }
    let placed = toy.post("/v1/orders", r#"{"symbol":"a","quantity":1}"#).await;
    assert_eq!(placed.json()["correlationId"], placed.header("x-correlation-id"));
}

#[tokio::test]
async fn every_answer_has_security_headers() {
    let toy = Toy::new();
    for path in ["/v1/orders/mine", "/v1/orders", "/nowhere", "/healthz", "/v1/misbehave/fail"] {
        let answer = toy.send_as_is(Request::get(path).body(Body::empty()).unwrap()).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name), value, "{path}");
        }
    }
}
