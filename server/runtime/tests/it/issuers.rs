//! Issuers that say where their keys are, change them, and go away.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderMap, Request, StatusCode};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use symbolon_server::{
    AccessTokens, Authenticator, Expectations, Freshness, KeyError, Unauthenticated,
};

use crate::log;
use crate::toy::Toy;

/// The pause between two reads, and the life of a key set, by the clock of a test.
const PAUSE: Duration = Duration::from_secs(10);
const LIFE: Duration = Duration::from_secs(60);
const QUICK: Freshness = Freshness { pause: PAUSE, least: LIFE, most: LIFE };

/// A private key, and its public half under an id.
#[derive(Clone)]
pub(crate) struct Signer {
    algorithm: Algorithm,
    key: EncodingKey,
    pub(crate) public: Value,
}

impl Signer {
    pub(crate) fn new(id: &str, algorithm: Algorithm) -> Self {
        use aws_lc_rs::encoding::AsDer;
        use aws_lc_rs::rsa::{KeyPair, KeySize};
        use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
        let key = match algorithm {
            Algorithm::RS256 => {
                let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
                EncodingKey::from_rsa_pem(pem(pair.as_der().unwrap().as_ref()).as_bytes()).unwrap()
            }
            _ => {
                let random = aws_lc_rs::rand::SystemRandom::new();
                let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
                EncodingKey::from_ec_der(pair.unwrap().as_ref())
            }
        };
        let mut public =
            serde_json::to_value(Jwk::from_encoding_key(&key, algorithm).unwrap()).unwrap();
        public["kid"] = id.into();
        public["use"] = "sig".into();
        Self { algorithm, key, public }
    }

    fn header(&self) -> Header {
        let mut header = Header::new(self.algorithm);
        header.typ = Some("at+jwt".to_owned());
        header.kid = self.public["kid"].as_str().map(str::to_owned);
        header
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        jsonwebtoken::encode(&self.header(), claims, &self.key).unwrap()
    }
}

/// The text of a private key; the line may be as long as it is.
fn pem(document: &[u8]) -> String {
    use base64::Engine;
    let body = base64::engine::general_purpose::STANDARD.encode(document);
    format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")
}

/// An issuer in this process.
#[derive(Clone)]
struct Issuer {
    url: String,
    state: Arc<Mutex<State>>,
    reads: Arc<AtomicU64>,
    /// Seconds that have passed for whoever verifies.
    passed: Arc<AtomicU64>,
}

struct State {
    keys: Vec<Value>,
    metadata: Value,
    status: StatusCode,
}

impl Issuer {
    async fn start(keys: &[&Signer]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/realms/toy", listener.local_addr().unwrap());
        let metadata = json!({ "issuer": url, "jwks_uri": format!("{url}/keys") });
        let state = State { keys: Vec::new(), metadata, status: StatusCode::OK };
        let issuer = Self {
            url,
            state: Arc::new(Mutex::new(state)),
            reads: Arc::default(),
            passed: Arc::default(),
        };
        issuer.publish(keys);
        let (told, asked) = (issuer.clone(), issuer.clone());
        let router = Router::new()
            .route(
                "/realms/toy/.well-known/openid-configuration",
                get(async move || {
                    let state = told.state.lock().unwrap();
                    (state.status, Json(state.metadata.clone())).into_response()
                }),
            )
            .route(
                "/realms/toy/keys",
                get(async move || {
                    asked.reads.fetch_add(1, Ordering::SeqCst);
                    let state = asked.state.lock().unwrap();
                    let mut headers = HeaderMap::new();
                    headers.insert("cache-control", "max-age=31536000".parse().unwrap());
                    (state.status, headers, Json(json!({ "keys": state.keys }))).into_response()
                }),
            );
        tokio::spawn(axum::serve(listener, router).into_future());
        issuer
    }

    fn publish(&self, keys: &[&Signer]) {
        let keys = keys.iter().map(|key| key.public.clone()).collect();
        self.state.lock().unwrap().keys = keys;
    }

