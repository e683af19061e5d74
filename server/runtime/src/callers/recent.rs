//! What was seen lately, in bounded memory.

use std::collections::HashSet;
use std::hash::Hash;
use std::time::Duration;

/// Remembers values for a time, and so many of them: each for one to two times its age, less where
/// there are more than it holds.
#[derive(Debug)]
pub(crate) struct Recent<T> {
    newer: HashSet<T>,
    older: HashSet<T>,
    /// When the newer ones began to be.
    since: Duration,
    age: Duration,
    /// How many each half holds.
    capacity: usize,
}

impl<T: Hash + Eq> Recent<T> {
    pub(crate) fn new(age: Duration, capacity: usize) -> Self {
        Self { newer: HashSet::new(), older: HashSet::new(), since: Duration::ZERO, age, capacity }
    }

    /// Remembers a value from now on; the time is since whenever, and the same for all calls.
    pub(crate) fn insert(&mut self, value: T, now: Duration) {
        self.turn(now);
        if self.newer.len() >= self.capacity {
            self.older = std::mem::take(&mut self.newer);
            self.since = now;
        }
        self.newer.insert(value);
    }

    pub(crate) fn contains(&mut self, value: &T, now: Duration) -> bool {
        self.turn(now);
        self.newer.contains(value) || self.older.contains(value)
    }

    pub(crate) fn remove(&mut self, value: &T) {
        self.newer.remove(value);
        self.older.remove(value);
    }

    /// Forgets what is too old.
    fn turn(&mut self, now: Duration) {
        let age = now.saturating_sub(self.since);
        if age >= self.age {
            self.older = std::mem::take(&mut self.newer);
            self.since = now;
        }
        if age >= self.age * 2 {
            self.older.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_remembered_for_a_time_and_within_bounds() {
        let second = Duration::from_secs;
        let mut recent = Recent::new(second(10), 100);
        recent.insert(1, second(100));
        assert!(recent.contains(&1, second(109)));
        assert!(recent.contains(&1, second(112)));
        assert!(!recent.contains(&1, second(122)));
        recent.insert(1, second(123));
        assert!(!recent.contains(&1, second(1000)));
        for value in 0..10_000 {
            recent.insert(value, second(1000));
        }
        assert_eq!((recent.newer.len(), recent.older.len()), (100, 100));
        assert!(recent.contains(&9_999, second(1000)) && !recent.contains(&1, second(1000)));
        recent.remove(&9_999);
        assert!(!recent.contains(&9_999, second(1000)));
    }
}
