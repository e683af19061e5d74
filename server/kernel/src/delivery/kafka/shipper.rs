//! Ships the log to topics: in its order, each message at least once, by one process at a time.
//!
//! A message that was shipped twice has the same id both times. One that no broker will ever take
//! becomes a dead letter; anything else that fails is tried until it succeeds.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{DeliveryFuture, FutureProducer};
use tokio::sync::watch;

use super::envelopes::Outgoing;
use super::{Kafka, READER, failed, topics};
use crate::delivery::dead_letters::{self, NewLetter};
use crate::delivery::inbox::{checkpoint, move_checkpoint};
use crate::delivery::messages;
use crate::envelope::{Envelope, Recorded};
use crate::error::Error;
use crate::kernel::Kernel;
use crate::work::leases::Lease;

/// How many messages are on their way before the checkpoint moves.
const BATCH: i64 = 2048;
/// How many bytes of messages.
const BATCH_BYTES: usize = 32 << 20;
const PAUSE: Duration = Duration::from_secs(1);

/// What became of a message of a batch.
enum Fate {
    Sent(DeliveryFuture),
    /// No broker will take it, and why.
    Refused(String),
}

struct Shipper {
    kernel: Kernel,
    kafka: Arc<Kafka>,
    lease: Lease,
    published: watch::Receiver<i64>,
    producer: FutureProducer,
    /// Topics that are there.
    topics: BTreeSet<String>,
    /// Everything up to here was acknowledged, or is a dead letter.
    position: i64,
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
    turn.commit().await?;
    let mut shipper = Shipper {
        kernel: kernel.clone(),
        kafka: Arc::clone(kafka),
        lease: lease.clone(),
        published: kernel.inner().bus.published(),
        producer: kafka.producer()?,
        topics: BTreeSet::new(),
        position,
    };
    let ended = lease.ended();
    let mut shipped = Ok(());
    while shipped.is_ok() && !ended.is_cancelled() {
        shipped = match shipper.pass().await {
            Ok(true) => Ok(()),
            Ok(false) => {
                tokio::select! {
                    () = ended.cancelled() => {}
                    _ = shipper.published.changed() => {}
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
        let through = *self.published.borrow_and_update();
        let mut snapshot = self.kernel.inner().database.read().await?;
        let batch = messages::log(snapshot.connection(), self.position, through, BATCH).await?;
        drop(snapshot);
        if batch.is_empty() {
            return Ok(false);
        }
        let mut sent = Vec::with_capacity(batch.len());
        let mut bytes = 0;
        for (_, recorded) in batch {
            if bytes >= BATCH_BYTES {
                break;
            }
            let outgoing = Outgoing::new(&recorded.envelope)?;
            bytes += outgoing.size();
            let Some(fate) = self.send(&recorded.envelope, &outgoing).await? else { break };
            sent.push((recorded, fate));
        }
        self.settle(sent).await?;
        Ok(true)
    }

    /// Puts a message on its way; none when no more can be on their way.
    async fn send(
        &mut self,
        envelope: &Envelope,
        outgoing: &Outgoing<'_>,
    ) -> Result<Option<Fate>, Error> {
        let (size, limit) = (outgoing.size(), self.kafka.message_limit);
        if size > limit {
            return Ok(Some(Fate::Refused(format!("it has {size} bytes, the limit is {limit}"))));
        }
        if !topics::is_name(&envelope.channel) {
            return Ok(Some(Fate::Refused("its channel is no name of a topic".to_owned())));
        }
        self.find_topic(&envelope.channel).await?;
        match self.producer.send_result(outgoing.record()) {
            Ok(delivery) => Ok(Some(Fate::Sent(delivery))),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => Ok(None),
            Err((error, _)) => Err(failed(error)),
        }
    }

    /// Waits for what was sent, in its order, and moves the checkpoint past what was taken.
    async fn settle(&mut self, sent: Vec<(Recorded, Fate)>) -> Result<(), Error> {
        let ended = self.lease.ended().clone();
        let (mut position, mut refused, mut settled) = (self.position, Vec::new(), Ok(()));
        for (recorded, fate) in sent {
            let outcome = match fate {
                Fate::Refused(reason) => Some(reason),
                Fate::Sent(delivery) => {
                    let delivered = tokio::select! {
                        () = ended.cancelled() => break,
                        delivered = delivery => delivered,
                    };
                    match delivered {
                        Ok(Ok(_)) => None,
                        Ok(Err((error, _))) if is_refusal(&error) => Some(error.to_string()),
                        Ok(Err((error, _))) => {
                            settled = Err(failed(error));
                            break;
                        }
                        Err(canceled) => {
                            settled = Err(Error::Bus(canceled.into()));
                            break;
                        }
                    }
                }
            };
            position = recorded.position;
            refused.extend(outcome.map(|reason| (recorded.envelope, reason)));
        }
        self.save(position, refused).await?;
        settled
    }

    async fn save(&mut self, position: i64, refused: Vec<(Envelope, String)>) -> Result<(), Error> {
        if position <= self.position {
            return Ok(());
        }
        let mut turn = self.kernel.inner().database.turn().await?;
        self.lease.hold(turn.connection()).await?;
        for (envelope, reason) in refused {
            tracing::error!(
                tenant = %envelope.tenant_id, channel = envelope.channel, reason,
                correlation_id = envelope.correlation_id, "a message cannot be shipped"
            );
            let letter = NewLetter {
                id: self.kernel.new_id(),
                tenant: &envelope.tenant_id,
                source: READER,
                channel: &envelope.channel,
                subject: &format!("{} of {}", envelope.event_type, envelope.stream()),
                reason: &reason,
                attempts: 1,
                failed_at: self.kernel.now(),
                payload: &serde_json::to_vec(&envelope)?,
            };
            dead_letters::insert(turn.connection(), letter).await?;
        }
        move_checkpoint(turn.connection(), READER, position).await?;
        turn.commit().await?;
        self.position = position;
        Ok(())
    }

    /// Makes sure that a topic is there: a message for one that is not would be overtaken.
    async fn find_topic(&mut self, name: &str) -> Result<(), Error> {
        if self.topics.contains(name) {
            return Ok(());
        }
        topics::make(&self.kafka, &[name]).await?;
        topics::find(&self.producer, name).await?;
        self.topics.insert(name.to_owned());
        Ok(())
    }
}

/// Whether a broker has said that it will never take this message.
fn is_refusal(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{InvalidRecord, InvalidTopic, MessageSizeTooLarge};
    let KafkaError::MessageProduction(code) = error else { return false };
    matches!(code, MessageSizeTooLarge | InvalidRecord | InvalidTopic)
}
