//! How often callers may ask: a token bucket for each of them.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::ConnectInfo;
use futures_util::future::{BoxFuture, FutureExt, ready};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::answers::problem;
use crate::monotonic::Monotonic;
use crate::{Failure, Info, Principal, Reply};

/// How many buckets are known at once, unless it is said otherwise.
const CAPACITY: usize = 100_000;
/// Buckets that are full again are looked for no more often than this.
const SWEEP: Duration = Duration::from_secs(1);

/// How often a caller may ask. A bucket holds `requests` tokens; each request takes one, and an
/// empty bucket is full again after `window_s` seconds, token by token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// So many requests at once, and in a window on average; 1 at least.
    pub requests: u32,
    /// How long a window is, in seconds; 1 at least.
    pub window_s: u32,
}

impl Rate {
    /// So many requests in so many seconds.
    pub const fn new(requests: u32, window_s: u32) -> Self {
        Self { requests, window_s }
    }

    pub(crate) fn window(self) -> Duration {
        Duration::from_secs(self.window_s.max(1).into())
    }

    /// After this long a token comes back.
    pub(crate) fn interval(self) -> Duration {
        (self.window() / self.requests.max(1)).max(Duration::from_nanos(1))
    }
}

/// Whose requests are counted together, and under what rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bucket {
    /// The operation whose own rate it is, or `default`.
    pub policy: &'static str,
    /// `tenant:` and the tenant, or `address:` and where an anonymous caller is.
    pub caller: String,
}

/// What came of taking a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// There was one.
    Token {
        /// How many are left.
        left: u32,
        /// When the bucket is full again.
        full_in: Duration,
    },
    /// There was none.
    Nothing {
        /// When there will be one.
        again_in: Duration,
    },
}

/// Where tokens are counted. What several processes are to count together is counted in a store
/// that they share.
pub trait RateLimits: Send + Sync + 'static {
    /// Takes a token. Where it fails the request goes on uncounted: a store that is away must not
    /// take the server with it.
    fn take<'a>(&'a self, bucket: &'a Bucket, rate: Rate) -> BoxFuture<'a, Result<Taken, Failure>>;
}

/// Buckets in the memory of one process, bounded: callers beyond the bound share one.
pub struct MemoryRateLimits {
    buckets: Mutex<Buckets<Bucket>>,
    clock: Monotonic,
}

/// When each bucket is full again.
pub(crate) struct Buckets<K> {
    full_at: HashMap<K, Instant>,
    swept_at: Option<Instant>,
    capacity: usize,
}

impl fmt::Debug for MemoryRateLimits {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MemoryRateLimits").finish_non_exhaustive()
    }
}

impl Default for MemoryRateLimits {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryRateLimits {
    /// Knows 100,000 buckets at once at most.
    pub fn new() -> Self {
        Self { buckets: Mutex::new(Buckets::new(CAPACITY)), clock: Monotonic::default() }
    }

    /// Knows so many buckets at once at most.
    #[must_use]
    pub fn capacity(self, buckets: usize) -> Self {
        Self { buckets: Mutex::new(Buckets::new(buckets)), ..self }
    }

    /// Reads the time elsewhere.
    #[must_use]
    pub fn clock(self, now: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        Self { clock: Monotonic::new(now), ..self }
    }

    /// Gives back a token that was taken.
    pub(crate) fn give_back(&self, bucket: &Bucket, rate: Rate) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.give_back(bucket, rate, self.clock.now());
    }

    fn take_now(&self, bucket: &Bucket, rate: Rate) -> Taken {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = || Bucket { policy: bucket.policy, caller: String::new() };
        buckets.take(bucket, shared, rate, self.clock.now())
    }
}

impl<K: Clone + Eq + Hash> Buckets<K> {
    /// No buckets yet, and so many at once at most.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { full_at: HashMap::new(), swept_at: None, capacity }
    }

    /// Takes a token of a bucket, or of the one that those share for which there is no room.
    pub(crate) fn take(
        &mut self,
        bucket: &K,
        shared: impl FnOnce() -> K,
        rate: Rate,
        now: Instant,
    ) -> Taken {
        if let Some(full_at) = self.full_at.get_mut(bucket) {
            return take(full_at, rate, now);
        }
        if self.full_at.len() >= self.capacity {
            self.sweep(now);
        }
        let bucket = if self.full_at.len() < self.capacity { bucket.clone() } else { shared() };
        take(self.full_at.entry(bucket).or_insert(now), rate, now)
    }

    /// Gives a token back that was taken.
    pub(crate) fn give_back(&mut self, bucket: &K, rate: Rate, now: Instant) {
        if let Some(full_at) = self.full_at.get_mut(bucket) {
            *full_at = full_at.checked_sub(rate.interval()).unwrap_or(*full_at);
            if *full_at <= now {
                self.full_at.remove(bucket);
            }
        }
    }

    /// Forgets the buckets that are full.
    fn sweep(&mut self, now: Instant) {
        let is_recent = |at: Instant| now.saturating_duration_since(at) < SWEEP;
        if !self.swept_at.is_some_and(is_recent) {
            self.full_at.retain(|_, full_at| *full_at > now);
            self.swept_at = Some(now);
        }
    }
}

