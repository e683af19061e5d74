//! Ships dead letters of topics to a topic for each channel and group: at least once each, by one
//! process at a time. The row is the truth: a letter is shipped when it says so, and not before.
//!
//! A letter that was discarded or handled before it could be shipped is none any more.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::producer::{FutureProducer, FutureRecord};

use super::envelopes::{headers, with};
use super::shipper::is_refusal;
use super::{Kafka, failed, topics};
use crate::delivery::dead_letters::{self, Unshipped};
use crate::delivery::inbox::reader;
use crate::envelope::Envelope;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::work::leases::Lease;

const BATCH: i64 = 256;
/// How long a letter waits at most: other processes give no notice.
const POLL: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_secs(1);
/// This often a topic that is missing is looked for.
const MISSING: Duration = Duration::from_secs(5);
/// Letters of a reason that is told in a header; the row has all of it.
const REASON: usize = 1024;

struct Carrier {
    kernel: Kernel,
    kafka: Arc<Kafka>,
    lease: Lease,
    producer: FutureProducer,
    /// Topics that are known: that they are there, or when to look again.
    topics: BTreeMap<String, Option<Instant>>,
}

/// Ships until the lease ends.
pub(crate) async fn run(kernel: Kernel, kafka: Arc<Kafka>, lease: Lease) {
    let ended = lease.ended().clone();
    while !ended.is_cancelled() {
        let (kernel, kafka, lease) = (kernel.clone(), Arc::clone(&kafka), lease.clone());
        let Err(error) = ship(kernel, kafka, lease).await else { continue };
        tracing::warn!(cause = ?error, "no dead letters can be shipped");
        tokio::select! {
            () = ended.cancelled() => {}
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

async fn ship(kernel: Kernel, kafka: Arc<Kafka>, lease: Lease) -> Result<(), Error> {
    let ended = lease.ended().clone();
    let producer = kafka.producer()?;
    let mut carrier = Carrier { kernel, kafka, lease, producer, topics: BTreeMap::new() };
    let mut shipped = Ok(());
    while shipped.is_ok() && !ended.is_cancelled() {
        shipped = match carrier.pass().await {
            Ok(0) => {
                tokio::select! {
                    () = ended.cancelled() => {}
                    () = tokio::time::sleep(POLL) => {}
                }
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
    }
    // It waits for its thread.
    let ended = tokio::task::spawn_blocking(move || drop(carrier.producer)).await;
    shipped.and(ended.map_err(|error| Error::Bus(error.into())))
}

impl Carrier {
    /// Ships a batch of each group; returns how many letters that were.
    async fn pass(&mut self) -> Result<usize, Error> {
        let mut snapshot = self.kernel.inner().database.read().await?;
        let waiting = dead_letters::unshipped_groups(snapshot.connection()).await?;
        drop(snapshot);
        let mut count = 0;
        for (channel, source) in waiting {
            let group = source.strip_prefix(&reader("")).unwrap_or(&source);
            let topic = topics::dead_letters(&channel, group);
            if self.is_there(&topic).await? {
                count += self.ship(&channel, &source, group, &topic).await?;
            }
        }
        Ok(count)
    }

    /// Whether a topic can be written to. One that cannot holds up nobody else's letters.
    async fn is_there(&mut self, topic: &str) -> Result<bool, Error> {
        match self.topics.get(topic) {
            Some(None) => return Ok(true),
            Some(Some(look_at)) if *look_at > Instant::now() => return Ok(false),
            Some(Some(_)) | None => {}
        }
        let lacks = topics::lacks(&self.kafka, &self.producer, topic).await?;
        if let Some(why) = lacks {
            tracing::warn!(topic, %why, "dead letters wait for their topic");
        }
        let look_at = lacks.map(|_| Instant::now() + MISSING);
        self.topics.insert(topic.to_owned(), look_at);
        Ok(lacks.is_none())
    }

    async fn ship(
        &mut self,
        channel: &str,
        source: &str,
        group: &str,
        topic: &str,
    ) -> Result<usize, Error> {
        let mut snapshot = self.kernel.inner().database.read().await?;
        let connection = snapshot.connection();
        let letters = dead_letters::unshipped(connection, channel, source, BATCH).await?;
        drop(snapshot);
        let mut sent = Vec::with_capacity(letters.len());
        for letter in &letters {
            let record = FutureRecord::<str, [u8]>::to(topic)
                .payload(letter.payload.as_slice())
                .headers(told(letter, channel, group));
            let record = match &letter.key {
                Some(key) => record.key(key.as_str()),
                None => record,
            };
            let delivery = self.producer.send_result(record);
            sent.push((letter, delivery.map_err(|(error, _)| failed(error))?));
        }
        let mut shipped = Vec::with_capacity(sent.len());
        for (letter, delivery) in sent {
            match delivery.await {
                Ok(Ok(_)) => {}
                Ok(Err((error, _))) if is_refusal(&error) => {
                    tracing::error!(topic, letter = %letter.id, %error, "no broker takes a letter");
                }
                Ok(Err((error, _))) => return Err(failed(error)),
                Err(canceled) => return Err(Error::Bus(canceled.into())),
            }
            shipped.push(letter.id);
        }
        let mut turn = self.kernel.inner().database.turn().await?;
        self.lease.hold(turn.connection()).await?;
        let now = self.kernel.now();
        for id in &shipped {
            dead_letters::note_shipped(turn.connection(), *id, now).await?;
        }
        turn.commit().await?;
        Ok(shipped.len())
    }
}

/// What is said of a letter beside its message: where that lay, who gave it up, why, and after how
/// many tries; of a message that can be read, also what its own headers say.
fn told(letter: &Unshipped, channel: &str, group: &str) -> rdkafka::message::OwnedHeaders {
    let own = serde_json::from_slice::<Envelope>(&letter.payload).ok();
    let own = own.as_ref().map(headers).unwrap_or_default();
    let reason: String = letter.reason.chars().take(REASON).collect();
    let more = [
        ("letterId", letter.id.to_string()),
        ("reason", reason),
        ("attempts", letter.attempts.to_string()),
        ("failedAt", letter.failed_at.to_string()),
        ("group", group.to_owned()),
        ("topic", channel.to_owned()),
        ("partition", letter.partition.to_string()),
        ("offset", letter.offset.to_string()),
    ];
    with(own, more)
}
