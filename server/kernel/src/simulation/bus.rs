//! A bus of partitions between machines, as Kafka is one: a shipper writes what is in the log, and
//! members of groups read it. Within a partition the order is kept; what was not acknowledged is
//! written again, what was not committed is read again, and any of it may take its time.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::world::{Machine, World, current};
use crate::delivery::dead_letters::Spot;
use crate::delivery::deliveries::{self, Origin};
use crate::delivery::inbox::{checkpoint, move_checkpoint};
use crate::delivery::lanes::{Head, Lanes};
use crate::delivery::messages;
use crate::envelope::Envelope;
use crate::error::Error;
use crate::handlers::{AnyConsumer, Handled};
use crate::kernel::Kernel;
use crate::simulation::tasks::{self, JoinSet};
use crate::work::leases::Lease;

/// Whoever ships holds the lease of this name.
pub(crate) const SHIPPER: &str = "shipper";
/// The name under which the shipper's checkpoint is kept, as on Kafka.
pub(crate) const READER: &str = "bus:kafka";

const PARTITIONS: usize = 2;
const BATCH: i64 = 8;
const TICK: Duration = Duration::from_millis(5);
const PAUSE: Duration = Duration::from_millis(10);
/// A member that was not heard of for so many microseconds loses its partitions.
const SESSION: i64 = 40_000;

/// The bus of a world; a clone is the same one.
#[derive(Debug, Clone)]
pub struct Bus {
    world: World,
    topics: Arc<Mutex<Topics>>,
}

#[derive(Debug, Default)]
struct Topics {
    partitions: [Vec<Record>; PARTITIONS],
    groups: BTreeMap<String, Group>,
}

#[derive(Debug)]
struct Record {
    envelope: Arc<Envelope>,
    visible_at: i64,
}

#[derive(Debug, Default)]
struct Group {
    /// Below these everything is done.
    committed: [usize; PARTITIONS],
    /// When each member was heard of last.
    members: BTreeMap<Machine, i64>,
    owners: [Option<Machine>; PARTITIONS],
}

impl Bus {
    /// An empty bus.
    #[must_use]
    pub fn new(world: &World) -> Self {
        Self { world: world.clone(), topics: Arc::default() }
    }

    fn topics(&self) -> MutexGuard<'_, Topics> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many messages groups have not committed.
    #[must_use]
    pub fn lag(&self) -> usize {
        let topics = self.topics();
        let written = topics.partitions.iter().map(Vec::len);
        let lag = |group: &Group| -> usize {
            written.clone().zip(group.committed).map(|(written, done)| written - done).sum()
        };
        topics.groups.values().map(lag).sum()
    }

    /// Writes a message; says whether that was acknowledged.
    async fn produce(&self, envelope: Arc<Envelope>) -> bool {
        super::world::let_others().await;
        let fate = if self.world.is_stormy() { self.world.roll(100) } else { u64::MAX };
        let copies = match fate {
            0..4 => 0,
            4..8 => 2,
            8.. => 1,
        };
        for _ in 0..copies {
            self.write(Arc::clone(&envelope));
        }
        super::world::let_others().await;
        // Lost, or written without being acknowledged.
        !matches!(fate, 0..4 | 8..12)
    }

    fn write(&self, envelope: Arc<Envelope>) {
        let mut hasher = DefaultHasher::new();
        (envelope.tenant_id.as_str(), &envelope.aggregate_id).hash(&mut hasher);
        let partition = usize::try_from(hasher.finish() % PARTITIONS as u64).unwrap_or(0);
        let delay = i64::try_from(self.world.roll(4_000)).unwrap_or(0);
        let mut topics = self.topics();
        let before = topics.partitions[partition].last().map_or(0, |record| record.visible_at);
        // Partitions overtake each other; within one nothing does.
        let visible_at = before.max(self.world.now() + delay);
        topics.partitions[partition].push(Record { envelope, visible_at });
    }

    /// Tells that a member is there; returns which partitions it has, and from where to read them.
    fn join(&self, group: &str, member: Machine) -> Vec<(usize, usize)> {
        let now = self.world.now();
        let mut topics = self.topics();
        let group = topics.groups.entry(group.to_owned()).or_default();
        group.members.insert(member, now);
        group.members.retain(|_, heard_at| *heard_at + SESSION > now);
        let members: Vec<Machine> = group.members.keys().copied().collect();
        for (partition, owner) in group.owners.iter_mut().enumerate() {
            *owner = members.get(partition % members.len()).copied();
        }
        let owned = group.owners.iter().enumerate().filter(|(_, owner)| **owner == Some(member));
        owned.map(|(partition, _)| (partition, group.committed[partition])).collect()
    }

    /// Commits an offset, unless the partition is another member's by now.
    fn commit(&self, group: &str, member: Machine, partition: usize, offset: usize) {
        let mut topics = self.topics();
        let Some(group) = topics.groups.get_mut(group) else { return };
        if group.owners[partition] == Some(member) {
            group.committed[partition] = offset;
        }
    }

    fn read(&self, partition: usize, offset: usize) -> Option<Arc<Envelope>> {
        let record = self.topics();
        let record = record.partitions[partition].get(offset)?;
        (record.visible_at <= self.world.now()).then(|| Arc::clone(&record.envelope))
    }
}

