//! A consumer as a member of a group: it reads the partitions it is given, in order per aggregate,
//! and commits the offsets below which everything is done.
//!
//! What it has done ahead of them is known by its inbox rows, as with the log.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{Consumer as _, StreamConsumer};
use rdkafka::error::KafkaError;
use tokio::task::JoinSet;

use super::envelopes::{Incoming, Malformed};
use super::membership::{Membership, Place};
use super::{Kafka, failed, topics};
use crate::delivery::dead_letters::Spot;
use crate::delivery::deliveries::{self, Buried, Origin};
use crate::delivery::inbox::reader;
use crate::delivery::lanes::{Head, Lanes};
use crate::envelope::{Envelope, StreamId};
use crate::error::Error;
use crate::handlers::{AnyConsumer, Handled};
use crate::kernel::Kernel;

/// How many undone messages of a partition are kept in mind, and how many bytes of them. Beyond
/// that it is read no further.
const WINDOW: usize = 1024;
const WINDOW_BYTES: usize = 32 << 20;
/// This often offsets are committed while there is more to do, and the brokers' news are read.
const TICK: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_secs(1);

/// A message that is not done.
#[derive(Clone)]
enum Item {
    Message(Arc<Envelope>, Arc<Spot>),
    Malformed(Arc<Malformed>, Arc<Spot>),
}

/// One partition while this member has it.
struct Share {
    /// Tells it from the same partition when it was here before.
    turn: u64,
    lanes: Lanes,
    items: HashMap<i64, (Item, usize)>,
    bytes: usize,
    /// The last offset that was read.
    cursor: i64,
    is_paused: bool,
}

struct Finished {
    place: Place,
    turn: u64,
    head: Head,
    handled: Handled,
}

/// What a member waits for.
enum Event {
    Finished(Finished),
    Received(Result<Incoming, KafkaError>),
    Nothing,
}

struct Member {
    kernel: Kernel,
    kafka: Arc<Kafka>,
    consumer: Arc<dyn AnyConsumer>,
    reader: String,
    link: Arc<StreamConsumer<Membership>>,
    shares: BTreeMap<Place, Share>,
    tasks: JoinSet<Finished>,
    turns: u64,
}

