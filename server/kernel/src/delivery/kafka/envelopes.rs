//! How a message lies in a topic: key, headers and value.

use std::sync::Arc;

use rdkafka::message::{BorrowedMessage, Header, Message as _, OwnedHeaders};
use rdkafka::producer::FutureRecord;

use super::membership::Place;
use crate::delivery::dead_letters::Spot;
use crate::envelope::Envelope;

/// How much is kept of a message that is longer than any may be.
const KEPT: usize = 64 * 1024;

/// A message as it is written: its value is the envelope as JSON, its key is the aggregate's id.
pub(super) struct Outgoing<'a> {
    envelope: &'a Envelope,
    value: Vec<u8>,
}

impl<'a> Outgoing<'a> {
    pub(super) fn new(envelope: &'a Envelope) -> Result<Self, serde_json::Error> {
        Ok(Self { envelope, value: serde_json::to_vec(envelope)? })
    }

    pub(super) fn size(&self) -> usize {
        self.value.len()
    }

    pub(super) fn record(&self) -> FutureRecord<'_, str, [u8]> {
        FutureRecord::to(&self.envelope.channel)
            .key(self.envelope.aggregate_id.as_str())
            .payload(self.value.as_slice())
            .timestamp(self.envelope.timestamp.as_millisecond())
            .headers(headers(self.envelope))
    }
}

/// What a reader may want to know without parsing the value.
pub(super) fn headers(envelope: &Envelope) -> OwnedHeaders {
    let headers = [
        ("messageId", envelope.message_id.to_string()),
        ("tenantId", envelope.tenant_id.to_string()),
        ("type", envelope.event_type.clone()),
        ("schemaVersion", envelope.schema_version.to_string()),
        ("correlationId", envelope.correlation_id.clone()),
        ("causationId", envelope.causation_id.clone()),
    ];
    let trace = envelope.traceparent.map(|it| ("traceparent", it.to_string()));
    with(OwnedHeaders::new(), headers.into_iter().chain(trace))
}

/// More headers.
pub(super) fn with(
    headers: OwnedHeaders,
    more: impl IntoIterator<Item = (&'static str, String)>,
) -> OwnedHeaders {
    more.into_iter()
        .fold(headers, |all, (key, value)| all.insert(Header { key, value: Some(value.as_str()) }))
}

/// A message as it was read.
pub(super) struct Incoming {
    pub(super) place: Place,
    pub(super) spot: Spot,
    pub(super) size: usize,
    pub(super) content: Result<Arc<Envelope>, Malformed>,
}

/// What is no message of ours.
pub(super) struct Malformed {
    pub(super) reason: String,
    pub(super) payload: Vec<u8>,
}

impl Incoming {
    pub(super) fn read(message: &BorrowedMessage<'_>, limit: usize) -> Self {
        let payload = message.payload().unwrap_or_default();
        let content = match payload.len() {
            0 => Err("it is empty".to_owned()),
            size if size > limit => Err(format!("it has {size} bytes, the limit is {limit}")),
            _ => serde_json::from_slice(payload)
                .map(|envelope| {
                    Arc::new(Envelope { channel: message.topic().to_owned(), ..envelope })
                })
                .map_err(|error| format!("it is no message: {error}")),
        };
        let content = content.map_err(|reason| {
            let kept = if payload.len() > limit { KEPT.min(payload.len()) } else { payload.len() };
            Malformed { reason, payload: payload[..kept].to_vec() }
        });
        Self {
            place: (message.topic().to_owned(), message.partition()),
            spot: Spot {
                partition: message.partition(),
                offset: message.offset(),
                key: message.key().map(|key| String::from_utf8_lossy(key).into_owned()),
            },
            size: payload.len(),
            content,
        }
    }
}
