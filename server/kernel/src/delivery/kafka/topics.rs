//! Topics: made where that is asked for, and found before anything is written to them.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{FutureProducer, Producer as _};

use super::{Kafka, Topics, failed};
use crate::error::Error;

const PATIENCE: Duration = Duration::from_secs(10);

/// Whether brokers take a topic of this name.
pub(super) fn is_name(name: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=249).contains(&name.len()) && name.bytes().all(is_known) && name != "." && name != ".."
}

/// Makes those of the topics that are not there, if that is not left to an operator.
pub(super) async fn make(kafka: &Kafka, names: &[&str]) -> Result<(), Error> {
    let Topics::Create { partitions, replication } = kafka.topics else { return Ok(()) };
    let admin: AdminClient<DefaultClientContext> = kafka.client().create().map_err(failed)?;
    let topics: Vec<_> = names
        .iter()
        .map(|name| NewTopic::new(name, partitions, TopicReplication::Fixed(replication)))
        .collect();
    let options = AdminOptions::new().request_timeout(Some(PATIENCE));
    for made in admin.create_topics(&topics, &options).await.map_err(failed)? {
        match made {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((_, code)) => return Err(failed(KafkaError::AdminOp(code))),
        }
    }
    Ok(())
}

/// Makes sure that a topic is there.
pub(super) async fn find(producer: &FutureProducer, name: &str) -> Result<(), Error> {
    let (producer, topic) = (producer.clone(), name.to_owned());
    let found = tokio::task::spawn_blocking(move || {
        let metadata = producer.client().fetch_metadata(Some(&topic), PATIENCE)?;
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        match found.map(|found| found.error()) {
            Some(None) => Ok(()),
            Some(Some(error)) => Err(KafkaError::MetadataFetch(error.into())),
            None => Err(KafkaError::MetadataFetch(RDKafkaErrorCode::UnknownTopic)),
        }
    });
    found.await.map_err(|error| Error::Bus(error.into()))?.map_err(failed)
}
