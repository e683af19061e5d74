//! API keys: made, shown once, recognised by their hash, revoked.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::request::Parts;

use crate::callers::api_key;
use crate::callers::recent::Recent;
use crate::{Authenticate, Failure, KeyStore, Principal, Scheme, Unauthenticated};

/// The last use of a key is noted no more often than this.
const NOTED: Duration = Duration::from_secs(60);
/// A key that was refused is not looked up again for so long, if it is one of the last so many.
const BAD_FOR: Duration = Duration::from_secs(60);
const BAD: usize = 10_000;

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Names the key, in it and elsewhere: 16 hexadecimal digits.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// Whom it speaks for.
    pub tenant: String,
    /// What it may do.
    pub scopes: BTreeSet<String>,
    /// SHA-256 of the secret, which is nowhere else.
    pub secret_hash: [u8; 32],
    /// When it was made.
    pub created_at: SystemTime,
    /// From when on it is good no more.
    pub expires_at: Option<SystemTime>,
    /// When somebody ended it.
    pub revoked_at: Option<SystemTime>,
    /// When it was last used, to the minute.
    pub used_at: Option<SystemTime>,
}

/// What a new key is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApiKey {
    /// What its owner calls it.
    pub name: String,
    /// Whom it speaks for.
    pub tenant: String,
    /// What it may do.
    pub scopes: BTreeSet<String>,
    /// How long it is good; for good if none.
    pub lifetime: Option<Duration>,
}

/// A key that was just made.
#[derive(Clone, PartialEq, Eq)]
pub struct CreatedApiKey {
    /// What is known of it.
    pub key: ApiKey,
    /// The key itself, to be shown once.
    pub text: String,
}

impl fmt::Debug for CreatedApiKey {
    /// Leaves the key itself out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CreatedApiKey").field("key", &self.key).finish_non_exhaustive()
    }
}

/// A key as it is remembered: its id, and the hash of its secret.
type Tried = (u64, [u8; 32]);

type Now = dyn Fn() -> SystemTime + Send + Sync;

/// The keys of a store. A clone is the same keys.
pub struct ApiKeys<S> {
    store: Arc<S>,
    now: Arc<Now>,
    /// When the use of a key was last noted. Only good keys get in here.
    noted: Arc<Mutex<BTreeMap<String, SystemTime>>>,
    /// What is no key, or no good one any more: it will not become one.
    bad: Arc<Mutex<Recent<Tried>>>,
}

impl<S> fmt::Debug for ApiKeys<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ApiKeys").finish_non_exhaustive()
    }
}

impl<S> Clone for ApiKeys<S> {
    fn clone(&self) -> Self {
        let Self { store, now, noted, bad } = self;
        let (store, now) = (Arc::clone(store), Arc::clone(now));
        Self { store, now, noted: Arc::clone(noted), bad: Arc::clone(bad) }
    }
}

impl<S: KeyStore> ApiKeys<S> {
    /// Keys kept in a store.
    pub fn new(store: S) -> Self {
        let now = Arc::new(SystemTime::now);
        let bad = Arc::new(Mutex::new(Recent::new(BAD_FOR, BAD)));
        Self { store: Arc::new(store), now, noted: Arc::default(), bad }
    }

    /// The same by another clock.
    #[must_use]
    pub fn clock(self, now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self { now: Arc::new(now), ..self }
    }

    /// Makes a key. Its text is nowhere but in what is returned.
    ///
    /// # Errors
    /// When the machine has no chance to offer, or the key is not kept.
    pub async fn create(&self, new: NewApiKey) -> Result<CreatedApiKey, Failure> {
        let (mut id, mut secret) = ([0; 8], [0; 32]);
        let filled =
            aws_lc_rs::rand::fill(&mut id).and_then(|()| aws_lc_rs::rand::fill(&mut secret));
        filled.map_err(|_| Failure::message("no randomness"))?;
        let (id, text, secret_hash) = api_key::compose(id, secret);
        let created_at = (self.now)();
        let NewApiKey { name, tenant, scopes, lifetime } = new;
        let key = ApiKey {
            id,
            name,
            tenant,
            scopes,
            secret_hash,
            created_at,
            // One that outlives the clock never ends.
            expires_at: lifetime.and_then(|lifetime| created_at.checked_add(lifetime)),
            revoked_at: None,
            used_at: None,
        };
        self.store.insert(&key).await?;
        Ok(CreatedApiKey { key, text })
    }

