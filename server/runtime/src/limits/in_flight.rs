//! At most one request at a time under one idempotency key.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

type Key = (String, &'static str, String);

/// The keys whose requests are being processed by this process.
///
/// A store that remembers outcomes must guard across processes; this guard spares it the traffic.
#[derive(Debug, Clone, Default)]
pub struct InFlight(Arc<Mutex<HashSet<Key>>>);

impl InFlight {
    /// Takes a key until the guard is dropped; `None` while another request holds it.
    pub fn enter(&self, tenant: &str, operation: &'static str, key: &str) -> Option<InFlightGuard> {
        let key = (tenant.to_owned(), operation, key.to_owned());
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entered = keys.insert(key.clone());
        entered.then(|| InFlightGuard { keys: self.clone(), key })
    }
}

/// Holds a key; dropping it lets the next request in.
#[derive(Debug)]
pub struct InFlightGuard {
    keys: InFlight,
    key: Key,
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.keys.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}
