//! How often an address may bring credentials that are refused: whether any are good may take a
//! read of a database, which nobody is to have for guessing.

use std::hash::{BuildHasher, DefaultHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::answers::problem;
use crate::callers::recent::Recent;
use crate::limits::rate_limits::{Buckets, whole_seconds};
use crate::{Rate, Reply, Taken};

/// How many addresses are known at once.
const ADDRESSES: usize = 100_000;
/// How many credentials are known to have been good, and for how long.
const KNOWN: usize = 20_000;
const KNOWN_FOR: Duration = Duration::from_secs(600);

/// Where a caller is; none where that is not known.
pub(crate) type Address = Option<IpAddr>;

/// The refused credentials of a router, by address.
///
/// Credentials that were good a short while ago are looked up whatever else comes from their
/// address: who shares it with somebody who guesses is served as ever. They are known by a hash
/// with keys of this process, which lets nobody in: they are looked up all the same.
pub(crate) struct Guesses {
    pub(crate) rate: Rate,
    state: Mutex<State>,
    hashes: RandomState,
    begun_at: Instant,
}

struct State {
    buckets: Buckets<Address>,
    known: Recent<u64>,
}

/// One attempt to be let in, until its outcome is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt {
    address: Address,
    credentials: u64,
    /// Whether these credentials were good lately, so that nothing was counted.
    is_known: bool,
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The credentials are good.
    Good,
    /// They are not.
    Refused,
    /// Nobody can tell now.
    Undecided,
}

impl Default for Guesses {
    fn default() -> Self {
        let known = Recent::new(KNOWN_FOR, KNOWN);
        let state = Mutex::new(State { buckets: Buckets::new(ADDRESSES), known });
        let (rate, hashes) = (Rate::new(600, 60), RandomState::new());
        Self { rate, state, hashes, begun_at: Instant::now() }
    }
}

impl Guesses {
    /// Begins the hash of credentials.
    pub(crate) fn hasher(&self) -> DefaultHasher {
        self.hashes.build_hasher()
    }

    /// Counts an attempt as refused, until it turns out good.
    pub(crate) fn begin(&self, address: Address, credentials: u64) -> Result<Attempt, Wait> {
        let (mut state, now) = (self.state(), Instant::now());
        let is_known = state.known.contains(&credentials, now.duration_since(self.begun_at));
        if !is_known && let Taken::Nothing { again_in } = state.count(address, self.rate, now) {
            return Err(Wait(again_in));
        }
        Ok(Attempt { address, credentials, is_known })
    }

    /// Takes note of what came of an attempt.
    pub(crate) fn end(&self, attempt: Attempt, outcome: Outcome) {
        let Attempt { address, credentials, is_known } = attempt;
        let (mut state, now) = (self.state(), Instant::now());
        match (outcome, is_known) {
            (Outcome::Good, false) => {
                state.buckets.give_back(&address, self.rate, now);
                state.known.insert(credentials, now.duration_since(self.begun_at));
            }
            (Outcome::Refused, true) => {
                state.known.remove(&credentials);
                state.count(address, self.rate, now);
            }
            (Outcome::Good, true) | (Outcome::Refused, false) | (Outcome::Undecided, _) => {}
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn count(&mut self, address: Address, rate: Rate, now: Instant) -> Taken {
        self.buckets.take(&address, || None, rate, now)
    }
}

/// An address has had so much refused that nothing from there is looked at for this long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wait(Duration);

impl Wait {
    /// What it is answered with.
    pub(crate) fn reply(self) -> Reply {
        let detail = "too many credentials from this address were refused";
        let reply = problem::reply(&problem::RATE_LIMITED, detail);
        reply.header("Retry-After", &whole_seconds(self.0))
    }
}
