//! The time by which the edge ages what it keeps.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

/// Tells the time; a clone tells the same.
#[derive(Clone)]
pub(crate) struct Monotonic(Arc<dyn Fn() -> Instant + Send + Sync>);

impl Monotonic {
    pub(crate) fn new(now: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    pub(crate) fn now(&self) -> Instant {
        (self.0)()
    }
}

impl Default for Monotonic {
    /// That of the machine.
    fn default() -> Self {
        Self::new(Instant::now)
    }
}

impl fmt::Debug for Monotonic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Monotonic")
    }
}
