//! A JSON Web Key Set (RFC 7517) and where it comes from; read again when an unknown key is named.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::{Jwk, JwkSet};
use tokio::sync::Mutex;

/// Forged key ids must not become a stream of reads.
const REREAD_AFTER: Duration = Duration::from_secs(10);
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a key set cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read.
    #[error("key set file cannot be read")]
    File(#[from] std::io::Error),
    /// The URL does not answer with a key set.
    #[error("key set URL cannot be fetched")]
    Url(#[from] reqwest::Error),
    /// The document is no key set.
    #[error("not a JSON Web Key Set")]
    Format(#[from] serde_json::Error),
}

#[derive(Debug)]
enum Source {
    Fixed,
    File(PathBuf),
    Url { client: reqwest::Client, url: String },
}

/// Keys by id.
#[derive(Debug)]
pub(crate) struct Keys {
    source: Source,
    set: RwLock<Arc<JwkSet>>,
    read_at: Mutex<Option<Instant>>,
}

impl Keys {
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        Ok(Self::new(Source::Fixed, serde_json::from_slice(bytes)?))
    }

    pub(crate) fn from_file(path: PathBuf) -> Result<Self, KeyError> {
        let set = serde_json::from_slice(&std::fs::read(&path)?)?;
        Ok(Self::new(Source::File(path), set))
    }

    /// The set is fetched on first use, so that a server starts while its issuer is away.
    pub(crate) fn from_url(url: String) -> Result<Self, KeyError> {
        let client = reqwest::Client::builder().timeout(FETCH_TIMEOUT).build()?;
        Ok(Self::new(Source::Url { client, url }, JwkSet { keys: Vec::new() }))
    }

    fn new(source: Source, set: JwkSet) -> Self {
        Self { source, set: RwLock::new(Arc::new(set)), read_at: Mutex::new(None) }
    }

    /// The key of this id; the source is read again if it is not known yet.
    pub(crate) async fn find(&self, id: &str) -> Option<Jwk> {
        if let Some(key) = self.known(id) {
            return Some(key);
        }
        if matches!(self.source, Source::Fixed) {
            return None;
        }
        let mut read_at = self.read_at.lock().await;
        if let Some(key) = self.known(id) {
            return Some(key);
        }
        if read_at.is_some_and(|at| at.elapsed() < REREAD_AFTER) {
            return None;
        }
        *read_at = Some(Instant::now());
        match self.read().await {
            Ok(Some(set)) => {
                *self.set.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(set);
            }
            Ok(None) => {}
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "key set could not be read again");
            }
        }
        self.known(id)
    }

    fn known(&self, id: &str) -> Option<Jwk> {
        self.set.read().unwrap_or_else(PoisonError::into_inner).find(id).cloned()
    }

    async fn read(&self) -> Result<Option<JwkSet>, KeyError> {
        let bytes = match &self.source {
            Source::Fixed => return Ok(None),
            Source::File(path) => tokio::fs::read(path).await?,
            Source::Url { client, url } => {
                let response = client.get(url).send().await?.error_for_status()?;
                response.bytes().await?.to_vec()
            }
        };
        Ok(Some(serde_json::from_slice(&bytes)?))
    }
}
