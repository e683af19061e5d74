//! Ships the log to topics: in its order, each message at least once, by one process at a time.
//!
//! A message that was shipped twice has the same id both times. One that no broker will ever take
//! becomes a dead letter; anything else that fails is tried until it succeeds. A topic that is not
//! there is passed over, and gets what it has missed, in order, once it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{DeliveryFuture, FutureProducer};
use tokio::sync::watch;
use tracing::Span;

use super::envelopes::Outgoing;
use super::{Kafka, READER, failed, topics};
use crate::delivery::deliveries::{self, Given};
use crate::delivery::inbox::{checkpoint, move_checkpoint};
use crate::delivery::{inbox, messages};
use crate::envelope::{Envelope, Recorded};
use crate::error::Error;
use crate::kernel::Kernel;
use crate::spans;
use crate::work::leases::Lease;

/// How many messages are on their way before the checkpoint moves.
const BATCH: i64 = 2048;
/// How many bytes of messages.
const BATCH_BYTES: usize = 32 << 20;
const PAUSE: Duration = Duration::from_secs(1);

/// This often a topic that is not there is looked for.
const MISSING: Duration = Duration::from_secs(1);

/// What became of a message of a batch.
enum Fate {
    /// It is on its way, and that is a part of its trace.
    Sent(DeliveryFuture, Span),
    /// No broker will take it, and why.
    Refused(String),
    /// Its topic is not there.
    Held,
}

/// A topic that is not there.
struct Held {
    /// Its messages after this position were not shipped.
    position: i64,
    /// When it is looked for again.
    look_at: Instant,
}

struct Shipper {
    kernel: Kernel,
    kafka: Arc<Kafka>,
    lease: Lease,
    published: watch::Receiver<i64>,
    producer: FutureProducer,
    /// Topics that are there.
    topics: BTreeSet<String>,
    /// Topics that are not.
    held: BTreeMap<String, Held>,
    /// Everything up to here was acknowledged, is a dead letter, or waits for its topic.
    position: i64,
}

/// The name under which it is kept how far a topic is that was passed over.
fn reader_of(topic: &str) -> String {
    format!("{READER}:{topic}")
}