    fn answers_with(&self, status: StatusCode) {
        self.state.lock().unwrap().status = status;
    }

    fn reads(&self) -> u64 {
        self.reads.load(Ordering::SeqCst)
    }

    fn claims(&self) -> Value {
        let now = jsonwebtoken::get_current_timestamp();
        json!({
            "iss": self.url, "aud": "toy", "sub": "ada", "tenant": "acme",
            "scope": "orders:read", "nbf": now, "exp": now + 60,
        })
    }

    fn expectations(&self) -> Expectations {
        Expectations::new(&self.url, "toy").access_tokens(AccessTokens::Marked)
    }

    fn verifier(&self) -> Authenticator {
        let (began, passed) = (Instant::now(), Arc::clone(&self.passed));
        let now = move || began + Duration::from_secs(passed.load(Ordering::SeqCst));
        Authenticator::from_issuer(self.expectations()).unwrap().freshness(QUICK).clock(now)
    }

    fn pass(&self, time: Duration) {
        self.passed.fetch_add(time.as_secs(), Ordering::SeqCst);
    }
}

/// Whether a token is let in; otherwise why not.
async fn verdict(verifier: &Authenticator, token: &str) -> Result<(), &'static str> {
    verifier.verify(token).await.map(drop).map_err(|refused| refused.reason())
}

const UNKNOWN: Result<(), &str> = Err("token names an unknown key");

#[tokio::test]
async fn an_issuer_s_keys_are_found_and_followed() {
    let (old, new) = (Signer::new("1", Algorithm::RS256), Signer::new("2", Algorithm::ES256));
    let issuer = Issuer::start(&[&old]).await;
    let verifier = issuer.verifier();
    assert_eq!(issuer.reads(), 0, "nothing is fetched before it is needed");
    let (by_old, by_new) = (old.sign(&issuer.claims()), new.sign(&issuer.claims()));
    assert_eq!(verdict(&verifier, &by_old).await, Ok(()));

    issuer.publish(&[&new]);
    assert_eq!(verdict(&verifier, &by_new).await, UNKNOWN, "the last read is too young");
    issuer.pass(PAUSE);
    assert_eq!(verdict(&verifier, &by_new).await, Ok(()));
    assert_eq!(verdict(&verifier, &by_old).await, UNKNOWN);
    assert_eq!(issuer.reads(), 2);
}

#[tokio::test]
async fn a_withdrawn_key_ends_though_nobody_names_another() {
    let (stolen, other) = (Signer::new("1", Algorithm::ES256), Signer::new("2", Algorithm::ES256));
    let issuer = Issuer::start(&[&stolen]).await;
    let (verifier, token) = (issuer.verifier(), stolen.sign(&issuer.claims()));
    assert_eq!(verdict(&verifier, &token).await, Ok(()));
    issuer.publish(&[&other]);
    assert_eq!(verdict(&verifier, &token).await, Ok(()), "the set is fresh");
    // The answer allowed a year; and nobody asked while the set grew old.
    issuer.pass(LIFE);
    assert_eq!(verdict(&verifier, &token).await, UNKNOWN);
}

#[tokio::test]
async fn unknown_keys_are_asked_for_once_however_many_name_them() {
    let key = Signer::new("1", Algorithm::ES256);
    let issuer = Issuer::start(&[&key]).await;
    let (verifier, token) = (Arc::new(issuer.verifier()), key.sign(&issuer.claims()));
    let first = futures_util::future::join_all((0..50).map(|_| verdict(&verifier, &token))).await;
    assert!(first.iter().all(Result::is_ok));
    assert_eq!(issuer.reads(), 1);
    issuer.pass(PAUSE);
    let mut forged = key.clone();
    let tokens = (0..50).map(|number| {
        forged.public["kid"] = format!("forged-{number}").into();
        forged.sign(&issuer.claims())
    });
    let tokens: Vec<String> = tokens.collect();
    let asked = tokens.iter().map(|token| verdict(&verifier, token));
    let verdicts = futures_util::future::join_all(asked).await;
    assert!(verdicts.iter().all(|verdict| *verdict == UNKNOWN));
    assert_eq!(issuer.reads(), 2);
    assert_eq!(verdict(&verifier, &token).await, Ok(()));
}

