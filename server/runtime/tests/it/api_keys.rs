//! API keys as their owners and their callers see them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use http::Request;
use symbolon_server::{
    ApiKey, ApiKeys, CreatedApiKey, DevelopmentIdentity, Failure, InMemoryKeys, KeyStore,
    NewApiKey, Proof, Scheme, Unauthenticated,
};

use crate::log;
use crate::toy::{Answer, Toy};

fn wanted(name: &str, scopes: &[&str], lifetime: Option<u64>) -> NewApiKey {
    NewApiKey {
        name: name.to_owned(),
        tenant: "acme".to_owned(),
        scopes: scopes.iter().map(ToString::to_string).collect(),
        lifetime: lifetime.map(Duration::from_secs),
    }
}

async fn call(toy: &Toy, header: &str, value: &str) -> Answer {
    let request = Request::get("/v1/orders").header(header, value);
    toy.send_as_is(request.body(Body::empty()).unwrap()).await
}

/// A clock that tests move, in seconds.
fn clock() -> (Arc<AtomicU64>, impl Fn() -> SystemTime + Send + Sync + 'static) {
    let seconds = Arc::new(AtomicU64::new(1_000_000));
    let read = Arc::clone(&seconds);
    (seconds, move || UNIX_EPOCH + Duration::from_secs(read.load(Ordering::SeqCst)))
}

#[tokio::test]
async fn a_key_lets_its_bearer_in_until_it_ends() {
    let (seconds, now) = clock();
    let keys = ApiKeys::new(InMemoryKeys::default()).clock(now);
    let CreatedApiKey { key, text } =
        keys.create(wanted("till", &["orders:read"], Some(600))).await.unwrap();
    assert!(text.starts_with(&format!("sym_{}_", key.id)), "{text}");
    let principal = keys.verify(&text).await.unwrap();
    assert_eq!(principal.subject, format!("key:{}", key.id));
    assert_eq!(principal.tenant(), "acme");
    assert!(principal.has_scope("orders:read") && !principal.has_scope("orders:write"));

    seconds.fetch_add(599, Ordering::SeqCst);
    keys.verify(&text).await.unwrap();
    seconds.fetch_add(1, Ordering::SeqCst);
    assert_eq!(keys.verify(&text).await.unwrap_err().reason(), "key has expired");

    let CreatedApiKey { key, text } = keys.create(wanted("for good", &[], None)).await.unwrap();
    seconds.fetch_add(1 << 30, Ordering::SeqCst);
    keys.verify(&text).await.unwrap();
    assert!(!keys.revoke("globex", &key.id).await.unwrap(), "it is another tenant's");
    keys.verify(&text).await.unwrap();
    assert!(keys.revoke("acme", &key.id).await.unwrap());
    assert_eq!(keys.verify(&text).await.unwrap_err().reason(), "key was revoked");
    let names: Vec<_> = keys.list("acme").await.unwrap().into_iter().map(|key| key.name).collect();
    assert_eq!(names, ["till", "for good"]);
    assert_eq!(keys.list("globex").await.unwrap(), []);
}

#[tokio::test]
async fn the_last_use_is_known_to_the_minute() {
    let (seconds, now) = clock();
    let keys = ApiKeys::new(InMemoryKeys::default()).clock(now);
    let CreatedApiKey { key, text } = keys.create(wanted("till", &[], None)).await.unwrap();
    let used_at = async || keys.list("acme").await.unwrap()[0].used_at;
    assert_eq!((key.used_at, used_at().await), (None, None));
    keys.verify(&text).await.unwrap();
    let first = used_at().await.unwrap();
    assert_eq!(first, key.created_at);
    seconds.fetch_add(59, Ordering::SeqCst);
    keys.verify(&text).await.unwrap();
    assert_eq!(used_at().await, Some(first));
    seconds.fetch_add(1, Ordering::SeqCst);
    keys.verify(&text).await.unwrap();
    assert_eq!(used_at().await, Some(first + Duration::from_secs(60)));
}

