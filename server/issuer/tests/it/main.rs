//! The issuer as clients see it: what they get, and what they do not.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, Request};
use serde_json::Value;
use sha2::{Digest, Sha256};
use symbolon_issuer::{Issuer, Offer, Surroundings};
use symbolon_server::DevelopmentIdentity;
use tower::ServiceExt;
use url::Url;
use url::form_urlencoded::Serializer;

const URL: &str = "http://127.0.0.1:8080/development";
const CALLBACK: &str = "http://127.0.0.1:9999/callback";
const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters";

struct Bench {
    router: Router,
    /// Seconds that the clock is ahead.
    ahead: Arc<AtomicU64>,
    _folder: tempfile::TempDir,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// A parameter that the browser takes to the client.
    fn taken(&self, name: &str) -> Option<String> {
        assert_eq!(self.status, 303, "{}", self.text);
        let target = Url::parse(self.header("location")).unwrap();
        assert!(target.as_str().starts_with(CALLBACK), "{target}");
        let found = target.query_pairs().find(|(given, _)| given == name);
        found.map(|(_, value)| value.into_owned())
    }
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let identity = DevelopmentIdentity::open(folder.path(), "cli", "toy").unwrap();
        let offer = Offer {
            scopes: vec!["toys:read".to_owned(), "toys:write".to_owned()],
            tenants: vec!["acme".to_owned()],
        };
        let (ahead, drawn) = (Arc::<AtomicU64>::default(), AtomicU8::new(1));
        let clock = Arc::clone(&ahead);
        let surroundings = Surroundings {
            now: Arc::new(move || {
                SystemTime::now() + Duration::from_secs(clock.load(Ordering::SeqCst))
            }),
            fill: Arc::new(move |bytes| bytes.fill(drawn.fetch_add(1, Ordering::SeqCst))),
        };
        let issuer = Issuer::new(identity, URL, offer).unwrap().surroundings(surroundings);
        let router = issuer.mount(Router::new().fallback(async || "the edge"));
        Self { router, ahead, _folder: folder }
    }

    async fn send(&self, request: http::request::Builder, body: String) -> Answer {
        let request = match request.headers_ref().unwrap().contains_key("host") {
            true => request,
            false => request.header("host", "127.0.0.1:8080"),
        };
        let request = request.body(Body::from(body)).unwrap();
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Answer { status: parts.status.as_u16(), headers: parts.headers, text }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(format!("/development{path}")), String::new()).await
    }

    async fn decide(&self, query: &str, decision: &[(&str, &str)]) -> Answer {
        self.send(Request::post(format!("/development/authorize?{query}")), form(decision)).await
    }

    async fn token(&self, parameters: &[(&str, &str)]) -> Answer {
        self.send(Request::post("/development/token"), form(parameters)).await
    }

    /// A code for everything that is asked for.
    async fn code(&self) -> String {
        let allowed = self.decide(&asked(&[]), &ALLOW).await;
        assert_eq!(allowed.taken("state").as_deref(), Some("st&te"));
        assert_eq!(allowed.taken("iss").as_deref(), Some(URL));
        allowed.taken("code").unwrap()
    }
}

const ALLOW: [(&str, &str); 4] =
    [("decision", "allow"), ("tenant", "globex"), ("subject", "ada"), ("grant", "toys:read")];

