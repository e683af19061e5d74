//! Which operation a path names.

use serde_json::json;
use symbolon_server::{Edge, EdgeError, ProblemKind, Requirement};

use crate::toy::{Toy, orders};

#[tokio::test]
async fn templates_may_clash_and_have_partial_segments() {
    let toy = Toy::new();
    for (path, expected) in [
        ("/v1/orders/7", json!({ "operation": "getOrder", "id": "7" })),
        ("/v1/orders/a%2Fb%20c", json!({ "operation": "getOrder", "id": "a/b c" })),
        ("/v1/orders/mine", json!({ "operation": "getMine" })),
        ("/v1/orders/m%69ne", json!({ "operation": "getMine" })),
        ("/v1/orders/mine/legs", json!({ "operation": "getLegs", "order": "mine" })),
        ("/v1/orders/7.json", json!({ "operation": "getOrderFile", "id": "7" })),
        ("/v1/orders/a.json.json", json!({ "operation": "getOrderFile", "id": "a.json" })),
        (
            "/v1/orders/me/fills/1..3",
            json!({ "operation": "getFill", "owner": "me", "from": "1", "to": "3" }),
        ),
    ] {
        assert_eq!(toy.get(path).await.json(), expected, "{path}");
    }
    let cancelled = toy.post("/v1/orders/7:cancel", "").await;
    assert_eq!(cancelled.json(), json!({ "operation": "cancelOrder", "id": "7" }));
}

#[tokio::test]
async fn an_unknown_path_is_404_and_a_wrong_method_405_with_allow() {
    let toy = Toy::new();
    for path in ["/", "/v1", "/v1/orders/", "/v1/orders//legs", "/v2/orders", "/docs"] {
        let problem = toy.get(path).await.problem(404, "not-found");
        assert_eq!(problem["detail"], "nothing stands at this path", "{path}");
    }
    for (method, path, allowed) in [
        ("DELETE", "/v1/orders", "GET, HEAD, POST"),
        ("POST", "/v1/orders/7", "GET, HEAD"),
        ("GET", "/v1/orders/7:cancel", "POST"),
        ("PURGE", "/v1/orders/mine", "GET, HEAD"),
        ("POST", "/healthz", "GET, HEAD"),
    ] {
        let request = http::Request::builder().method(method).uri(path);
        let answer = toy.send(request.body(axum::body::Body::empty()).unwrap()).await;
        answer.problem(405, "method-not-allowed");
        assert_eq!(answer.header("allow"), allowed, "{method} {path}");
    }
}

#[tokio::test]
async fn what_is_no_operation_s_problem_keeps_the_edge_s_words() {
    const CATALOGUE: &[ProblemKind] = &[
        ProblemKind {
            code: "not-found",
            status: 404,
            title: "No such order",
            type_: "urn:toy:no-such-order",
        },
        ProblemKind {
            code: "method-not-allowed",
            status: 405,
            title: "Not for orders",
            type_: "urn:toy:not-for-orders",
        },
    ];
    let toy = Toy::with(|edge| edge.problems(CATALOGUE));
    let unknown = toy.get("/v2").await.problem(404, "not-found");
    assert_eq!(unknown["title"], "There is no such resource");
    let wrong = toy.post("/v1/orders/7", "").await.problem(405, "method-not-allowed");
    assert_eq!(wrong["title"], "The resource does not have this method");
}

#[tokio::test]
async fn head_is_get() {
    let toy = Toy::new();
    let head = |path: &str| http::Request::head(path).body(axum::body::Body::empty()).unwrap();
    let answer = toy.send(head("/v1/orders/7")).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"));
    assert_eq!(
        answer.header("content-length"),
        toy.get("/v1/orders/7").await.text().len().to_string()
    );
    assert!(answer.bytes.is_empty());
    let answer = toy.send(head("/v1/orders/7:cancel")).await;
    assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "POST"));
}

#[test]
fn an_edge_that_cannot_serve_its_contract_is_refused() {
    let strangers = Edge::new("toy", "1").router(vec![orders()]).unwrap_err();
    assert!(matches!(strangers, EdgeError::Unrecognised { scheme: "oidc", .. }), "{strangers}");
    assert!(format!("{strangers:?}").contains("scheme(\"oidc\""), "{strangers:?}");
    let live = Requirement { scheme: "oidc", scopes: &[] };
    let events = |_: &_, _: Option<&str>| futures_util::stream::empty::<serde_json::Value>();
    let strangers = Edge::new("toy", "1").events(live, events).router(Vec::new()).unwrap_err();
    assert!(matches!(strangers, EdgeError::Unrecognised { operation: "events", .. }));
    let folder = tempfile::tempdir().unwrap();
    let identity =
        symbolon_server::DevelopmentIdentity::open(folder.path(), "issuer", "toy").unwrap();
    let edge = Edge::new("toy", "1").authenticator(identity.authenticator().unwrap());
    let twice = edge.router(vec![orders(), orders()]).unwrap_err();
    assert!(matches!(twice, EdgeError::Clash { .. }), "{twice}");
}

#[tokio::test]
async fn operations_answer_below_the_paths_of_the_contract_s_servers_too() {
    let document = json!({
        "openapi": "3.1.0",
        "servers": [
            { "url": "https://api.example.com/api" },
            { "url": "/api/{stage}/", "variables": { "stage": { "default": "beta" } } },
            { "url": "https://example.com/{left}/open" },
            { "url": "https://{region}.example.com/at/{region}-{tier}", "variables": {
                "region": { "default": "eu", "enum": ["eu", "us"] },
                "tier": { "default": "free", "enum": ["free", "paid"] },
            } },
            { "url": "near/by" },
        ],
        "paths": { "/v1/orders": { "post": { "servers": [{ "url": "//up.example.com/up" }] } } },
    });
    let toy = Toy::with(|edge| edge.openapi(document.to_string()).below("own/"));
    let expected = json!({ "operation": "getMine" });
    let bases = ["", "/api", "/api/beta", "/up", "/own", "/near/by", "/at/eu-free", "/at/us-paid"];
    for base in bases {
        let path = format!("{base}/v1/orders/mine");
        assert_eq!(toy.get(&path).await.json(), expected, "{path}");
    }
    for path in [
        "/at/cn-free/v1/orders/mine",
        "/apiv1/orders/mine",
        "/other/v1/orders/mine",
        "/api",
        "/api/docs/",
    ] {
        toy.get(path).await.problem(404, "not-found");
    }
}

#[tokio::test]
async fn the_path_of_a_server_takes_no_path_of_an_operation_away() {
    let toy = Toy::with(|edge| edge.below("shop"));
    let own = toy.get("/shop/v1/orders/mine").await.json();
    assert_eq!(own, json!({ "operation": "getShopped" }));
    // Nothing at the root answers this method there.
    let placed = toy.post("/shop/v1/orders", r#"{"symbol":"X"}"#).await;
    assert_ne!(placed.status, 404);
    let below = toy.get("/shop/v1/orders/7").await.json();
    assert_eq!(below, json!({ "operation": "getOrder", "id": "7" }));
}
