//! Where a reader of events is to come back to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a stream says of its place (HTML Standard, 9.2.6). An event without a payload is none, and
/// moves it all the same: so a stream that had no event yet can be come back to. A clone is the
/// same.
#[derive(Debug, Clone, Default)]
pub struct Bookmark(Arc<Mutex<Place>>);

#[derive(Debug, Default)]
struct Place {
    last_id: Option<String>,
    retry: Option<Duration>,
}

impl Bookmark {
    /// What to send as `Last-Event-ID`, if anything was said.
    pub fn last_id(&self) -> Option<String> {
        self.place().last_id.clone()
    }

    /// How long to wait before coming back, if it was said.
    pub fn retry(&self) -> Option<Duration> {
        self.place().retry
    }

    /// Takes note of where the stream is.
    pub(super) fn put(&self, last_id: Option<&str>, retry: Option<Duration>) {
        let mut place = self.place();
        if last_id != place.last_id.as_deref() {
            place.last_id = last_id.map(str::to_owned);
        }
        place.retry = retry.or(place.retry);
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
