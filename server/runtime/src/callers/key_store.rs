//! Where API keys are kept: a trait for whatever database there is, and a store in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::{ApiKey, Failure};

/// Keeps API keys. It never sees a secret, only its hash.
pub trait KeyStore: Send + Sync + 'static {
    /// Keeps a new key; its id is new.
    ///
    /// # Errors
    /// When it is not kept.
    fn insert(&self, key: &ApiKey) -> impl Future<Output = Result<(), Failure>> + Send;

    /// The key of this id, whosever it is, revoked or not.
    ///
    /// # Errors
    /// When nobody can tell: callers are answered with 503, not with 401.
    fn find(&self, id: &str) -> impl Future<Output = Result<Option<ApiKey>, Failure>> + Send;

    /// The keys of a tenant, the oldest first.
    ///
    /// # Errors
    /// When they cannot be read.
    fn list(&self, tenant: &str) -> impl Future<Output = Result<Vec<ApiKey>, Failure>> + Send;

    /// Ends a key of a tenant, unless that was done before; returns whether there is one.
    ///
    /// # Errors
    /// When it may still be good.
    fn revoke(
        &self,
        tenant: &str,
        id: &str,
        at: SystemTime,
    ) -> impl Future<Output = Result<bool, Failure>> + Send;

    /// Notes that a key was used.
    ///
    /// # Errors
    /// When it is not noted, which refuses nobody.
    fn used(&self, id: &str, at: SystemTime) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Keys that end with the process.
#[derive(Debug, Default)]
pub struct InMemoryKeys(Mutex<BTreeMap<String, ApiKey>>);

impl InMemoryKeys {
    fn keys(&self) -> MutexGuard<'_, BTreeMap<String, ApiKey>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeyStore for InMemoryKeys {
    async fn insert(&self, key: &ApiKey) -> Result<(), Failure> {
        self.keys().insert(key.id.clone(), key.clone());
        Ok(())
    }

    async fn find(&self, id: &str) -> Result<Option<ApiKey>, Failure> {
        Ok(self.keys().get(id).cloned())
    }

    async fn list(&self, tenant: &str) -> Result<Vec<ApiKey>, Failure> {
        let keys = self.keys();
        let mut found: Vec<_> = keys.values().filter(|key| key.tenant == tenant).cloned().collect();
        found.sort_by(|one, two| (one.created_at, &one.id).cmp(&(two.created_at, &two.id)));
        Ok(found)
    }

    async fn revoke(&self, tenant: &str, id: &str, at: SystemTime) -> Result<bool, Failure> {
        let mut keys = self.keys();
        let Some(key) = keys.get_mut(id).filter(|key| key.tenant == tenant) else {
            return Ok(false);
        };
        key.revoked_at.get_or_insert(at);
        Ok(true)
    }

    async fn used(&self, id: &str, at: SystemTime) -> Result<(), Failure> {
        if let Some(key) = self.keys().get_mut(id) {
            key.used_at = Some(at);
        }
        Ok(())
    }
}