#[tokio::test]
async fn keys_come_in_a_header_or_beside_tokens() {
    const HEADER: Scheme = Scheme { name: "apiKey", proof: Proof::HeaderKey("X-Api-Key") };
    let keys = ApiKeys::new(InMemoryKeys::default());
    let reads = keys.create(wanted("reads", &["orders:read"], None)).await.unwrap();
    let idle = keys.create(wanted("idle", &[], None)).await.unwrap();
    let toy = Toy::with(|edge| edge.scheme("oidc", keys.sent_by(HEADER)));
    assert_eq!(call(&toy, "x-api-key", &reads.text).await.status, 200);
    call(&toy, "x-api-key", &idle.text).await.problem(403, "forbidden");
    let nobody = call(&toy, "x-other", "").await;
    nobody.problem(401, "unauthenticated");
    assert_eq!(nobody.header("www-authenticate"), "ApiKey in=\"header\", name=\"X-Api-Key\"");

    let folder = tempfile::tempdir().unwrap();
    let identity = DevelopmentIdentity::open(folder.path(), "http://issuer.test", "toy").unwrap();
    let both = keys.or(identity.authenticator().unwrap());
    let toy = Toy::with(|edge| edge.scheme("oidc", both));
    assert_eq!(call(&toy, "authorization", &format!("bearer {}", reads.text)).await.status, 200);
    let grant = symbolon_server::Grant {
        subject: "ada".to_owned(),
        tenant: "acme".to_owned(),
        scopes: vec!["orders:read".to_owned()],
        lifetime: Duration::from_secs(60),
    };
    let token = identity.mint(&grant).unwrap();
    assert_eq!(call(&toy, "authorization", &format!("Bearer {token}")).await.status, 200);
}

/// What is refused, and that nothing of it is logged or told.
#[tokio::test]
async fn what_is_no_key_gets_nobody_in() {
    let keys = ApiKeys::new(InMemoryKeys::default());
    let [one, two] = ["one", "two"].map(|name| wanted(name, &["orders:read"], None));
    let (one, two) = (keys.create(one).await.unwrap(), keys.create(two).await.unwrap());
    let unknown = ApiKeys::new(InMemoryKeys::default());
    let unknown = unknown.create(wanted("elsewhere", &["orders:read"], None)).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let identity = DevelopmentIdentity::open(folder.path(), "http://issuer.test", "toy").unwrap();
    let toy = Toy::with(|edge| edge.scheme("oidc", keys.or(identity.authenticator().unwrap())));
    log::clear();
    let tried = [
        ("of another store", unknown.text.clone()),
        ("secret of another key", one.text.replace(&one.key.id, &two.key.id)),
        ("a checksum less", one.text[..one.text.len() - 8].to_owned()),
        ("in capitals", one.text.to_uppercase().replace("SYM_", "sym_")),
        ("its hash", format!("sym_{}_{:02x?}", one.key.id, one.key.secret_hash)),
        ("twice", format!("{} {}", one.text, one.text)),
        ("long", format!("sym_{}", "0".repeat(1 << 16))),
        ("nothing", "sym_".to_owned()),
    ];
    for (name, text) in &tried {
        let answer = call(&toy, "authorization", &format!("Bearer {text}")).await;
        answer.problem(401, "unauthenticated");
        assert_eq!(answer.header("www-authenticate"), "Bearer error=\"invalid_token\"", "{name}");
        let secret = &text[text.len().saturating_sub(30)..];
        assert!(secret.len() < 8 || !log::text().contains(secret), "{name}");
    }
    let made = format!("{one:?}");
    assert!(!made.contains(&one.text[30..]), "{made}");
}

/// A store that is away for a while.
#[derive(Default)]
struct Moody {
    keys: InMemoryKeys,
    is_away: Arc<AtomicBool>,
}

impl Moody {
    fn answers(&self) -> Result<(), Failure> {
        match self.is_away.load(Ordering::SeqCst) {
            true => Err(Failure::message("the store is away")),
            false => Ok(()),
        }
    }
}

impl KeyStore for Moody {
    async fn insert(&self, key: &ApiKey) -> Result<(), Failure> {
        self.keys.insert(key).await
    }

    async fn find(&self, id: &str) -> Result<Option<ApiKey>, Failure> {
        self.answers()?;
        self.keys.find(id).await
    }

    async fn list(&self, tenant: &str) -> Result<Vec<ApiKey>, Failure> {
        self.keys.list(tenant).await
    }

    async fn revoke(&self, tenant: &str, id: &str, at: SystemTime) -> Result<bool, Failure> {
        self.keys.revoke(tenant, id, at).await
    }

    async fn used(&self, _: &str, _: SystemTime) -> Result<(), Failure> {
        Err(Failure::message("notes are not taken"))
    }
}

#[tokio::test]
async fn a_store_that_is_away_refuses_nobody_for_good() {
    let store = Moody::default();
    let is_away = Arc::clone(&store.is_away);
    let keys = ApiKeys::new(store);
    let key = keys.create(wanted("till", &[], None)).await.unwrap();
    keys.verify(&key.text).await.unwrap();
    is_away.store(true, Ordering::SeqCst);
    let undecided = keys.verify(&key.text).await.unwrap_err();
    assert!(matches!(undecided, Unauthenticated::Undecided { .. }), "{undecided:?}");
    assert_eq!(keys.verify("sym_0").await.unwrap_err().reason(), "key is malformed");
}
