//! What browsers are told: who may call from where, what a page may do, by HTTPS alone.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use symbolon_server::Cors;

use crate::toy::{Answer, Toy};

const APP: &str = "https://app.example";

fn open_to_app() -> Toy {
    Toy::with(|edge| edge.cors(Cors::of([APP])))
}

async fn ask(toy: &Toy, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = Request::builder().method(method).uri(path);
    let request =
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    toy.send_as_is(request.body(Body::empty()).unwrap()).await
}

async fn preflight(toy: &Toy, path: &str, origin: &str, method: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", method),
        ("access-control-request-headers", "authorization,idempotency-key"),
    ];
    ask(toy, "OPTIONS", path, &headers).await
}

#[tokio::test]
async fn a_preflight_is_answered_from_the_methods_that_are_there() {
    let toy = open_to_app();
    for (path, asked, methods) in [
        ("/v1/orders", "POST", "GET, HEAD, POST"),
        ("/v1/orders/7:cancel", "POST", "POST"),
        ("/v1/orders/7", "DELETE", "GET, HEAD"),
        ("/healthz", "GET", "GET, HEAD"),
    ] {
        let answer = preflight(&toy, path, APP, asked).await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (204, ""), "{path}");
        assert_eq!(answer.header("access-control-allow-methods"), methods);
        assert_eq!(answer.header("access-control-allow-origin"), APP);
        assert_eq!(answer.header("access-control-allow-headers"), "authorization,idempotency-key");
        assert_eq!(answer.header("access-control-max-age"), "600");
        assert_eq!(answer.header("vary"), "origin");
    }
    preflight(&toy, "/nowhere", APP, "GET").await.problem(404, "not-found");
}

#[tokio::test]
async fn other_origins_are_told_nothing() {
    let elsewhere = "https://app.example.evil";
    for (toy, origin) in [(open_to_app(), elsewhere), (Toy::new(), APP)] {
        let answer = preflight(&toy, "/v1/orders", origin, "POST").await;
        answer.problem(405, "method-not-allowed");
        let answered = ask(&toy, "GET", "/v1/orders/7", &[("origin", origin)]).await;
        assert_eq!(answered.status, 200);
        for answer in [answer, answered] {
            let names =
                answer.headers.keys().filter(|it| it.as_str().starts_with("access-control"));
            assert_eq!(names.count(), 0);
        }
    }
    let vary = ask(&open_to_app(), "GET", "/v1/orders/7", &[]).await;
    assert_eq!(vary.header("vary"), "origin");
}

#[tokio::test]
async fn a_page_may_read_every_header_of_its_answer() {
    let toy = open_to_app();
    let answer = ask(&toy, "GET", "/v1/orders/mine", &[("origin", APP)]).await;
    assert_eq!(answer.header("access-control-allow-origin"), APP);
    assert_eq!(answer.header("access-control-allow-credentials"), "");
    let exposed: Vec<&str> = answer.header("access-control-expose-headers").split(", ").collect();
    assert!(exposed.contains(&"x-correlation-id"), "{exposed:?}");
    assert!(!exposed.contains(&"content-type"), "{exposed:?}");
    // Problems, too: a page that may not read them cannot tell what is wrong.
    let refused = ask(&toy, "POST", "/v1/orders", &[("origin", APP)]).await;
    refused.problem(401, "unauthenticated");
    assert!(refused.header("access-control-expose-headers").contains("www-authenticate"));
}

#[tokio::test]
async fn any_origin_may_call_without_credentials_only() {
    let toy = Toy::with(|edge| edge.cors(Cors::any().credentials().max_age(Duration::ZERO)));
    let answer = preflight(&toy, "/v1/orders", "https://anywhere.example", "POST").await;
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("access-control-allow-credentials"), "");
    assert_eq!((answer.header("access-control-max-age"), answer.header("vary")), ("0", ""));
    let toy = Toy::with(|edge| edge.cors(Cors::of([APP]).credentials()));
    let answer = ask(&toy, "GET", "/v1/orders/7", &[("origin", APP)]).await;
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
}

#[tokio::test]
async fn https_alone_is_asked_for_only_when_told() {
    assert_eq!(Toy::new().get("/healthz").await.header("strict-transport-security"), "");
    let toy = Toy::with(|edge| edge.strict_transport(Duration::from_secs(31_536_000)));
    let answer = toy.get("/nowhere").await;
    assert_eq!(answer.header("strict-transport-security"), "max-age=31536000");
}
