//! A Kafka cluster for tests: that of the URL `SYMBOLON_TEST_KAFKA`, or three brokers of
//! librdkafka's in this process.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{DefaultProducerContext, FutureProducer, FutureRecord};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};
use symbolon_kernel::{Kafka, Kernel, NewEvent, Topics};

use crate::fixture::{happened, tenant, thing, unit};

const PARTITIONS: i32 = 4;

pub(crate) struct Cluster {
    pub(crate) mock: Option<MockCluster<'static, DefaultProducerContext>>,
    brokers: String,
    /// A topic of this test's own.
    pub(crate) topic: String,
}

/// A record as it lies in a topic.
#[derive(Debug)]
pub(crate) struct Lying {
    pub(crate) key: String,
    pub(crate) payload: Vec<u8>,
    /// The payload, if it is JSON.
    pub(crate) value: serde_json::Value,
    pub(crate) headers: Vec<(String, String)>,
}

impl Cluster {
    pub(crate) fn new() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::SeqCst);
        let topic = format!("things-{}-{number}", std::process::id());
        if let Ok(url) = std::env::var("SYMBOLON_TEST_KAFKA") {
            let brokers = url.trim_start_matches("kafka://").to_owned();
            return Self { mock: None, brokers, topic };
        }
        let mock = MockCluster::new(3).unwrap();
        let brokers = mock.bootstrap_servers();
        mock.create_topic(&topic, PARTITIONS, 3).unwrap();
        Self { mock: Some(mock), brokers, topic }
    }

    pub(crate) fn kafka(&self) -> Kafka {
        let mut kafka = Kafka::new(&self.brokers, tenant("operator"));
        if self.mock.is_none() {
            kafka.topics = Topics::Create { partitions: PARTITIONS, replication: 1 };
        }
        for (key, value) in [("session.timeout.ms", "6000"), ("max.poll.interval.ms", "10000")] {
            kafka.consumer_properties.insert(key.to_owned(), value.to_owned());
        }
        kafka
    }

    /// An event on the topic of this test.
    pub(crate) fn event(&self, number: i64) -> NewEvent {
        NewEvent { channel: self.topic.clone(), ..happened(number) }
    }

    /// Publishes an event about a thing.
    pub(crate) async fn publish(&self, kernel: &Kernel, name: &str, id: &str, number: i64) {
        let mut unit = unit(kernel, name).await;
        unit.publish(&thing(id), self.event(number)).await.unwrap();
        unit.commit().await.unwrap();
    }

    /// Writes to the topic past any kernel.
    pub(crate) async fn inject(&self, key: &str, value: &[u8]) {
        let producer: FutureProducer =
            ClientConfig::new().set("bootstrap.servers", &self.brokers).create().unwrap();
        let record = FutureRecord::to(&self.topic).key(key).payload(value);
        producer.send(record, Duration::from_secs(10)).await.unwrap();
    }

    /// Takes away a topic that is not there yet.
    pub(crate) fn withhold(&self, topic: &str) {
        if let Some(mock) = &self.mock {
            mock.create_topic(topic, PARTITIONS, 3).unwrap();
            let missing = RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
            mock.topic_error(topic, missing).unwrap();
        }
    }

    /// Makes a topic that was withheld.
    pub(crate) async fn give(&self, topic: &str) {
        if let Some(mock) = &self.mock {
            let nothing = RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR;
            return mock.topic_error(topic, nothing).unwrap();
        }
        let admin: AdminClient<DefaultClientContext> =
            ClientConfig::new().set("bootstrap.servers", &self.brokers).create().unwrap();
        let topic = NewTopic::new(topic, PARTITIONS, TopicReplication::Fixed(1));
        admin.create_topics(&[topic], &AdminOptions::new()).await.unwrap();
    }

    /// Everything in the topic, once it holds so many records.
    pub(crate) fn read(&self, count: usize) -> Vec<Lying> {
        self.read_from(&self.topic, count)
    }

    /// Everything in a topic, once it holds so many records.
    pub(crate) fn read_from(&self, topic: &str, count: usize) -> Vec<Lying> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.brokers)
            .set("group.id", format!("{topic}-reader"))
            .set("enable.auto.commit", "false")
            .create()
            .unwrap();
        let mut places = TopicPartitionList::new();
        for partition in 0..PARTITIONS {
            places.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
        }
        consumer.assign(&places).unwrap();
        let mut records = Vec::new();
        loop {
            let patience = if records.len() < count { 20 } else { 1 };
            match consumer.poll(Duration::from_secs(patience)) {
                Some(Ok(message)) => records.push(lying(&message)),
                Some(Err(error)) => eprintln!("{error}"),
                None => break,
            }
        }
        assert!(records.len() >= count, "{} of {count} records", records.len());
        records
    }
}

fn lying(message: &BorrowedMessage<'_>) -> Lying {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
    Lying {
        key: text(message.key().unwrap()),
        payload: message.payload().unwrap().to_vec(),
        value: serde_json::from_slice(message.payload().unwrap()).unwrap_or_default(),
        headers: headers
            .map(|header| (header.key.to_owned(), text(header.value.unwrap())))
            .collect(),
    }
}