fn form(pairs: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// The query of a right request, with some parameters changed; an empty one is left out.
fn asked(changed: &[(&str, &str)]) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    let right = [
        ("response_type", "code"),
        ("client_id", "app"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid offline_access toys:read toys:write"),
        ("state", "st&te"),
        ("nonce", "n-1"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    let kept = right.into_iter().filter(|(name, _)| changed.iter().all(|(other, _)| other != name));
    let pairs: Vec<_> =
        kept.chain(changed.iter().copied()).filter(|(_, v)| !v.is_empty()).collect();
    form(&pairs)
}

fn by_code(code: &str) -> [(&str, &str); 5] {
    [
        ("grant_type", "authorization_code"),
        ("client_id", "app"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]
}

fn by_refresh(token: &str) -> [(&str, &str); 3] {
    [("grant_type", "refresh_token"), ("client_id", "app"), ("refresh_token", token)]
}

/// A part of a token.
fn part(token: &Value, number: usize) -> Value {
    let part = token.as_str().unwrap().split('.').nth(number).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn a_code_becomes_tokens_once() {
    let bench = Bench::new();
    let code = bench.code().await;
    let answer = bench.token(&by_code(&code)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), "no-store");
    let tokens = answer.json();
    assert_eq!(tokens["scope"], "openid offline_access toys:read", "not everything was granted");
    let access = part(&tokens["access_token"], 1);
    assert_eq!(part(&tokens["access_token"], 0)["typ"], "at+jwt");
    let told = ["iss", "aud", "sub", "tenant", "client_id"].map(|name| access[name].clone());
    assert_eq!(Value::from(told.to_vec()), serde_json::json!([URL, "toy", "ada", "globex", "app"]));
    let id = part(&tokens["id_token"], 1);
    assert_eq!(part(&tokens["id_token"], 0)["typ"], "JWT");
    let told = ["aud", "nonce", "sub"].map(|name| id[name].clone());
    assert_eq!(Value::from(told.to_vec()), serde_json::json!(["app", "n-1", "ada"]));

    let again = bench.token(&by_code(&code)).await;
    assert_eq!((again.status, &again.json()["error"]), (400, &"invalid_grant".into()));
    // Somebody has a copy of the code: what it gave ends too.
    let refresh = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(bench.token(&by_refresh(refresh)).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn a_code_is_bound_and_short() {
    let bench = Bench::new();
    for (name, value) in [
        ("code_verifier", "another-verifier-of-at-least-forty-three-chars"),
        ("redirect_uri", "http://127.0.0.1:9999/other"),
        ("client_id", "other"),
    ] {
        let code = bench.code().await;
        let changed = by_code(&code).map(|pair| if pair.0 == name { (name, value) } else { pair });
        assert_eq!(bench.token(&changed).await.json()["error"], "invalid_grant", "{name}");
        let burnt = bench.token(&by_code(&code)).await;
        assert_eq!(burnt.json()["error"], "invalid_grant", "a wrong try burns it: {name}");
    }
    let code = bench.code().await;
    bench.ahead.fetch_add(60, Ordering::SeqCst);
    assert_eq!(bench.token(&by_code(&code)).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn refresh_tokens_rotate_and_a_copy_ends_the_family() {
    let bench = Bench::new();
    let code = bench.code().await;
    let first = bench.token(&by_code(&code)).await.json();
    let old = first["refresh_token"].as_str().unwrap();
    let wider = [by_refresh(old).as_slice(), &[("scope", "toys:write")]].concat();
    assert_eq!(bench.token(&wider).await.json()["error"], "invalid_scope");

    let code = bench.code().await;
    let first = bench.token(&by_code(&code)).await.json();
    let old = first["refresh_token"].as_str().unwrap();
    let second = bench.token(&by_refresh(old)).await.json();
    assert_eq!(second["scope"], first["scope"]);
    let new = second["refresh_token"].as_str().unwrap();
    assert_ne!(old, new);
    assert_eq!(bench.token(&by_refresh(old)).await.json()["error"], "invalid_grant");
    assert_eq!(bench.token(&by_refresh(new)).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn requests_that_are_wrong_go_back_with_the_error_or_nowhere() {
    let bench = Bench::new();
    for (name, value, error) in [
        ("response_type", "token", "unsupported_response_type"),
        ("response_type", "", "invalid_request"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge", "short", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("code_challenge_method", "", "invalid_request"),
        ("client_id", "", "invalid_request"),
        ("scope", "toys:read everything", "invalid_scope"),
        ("prompt", "none", "login_required"),
        ("request", "a.b.c", "request_not_supported"),
        ("response_mode", "fragment", "invalid_request"),
    ] {
        let query = asked(&[(name, value)]);
        let answer = bench.get(&format!("/authorize?{query}")).await;
        assert_eq!(answer.taken("error").as_deref(), Some(error), "{name}={value}");
        assert_eq!(answer.taken("state").as_deref(), Some("st&te"));
        assert_eq!(answer.taken("iss").as_deref(), Some(URL));
        if name != "prompt" {
            let decided = bench.decide(&query, &ALLOW).await;
            assert_eq!(decided.taken("code"), None, "{name}={value}");
        }
    }
    for redirect in [
        "",
        "https://evil.test/callback",
        "http://localhost.evil.test/",
        "http://127.0.0.1@evil.test/",
        "http://user@127.0.0.1/",
        "javascript:alert(1)",
        "http://127.0.0.1/#fragment",
        "/callback",
    ] {
        let query = asked(&[("redirect_uri", redirect)]);
        assert_eq!(bench.get(&format!("/authorize?{query}")).await.status, 400, "{redirect}");
        assert_eq!(bench.decide(&query, &ALLOW).await.status, 400, "{redirect}");
    }
    let twice = format!("{}&client_id=other", asked(&[]));
    assert_eq!(bench.get(&format!("/authorize?{twice}")).await.status, 400);
    let denied = bench.decide(&asked(&[]), &[("decision", "deny")]).await;
    assert_eq!(denied.taken("error").as_deref(), Some("access_denied"));
}

#[tokio::test]
async fn the_page_shows_what_was_asked_as_text_alone() {
    let bench = Bench::new();
    let query = asked(&[("client_id", "<script>alert('1')</script>"), ("state", "\"><i>")]);
    let page = bench.get(&format!("/authorize?{query}")).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("&lt;script&gt;alert(&#39;1&#39;)"), "{}", page.text);
    assert!(!page.text.contains("<script") && !page.text.contains("<i>"), "{}", page.text);
    assert!(!page.text.contains("src=") && !page.text.contains("http-equiv"), "{}", page.text);
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert!(policy.contains("form-action 'self' http://127.0.0.1:9999;"), "{policy}");
}

#[tokio::test]
async fn a_client_by_itself_gets_scopes_of_the_api_alone() {
    let bench = Bench::new();
    let by_itself = [("grant_type", "client_credentials")];
    let nobody = bench.token(&by_itself).await;
    assert_eq!((nobody.status, &nobody.json()["error"]), (401, &"invalid_client".into()));
    assert_eq!(nobody.header("www-authenticate"), "Basic");
    let basic = Request::post("/development/token").header("authorization", "Basic Y3Jvbjp4");
    let answer = bench.send(basic, form(&by_itself)).await.json();
    let access = part(&answer["access_token"], 1);
    assert_eq!((&access["sub"], &access["tenant"]), (&"cron".into(), &"acme".into()));
    assert_eq!(access["scope"], "toys:read toys:write");
    assert_eq!((&answer["id_token"], &answer["refresh_token"]), (&Value::Null, &Value::Null));
    let more = [by_itself[0], ("client_id", "cron"), ("scope", "openid")];
    assert_eq!(bench.token(&more).await.json()["error"], "invalid_scope");
    let twice = [by_itself[0], by_itself[0], ("client_id", "cron")];
    assert_eq!(bench.token(&twice).await.json()["error"], "invalid_request");
    let implicit = [("grant_type", "password"), ("client_id", "cron")];
    assert_eq!(bench.token(&implicit).await.json()["error"], "unsupported_grant_type");
}

#[tokio::test]
async fn userinfo_is_for_access_tokens_with_openid() {
    let bench = Bench::new();
    let tokens = bench.token(&by_code(&bench.code().await)).await.json();
    let info = async |token: &str| {
        let request = Request::get("/development/userinfo");
        let request = request.header("authorization", format!("Bearer {token}"));
        bench.send(request, String::new()).await
    };
    let told = info(tokens["access_token"].as_str().unwrap()).await.json();
    assert_eq!((&told["sub"], &told["tenant"]), (&"ada".into(), &"globex".into()));
    assert_eq!(info(tokens["id_token"].as_str().unwrap()).await.status, 401);
    assert_eq!(info("forged").await.status, 401);
    assert_eq!(bench.get("/userinfo").await.status, 401);
    let itself = bench.token(&[("grant_type", "client_credentials"), ("client_id", "cron")]).await;
    let without = info(itself.json()["access_token"].as_str().unwrap()).await;
    assert_eq!(without.status, 403);
}

#[tokio::test]
async fn it_serves_its_own_machine_alone() {
    let bench = Bench::new();
    let configuration = "/development/.well-known/openid-configuration";
    for host in ["evil.test", "localhost.evil.test:8080", "192.168.0.1:8080", "", "a b"] {
        let request = Request::get(configuration).header("host", host);
        assert_eq!(bench.send(request, String::new()).await.status, 421, "{host}");
    }
    let asked = async |origin: &str| {
        let request = Request::get(configuration).header("origin", origin);
        let answer = bench.send(request, String::new()).await;
        assert_eq!(answer.status, 200);
        answer.header("access-control-allow-origin").to_owned()
    };
    assert_eq!(asked("http://localhost:5173").await, "http://localhost:5173");
    assert_eq!(asked("https://evil.test").await, "");
    assert_eq!(bench.get("/nothing").await.status, 404);
    assert_eq!(bench.get("/token").await.status, 405);
    let edge = bench.send(Request::get("/v1/toys"), String::new()).await;
    assert_eq!(edge.text, "the edge");
    for url in ["http://10.0.0.1/d", "https://127.0.0.1/d", "http://127.0.0.1/", "d"] {
        let folder = tempfile::tempdir().unwrap();
        let identity = DevelopmentIdentity::open(folder.path(), "cli", "toy").unwrap();
        let offer = Offer { scopes: Vec::new(), tenants: Vec::new() };
        assert!(Issuer::new(identity, url, offer).is_err(), "{url}");
    }
}
