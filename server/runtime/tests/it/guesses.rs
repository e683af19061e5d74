//! Credentials that are refused: how often they are looked up, and whom that concerns.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use axum::body::Body;
use axum::extract::ConnectInfo;
use http::Request;
use symbolon_server::{
    ApiKey, ApiKeys, CreatedApiKey, Failure, InMemoryKeys, KeyStore, NewApiKey, Proof, Rate, Scheme,
};

use crate::toy::{Answer, Toy};

/// A store that counts how often it is asked, and is away while it is told to be.
#[derive(Clone, Default)]
struct Counted {
    keys: Arc<InMemoryKeys>,
    finds: Arc<AtomicUsize>,
    is_away: Arc<AtomicUsize>,
}

impl KeyStore for Counted {
    async fn insert(&self, key: &ApiKey) -> Result<(), Failure> {
        self.keys.insert(key).await
    }

    async fn find(&self, id: &str) -> Result<Option<ApiKey>, Failure> {
        self.finds.fetch_add(1, Ordering::Relaxed);
        match self.is_away.load(Ordering::Relaxed) {
            0 => self.keys.find(id).await,
            _ => Err(Failure::message("the store is away")),
        }
    }

    async fn list(&self, tenant: &str) -> Result<Vec<ApiKey>, Failure> {
        self.keys.list(tenant).await
    }

    async fn revoke(&self, tenant: &str, id: &str, at: SystemTime) -> Result<bool, Failure> {
        self.keys.revoke(tenant, id, at).await
    }

    async fn used(&self, id: &str, at: SystemTime) -> Result<(), Failure> {
        self.keys.used(id, at).await
    }
}

/// An edge that takes keys, two bad ones an hour from an address, and a store that knows them.
struct Keyed {
    toy: Toy,
    keys: ApiKeys<Counted>,
    store: Counted,
    /// Keys that are nowhere kept, or no more.
    elsewhere: ApiKeys<InMemoryKeys>,
}

impl Keyed {
    fn new() -> Self {
        let store = Counted::default();
        let keys = ApiKeys::new(store.clone());
        let scheme = Scheme { name: "oidc", proof: Proof::Authorization("bearer") };
        let sent = keys.sent_by(scheme);
        let toy = Toy::with(|edge| edge.scheme("oidc", sent).guess_limit(Rate::new(2, 3600)));
        Self { toy, keys, store, elsewhere: ApiKeys::new(InMemoryKeys::default()) }
    }

    async fn good(&self) -> CreatedApiKey {
        self.keys.create(new()).await.unwrap()
    }

    async fn bad(&self) -> String {
        self.elsewhere.create(new()).await.unwrap().text
    }

    /// Asks from an address; the answer, and how often the store was asked for it.
    async fn ask(&self, from: &str, key: &str) -> (Answer, usize) {
        let before = self.store.finds.load(Ordering::Relaxed);
        let from: SocketAddr = format!("{from}:1").parse().unwrap();
        let request = Request::get("/v1/orders").extension(ConnectInfo(from));
        let request = request.header("authorization", format!("Bearer {key}"));
        let answer = self.toy.send_as_is(request.body(Body::empty()).unwrap()).await;
        (answer, self.store.finds.load(Ordering::Relaxed) - before)
    }
}

fn new() -> NewApiKey {
    let scopes = ["orders:read".to_owned()].into();
    NewApiKey { name: "till".into(), tenant: "acme".into(), scopes, lifetime: None }
}

#[tokio::test]
async fn who_guesses_is_looked_up_so_often_and_no_more() {
    let keyed = Keyed::new();
    let known = keyed.good().await.text;
    assert_eq!(keyed.ask("192.0.2.1", &known).await.0.status, 200);
    for _ in 0..2 {
        let (answer, finds) = keyed.ask("192.0.2.1", &keyed.bad().await).await;
        assert_eq!((answer.status.as_u16(), finds), (401, 1));
    }
    let (answer, finds) = keyed.ask("192.0.2.1", &keyed.bad().await).await;
    answer.problem(429, "rate-limited");
    let wait: u32 = answer.header("retry-after").parse().unwrap();
    assert!((1..=1800).contains(&wait), "{wait}");
    assert_eq!(finds, 0);
    // Who was known before is served as ever; who was not waits, and is served elsewhere.
    for _ in 0..3 {
        assert_eq!(keyed.ask("192.0.2.1", &known).await.0.status, 200);
    }
    let late = keyed.good().await.text;
    assert_eq!(keyed.ask("192.0.2.1", &late).await.0.status, 429);
    assert_eq!(keyed.ask("192.0.2.2", &late).await.0.status, 200);
    assert_eq!(keyed.ask("192.0.2.1", &late).await.0.status, 200);
    assert_eq!(keyed.ask("192.0.2.2", &keyed.bad().await).await.0.status, 401);
}

#[tokio::test]
async fn good_credentials_count_for_nobody_and_none_at_all_neither() {
    let keyed = Keyed::new();
    for _ in 0..5 {
        let key = keyed.good().await.text;
        assert_eq!(keyed.ask("192.0.2.1", &key).await.0.status, 200);
        let from: SocketAddr = "192.0.2.1:1".parse().unwrap();
        let request = Request::get("/v1/orders").extension(ConnectInfo(from));
        let answer = keyed.toy.send_as_is(request.body(Body::empty()).unwrap()).await;
        answer.problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn a_key_that_was_refused_is_not_looked_up_again() {
    let keyed = Keyed::new();
    let bad = keyed.bad().await;
    for (from, expected) in [("192.0.2.1", 1), ("192.0.2.1", 0), ("192.0.2.2", 0)] {
        let (answer, finds) = keyed.ask(from, &bad).await;
        answer.problem(401, "unauthenticated");
        assert_eq!(finds, expected);
    }
    let CreatedApiKey { key, text } = keyed.good().await;
    assert_eq!(keyed.ask("192.0.2.3", &text).await.0.status, 200);
    assert!(keyed.keys.revoke("acme", &key.id).await.unwrap());
    for expected in [1, 0] {
        let (answer, finds) = keyed.ask("192.0.2.3", &text).await;
        assert_eq!((answer.status.as_u16(), finds), (401, expected));
    }
    // It counts as a guess from then on.
    assert_eq!(keyed.ask("192.0.2.3", &keyed.bad().await).await.0.status, 429);
}

#[tokio::test]
async fn what_nobody_could_tell_is_looked_up_again() {
    let keyed = Keyed::new();
    let key = keyed.good().await.text;
    keyed.store.is_away.store(1, Ordering::Relaxed);
    keyed.ask("192.0.2.1", &key).await.0.problem(503, "unavailable");
    keyed.store.is_away.store(0, Ordering::Relaxed);
    assert_eq!(keyed.ask("192.0.2.1", &key).await.0.status, 200);
}
