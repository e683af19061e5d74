//! Time and identifiers come from here, so that a test can hold them in its hand.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use uuid::{Builder, ContextV7, Uuid};

use crate::tasks;

/// How long the system clock sleeps at most before it looks again: wall clocks are stepped.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// What [`Clock::sleep_until`] returns.
pub type Sleep<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Where the kernel reads the time.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time now, UTC.
    fn now(&self) -> Timestamp;

    /// Completes when [`Clock::now`] has reached `deadline`, and never before.
    fn sleep_until(&self, deadline: Timestamp) -> Sleep<'_>;

    /// What a new id is made of beside the time; none for the randomness of the machine.
    fn entropy(&self) -> Option<[u8; 10]> {
        None
    }
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep_until(&self, deadline: Timestamp) -> Sleep<'_> {
        Box::pin(async move {
            loop {
                let left = deadline.duration_since(Timestamp::now());
                let Ok(left) = Duration::try_from(left) else { return };
                if left.is_zero() {
                    return;
                }
                tasks::sleep(left.min(LONGEST_SLEEP)).await;
            }
        })
    }
}

/// The clock a program opens its kernel with: that of the machine. With the feature `faults` it is
/// so many milliseconds off as a file says, which `SYMBOLON_CLOCK` names and which may change.
#[must_use]
pub fn machine_clock() -> Arc<dyn Clock> {
    #[cfg(feature = "faults")]
    if let Some(file) = std::env::var_os("SYMBOLON_CLOCK") {
        return Arc::new(moved::MovedClock::new(file.into()));
    }
    Arc::new(SystemClock)
}

#[cfg(feature = "faults")]
mod moved {
    use std::path::PathBuf;

    use super::*;

    /// The file may change at any time.
    const POLL: Duration = Duration::from_millis(20);

    /// The clock of the machine, moved from outside.
    #[derive(Debug)]
    pub(super) struct MovedClock {
        file: PathBuf,
    }

    impl MovedClock {
        pub(super) fn new(file: PathBuf) -> Self {
            Self { file }
        }

        /// None, as long as the file is being written.
        fn offset(&self) -> SignedDuration {
            let text = std::fs::read_to_string(&self.file).unwrap_or_default();
            SignedDuration::from_millis(text.trim().parse().unwrap_or(0))
        }
    }

    impl Clock for MovedClock {
        fn now(&self) -> Timestamp {
            SystemClock.now() + self.offset()
        }

        fn sleep_until(&self, deadline: Timestamp) -> Sleep<'_> {
            Box::pin(async move {
                while self.now() < deadline {
                    let left = Duration::try_from(deadline.duration_since(self.now()));
                    let left = left.unwrap_or_default().clamp(Duration::from_millis(1), POLL);
                    tasks::sleep(left).await;
                }
            })
        }
    }
}

/// A clock that stands still until it is told to move; clones share the time.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<watch::Sender<Timestamp>>);

impl ManualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self(Arc::new(watch::Sender::new(now)))
    }

    /// Sets the time, forward or back.
    pub fn set(&self, now: Timestamp) {
        self.0.send_replace(now);
    }

    /// Moves the time by `step`; it stops at the end of representable time.
    pub fn advance(&self, step: SignedDuration) {
        self.0.send_modify(|now| {
            *now = now.saturating_add(step).unwrap_or(Timestamp::MAX);
        });
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    fn sleep_until(&self, deadline: Timestamp) -> Sleep<'_> {
        let mut time = self.0.subscribe();
        Box::pin(async move {
            // The sender lives in `self`, which this future borrows: the wait cannot be closed.
            let _ = time.wait_for(|now| *now >= deadline).await;
        })
    }
}

/// Stamps what is written: times that never go back within a process, and ids in their order.
#[derive(Debug)]
pub(crate) struct Stamps {
    pub(crate) clock: Arc<dyn Clock>,
    latest_micros: AtomicI64,
    sequence: Mutex<ContextV7>,
}

impl Stamps {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            latest_micros: AtomicI64::new(i64::MIN),
            sequence: Mutex::new(ContextV7::new()),
        }
    }

    /// The time to write down, in whole microseconds, never before one already given.
    pub(crate) fn now(&self) -> Timestamp {
        let now = self.clock.now().as_microsecond();
        let before = self.latest_micros.fetch_max(now, Ordering::Relaxed);
        Timestamp::from_microsecond(now.max(before)).unwrap_or(Timestamp::MAX)
    }

    /// The time by the clock, before which nothing is written down from here on.
    pub(crate) fn look(&self) -> Timestamp {
        let now = self.clock.now();
        self.latest_micros.fetch_max(now.as_microsecond(), Ordering::Relaxed);
        now
    }

    /// A new UUID version 7.
    pub(crate) fn new_id(&self) -> Uuid {
        let now = self.now();
        if let Some(entropy) = self.clock.entropy() {
            let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
            return Builder::from_unix_timestamp_millis(millis, &entropy).into_uuid();
        }
        let seconds = u64::try_from(now.as_second()).unwrap_or(0);
        let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
        let sequence = self.sequence.lock().unwrap_or_else(PoisonError::into_inner);
        Uuid::new_v7(uuid::Timestamp::from_unix(&*sequence, seconds, nanos))
    }
}
