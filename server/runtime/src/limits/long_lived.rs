//! Answers that stay open, as streams and channels do: how many there are, and until when.
//!
//! Each holds a connection, so that all of them together must leave some for requests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::request::Parts;

use crate::answers::problem;
use crate::callers::authentication::{Schemes, Standing};
use crate::serving::Drain;
use crate::{Principal, Reply, Requirement};

/// A refused caller may find a place free after this many seconds.
const RETRY_AFTER_S: u64 = 5;
/// How many there may be where no server says how many connections it has.
const TOTAL: usize = 8_000;

/// The bounds of a router, and what is open under them.
#[derive(Debug)]
pub(crate) struct LongLived {
    /// How many a caller may have, counted as rates are: by tenant, or by address.
    pub(crate) per_caller: usize,
    /// How many there may be; four fifths of the server's connections unless it is said.
    pub(crate) total: Option<usize>,
    /// How often the credentials behind one are looked at again.
    pub(crate) recheck: Duration,
    open: Open,
}

impl Default for LongLived {
    fn default() -> Self {
        let (per_caller, recheck) = (1000, Duration::from_secs(30));
        Self { per_caller, total: None, recheck, open: Open::default() }
    }
}

/// By what a caller was let in, and is let stay.
pub(crate) struct Credentials {
    pub(crate) schemes: Arc<Schemes>,
    /// The alternatives of the `security` that the request met.
    pub(crate) security: Vec<Vec<Requirement>>,
    /// The request's head.
    pub(crate) request: Parts,
    pub(crate) principal: Principal,
}

/// Why an answer is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    /// The server is stopping.
    Stopping,
    /// The credentials it was opened with are good no more.
    Expired,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// The caller has as many as it may, which is so many.
    Caller(usize),
    /// All have.
    Total,
}

/// A place of one answer, until it is dropped.
pub(crate) struct Stay {
    credentials: Credentials,
    recheck: Duration,
    _place: Place,
}

impl LongLived {
    /// A place for an answer to `caller`, which names whom it counts for.
    pub(crate) fn enter(&self, caller: &str, credentials: Credentials) -> Result<Stay, Full> {
        let drain = credentials.request.extensions.get::<Drain>();
        let total = self.total.unwrap_or_else(|| drain.map_or(TOTAL, Drain::room));
        let place = self.open.enter(caller, self.per_caller, total)?;
        Ok(Stay { credentials, recheck: self.recheck, _place: place })
    }
}

impl Full {
    /// What it is answered with.
    pub(crate) fn reply(self) -> Reply {
        let (kind, detail) = match self {
            Self::Caller(limit) => {
                (&problem::RATE_LIMITED, format!("at most {limit} streams may be open"))
            }
            Self::Total => {
                let detail = "the server has as many streams open as it may; try again later";
                (&problem::UNAVAILABLE, detail.to_owned())
            }
        };
        problem::reply(kind, &detail).header("Retry-After", &RETRY_AFTER_S)
    }
}

impl Stay {
    /// Resolves when the answer is to end. A place is held for as long as this is.
    pub(crate) async fn over(self) -> Over {
        let drain = self.credentials.request.extensions.get::<Drain>().cloned();
        let stopping = async {
            match drain {
                Some(drain) => drain.begun().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = stopping => Over::Stopping,
            () = self.expired() => Over::Expired,
        }
    }

    /// Resolves when the credentials are good no more. While nobody can tell, they are.
    async fn expired(&self) {
        let Credentials { schemes, security, request, principal } = &self.credentials;
        let security: Vec<&[Requirement]> = security.iter().map(Vec::as_slice).collect();
        loop {
            tokio::time::sleep(self.recheck).await;
            match schemes.standing(&security, request, principal).await {
                Standing::Good | Standing::Undecided => {}
                Standing::Gone => break,
            }
        }
        tracing::info!("an open answer ends with the credentials of its caller");
    }
}

/// What is open, counted by caller. A clone is the same.
#[derive(Debug, Clone, Default)]
struct Open(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    total: usize,
    of_caller: HashMap<String, usize>,
}

struct Place {
    open: Open,
    caller: String,
}

impl Open {
    fn enter(&self, caller: &str, per_caller: usize, total: usize) -> Result<Place, Full> {
        let mut counts = self.counts();
        let of_caller = counts.of_caller.get(caller).copied().unwrap_or(0);
        if of_caller >= per_caller {
            return Err(Full::Caller(per_caller));
        }
        if counts.total >= total {
            return Err(Full::Total);
        }
        counts.total += 1;
        counts.of_caller.insert(caller.to_owned(), of_caller + 1);
        Ok(Place { open: self.clone(), caller: caller.to_owned() })
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.open.counts();
        counts.total -= 1;
        match counts.of_caller.get_mut(&self.caller) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) | None => drop(counts.of_caller.remove(&self.caller)),
        }
    }
}
