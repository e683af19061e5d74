//! A JSON Web Key Set (RFC 7517), and how long it is good: read again when it is old, or when a key
//! is named that is not in it.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::{Jwk, JwkSet};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::callers::key_source::{KeyError, Source};
use crate::monotonic::Monotonic;

/// How long keys are good until they are read again. What the answer with the keys says
/// (RFC 9111: `Cache-Control`, `Age`) is kept to within these limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// Between two reads, whatever is asked for: forged key ids must not become a stream of reads.
    pub pause: Duration,
    /// At least so long a set is good, and so long where nothing is said.
    pub least: Duration,
    /// At most so long: after it no key is good that its issuer has withdrawn.
    pub most: Duration,
}

impl Default for Freshness {
    /// Reads 10 seconds apart; good for 5 minutes to an hour.
    fn default() -> Self {
        Self {
            pause: Duration::from_secs(10),
            least: Duration::from_secs(5 * 60),
            most: Duration::from_secs(60 * 60),
        }
    }
}

/// Keys were never read, so that nothing can be said of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Away;

/// Keys by id. A clone is the same keys.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    source: Arc<Source>,
    freshness: Freshness,
    known: Arc<RwLock<Known>>,
    /// When the source was last asked; whoever holds the lock asks it now.
    asked_at: Arc<Mutex<Option<Instant>>>,
    clock: Monotonic,
}

/// The set as it was last read.
#[derive(Debug)]
struct Known {
    set: JwkSet,
    read_at: Option<Instant>,
    good_for: Duration,
    /// The source was asked since then, and did not answer.
    is_source_away: bool,
}

/// What to do with a set of some age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Age {
    /// Use it.
    Fresh,
    /// Use it, and read it again meanwhile.
    Due,
    /// Read it again before it is used.
    Stale,
}

impl Keys {
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        Ok(Self::new(Source::Fixed, serde_json::from_slice(bytes)?, Some(Instant::now())))
    }

    pub(crate) fn from_file(path: PathBuf) -> Result<Self, KeyError> {
        let set = serde_json::from_slice(&std::fs::read(&path)?)?;
        Ok(Self::new(Source::File(path), set, Some(Instant::now())))
    }

    /// The set is fetched on first use, so that a server starts while its issuer is away.
    pub(crate) fn from_url(url: &str) -> Result<Self, KeyError> {
        Ok(Self::new(Source::url(url)?, JwkSet { keys: Vec::new() }, None))
    }

    /// As [`Keys::from_url`], with the URL that the issuer's metadata names.
    pub(crate) fn from_issuer(issuer: &str) -> Result<Self, KeyError> {
        Ok(Self::new(Source::issuer(issuer)?, JwkSet { keys: Vec::new() }, None))
    }

    fn new(source: Source, set: JwkSet, read_at: Option<Instant>) -> Self {
        let freshness = Freshness::default();
        let known = Known { set, read_at, good_for: freshness.least, is_source_away: false };
        Self {
            source: Arc::new(source),
            freshness,
            known: Arc::new(RwLock::new(known)),
            asked_at: Arc::default(),
            clock: Monotonic::default(),
        }
    }

    pub(crate) fn freshness(self, freshness: Freshness) -> Self {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.good_for = freshness.least;
        drop(known);
        Self { freshness, ..self }
    }

    pub(crate) fn clock(self, clock: Monotonic) -> Self {
        Self { clock, ..self }
    }

    /// The key of this id. An issuer that does not answer takes no key away that is known.
    pub(crate) async fn find(&self, id: &str) -> Result<Option<Jwk>, Away> {
        match self.look(id) {
            (Some(key), Age::Fresh) => return Ok(Some(key)),
            (Some(key), Age::Due) => {
                if let Ok(turn) = Arc::clone(&self.asked_at).try_lock_owned() {
                    drop(self.ask(turn));
                }
                return Ok(Some(key));
            }
            (Some(_), Age::Stale) | (None, _) => {}
        }
        let turn = Arc::clone(&self.asked_at).lock_owned().await;
        // Somebody may have asked while this one waited.
        let (Some(key), Age::Fresh | Age::Due) = self.look(id) else {
            if let Some(asking) = self.ask(turn) {
                // In a task of its own: it goes on when this caller hangs up.
                drop(asking.await);
            }
            let key = self.look(id).0;
            return if self.is_read() { Ok(key) } else { Err(Away) };
        };
        Ok(Some(key))
    }

    /// Reads the set in a task of its own, where it was not read yet.
    pub(crate) fn prefetch(&self) {
        if !self.is_read()
            && let Ok(turn) = Arc::clone(&self.asked_at).try_lock_owned()
        {
            drop(self.ask(turn));
        }
    }

    fn look(&self, id: &str) -> (Option<Jwk>, Age) {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let age = match self.source.is_fixed() {
            true => Age::Fresh,
            false => known.age(self.clock.now()),
        };
        (known.set.find(id).cloned(), age)
    }

    fn is_read(&self) -> bool {
        self.known.read().unwrap_or_else(PoisonError::into_inner).read_at.is_some()
    }

    /// Reads the set again, unless that was done just now.
    fn ask(
        &self,
        mut turn: OwnedMutexGuard<Option<Instant>>,
    ) -> Option<tokio::task::JoinHandle<()>> {
        let now = self.clock.now();
        let is_soon = turn.is_some_and(|at| now.duration_since(at) < self.freshness.pause);
        if is_soon || self.source.is_fixed() {
            return None;
        }
        *turn = Some(now);
        let keys = self.clone();
        Some(tokio::spawn(async move {
            keys.read().await;
            drop(turn);
        }))
    }

    async fn read(&self) {
        let read = self.source.read(self.freshness, self.clock.now()).await;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok(read) => {
                let (least, most) = (self.freshness.least, self.freshness.most);
                let good_for = read.good_for.unwrap_or(least).max(least).min(most);
                let read_at = Some(self.clock.now());
                *known = Known { set: read.document, read_at, good_for, is_source_away: false };
            }
            Err(error) => {
                known.is_source_away = true;
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, source = %self.source, "keys could not be read");
            }
        }
    }
}

impl Known {
    fn age(&self, now: Instant) -> Age {
        match self.read_at.map(|at| now.duration_since(at)) {
            Some(age) if age < self.good_for / 4 * 3 => Age::Fresh,
            Some(age) if age < self.good_for || self.is_source_away => Age::Due,
            Some(_) | None => Age::Stale,
        }
    }
}