/// Delivers to the consumer what its group is given, until the kernel closes.
pub(crate) async fn run(kernel: Kernel, kafka: Arc<Kafka>, consumer: Arc<dyn AnyConsumer>) {
    let closing = kernel.closing();
    while !closing.is_cancelled() {
        let failed = match Member::join(&kernel, &kafka, &consumer).await {
            Ok(member) => member.run().await,
            Err(error) => Err(error),
        };
        let Err(error) = failed else { continue };
        tracing::warn!(consumer = consumer.name(), cause = ?error, "a member left its group");
        tokio::select! {
            () = closing.cancelled() => {}
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

impl Member {
    async fn join(
        kernel: &Kernel,
        kafka: &Arc<Kafka>,
        consumer: &Arc<dyn AnyConsumer>,
    ) -> Result<Self, Error> {
        let channels = consumer.channels();
        let names: Vec<&str> = channels.iter().map(String::as_str).collect();
        topics::make(kafka, &names).await?;
        let link: StreamConsumer<Membership> = kafka.consumer(consumer.name())?;
        link.subscribe(&names).map_err(failed)?;
        Ok(Self {
            kernel: kernel.clone(),
            kafka: Arc::clone(kafka),
            consumer: Arc::clone(consumer),
            reader: reader(consumer.name()),
            link: Arc::new(link),
            shares: BTreeMap::new(),
            tasks: JoinSet::new(),
            turns: 0,
        })
    }

    async fn run(mut self) -> Result<(), Error> {
        let closing = self.kernel.closing();
        let mut ended = Ok(());
        let mut committed_at = tokio::time::Instant::now();
        while !closing.is_cancelled() && ended.is_ok() {
            self.let_go();
            self.launch();
            ended = self.throttle();
            if self.tasks.is_empty() || committed_at.elapsed() >= TICK {
                self.link.context().commit(self.link.as_ref());
                self.tell();
                committed_at = tokio::time::Instant::now();
            }
            match self.wait().await {
                Event::Finished(finished) => self.settle(finished),
                Event::Received(Ok(incoming)) => self.take(incoming),
                Event::Received(Err(error @ KafkaError::MessageConsumptionFatal(_))) => {
                    ended = Err(failed(error));
                }
                Event::Received(Err(error)) => {
                    tracing::warn!(reader = self.reader, %error, "a topic could not be read");
                }
                Event::Nothing => {}
            }
        }
        while let Some(finished) = self.tasks.join_next().await {
            if let Ok(finished) = finished {
                self.settle(finished);
            }
        }
        // It commits what is done, leaves the group, and waits for both.
        let link = self.link;
        let left = tokio::task::spawn_blocking(move || drop(link)).await;
        ended.and(left.map_err(|error| Error::Bus(error.into())))
    }

    async fn wait(&mut self) -> Event {
        let closing = self.kernel.closing();
        let clock = self.kernel.clock();
        let link = Arc::clone(&self.link);
        let release = self.shares.values().filter_map(|share| share.lanes.next_release()).min();
        let release = release.and_then(|at| Timestamp::from_microsecond(at).ok());
        let limit = self.kafka.message_limit;
        tokio::select! {
            () = closing.cancelled() => Event::Nothing,
            Some(Ok(finished)) = self.tasks.join_next() => Event::Finished(finished),
            received = link.recv() => {
                Event::Received(received.map(|message| Incoming::read(&message, limit)))
            }
            () = link.context().changed.notified() => Event::Nothing,
            () = clock.sleep_until(release.unwrap_or(Timestamp::MAX)), if release.is_some() => {
                Event::Nothing
            }
            () = tokio::time::sleep(TICK) => Event::Nothing,
        }
    }

    /// Forgets partitions that are another member's now.
    fn let_go(&mut self) {
        for place in self.link.context().revoked() {
            self.shares.remove(&place);
        }
    }

    fn take(&mut self, incoming: Incoming) {
        // Partitions may have gone and come back while this message was waited for.
        self.let_go();
        let Incoming { place, spot, size, content } = incoming;
        let (offset, spot) = (spot.offset, Arc::new(spot));
        self.turns += 1;
        let turn = self.turns;
        let share = self.shares.entry(place.clone()).or_insert_with(|| Share::new(turn));
        if offset <= share.cursor {
            return;
        }
        share.cursor = offset;
        let found = match content {
            Ok(envelope) if !self.consumer.accepts(&envelope.event_type) => None,
            Ok(envelope) => {
                let key = (envelope.tenant_id.clone(), envelope.stream());
                Some((key, Item::Message(envelope, spot)))
            }
            Err(malformed) => {
                // It has no aggregate that could be believed: it holds nobody up.
                let alone = StreamId::new("", offset.to_string());
                let key = (self.kafka.operator.clone(), alone);
                Some((key, Item::Malformed(Arc::new(malformed), spot)))
            }
        };
        if let Some((key, item)) = found {
            share.lanes.push(key, offset);
            share.items.insert(offset, (item, size));
            share.bytes += size;
        }
        self.link.context().advance(&place, share.done());
    }

    fn launch(&mut self) {
        let now = self.kernel.clock().now().as_microsecond();
        let concurrency = self.kernel.inner().settings.concurrency;
        for (place, share) in &mut self.shares {
            share.lanes.release(now);
            while self.tasks.len() < concurrency {
                let Some(head) = share.lanes.take() else { break };
                let Some((item, _)) = share.items.get(&head.position) else { continue };
                let (kernel, consumer) = (self.kernel.clone(), Arc::clone(&self.consumer));
                let (item, place, turn) = (item.clone(), place.clone(), share.turn);
                let operator = self.kafka.operator.clone();
                self.tasks.spawn(async move {
                    let handled = match item {
                        Item::Message(envelope, spot) => {
                            let origin = Origin::Topic(envelope, spot);
                            deliveries::attempt(kernel, consumer, origin, head.attempts).await
                        }
                        Item::Malformed(malformed, spot) => {
                            let buried = Buried {
                                tenant: &operator,
                                channel: &place.0,
                                spot: &spot,
                                reason: &malformed.reason,
                                payload: &malformed.payload,
                            };
                            deliveries::bury(&kernel, consumer.name(), buried).await
                        }
                    };
                    Finished { place, turn, head, handled }
                });
            }
        }
    }

    fn settle(&mut self, finished: Finished) {
        self.let_go();
        let Finished { place, turn, head, handled } = finished;
        let Some(share) = self.shares.get_mut(&place).filter(|share| share.turn == turn) else {
            return;
        };
        match handled {
            Ok(()) => {
                share.lanes.finish(&head);
                let size = share.items.remove(&head.position).map_or(0, |(_, size)| size);
                share.bytes -= size;
                self.link.context().advance(&place, share.done());
            }
            Err(error) => {
                let attempts = share.lanes.fail(&head);
                let now = self.kernel.clock().now();
                let retry_at = self.kernel.inner().settings.backoff.after(now, attempts);
                tracing::warn!(
                    reader = self.reader, tenant = %head.key.0, stream = %head.key.1,
                    topic = place.0, partition = place.1, offset = head.position, attempts, error,
                    %retry_at, "a message could not be handled"
                );
                share.lanes.hold(&head, retry_at.as_microsecond());
            }
        }
    }

    /// Pauses partitions whose window is full, and reads on in those where there is room again.
    fn throttle(&mut self) -> Result<(), Error> {
        for (place, share) in &mut self.shares {
            let is_full = share.items.len() >= WINDOW || share.bytes >= WINDOW_BYTES;
            let has_room = share.items.len() <= WINDOW / 2 && share.bytes <= WINDOW_BYTES / 2;
            let mut list = TopicPartitionList::new();
            list.add_partition(&place.0, place.1);
            if is_full && !share.is_paused {
                self.link.pause(&list).map_err(failed)?;
                share.is_paused = true;
            } else if has_room && share.is_paused {
                self.link.resume(&list).map_err(failed)?;
                share.is_paused = false;
            }
        }
        Ok(())
    }

    /// Tells how far it is.
    fn tell(&self) {
        let (position, lag) = self.link.context().progress();
        self.kernel.inner().groups.tell(&self.reader, position, lag);
    }
}

impl Share {
    fn new(turn: u64) -> Self {
        Self {
            turn,
            lanes: Lanes::default(),
            items: HashMap::new(),
            bytes: 0,
            cursor: -1,
            is_paused: false,
        }
    }

    /// The offset below which everything is done.
    fn done(&self) -> i64 {
        self.lanes.low_water(self.cursor) + 1
    }
}