/// Takes a token of a bucket: it is full a little later then, and never later than after a window.
fn take(full_at: &mut Instant, rate: Rate, now: Instant) -> Taken {
    let (window, interval) = (rate.window(), rate.interval());
    let full_in = full_at.saturating_duration_since(now) + interval;
    match full_in.checked_sub(window).filter(|over| !over.is_zero()) {
        Some(again_in) => Taken::Nothing { again_in },
        None => {
            *full_at = now + full_in;
            let left = (window - full_in).as_nanos() / interval.as_nanos();
            Taken::Token { left: left.try_into().unwrap_or(u32::MAX), full_in }
        }
    }
}

impl RateLimits for MemoryRateLimits {
    fn take<'a>(&'a self, bucket: &'a Bucket, rate: Rate) -> BoxFuture<'a, Result<Taken, Failure>> {
        ready(Ok(self.take_now(bucket, rate))).boxed()
    }
}

/// The rates of a router.
#[derive(Clone)]
pub(crate) struct Rates {
    pub(crate) limits: Arc<dyn RateLimits>,
    /// For operations without a rate of their own.
    pub(crate) default: Option<Rate>,
    /// How many proxies stand in front, each of which adds whom it speaks for.
    pub(crate) proxies: usize,
}

impl Default for Rates {
    fn default() -> Self {
        Self { limits: Arc::new(MemoryRateLimits::new()), default: None, proxies: 0 }
    }
}

impl Rates {
    /// Counts a request of a caller, nobody's by address; `Err` is its answer. What is to be told
    /// of the rate is added to `headers` (draft-ietf-httpapi-ratelimit-headers).
    pub(crate) async fn count(
        &self,
        info: &Info,
        caller: &Principal,
        request: &Parts,
        headers: &mut HeaderMap,
    ) -> Result<(), Reply> {
        let (policy, rate) = match (info.rate_limit, self.default) {
            (Some(rate), _) => (info.id, rate),
            (None, Some(rate)) => ("default", rate),
            (None, None) => return Ok(()),
        };
        let caller = self.caller(caller, request);
        let taken = match self.limits.take(&Bucket { policy, caller }, rate).await {
            Ok(taken) => taken,
            Err(error) => {
                tracing::warn!(%error, "a request is not counted");
                return Ok(());
            }
        };
        let (left, wait) = match taken {
            Taken::Token { left, full_in } => (left, full_in),
            Taken::Nothing { again_in } => (0, again_in),
        };
        let Rate { requests, window_s } = rate;
        set(headers, "ratelimit-policy", format!("\"{policy}\";q={requests};w={window_s}"));
        set(headers, "ratelimit", format!("\"{policy}\";r={left};t={}", whole_seconds(wait)));
        match taken {
            Taken::Token { .. } => Ok(()),
            Taken::Nothing { again_in } => {
                let detail = format!("{requests} requests are let in every {window_s} seconds");
                let reply = problem::reply(&problem::RATE_LIMITED, &detail);
                Err(reply.header("Retry-After", &whole_seconds(again_in)))
            }
        }
    }

    /// Whose requests are counted together: those of a tenant, nobody's by address.
    pub(crate) fn caller(&self, caller: &Principal, request: &Parts) -> String {
        match caller.tenant.as_str() {
            "" => {
                let address = self.address(request).map(|address| address.to_string());
                format!("address:{}", address.unwrap_or_default())
            }
            tenant => format!("tenant:{tenant}"),
        }
    }

    /// Where a caller is: a network of 64 bits for IPv6, since who has one address has them all.
    pub(crate) fn address(&self, request: &Parts) -> Option<IpAddr> {
        let peer = request.extensions.get::<ConnectInfo<SocketAddr>>();
        let address = self.told(&request.headers).or(peer.map(|peer| peer.0.ip()))?;
        Some(match address.to_canonical() {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => {
                Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
            }
        })
    }

    /// Whom the outermost of the proxies in front speaks for. What stands before it is what the
    /// caller says.
    fn told(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let back = self.proxies.checked_sub(1)?;
        let lines = headers.get_all("x-forwarded-for").iter();
        let texts = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
        let texts: Vec<&str> = texts.collect();
        texts.iter().rev().nth(back)?.trim().parse().ok()
    }
}

/// Seconds, and one more for a part of one: who comes back then is let in.
pub(crate) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

fn set(headers: &mut HeaderMap, name: &'static str, value: String) {
    if let Ok(value) = HeaderValue::from_str(&value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}