/// Ships until the lease ends.
pub(crate) async fn ship(kernel: Kernel, bus: Bus, lease: Lease) {
    while !lease.ended().is_cancelled() {
        // From the checkpoint on: what follows a message that failed must not stay ahead of it.
        let shipped = ship_on(&kernel, &bus, &lease).await;
        let pause = if shipped.is_err() { PAUSE } else { TICK };
        tokio::select! {
            biased;
            () = lease.ended().cancelled() => {}
            () = tasks::sleep(pause) => {}
        }
    }
}

async fn ship_on(kernel: &Kernel, bus: &Bus, lease: &Lease) -> Result<(), Error> {
    let database = &kernel.inner().database;
    let mut snapshot = database.read().await?;
    let from = checkpoint(snapshot.connection(), READER).await?;
    let batch = messages::log(snapshot.connection(), from, i64::MAX, BATCH).await?;
    drop(snapshot);
    let mut position = from;
    for (_, recorded) in batch {
        if !bus.produce(Arc::new(recorded.envelope)).await {
            break;
        }
        position = recorded.position;
    }
    if position == from {
        return Ok(());
    }
    let mut turn = database.turn().await?;
    lease.hold(turn.connection()).await?;
    move_checkpoint(turn.connection(), READER, position).await?;
    turn.commit().await
}

/// One partition while this member has it.
#[derive(Default)]
struct Share {
    /// Tells it from the same partition when it was here before.
    turn: u64,
    lanes: Lanes,
    /// How many messages were read.
    cursor: usize,
}

struct Finished {
    partition: usize,
    turn: u64,
    head: Head,
    handled: Handled,
}

/// Delivers to the consumer what its group is given, until the kernel closes.
pub(crate) async fn run(kernel: Kernel, bus: Bus, consumer: Arc<dyn AnyConsumer>) {
    let Some((_, machine)) = current() else { return };
    let closing = kernel.closing();
    let (mut shares, mut turns) = (BTreeMap::<usize, Share>::new(), 0);
    let mut running: JoinSet<Finished> = JoinSet::new();
    while !closing.is_cancelled() {
        let owned = bus.join(consumer.name(), machine);
        shares.retain(|partition, _| owned.iter().any(|(it, _)| it == partition));
        for (partition, offset) in owned {
            let share = shares.entry(partition).or_insert_with(|| {
                turns += 1;
                Share { turn: turns, cursor: offset, lanes: Lanes::default() }
            });
            share.fill(&bus, partition, consumer.as_ref());
            share.lanes.release(kernel.clock().now().as_microsecond());
            while running.len() < kernel.inner().settings.concurrency {
                let Some(head) = share.lanes.take() else { break };
                let Some(envelope) = bus.read(partition, offset_of(&head)) else { break };
                let (kernel, consumer, turn) = (kernel.clone(), Arc::clone(&consumer), share.turn);
                let spot = spot(partition, &head, &envelope);
                running.spawn(async move {
                    let origin = Origin::Topic(envelope, Arc::new(spot));
                    let handled = deliveries::attempt(kernel, consumer, origin, head.attempts);
                    Finished { partition, turn, handled: handled.await, head }
                });
            }
            bus.commit(consumer.name(), machine, partition, share.done());
        }
        tokio::select! {
            biased;
            () = closing.cancelled() => {}
            Some(finished) = running.join_next() => {
                let share = finished.ok().and_then(|it| Some((shares.get_mut(&it.partition)?, it)));
                if let Some((share, finished)) = share.filter(|(share, it)| share.turn == it.turn) {
                    share.settle(&kernel, finished);
                }
            }
            () = tasks::sleep(TICK) => {}
        }
    }
}

/// Where the message of a head lies.
fn spot(partition: usize, head: &Head, envelope: &Envelope) -> Spot {
    Spot {
        partition: i32::try_from(partition).unwrap_or(i32::MAX),
        offset: head.position - 1,
        key: Some(envelope.aggregate_id.clone()),
    }
}

/// Positions of lanes begin with 1, offsets with 0.
fn offset_of(head: &Head) -> usize {
    usize::try_from(head.position - 1).unwrap_or(usize::MAX)
}

impl Share {
    fn fill(&mut self, bus: &Bus, partition: usize, consumer: &dyn AnyConsumer) {
        while let Some(envelope) = bus.read(partition, self.cursor) {
            self.cursor += 1;
            if consumer.accepts(&envelope.event_type) {
                let key = (envelope.tenant_id.clone(), envelope.stream());
                self.lanes.push(key, self.cursor as i64);
            }
        }
    }

    fn settle(&mut self, kernel: &Kernel, finished: Finished) {
        let Finished { head, handled, .. } = finished;
        if handled.is_ok() {
            return self.lanes.finish(&head);
        }
        let attempts = self.lanes.fail(&head);
        let now = kernel.clock().now();
        let retry_at = kernel.inner().settings.backoff.after(now, attempts);
        self.lanes.hold(&head, retry_at.as_microsecond());
    }

    /// The offset below which everything is done.
    fn done(&self) -> usize {
        usize::try_from(self.lanes.low_water(self.cursor as i64)).unwrap_or(0)
    }
}
