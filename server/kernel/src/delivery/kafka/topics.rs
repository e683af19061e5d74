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

/// Makes a topic, if that is not left to an operator, and looks whether it can be written to:
/// tells why it cannot be.
///
/// # Errors
/// When no broker answers.
pub(super) async fn lacks(
    kafka: &Kafka,
    producer: &FutureProducer,
    name: &str,
) -> Result<Option<RDKafkaErrorCode>, Error> {
    // What stands in the way of making it is seen when it is not there.
    if let Err(error) = make(kafka, &[name]).await {
        tracing::debug!(topic = name, cause = ?error, "a topic could not be made");
    }
    let (producer, topic) = (producer.clone(), name.to_owned());
    let found = tokio::task::spawn_blocking(move || {
        let metadata = producer.client().fetch_metadata(Some(&topic), PATIENCE)?;
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        Ok(match found.map(|found| (found.error(), found.partitions())) {
            Some((Some(error), _)) => Some(error.into()),
            Some((None, [])) | None => Some(RDKafkaErrorCode::UnknownTopic),
            Some((None, [..])) => None,
        })
    });
    found.await.map_err(|error| Error::Bus(error.into()))?.map_err(failed)
}

/// The topic that takes what a group has given up of another.
pub(super) fn dead_letters(channel: &str, group: &str) -> String {
    format!("{channel}.dlq.{group}")
}