/// Ships until the lease ends.
pub(crate) async fn run(kernel: Kernel, kafka: Arc<Kafka>, lease: Lease) {
    let ended = lease.ended().clone();
    while !ended.is_cancelled() {
        // After an error with a new producer, and so from the checkpoint on: what follows a message
        // that failed must not stay ahead of it.
        if let Err(error) = ship(&kernel, &kafka, &lease).await {
            tracing::warn!(reader = READER, cause = ?error, "nothing can be shipped");
            tokio::select! {
                () = ended.cancelled() => {}
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }
}

async fn ship(kernel: &Kernel, kafka: &Arc<Kafka>, lease: &Lease) -> Result<(), Error> {
    // Written at once: from now on the inbox may know messages that this database does not.
    let mut turn = kernel.inner().database.turn().await?;
    lease.hold(turn.connection()).await?;
    let position = checkpoint(turn.connection(), READER).await?;
    move_checkpoint(turn.connection(), READER, position).await?;
    let held = inbox::checkpoints(turn.connection(), &reader_of("")).await?;
    turn.commit().await?;
    let held = held.into_iter().map(|(topic, position)| {
        let look_at = Instant::now();
        (topic, Held { position, look_at })
    });
    let mut shipper = Shipper {
        kernel: kernel.clone(),
        kafka: Arc::clone(kafka),
        lease: lease.clone(),
        published: kernel.inner().bus.published(),
        producer: kafka.producer()?,
        topics: BTreeSet::new(),
        held: held.collect(),
        position,
    };
    let ended = lease.ended();
    let mut shipped = Ok(());
    while shipped.is_ok() && !ended.is_cancelled() {
        shipped = match shipper.pass().await {
            Ok(true) => Ok(()),
            Ok(false) => {
                let look_at = shipper.held.values().map(|held| held.look_at).min();
                let look_at = look_at.unwrap_or_else(Instant::now).into();
                tokio::select! {
                    () = ended.cancelled() => {}
                    _ = shipper.published.changed() => {}
                    () = tokio::time::sleep_until(look_at), if !shipper.held.is_empty() => {}
                }
                Ok(())
            }
            Err(error) => Err(error),
        };
    }
    // It waits for its thread.
    let ended = tokio::task::spawn_blocking(move || drop(shipper.producer)).await;
    shipped.and(ended.map_err(|error| Error::Bus(error.into())))
}

impl Shipper {
    /// Ships a batch; says whether there was anything.
    async fn pass(&mut self) -> Result<bool, Error> {
        self.catch_up().await?;
        let through = *self.published.borrow_and_update();
        let mut snapshot = self.kernel.inner().database.read().await?;
        let batch = messages::log(snapshot.connection(), self.position, through, BATCH).await?;
        drop(snapshot);
        if batch.is_empty() {
            return Ok(false);
        }
        let batch = batch.into_iter().map(|(_, recorded)| recorded).collect();
        let sent = self.send_all(batch).await?;
        let settled = self.settle(sent).await;
        if settled.position > self.position {
            self.save(READER, &settled).await?;
            self.position = settled.position;
        }
        settled.ended?;
        Ok(true)
    }

    /// Ships to topics that are there again what they have missed.
    async fn catch_up(&mut self) -> Result<(), Error> {
        let now = Instant::now();
        let due = self.held.iter().filter(|(_, held)| held.look_at <= now);
        let due: Vec<String> = due.map(|(topic, _)| topic.clone()).collect();
        for topic in due {
            if let Some(why) = topics::lacks(&self.kafka, &self.producer, &topic).await? {
                tracing::warn!(topic, %why, "messages wait for their topic");
                self.held.entry(topic).and_modify(|held| held.look_at = now + MISSING);
                continue;
            }
            let Some(Held { mut position, .. }) = self.held.remove(&topic) else { continue };
            self.topics.insert(topic.clone());
            while position < self.position && !self.lease.ended().is_cancelled() {
                let mut snapshot = self.kernel.inner().database.read().await?;
                let (connection, through) = (snapshot.connection(), self.position);
                let missed =
                    messages::log_of_channel(connection, &topic, position, through, BATCH).await?;
                drop(snapshot);
                let sent = self.send_all(missed.clone()).await?;
                let is_all = missed.is_empty();
                let mut settled = self.settle(sent).await;
                if is_all {
                    settled.position = through;
                }
                if settled.position > position {
                    self.save(&reader_of(&topic), &settled).await?;
                    position = settled.position;
                }
                settled.ended?;
            }
            if position >= self.position {
                self.forget(&topic).await?;
                tracing::info!(topic, position, "a topic has what it had missed");
            }
        }
        Ok(())
    }

    /// Puts messages on their way, as many as can be.
    async fn send_all(&mut self, batch: Vec<Recorded>) -> Result<Vec<(Recorded, Fate)>, Error> {
        let mut sent = Vec::with_capacity(batch.len());
        let mut bytes = 0;
        for recorded in batch {
            if bytes >= BATCH_BYTES {
                break;
            }
            let outgoing = Outgoing::new(&recorded.envelope)?;
            bytes += outgoing.size();
            let Some(fate) = self.send(&recorded, &outgoing).await? else { break };
            sent.push((recorded, fate));
        }
        Ok(sent)
    }

    /// Puts a message on its way; none when no more can be on their way.
    async fn send(
        &mut self,
        recorded: &Recorded,
        outgoing: &Outgoing<'_>,
    ) -> Result<Option<Fate>, Error> {
        let envelope = &recorded.envelope;
        let (size, limit) = (outgoing.size(), self.kafka.message_limit);
        if size > limit {
            return Ok(Some(Fate::Refused(format!("it has {size} bytes, the limit is {limit}"))));
        }
        if !topics::is_name(&envelope.channel) {
            return Ok(Some(Fate::Refused("its channel is no name of a topic".to_owned())));
        }
        if !self.is_there(&envelope.channel, recorded.position).await? {
            return Ok(Some(Fate::Held));
        }
        match self.producer.send_result(outgoing.record()) {
            Ok(delivery) => Ok(Some(Fate::Sent(delivery, spans::ship(envelope)))),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => Ok(None),
            Err((error, _)) => Err(failed(error)),
        }
    }

    /// Waits for what was sent, in its order, up to the first that was not taken.
    async fn settle(&mut self, sent: Vec<(Recorded, Fate)>) -> Settled {
        let ended = self.lease.ended().clone();
        let mut settled = Settled::default();
        for (recorded, fate) in sent {
            let outcome = match fate {
                Fate::Held => {
                    settled.held.insert(recorded.envelope.channel);
                    None
                }
                Fate::Refused(reason) => Some((recorded.envelope, reason)),
                Fate::Sent(delivery, _until_it_is_there) => {
                    let delivered = tokio::select! {
                        () = ended.cancelled() => break,
                        delivered = delivery => delivered,
                    };
                    match delivered {
                        Ok(Ok(_)) => None,
                        Ok(Err((error, _))) if is_refusal(&error) => {
                            Some((recorded.envelope, error.to_string()))
                        }
                        Ok(Err((error, _))) => {
                            settled.ended = Err(failed(error));
                            break;
                        }
                        Err(canceled) => {
                            settled.ended = Err(Error::Bus(canceled.into()));
                            break;
                        }
                    }
                }
            };
            settled.position = recorded.position;
            settled.refused.extend(outcome);
        }
        settled
    }

    /// Moves a checkpoint past what was settled, and keeps what that leaves behind: letters, and
    /// where topics begin that are not there.
    async fn save(&self, reader: &str, settled: &Settled) -> Result<(), Error> {
        let mut turn = self.kernel.inner().database.turn().await?;
        self.lease.hold(turn.connection()).await?;
        for (envelope, reason) in &settled.refused {
            tracing::error!(
                tenant = %envelope.tenant_id, channel = envelope.channel, reason,
                correlation_id = envelope.correlation_id, "a message cannot be shipped"
            );
            let (source, spot) = (READER, None);
            let given = Given { source, spot, reason, attempts: 1 };
            deliveries::put_away(&self.kernel, turn.connection(), envelope, given).await?;
        }
        for (topic, held) in settled.held.iter().filter_map(|it| self.held.get_key_value(it)) {
            move_checkpoint(turn.connection(), &reader_of(topic), held.position).await?;
        }
        move_checkpoint(turn.connection(), reader, settled.position).await?;
        turn.commit().await
    }

    /// A topic goes along with the others again.
    async fn forget(&self, topic: &str) -> Result<(), Error> {
        let mut turn = self.kernel.inner().database.turn().await?;
        self.lease.hold(turn.connection()).await?;
        inbox::forget_checkpoint(turn.connection(), &reader_of(topic)).await?;
        turn.commit().await
    }

    /// Whether a message can be written to its topic, which is looked for before anything is: a
    /// message for one that is not there would be overtaken. That one holds up no other.
    async fn is_there(&mut self, topic: &str, position: i64) -> Result<bool, Error> {
        if self.topics.contains(topic) {
            return Ok(true);
        }
        if self.held.contains_key(topic) {
            return Ok(false);
        }
        let Some(why) = topics::lacks(&self.kafka, &self.producer, topic).await? else {
            self.topics.insert(topic.to_owned());
            return Ok(true);
        };
        tracing::warn!(topic, %why, "messages wait for their topic");
        let look_at = Instant::now() + MISSING;
        self.held.insert(topic.to_owned(), Held { position: position - 1, look_at });
        Ok(false)
    }
}

/// How far a batch was taken.
struct Settled {
    position: i64,
    /// What no broker takes, and why.
    refused: Vec<(Envelope, String)>,
    /// Topics of messages that were passed over.
    held: BTreeSet<String>,
    ended: Result<(), Error>,
}

impl Default for Settled {
    fn default() -> Self {
        Self { position: 0, refused: Vec::new(), held: BTreeSet::new(), ended: Ok(()) }
    }
}

/// Whether a broker has said that it will never take this message.
pub(super) fn is_refusal(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{InvalidRecord, InvalidTopic, MessageSizeTooLarge};
    let KafkaError::MessageProduction(code) = error else { return false };
    matches!(code, MessageSizeTooLarge | InvalidRecord | InvalidTopic)
}
