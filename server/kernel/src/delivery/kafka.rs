//! A Kafka cluster as the bus between processes: a shipper writes what is in the log to topics,
//! and consumers read it there as members of a group. The database stays the truth.

mod envelopes;
mod group;
mod letters;
mod membership;
mod shipper;
mod topics;

use std::collections::BTreeMap;
use std::fmt;

use rdkafka::ClientConfig;
use rdkafka::config::FromClientConfig;
use rdkafka::consumer::StreamConsumer;

use crate::envelope::TenantId;
use crate::error::Error;
use crate::handlers::AnyConsumer;

pub(crate) use group::run as join;
pub(crate) use letters::run as ship_letters;
pub(crate) use shipper::run as ship;

use membership::Membership;

/// Whoever ships dead letters holds the lease of this name.
pub(crate) const LETTERS: &str = "letter-shipper";
/// Whoever ships holds the lease of this name.
pub(crate) const SHIPPER: &str = "shipper";
/// The name under which the shipper's checkpoint is kept.
pub(crate) const READER: &str = "bus:kafka";

/// Bytes a message may have unless it is said otherwise; what brokers take unless they are told.
const MESSAGE_LIMIT: usize = 1_000_000;
/// What a record may have beside its message: its key, its headers, the protocol's own.
const RECORD_OVERHEAD: usize = 64 * 1024;

/// Who makes topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topics {
    /// An operator, before anything is published on them. Until then publication waits.
    Existing,
    /// The shipper, when it first needs them.
    Create {
        /// In how many parts; how many members of one group can share the work.
        partitions: i32,
        /// On how many brokers.
        replication: i32,
    },
}

/// A Kafka cluster, and how to speak to it.
#[derive(Clone, PartialEq, Eq)]
pub struct Kafka {
    /// Some of its brokers: `host:port`, separated by commas.
    pub brokers: String,
    /// Whose dead letters are messages that cannot be read and so belong to no tenant we know.
    pub operator: TenantId,
    /// Who makes topics.
    pub topics: Topics,
    /// Bytes that a message may have. Longer ones are dead letters.
    pub message_limit: usize,
    /// Properties of librdkafka, of credentials for instance. What the guarantees rest on cannot
    /// be set here.
    pub properties: BTreeMap<String, String>,
    /// The same for consumers alone, e.g. `session.timeout.ms`.
    pub consumer_properties: BTreeMap<String, String>,
}

/// Properties may be secret.
impl fmt::Debug for Kafka {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = formatter.debug_struct("Kafka");
        out.field("brokers", &self.brokers).field("topics", &self.topics).finish_non_exhaustive()
    }
}

impl Kafka {
    /// The cluster of these brokers, with topics that an operator has made.
    pub fn new(brokers: impl Into<String>, operator: TenantId) -> Self {
        Self {
            brokers: brokers.into(),
            operator,
            topics: Topics::Existing,
            message_limit: MESSAGE_LIMIT,
            properties: BTreeMap::new(),
            consumer_properties: BTreeMap::new(),
        }
    }

    fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client.extend(self.properties.clone());
        client.set("bootstrap.servers", &self.brokers);
        client
    }

    /// A client that writes in order and gives up on nothing: a message that fails alone would
    /// come after those that follow it.
    fn producer<T: FromClientConfig>(&self) -> Result<T, Error> {
        let mut client = self.client();
        client
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("enable.gapless.guarantee", "true")
            .set("message.timeout.ms", "0")
            .set("message.max.bytes", (self.message_limit + RECORD_OVERHEAD).to_string());
        client.create().map_err(failed)
    }

    /// A client that begins where its group has committed, or else with the first message, and
    /// commits what it is told to.
    fn consumer(&self, group: &str) -> Result<StreamConsumer<Membership>, Error> {
        let mut client = self.client();
        client.extend(self.consumer_properties.clone());
        client
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            .set("statistics.interval.ms", "1000")
            // A topic that an operator makes after us.
            .set("topic.metadata.refresh.interval.ms", "10000");
        client.create_with_context(Membership::default()).map_err(failed)
    }
}

/// Whether what a group gives up of its channels has a topic to go to: the first that has none.
pub(crate) fn unnamable(consumer: &dyn AnyConsumer) -> Option<String> {
    let channels = consumer.channels().into_iter();
    let mut topics = channels.map(|channel| topics::dead_letters(&channel, consumer.name()));
    topics.find(|topic| !topics::is_name(topic))
}

fn failed(error: rdkafka::error::KafkaError) -> Error {
    Error::Bus(error.into())
}
