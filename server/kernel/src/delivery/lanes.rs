//! The order in which a consumer works: one lane for each aggregate, in which only the head runs.
//! No time, no tasks and no database in here.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use crate::envelope::{StreamId, TenantId};

/// Whose events must stay in order.
pub(crate) type LaneKey = (TenantId, StreamId);

#[derive(Debug, Default)]
struct Lane {
    /// Positions that are not done, oldest first.
    queue: VecDeque<i64>,
    /// How often the head has failed.
    attempts: u32,
}

/// An event whose turn it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) key: LaneKey,
    pub(crate) position: i64,
    /// How often it has failed before.
    pub(crate) attempts: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Lanes {
    lanes: HashMap<LaneKey, Lane>,
    ready: VecDeque<LaneKey>,
    /// Lanes whose head has failed, by the time at which it is tried again.
    held: BTreeMap<(i64, LaneKey), ()>,
    unfinished: BTreeSet<i64>,
}

impl Lanes {
    /// Adds an event; positions come in rising order.
    pub(crate) fn push(&mut self, key: LaneKey, position: i64) {
        self.unfinished.insert(position);
        let lane = self.lanes.entry(key.clone()).or_default();
        lane.queue.push_back(position);
        if lane.queue.len() == 1 {
            self.ready.push_back(key);
        }
    }

    /// Takes the next head that may run; its lane waits until it is finished or failed.
    pub(crate) fn take(&mut self) -> Option<Head> {
        let key = self.ready.pop_front()?;
        let lane = self.lanes.get(&key)?;
        let position = *lane.queue.front()?;
        Some(Head { position, attempts: lane.attempts, key })
    }

    /// The head is done: the next of its lane may run.
    pub(crate) fn finish(&mut self, head: &Head) {
        self.unfinished.remove(&head.position);
        let Some(lane) = self.lanes.get_mut(&head.key) else { return };
        lane.queue.pop_front();
        lane.attempts = 0;
        if lane.queue.is_empty() {
            self.lanes.remove(&head.key);
        } else {
            self.ready.push_back(head.key.clone());
        }
    }

    /// The head has failed; returns how often by now. Its lane waits to be held.
    pub(crate) fn fail(&mut self, head: &Head) -> u32 {
        let Some(lane) = self.lanes.get_mut(&head.key) else { return 0 };
        lane.attempts = lane.attempts.saturating_add(1);
        lane.attempts
    }

    /// Holds the lane of a failed head until `retry_at`.
    pub(crate) fn hold(&mut self, head: &Head, retry_at: i64) {
        self.held.insert((retry_at, head.key.clone()), ());
    }

    /// Lets those run again whose time has come.
    pub(crate) fn release(&mut self, now: i64) {
        while let Some(entry) = self.held.first_entry() {
            if entry.key().0 > now {
                return;
            }
            let ((_, key), ()) = entry.remove_entry();
            self.ready.push_back(key);
        }
    }

    /// When the next held lane is to be released.
    pub(crate) fn next_release(&self) -> Option<i64> {
        self.held.first_key_value().map(|((at, _), ())| *at)
    }

    /// How many events are not done.
    pub(crate) fn len(&self) -> usize {
        self.unfinished.len()
    }

    /// The position up to which everything is done, if everything up to `cursor` was pushed.
    pub(crate) fn low_water(&self, cursor: i64) -> i64 {
        self.unfinished.first().map_or(cursor, |first| first - 1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(number: u8) -> LaneKey {
        let tenant = TenantId::new("tenant").expect("a name");
        (tenant, StreamId::new("Thing", number.to_string()))
    }

    proptest! {
        /// Whatever fails and in whatever order heads end: each event is done once, each lane in
        /// order, and nothing below the low-water mark is open.
        #[test]
        fn each_lane_keeps_its_order(
            keys in prop::collection::vec(0u8..5, 1..60),
            choices in prop::collection::vec((any::<usize>(), 0u8..3), 1..300),
        ) {
            let mut lanes = Lanes::default();
            for (position, number) in (1i64..).zip(&keys) {
                lanes.push(key(*number), position);
            }
            let cursor = keys.len() as i64;
            let (mut running, mut done) = (Vec::new(), BTreeSet::new());
            let mut last: HashMap<LaneKey, i64> = HashMap::new();
            let mut choices = choices.into_iter();
            let mut now = 0;
            while lanes.len() > 0 {
                running.extend(std::iter::from_fn(|| lanes.take()));
                now += 1;
                lanes.release(now);
                if running.is_empty() {
                    continue;
                }
                let (pick, fate) = choices.next().unwrap_or((0, 1));
                let head: Head = running.swap_remove(pick % running.len());
                if fate == 0 {
                    lanes.fail(&head);
                    lanes.hold(&head, now + 3);
                    continue;
                }
                let before = last.insert(head.key.clone(), head.position);
                prop_assert!(before < Some(head.position));
                prop_assert!(done.insert(head.position));
                lanes.finish(&head);
                let low = lanes.low_water(cursor);
                prop_assert!((1..=low).all(|position| done.contains(&position)));
            }
            prop_assert_eq!(done.len(), keys.len());
        }
    }
}
