//! Room in memory for the bodies of requests, which all share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The room of a router. A clone is the same room.
#[derive(Debug, Clone)]
pub(crate) struct BodyRoom {
    limit: usize,
    taken: Arc<AtomicUsize>,
}

/// What one body takes, until it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    room: BodyRoom,
    bytes: usize,
}

impl BodyRoom {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, taken: Arc::default() }
    }

    /// No room yet, for a body that begins.
    pub(crate) fn enter(&self) -> Held {
        Held { room: self.clone(), bytes: 0 }
    }
}

impl Held {
    /// Takes more room; returns whether there was any.
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let before = self.room.taken.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        before.saturating_add(bytes) <= self.room.limit
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.room.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
