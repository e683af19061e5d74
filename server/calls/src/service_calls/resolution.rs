//! Resolves names for connections: the addresses that were judged are the ones connected to.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

use super::target::{Loopback, is_reachable};

/// How many names are looked up at once. Each holds a thread of the runtime's for blocking work, of
/// which commits need one too.
const LOOKUPS: usize = 64;

/// The addresses of a name, once they are known.
pub(crate) type Found = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

type Lookup = Arc<dyn Fn(String) -> Found + Send + Sync>;

/// Lets connections go to no address that is not allowed.
#[derive(Clone)]
pub(crate) struct Guarded {
    loopback: Loopback,
    lookup: Lookup,
}

impl fmt::Debug for Guarded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Guarded").field("loopback", &self.loopback).finish_non_exhaustive()
    }
}

/// Why a name leads nowhere.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResolveError {
    #[error("the name leads to an address that is not allowed")]
    Blocked,
    #[error("the name cannot be resolved")]
    Unknown(#[source] Option<io::Error>),
}

impl Guarded {
    /// Asks the system.
    pub(crate) fn new(loopback: Loopback) -> Self {
        let room = Arc::new(Semaphore::new(LOOKUPS));
        let lookup = move |name: String| -> Found {
            let room = Arc::clone(&room);
            Box::pin(async move {
                let place = room.acquire_owned().await.map_err(io::Error::other)?;
                let found = tokio::task::spawn_blocking(move || {
                    let found = (name.as_str(), 0).to_socket_addrs();
                    // Nobody can stop it: it keeps its place when its call has long ended.
                    drop(place);
                    found.map(|found| found.map(|address| address.ip()).collect())
                });
                found.await.map_err(io::Error::other)?
            })
        };
        Self::looking_up(loopback, Arc::new(lookup))
    }

    /// Asks somebody else.
    pub(crate) fn looking_up(loopback: Loopback, lookup: Lookup) -> Self {
        Self { loopback, lookup }
    }
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (loopback, found) = (self.loopback, (self.lookup)(name.as_str().to_owned()));
        Box::pin(async move {
            let found = found.await.map_err(|error| ResolveError::Unknown(Some(error)))?;
            if found.is_empty() {
                return Err(ResolveError::Unknown(None).into());
            }
            // One bad address is enough: a name that leads to both kinds is not to be trusted.
            if found.iter().any(|address| !is_reachable(*address, loopback)) {
                return Err(ResolveError::Blocked.into());
            }
            let found = found.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(found) as Addrs)
        })
    }
}
