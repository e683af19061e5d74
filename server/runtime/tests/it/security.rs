//! Who may call what, and which tokens speak for anybody.

use std::time::Duration;

use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Request;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use symbolon_server::{
    Authenticator, DevelopmentIdentity, Expectations, Grant, ProblemKind, Tenancy,
};

use crate::toy::{Answer, Toy};

async fn call(toy: &Toy, path: &str, credentials: &str) -> Answer {
    let request = Request::get(path).header("authorization", credentials);
    toy.send_as_is(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn credentials_and_scopes_are_required_as_the_contract_says() {
    let toy = Toy::new();
    let nobody = toy.send_as_is(Request::get("/v1/orders").body(Body::empty()).unwrap()).await;
    nobody.problem(401, "unauthenticated");
    assert_eq!(nobody.header("www-authenticate"), "Bearer");
    let basic = call(&toy, "/v1/orders", "Basic YTpi").await;
    basic.problem(401, "unauthenticated");
    let powerless = call(&toy, "/v1/orders", &format!("Bearer {}", toy.token(&["x"]))).await;
    powerless.problem(403, "forbidden");
    let challenge = powerless.header("www-authenticate");
    assert_eq!(challenge, "Bearer error=\"insufficient_scope\", scope=\"orders:write\"");
    for scope in ["orders:read", "orders:write"] {
        let either = call(&toy, "/v1/orders", &format!("bearer {}", toy.token(&[scope]))).await;
        assert_eq!(either.status, 200);
    }
}

#[tokio::test]
async fn the_catalogue_words_the_problems_of_the_edge() {
    const CATALOGUE: &[ProblemKind] = &[ProblemKind {
        code: "unauthenticated",
        status: 401,
        title: "Show a token",
        type_: "urn:toy:unauthenticated",
    }];
    let toy = Toy::with(|edge| edge.problems(CATALOGUE));
    let forged = call(&toy, "/v1/orders", "Bearer forged").await;
    let problem = forged.json();
    assert_eq!((forged.status.as_u16(), &problem["code"]), (401, &"unauthenticated".into()));
    assert_eq!(problem["title"], "Show a token");
    assert_eq!(problem["type"], "urn:toy:unauthenticated");
}

#[tokio::test]
async fn an_anonymous_alternative_admits_callers_without_credentials_only() {
    let toy = Toy::new();
    let request = || Request::get("/v1/orders/mine");
    let nobody = toy.send_as_is(request().body(Body::empty()).unwrap()).await;
    assert_eq!(nobody.status, 200);
    let forged = call(&toy, "/v1/orders/mine", "Bearer forged").await;
    forged.problem(401, "unauthenticated");
}

/// The parts of a token: header and claims as JSON, and the signature.
fn parts(token: &str) -> (Value, Value, String) {
    let mut parts = token.split('.');
    let mut json = || {
        let part = URL_SAFE_NO_PAD.decode(parts.next().unwrap()).unwrap();
        serde_json::from_slice(&part).unwrap()
    };
    (json(), json(), token.rsplit('.').next().unwrap().to_owned())
}

fn joined(header: &Value, claims: &Value, signature: &str) -> String {
    let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    format!("{header}.{claims}.{signature}")
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    let toy = Toy::new();
    let good = toy.token(&["orders:read"]);
    let (header, claims, signature) = parts(&good);
    assert_eq!(call(&toy, "/v1/orders", &format!("Bearer {good}")).await.status, 200);

    let mut none = header.clone();
    none["alg"] = "none".into();
    let mut richer = claims.clone();
    richer["scope"] = "orders:read orders:write".into();
    let mut nameless = header.clone();
    nameless.as_object_mut().unwrap().remove("kid");
    let mut unknown = header.clone();
    unknown["kid"] = "other".into();
    let mut critical = header.clone();
    critical["crit"] = json!(["b64"]);

    let jwks = std::fs::read(toy.identity.jwks_path()).unwrap();
    let by_public_key = |algorithm| {
        let mut header = Header::new(algorithm);
        header.kid = key_id(&parts(&good).0);
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(&jwks)).unwrap()
    };
    for (name, token) in [
        ("alg none", joined(&none, &claims, "")),
        ("alg none, signed", joined(&none, &claims, &signature)),
        ("other claims", joined(&header, &richer, &signature)),
        ("no key id", joined(&nameless, &claims, &signature)),
        ("unknown key id", joined(&unknown, &claims, &signature)),
        ("critical extension", joined(&critical, &claims, &signature)),
        ("no signature", joined(&header, &claims, "")),
        ("HS256 with the public key", by_public_key(Algorithm::HS256)),
        ("HS512 with the public key", by_public_key(Algorithm::HS512)),
        ("no token", String::new()),
        ("dots", "..".to_owned()),
    ] {
        let answer = call(&toy, "/v1/orders", &format!("Bearer {token}")).await;
        assert_eq!(answer.status, 401, "{name}");
        answer.problem(401, "unauthenticated");
        assert_eq!(answer.header("www-authenticate"), "Bearer error=\"invalid_token\"", "{name}");
    }
}

fn key_id(header: &Value) -> Option<String> {
    header["kid"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn tokens_speak_for_one_issuer_audience_and_time() {
    let folder = tempfile::tempdir().unwrap();
    let identity = DevelopmentIdentity::open(folder.path(), "http://issuer.test", "toy").unwrap();
    let verifier = identity.authenticator().unwrap();
    let grant = Grant {
        subject: "ada".to_owned(),
        tenant: "acme".to_owned(),
        scopes: vec!["a".to_owned(), "b".to_owned()],
        lifetime: Duration::from_secs(60),
    };
    let token = identity.mint(&grant).unwrap();
    let principal = verifier.verify(&token).await.unwrap();
    assert_eq!((principal.subject.as_str(), principal.tenant()), ("ada", "acme"));
    assert!(principal.has_scope("a") && principal.has_scope("b") && !principal.has_scope("c"));

    let pem = std::fs::read(folder.path().join("private-key.pem")).unwrap();
    let key = EncodingKey::from_ec_pem(&pem).unwrap();
    let header = jsonwebtoken::decode_header(&token).unwrap();
    let now = jsonwebtoken::get_current_timestamp();
    for (member, value, reason) in [
        ("exp", json!(now - 3600), "token has expired"),
        ("nbf", json!(now + 3600), "token is not valid yet"),
        ("iss", json!("http://other.test"), "token is of another issuer"),
        ("aud", json!("other"), "token is for another audience"),
        ("aud", Value::Null, "token lacks a required claim"),
        ("exp", Value::Null, "token lacks a required claim"),
        ("tenant", Value::Null, "token names no tenant"),
        ("tenant", json!([7]), "token names no tenant"),
        ("tenant", json!(["acme", "globex"]), "the credentials are of several tenants"),
        ("sub", json!(""), "token names no subject"),
    ] {
        let mut claims = parts(&token).1;
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(member)),
            value => claims[member] = value,
        }
        let token = jsonwebtoken::encode(&header, &claims, &key).unwrap();
        assert_eq!(verifier.verify(&token).await.unwrap_err().reason(), reason, "{member}");
    }

    let alone =
        Expectations::new("http://issuer.test", "toy").tenancy(Tenancy::Single("only".to_owned()));
    let jwks = std::fs::read(identity.jwks_path()).unwrap();
    let verifier = Authenticator::from_jwks(&jwks, alone).unwrap();
    assert_eq!(verifier.verify(&token).await.unwrap().tenant(), "only");
}

#[tokio::test]
async fn rotated_keys_are_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let open = || DevelopmentIdentity::open(folder.path(), "http://issuer.test", "toy").unwrap();
    let verifier = open().authenticator().unwrap();
    std::fs::remove_file(folder.path().join("private-key.pem")).unwrap();
    let grant = Grant {
        subject: "ada".to_owned(),
        tenant: "acme".to_owned(),
        scopes: Vec::new(),
        lifetime: Duration::from_secs(60),
    };
    let token = open().mint(&grant).unwrap();
    verifier.verify(&token).await.unwrap();
}

#[tokio::test]
async fn a_key_set_behind_a_url_is_fetched_when_needed() {
    let toy = Toy::new();
    let jwks = std::fs::read_to_string(toy.identity.jwks_path()).unwrap();
    let router = axum::Router::new()
        .route("/jwks", axum::routing::get(move || std::future::ready(jwks.clone())));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/jwks", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, router).into_future());
    let expectations = Expectations::new("http://issuer.test", "toy");
    let verifier = Authenticator::from_jwks_url(url, expectations).unwrap();
    verifier.verify(&toy.token(&[])).await.unwrap();
}

#[cfg(unix)]
#[test]
fn the_private_key_is_its_owner_s() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    DevelopmentIdentity::open(folder.path(), "i", "a").unwrap();
    let metadata = std::fs::metadata(folder.path().join("private-key.pem")).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 2);
}