#[tokio::test]
async fn keys_are_read_before_the_first_token_where_they_are_asked_for() {
    let key = Signer::new("one", Algorithm::ES256);
    let issuer = Issuer::start(&[&key]).await;
    let verifier = issuer.verifier();
    verifier.prefetch();
    verifier.prefetch();
    let read = async {
        while issuer.reads() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), read).await.expect("the keys are read");
    assert_eq!(verdict(&verifier, &key.sign(&issuer.claims())).await, Ok(()));
    assert_eq!(issuer.reads(), 1, "the token needs no other read");
}

#[tokio::test]
async fn a_caller_who_hangs_up_does_not_stop_the_read() {
    let key = Signer::new("1", Algorithm::ES256);
    let issuer = Issuer::start(&[&key]).await;
    let (verifier, token) = (issuer.verifier(), key.sign(&issuer.claims()));
    tokio::time::timeout(Duration::ZERO, verifier.verify(&token)).await.unwrap_err();
    assert_eq!(verdict(&verifier, &token).await, Ok(()));
    assert_eq!(issuer.reads(), 1);
}

#[tokio::test]
async fn an_issuer_that_is_down_takes_no_known_key_away() {
    let key = Signer::new("1", Algorithm::ES256);
    let issuer = Issuer::start(&[&key]).await;
    let (verifier, token) = (issuer.verifier(), key.sign(&issuer.claims()));
    issuer.answers_with(StatusCode::BAD_GATEWAY);
    let undecided = verifier.verify(&token).await.unwrap_err();
    assert!(matches!(undecided, Unauthenticated::Undecided { .. }), "{undecided:?}");

    issuer.answers_with(StatusCode::OK);
    issuer.pass(PAUSE);
    assert_eq!(verdict(&verifier, &token).await, Ok(()));
    issuer.answers_with(StatusCode::BAD_GATEWAY);
    for _ in 0..3 {
        issuer.pass(LIFE);
        assert_eq!(verdict(&verifier, &token).await, Ok(()));
    }
    // It comes back without the key.
    issuer.publish(&[]);
    issuer.answers_with(StatusCode::OK);
    issuer.pass(PAUSE);
    // The first is let in while the keys are read again.
    let ended = async {
        while verdict(&verifier, &token).await != UNKNOWN {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), ended).await.unwrap();
}

#[tokio::test]
async fn while_no_key_could_be_read_callers_are_told_to_come_again() {
    let key = Signer::new("1", Algorithm::ES256);
    let issuer = Issuer::start(&[&key]).await;
    issuer.answers_with(StatusCode::BAD_GATEWAY);
    let verifier = issuer.verifier();
    let toy = Toy::with(|edge| edge.authenticator(verifier));
    let request = Request::get("/v1/orders");
    let request = request.header("authorization", format!("Bearer {}", key.sign(&issuer.claims())));
    let answer = toy.send_as_is(request.body(axum::body::Body::empty()).unwrap()).await;
    answer.problem(503, "unavailable");
    assert_eq!(answer.header("retry-after"), "1");
}

#[tokio::test]
async fn an_issuer_speaks_for_itself_alone() {
    let key = Signer::new("1", Algorithm::ES256);
    for (member, value) in [
        ("issuer", json!("https://other.test")),
        ("issuer", json!(null)),
        ("jwks_uri", json!("http://other.test/keys")),
        ("jwks_uri", json!("file:///etc/keys")),
        ("jwks_uri", json!(null)),
    ] {
        let issuer = Issuer::start(&[&key]).await;
        issuer.state.lock().unwrap().metadata[member] = value;
        let refused = issuer.verifier().verify(&key.sign(&issuer.claims())).await.unwrap_err();
        assert!(matches!(refused, Unauthenticated::Undecided { .. }), "{member}: {refused:?}");
        assert_eq!(issuer.reads(), 0, "{member}");
    }
    for url in ["http://issuer.test", "issuer.test", "", "https://issuer.test/?a", "ftp://a.test"] {
        let refused = Authenticator::from_issuer(Expectations::new(url, "toy")).unwrap_err();
        assert!(matches!(refused, KeyError::Unprotected(_)), "{url}: {refused}");
    }
}

