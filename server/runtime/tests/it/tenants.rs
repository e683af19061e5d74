//! Callers of several tenants.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use http::Request;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use symbolon_server::{Authenticator, Expectations};

use crate::issuers::Signer;
use crate::toy::{self, Answer, Toy};

/// A toy that takes a signer's tokens.
fn toy(signer: &Signer) -> Toy {
    let keys = json!({ "keys": [signer.public] }).to_string();
    let expected = Expectations::new("https://login.test", "toy");
    let authenticator = Authenticator::from_jwks(keys.as_bytes(), expected).unwrap();
    Toy::with(|edge| edge.authenticator(authenticator))
}

fn token(signer: &Signer, tenant: &Value) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(60);
    let claims = json!({ "iss": "https://login.test", "aud": "toy", "sub": "ada",
        "scope": "orders:read orders:write", "exp": now.as_secs(), "tenant": tenant });
    format!("Bearer {}", signer.sign(&claims))
}

async fn place(toy: &Toy, token: &str, chosen: &[&str]) -> Answer {
    let mut request: Request<Body> = toy::json("/v1/orders", r#"{"symbol":"a","quantity":1}"#);
    request.headers_mut().insert("authorization", token.parse().unwrap());
    for tenant in chosen {
        request.headers_mut().append("x-tenant-id", tenant.parse().unwrap());
    }
    toy.send_as_is(request).await
}

#[tokio::test]
async fn of_several_tenants_the_caller_chooses_one() {
    let signer = Signer::new("k", Algorithm::ES256);
    let toy = toy(&signer);
    let both = token(&signer, &json!(["acme", "globex"]));
    for chosen in ["acme", "globex"] {
        let answer = place(&toy, &both, &[chosen]).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["tenant"]), (202, &chosen.into()));
    }
    assert_eq!(place(&toy, &both, &[]).await.violations(), ["header /X-Tenant-Id required"]);
    for chosen in [&["initech"][..], &[""], &["acme,globex"], &["acme", "globex"]] {
        let refused = place(&toy, &both, chosen).await;
        refused.problem(403, "forbidden");
        assert!(!refused.text().contains("acme"), "{}", refused.text());
    }
}

#[tokio::test]
async fn of_one_tenant_there_is_nothing_to_choose() {
    let signer = Signer::new("k", Algorithm::ES256);
    let toy = toy(&signer);
    for claim in [json!("acme"), json!(["acme"])] {
        let token = token(&signer, &claim);
        for chosen in [&["acme"][..], &[]] {
            assert_eq!(place(&toy, &token, chosen).await.json()["tenant"], "acme");
        }
        place(&toy, &token, &["globex"]).await.problem(403, "forbidden");
    }
    for claim in
        [json!([]), json!(""), json!(["acme", ""]), json!(["acme", 7]), json!({}), json!(null)]
    {
        place(&toy, &token(&signer, &claim), &["acme"]).await.problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn other_credentials_are_held_to_the_tenant_that_is_named_too() {
    let toy = Toy::new();
    let token = format!("Bearer {}", toy.token(&["orders:write"]));
    assert_eq!(place(&toy, &token, &["acme"]).await.status, 202);
    place(&toy, &token, &["globex"]).await.problem(403, "forbidden");
    // Nobody in particular is of no tenant.
    let request = Request::get("/v1/orders/7").header("x-tenant-id", "globex");
    assert_eq!(toy.send_as_is(request.body(Body::empty()).unwrap()).await.status, 200);
}