    /// The keys of a tenant, the oldest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn list(&self, tenant: &str) -> Result<Vec<ApiKey>, Failure> {
        self.store.list(tenant).await
    }

    /// Ends a key of a tenant at once; returns whether there is one.
    ///
    /// # Errors
    /// When it may still be good.
    pub async fn revoke(&self, tenant: &str, id: &str) -> Result<bool, Failure> {
        self.store.revoke(tenant, id, (self.now)()).await
    }

    /// The caller a key speaks for: the subject is `key:` and its id.
    ///
    /// # Errors
    /// When there is no such key, it is good no more, or nobody can tell.
    pub async fn verify(&self, text: &str) -> Result<Principal, Unauthenticated> {
        let parts = api_key::parse(text).ok_or(invalid("key is malformed"))?;
        let now = (self.now)();
        let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let tried = (parts.number(), parts.hash);
        if self.bad().contains(&tried, since) {
            return Err(invalid("key was refused a short while ago"));
        }
        let verdict = self.look_up(&parts, now).await;
        if let Err(Unauthenticated::Invalid { .. }) = verdict {
            self.bad().insert(tried, since);
        }
        verdict
    }

    fn bad(&self) -> MutexGuard<'_, Recent<Tried>> {
        self.bad.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn look_up(
        &self,
        parts: &api_key::Parts<'_>,
        now: SystemTime,
    ) -> Result<Principal, Unauthenticated> {
        let found = self.store.find(parts.id).await.map_err(|error| {
            tracing::warn!(%error, "API keys cannot be read");
            Unauthenticated::Undecided { reason: "keys cannot be read" }
        })?;
        let known = found.filter(|key| api_key::is_same(&key.secret_hash, &parts.hash));
        let key = known.ok_or(invalid("there is no such key"))?;
        if key.revoked_at.is_some() {
            return Err(invalid("key was revoked"));
        }
        if key.expires_at.is_some_and(|at| at <= now) {
            return Err(invalid("key has expired"));
        }
        self.note(&key, now).await;
        Ok(Principal { subject: format!("key:{}", key.id), tenant: key.tenant, scopes: key.scopes })
    }

    /// Recognises callers by the keys they send where a scheme of the contract says: a header, or
    /// `Authorization: Bearer`.
    pub fn sent_by(&self, scheme: Scheme) -> impl Authenticate {
        let keys = self.clone();
        scheme.verified_by(move |given| {
            let keys = keys.clone();
            async move { keys.verify(&given.secret).await }
        })
    }

    /// Recognises the bearers of keys, and leaves all others to somebody else: for a scheme `http`
    /// `bearer` that takes keys and tokens.
    pub fn or(&self, others: impl Authenticate) -> impl Authenticate {
        KeysOr { keys: self.clone(), others }
    }

    /// Notes the use of a good key; whoever waits for that waits once a minute.
    async fn note(&self, key: &ApiKey, now: SystemTime) {
        {
            let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
            let last = noted.get(&key.id).copied().or(key.used_at);
            let is_recent = |at: SystemTime| now.duration_since(at).is_ok_and(|age| age < NOTED);
            if last.is_some_and(is_recent) {
                return;
            }
            noted.insert(key.id.clone(), now);
        }
        if let Err(error) = self.store.used(&key.id, now).await {
            tracing::warn!(%error, key = key.id, "the use of a key is not noted");
        }
    }
}

/// Keys, and what else may stand after `Bearer`.
struct KeysOr<S, A> {
    keys: ApiKeys<S>,
    others: A,
}

impl<S: KeyStore, A: Authenticate> Authenticate for KeysOr<S, A> {
    fn authenticate<'a>(
        &'a self,
        request: &'a Parts,
    ) -> BoxFuture<'a, Result<Option<Principal>, Unauthenticated>> {
        Box::pin(async move {
            let mut lines = request.headers.get_all(AUTHORIZATION).iter();
            let (Some(line), None) = (lines.next(), lines.next()) else {
                return self.others.authenticate(request).await;
            };
            let text = line.to_str().unwrap_or_default().trim();
            let (scheme, given) = text.split_once(' ').unwrap_or((text, ""));
            match scheme.eq_ignore_ascii_case("bearer") && api_key::is_meant(given.trim()) {
                true => self.keys.verify(given.trim()).await.map(Some),
                false => self.others.authenticate(request).await,
            }
        })
    }

    fn given<'a>(&self, request: &'a Parts) -> Option<Cow<'a, [u8]>> {
        match request.headers.get(AUTHORIZATION) {
            Some(line) => Some(line.as_bytes().into()),
            None => self.others.given(request),
        }
    }

    fn challenge(&self) -> Cow<'static, str> {
        self.others.challenge()
    }
}

fn invalid(reason: &'static str) -> Unauthenticated {
    Unauthenticated::Invalid { reason }
}