/// An issuer's word is where it was asked for, and short.
#[tokio::test]
async fn nobody_is_sent_elsewhere_and_nothing_is_read_without_end() {
    let key = Signer::new("1", Algorithm::ES256);
    let right = Issuer::start(&[&key]).await;
    let issuer = Issuer::start(&[]).await;
    let (keys, pages) = (format!("{}/keys", right.url), Arc::<AtomicU64>::default());
    let counted = Arc::clone(&pages);
    let long = move || {
        let counted = Arc::clone(&counted);
        let page = move || {
            counted.fetch_add(1, Ordering::SeqCst);
            Ok::<_, std::convert::Infallible>(" ".repeat(1 << 10))
        };
        let pages = futures_util::stream::repeat_with(page);
        std::future::ready(axum::body::Body::from_stream(pages))
    };
    let router = Router::new()
        .route("/moved", get(async move || axum::response::Redirect::temporary(&keys)))
        .route("/long", get(long));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, router).into_future());
    for path in ["/moved", "/long"] {
        issuer.state.lock().unwrap().metadata["jwks_uri"] = format!("{origin}{path}").into();
        let refused = issuer.verifier().verify(&key.sign(&issuer.claims())).await.unwrap_err();
        assert!(matches!(refused, Unauthenticated::Undecided { .. }), "{path}: {refused:?}");
    }
    assert_eq!(right.reads(), 0);
    let read = pages.load(Ordering::SeqCst);
    assert!(read < 16 << 10, "{read} KiB were taken");
}

