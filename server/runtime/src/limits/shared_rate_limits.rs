//! Rates that several processes count together: each is allotted tokens in blocks, and spends them
//! without asking.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, FutureExt};
use tokio::sync::Mutex as AsyncMutex;

use crate::monotonic::Monotonic;
use crate::{Bucket, Failure, MemoryRateLimits, Rate, RateLimits, Taken};

/// A block is this part of a bucket, and one token at least.
const BLOCKS: u32 = 50;
/// A store that takes longer is as good as away.
const PATIENCE: Duration = Duration::from_millis(250);
/// A store that was away is not asked again for this long.
const PAUSE: Duration = Duration::from_secs(1);
/// So many buckets are counted together; those beyond are counted here alone.
const CAPACITY: usize = 10_000;

/// What a process was allotted of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allotment {
    /// How many tokens: as many as were wanted, fewer, or none.
    pub granted: u32,
    /// After how long the bucket is full again.
    pub full_in: Duration,
}

/// Where buckets are that processes share.
pub trait Allotments: Send + Sync + 'static {
    /// Takes up to so many tokens of a bucket.
    ///
    /// # Errors
    /// When it cannot be told how many were taken.
    fn allot<'a>(
        &'a self,
        bucket: &'a Bucket,
        rate: Rate,
        wanted: u32,
    ) -> BoxFuture<'a, Result<Allotment, Failure>>;
}

/// Rates of tenants, counted by all processes that share a store.
///
/// A process is allotted a fiftieth of a bucket at a time, so that one request in so many asks the
/// store. All together let through what the rate says and, each, at most one such block more. While
/// the store is away each goes on by what it has counted itself; callers without credentials are
/// counted so always, since nobody is to have a write for asking from many addresses.
pub struct SharedRateLimits<A> {
    store: A,
    local: MemoryRateLimits,
    shares: Mutex<HashMap<Bucket, Arc<AsyncMutex<Share>>>>,
    away_until: Mutex<Option<Instant>>,
    clock: Monotonic,
}

/// What this process has of a bucket.
#[derive(Debug, Clone, Copy)]
struct Share {
    tokens: u32,
    /// When the shared bucket is full again, as far as is known here.
    full_at: Instant,
    /// There is nothing to be had before.
    empty_until: Instant,
}

impl<A> fmt::Debug for SharedRateLimits<A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SharedRateLimits").finish_non_exhaustive()
    }
}

impl<A: Allotments> SharedRateLimits<A> {
    /// Rates that are counted in this store.
    pub fn new(store: A) -> Self {
        let (local, clock) = (MemoryRateLimits::new(), Monotonic::default());
        Self { store, local, shares: Mutex::default(), away_until: Mutex::default(), clock }
    }

    /// Reads the time elsewhere.
    #[must_use]
    pub fn clock(self, now: impl Fn() -> Instant + Clone + Send + Sync + 'static) -> Self {
        let local = self.local.clock(now.clone());
        Self { local, clock: Monotonic::new(now), ..self }
    }

    async fn take_shared(&self, bucket: &Bucket, rate: Rate) -> Result<Taken, Failure> {
        // What this process alone let through is known whatever becomes of the store.
        let counted = self.local.take(bucket, rate).await?;
        let (Taken::Token { .. }, Some(share)) = (counted, self.share(bucket)) else {
            return Ok(counted);
        };
        let mut share = share.lock().await;
        let now = self.clock.now();
        if share.tokens == 0 && share.empty_until <= now {
            let Some(allotment) = self.allot(bucket, rate).await else { return Ok(counted) };
            share.tokens = allotment.granted;
            share.full_at = now + allotment.full_in;
            if allotment.granted == 0 {
                let half = rate.interval() * block(rate).div_ceil(2);
                let over = (allotment.full_in + half).saturating_sub(rate.window());
                share.empty_until = now + over.max(rate.interval());
            }
        }
        if share.tokens == 0 {
            self.local.give_back(bucket, rate);
            return Ok(Taken::Nothing { again_in: share.empty_until.duration_since(now) });
        }
        share.tokens -= 1;
        let full_in = share.full_at.saturating_duration_since(now);
        let room = rate.window().saturating_sub(full_in).as_nanos();
        let room = room / rate.interval().as_nanos();
        let left = share.tokens.saturating_add(room.try_into().unwrap_or(u32::MAX));
        Ok(Taken::Token { left: left.min(rate.requests.saturating_sub(1)), full_in })
    }

    /// A block of a bucket; none while the store is away.
    async fn allot(&self, bucket: &Bucket, rate: Rate) -> Option<Allotment> {
        let away_until = *self.away_until.lock().unwrap_or_else(PoisonError::into_inner);
        if away_until.is_some_and(|until| self.clock.now() < until) {
            return None;
        }
        let allotting = self.store.allot(bucket, rate, block(rate));
        let failed = match tokio::time::timeout(PATIENCE, allotting).await {
            Ok(Ok(allotment)) => return Some(allotment),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it took too long".to_owned(),
        };
        tracing::warn!(error = failed, "rates are counted by each process for itself");
        let until = self.clock.now() + PAUSE;
        *self.away_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
        None
    }

    /// What is had of a bucket that is counted together.
    fn share(&self, bucket: &Bucket) -> Option<Arc<AsyncMutex<Share>>> {
        if !bucket.caller.starts_with("tenant:") {
            return None;
        }
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = shares.get(bucket) {
            return Some(Arc::clone(share));
        }
        let now = self.clock.now();
        if shares.len() >= CAPACITY {
            // Those of buckets that are full, and of nobody who is asking.
            shares.retain(|_, share| {
                share.try_lock().is_ok_and(|share| share.full_at > now)
                    || Arc::strong_count(share) > 1
            });
            if shares.len() >= CAPACITY {
                return None;
            }
        }
        let share = Share { tokens: 0, full_at: now, empty_until: now };
        let share = Arc::new(AsyncMutex::new(share));
        shares.insert(bucket.clone(), Arc::clone(&share));
        Some(share)
    }
}

/// How many tokens are asked for at once.
fn block(rate: Rate) -> u32 {
    (rate.requests / BLOCKS).max(1)
}

impl<A: Allotments> RateLimits for SharedRateLimits<A> {
    fn take<'a>(&'a self, bucket: &'a Bucket, rate: Rate) -> BoxFuture<'a, Result<Taken, Failure>> {
        self.take_shared(bucket, rate).boxed()
    }
}
