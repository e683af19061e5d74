//! Answers to keyed requests, in the memory of one process.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, FutureExt, ready};
use symbolon_wire::idempotency::{Answer, Answers, Ended, Keyed, Known, Permit, Unanswered};

use crate::monotonic::Monotonic;

/// How many keys are known at once, unless it is said otherwise.
const CAPACITY: usize = 100_000;

/// Answers to keyed requests as long as the process lives: for one process, and for tests. What
/// must be known after a restart is in a database.
pub struct MemoryAnswers {
    known: Mutex<HashMap<(String, &'static str, String), Entry>>,
    capacity: usize,
    clock: Monotonic,
}

impl fmt::Debug for MemoryAnswers {
    /// Leaves out what was answered.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MemoryAnswers").finish_non_exhaustive()
    }
}

struct Entry {
    fingerprint: String,
    permit: i64,
    until: Instant,
    answer: Option<Answer>,
}

/// So many keys are known that none more can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} idempotency keys are known, which is as many as may be")]
pub struct TooManyKeys(usize);

impl Default for MemoryAnswers {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryAnswers {
    /// Knows 100,000 keys at once at most; requests under more are answered with 503.
    pub fn new() -> Self {
        Self { known: Mutex::default(), capacity: CAPACITY, clock: Monotonic::default() }
    }

    /// Knows so many keys at once at most.
    #[must_use]
    pub fn capacity(self, keys: usize) -> Self {
        Self { capacity: keys, ..self }
    }

    /// Reads the time elsewhere.
    #[must_use]
    pub fn clock(self, now: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        Self { clock: Monotonic::new(now), ..self }
    }

    fn look_up(&self, request: &Keyed, alone_for: Duration) -> Result<Known, TooManyKeys> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let until = now + alone_for;
        let key = (request.tenant.clone(), request.operation, request.key.clone());
        if let Some(entry) = known.get_mut(&key).filter(|entry| entry.until > now) {
            return Ok(match &entry.answer {
                _ if entry.fingerprint != request.fingerprint => Known::Reused,
                Some(answer) => Known::Answered(answer.clone()),
                None => Known::InFlight,
            });
        }
        let permit = known.get(&key).map_or(0, |entry| entry.permit) + 1;
        if known.len() >= self.capacity {
            known.retain(|_, entry| entry.until > now);
        }
        if known.len() >= self.capacity {
            return Err(TooManyKeys(known.len()));
        }
        let fingerprint = request.fingerprint.clone();
        known.insert(key, Entry { fingerprint, permit, until, answer: None });
        Ok(Known::Nothing(Permit(permit)))
    }

    fn settle(&self, request: &Keyed, permit: Permit, ended: Ended) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (request.tenant.clone(), request.operation, request.key.clone());
        let Some(entry) = known.get_mut(&key).filter(|entry| entry.permit == permit.0) else {
            return;
        };
        match ended {
            Ended::Done(answer, kept_for) => {
                entry.answer = Some(answer);
                entry.until = self.clock.now() + kept_for;
            }
            Ended::InVain => {
                known.remove(&key);
            }
        }
    }
}

impl Answers for MemoryAnswers {
    fn begin<'a>(
        &'a self,
        request: &'a Keyed,
        alone_for: Duration,
    ) -> BoxFuture<'a, Result<Known, Unanswered>> {
        ready(self.look_up(request, alone_for).map_err(Into::into)).boxed()
    }

    fn end<'a>(
        &'a self,
        request: &'a Keyed,
        permit: Permit,
        ended: Ended,
    ) -> BoxFuture<'a, Result<(), Unanswered>> {
        self.settle(request, permit, ended);
        ready(Ok(())).boxed()
    }
}