/// Every token here is refused, and no part of it is in the log.
#[tokio::test]
async fn hostile_tokens_get_nobody_in() {
    let key = Signer::new("signing", Algorithm::RS256);
    let mut encrypting = Signer::new("encrypting", Algorithm::RS256);
    encrypting.public["use"] = "enc".into();
    let other = Signer::new("other", Algorithm::RS256);
    let issuer = Issuer::start(&[&key, &encrypting, &other]).await;
    let verifier = issuer.verifier();
    let toy = Toy::with(|edge| edge.authenticator(verifier));
    let mut tokens = hostile(&issuer, &key);
    tokens.push(("key of another use", encrypting.sign(&issuer.claims())));
    log::clear();
    for (name, token) in &tokens {
        let request = Request::get("/v1/orders").header("authorization", format!("Bearer {token}"));
        let answer = toy.send_as_is(request.body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!(answer.status, 401, "{name}");
        answer.problem(401, "unauthenticated");
        assert_eq!(answer.header("www-authenticate"), "Bearer error=\"invalid_token\"", "{name}");
        for part in token.split('.').filter(|part| part.len() > 8) {
            assert!(!answer.json().to_string().contains(part), "{name}");
            assert!(!log::text().contains(part), "{name}");
        }
    }
    assert_eq!(log::lines("credentials refused").len(), tokens.len());
    let mut listed = issuer.claims();
    listed["aud"] = json!(["other", "toy"]);
    for token in [key.sign(&issuer.claims()), key.sign(&listed)] {
        let request = Request::get("/v1/orders").header("authorization", format!("Bearer {token}"));
        let answer = toy.send_as_is(request.body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!(answer.status, 200);
    }
}

/// Tokens that are nearly right.
fn hostile(issuer: &Issuer, key: &Signer) -> Vec<(&'static str, String)> {
    let claims = issuer.claims();
    let now = jsonwebtoken::get_current_timestamp();

    let with = |member: &str, value: Value| {
        let mut claims = claims.clone();
        claims[member] = value;
        key.sign(&claims)
    };
    let headed = |change: &dyn Fn(&mut Header)| {
        let mut header = key.header();
        change(&mut header);
        jsonwebtoken::encode(&header, &claims, &key.key).unwrap()
    };
    let public = DecodedKey::of(&key.public);
    let by_hmac = |secret: &[u8]| {
        let header = Header { alg: Algorithm::HS256, ..key.header() };
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret)).unwrap()
    };
    let good = key.sign(&claims);
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let none = json!({ "alg": "none", "kid": "signing", "typ": "at+jwt" });
    vec![
        ("forged signature", format!("{signed}.{}", signature.chars().rev().collect::<String>())),
        ("signed by a stranger", Signer::new("signing", Algorithm::RS256).sign(&claims)),
        ("expired", with("exp", json!(now - 3600))),
        ("no end", with("exp", Value::Null)),
        ("an end in words", with("exp", json!("never"))),
        ("not yet valid", with("nbf", json!(now + 3600))),
        ("wrong audience", with("aud", json!("other"))),
        ("wrong audiences", with("aud", json!(["other", "toys", "http://toy"]))),
        ("no audience of many", with("aud", json!([]))),
        ("wrong issuer", with("iss", json!("https://other.test"))),
        ("issuer with a slash", with("iss", json!(format!("{}/", issuer.url)))),
        ("alg none", format!("{}.{}.", encoded(&none), encoded(&claims))),
        ("alg none, signed", format!("{}.{}.{signature}", encoded(&none), encoded(&claims))),
        ("HS256 with the public key's modulus", by_hmac(&public.modulus)),
        ("HS256 with the public key's JWK", by_hmac(key.public.to_string().as_bytes())),
        ("kid of another key", headed(&|header| header.kid = Some("other".to_owned()))),
        ("other algorithm", headed_as_is(key, &claims, "PS256")),
        ("ID token", headed(&|header| header.typ = Some("JWT".to_owned()))),
        ("no type", headed(&|header| header.typ = None)),
        ("logout token", headed(&|header| header.typ = Some("logout+jwt".to_owned()))),
        ("ID token with an access token's type", with("at_hash", json!("x"))),
        ("oversized", with("groups", json!("g".repeat(20 << 10)))),
        ("garbage", "%%%.$$$.###".to_owned()),
        ("binary", encoded(&json!("\u{0}\u{1}")).repeat(3)),
        ("five parts", format!("{good}.a.b")),
        ("one part", "a".repeat(64)),
    ]
}

struct DecodedKey {
    modulus: Vec<u8>,
}

impl DecodedKey {
    fn of(public: &Value) -> Self {
        use base64::Engine;
        let modulus = public["n"].as_str().unwrap();
        let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
        Self { modulus: engine.decode(modulus).unwrap() }
    }
}

fn encoded(part: &Value) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(part.to_string())
}

/// A token that names an algorithm other than the one it is signed with.
fn headed_as_is(key: &Signer, claims: &Value, algorithm: &str) -> String {
    let signature = key.sign(claims);
    let signature = signature.rsplit('.').next().unwrap();
    let header = json!({ "alg": algorithm, "kid": key.public["kid"], "typ": "at+jwt" });
    format!("{}.{}.{signature}", encoded(&header), encoded(claims))
}

#[tokio::test]
async fn an_issuer_that_marks_nothing_is_told_by_audience() {
    let key = Signer::new("1", Algorithm::ES256);
    let issuer = Issuer::start(&[&key]).await;
    let expectations = issuer.expectations().access_tokens(AccessTokens::ByAudience);
    let verifier = Authenticator::from_issuer(expectations).unwrap();
    for (typ, is_let_in) in [
        (None, true),
        (Some("JWT"), true),
        (Some("application/at+JWT"), true),
        (Some("logout+jwt"), false),
        (Some("dpop+jwt"), false),
    ] {
        let header = Header { typ: typ.map(str::to_owned), ..key.header() };
        let token = jsonwebtoken::encode(&header, &issuer.claims(), &key.key).unwrap();
        assert_eq!(verifier.verify(&token).await.is_ok(), is_let_in, "{typ:?}");
    }
}
