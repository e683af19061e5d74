//! What librdkafka tells a member of a group: which partitions it has, and how far they reach.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaResult;
use rdkafka::statistics::Statistics;
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::Notify;

/// A partition of a topic.
pub(super) type Place = (String, i32);

/// What is shared between a member and the callbacks it is told by.
#[derive(Debug, Default)]
pub(super) struct Membership {
    state: Mutex<State>,
    /// Told when partitions come or go.
    pub(super) changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    assigned: BTreeSet<Place>,
    /// Partitions that are gone, and that the member has not let go of yet.
    revoked: Vec<Place>,
    /// The offset below which everything is done.
    done: BTreeMap<Place, i64>,
    /// As much of `done` as was committed.
    committed: BTreeMap<Place, i64>,
    /// How many messages lie beyond what was committed, by the broker's last word.
    lags: BTreeMap<Place, i64>,
}

impl State {
    /// What is done and not committed, of some partitions.
    fn uncommitted(&self, is_meant: impl Fn(&Place) -> bool) -> Vec<(Place, i64)> {
        let open = self.done.iter().filter(|(place, offset)| {
            is_meant(place) && self.committed.get(*place) != Some(*offset)
        });
        open.map(|(place, offset)| (place.clone(), *offset)).collect()
    }
}

impl Membership {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The partitions that are gone since this was last asked.
    pub(super) fn revoked(&self) -> Vec<Place> {
        std::mem::take(&mut self.state().revoked)
    }

    /// Notes that everything below an offset is done.
    pub(super) fn advance(&self, place: &Place, offset: i64) {
        let mut state = self.state();
        if state.assigned.contains(place) {
            state.done.insert(place.clone(), offset);
        }
    }

    /// Everything that is done, and how many messages are not.
    pub(super) fn progress(&self) -> (i64, i64) {
        let state = self.state();
        (state.done.values().sum(), state.lags.values().sum())
    }

    /// Commits what is done; librdkafka sends it, and tells when it could not.
    pub(super) fn commit(&self, consumer: &impl Consumer<Self>) {
        self.commit_of(consumer, |_| true);
    }

    fn commit_of(&self, consumer: &impl Consumer<Self>, is_meant: impl Fn(&Place) -> bool) {
        let open = self.state().uncommitted(is_meant);
        let mut offsets = TopicPartitionList::new();
        for ((topic, partition), offset) in &open {
            let added = offsets.add_partition_offset(topic, *partition, Offset::Offset(*offset));
            if let Err(error) = added {
                tracing::warn!(topic, partition, %error, "an offset is none");
            }
        }
        if open.is_empty() {
            return;
        }
        match consumer.commit(&offsets, CommitMode::Async) {
            Ok(()) => self.state().committed.extend(open),
            Err(error) => tracing::warn!(%error, "offsets were not committed"),
        }
    }
}

impl ClientContext for Membership {
    fn stats(&self, statistics: Statistics) {
        let mut state = self.state();
        for (topic, found) in &statistics.topics {
            for (partition, found) in &found.partitions {
                let place = (topic.clone(), *partition);
                if !state.assigned.contains(&place) || found.hi_offset < 0 {
                    continue;
                }
                let begun = state.done.get(&place).copied();
                let committed = Some(found.committed_offset).filter(|offset| *offset >= 0);
                let from = begun.or(committed).unwrap_or(found.lo_offset.max(0));
                state.lags.insert(place, (found.hi_offset - from).max(0));
            }
        }
    }
}

impl ConsumerContext for Membership {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let places = |list: &TopicPartitionList| -> BTreeSet<Place> {
            list.elements().iter().map(|it| (it.topic().to_owned(), it.partition())).collect()
        };
        match rebalance {
            Rebalance::Assign(list) => self.state().assigned.extend(places(list)),
            Rebalance::Revoke(list) => {
                let gone = places(list);
                // The next owner begins where this one is done; librdkafka lets go of the
                // partitions only when the commit is through. What still runs is abandoned: it
                // ends, and the inbox decides whose effect it is.
                if !consumer.assignment_lost() {
                    self.commit_of(consumer, |place| gone.contains(place));
                }
                let mut state = self.state();
                for place in gone {
                    state.assigned.remove(&place);
                    state.done.remove(&place);
                    state.committed.remove(&place);
                    state.lags.remove(&place);
                    state.revoked.push(place);
                }
            }
            Rebalance::Error(error) => tracing::warn!(%error, "a group could not be balanced"),
        }
        self.changed.notify_one();
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        if let Err(error) = result {
            tracing::warn!(%error, "offsets were not committed");
            // The next commit is of everything.
            self.state().committed.clear();
        }
    }
}
