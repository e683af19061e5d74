//! Which operation a path names.

use serde_json::json;

use crate::toy::Toy;

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
        ("DELETE", "/v1/orders", "GET, POST"),
        ("POST", "/v1/orders/7", "GET"),
        ("GET", "/v1/orders/7:cancel", "POST"),
        ("PURGE", "/v1/orders/mine", "GET"),
        ("POST", "/healthz", "GET, HEAD"),
    ] {
        let request = http::Request::builder().method(method).uri(path);
        let answer = toy.send(request.body(axum::body::Body::empty()).unwrap()).await;
        answer.problem(405, "method-not-allowed");
        assert_eq!(answer.header("allow"), allowed, "{method} {path}");
    }
}
