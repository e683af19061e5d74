//! What an event is wrapped in, and the names it is addressed by.

use std::fmt;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use symbolon_wire::TraceParent;
use uuid::Uuid;

use crate::channels::Schema;

/// Whose data it is; first in every key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantId(String);

/// A tenant's name was empty or longer than 255 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a tenant has a name of 1 to 255 bytes")]
pub struct InvalidTenant;

impl TenantId {
    /// Takes a name of 1 to 255 bytes.
    ///
    /// # Errors
    /// [`InvalidTenant`] for any other name.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidTenant> {
        let name = name.into();
        if (1..=255).contains(&name.len()) { Ok(Self(name)) } else { Err(InvalidTenant) }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TenantId {
    type Error = InvalidTenant;

    fn try_from(name: String) -> Result<Self, InvalidTenant> {
        Self::new(name)
    }
}

impl From<TenantId> for String {
    fn from(tenant: TenantId) -> Self {
        tenant.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// One aggregate of a tenant: its kind and its id. The tenant comes from the unit of work.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// The kind, e.g. `ServiceCall`.
    pub aggregate_type: String,
    /// The id within the kind.
    pub aggregate_id: String,
}

impl StreamId {
    /// The stream of the aggregate of this kind and id.
    pub fn new(aggregate_type: impl Into<String>, aggregate_id: impl Into<String>) -> Self {
        Self { aggregate_type: aggregate_type.into(), aggregate_id: aggregate_id.into() }
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.aggregate_type, self.aggregate_id)
    }
}

/// Why something is written: carried by every event and timer of a unit of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The conversation this belongs to; the same from the first request to the last event.
    pub correlation_id: String,
    /// The message or request that directly led here.
    pub causation_id: String,
    /// Where that hangs in a distributed trace (W3C Trace Context).
    pub traceparent: Option<TraceParent>,
}

impl Cause {
    /// Caused by a request from outside, known by its correlation id.
    pub fn request(correlation_id: impl Into<String>) -> Self {
        let correlation_id = correlation_id.into();
        Self { causation_id: correlation_id.clone(), correlation_id, traceparent: None }
    }

    /// The same cause, as a part of a distributed trace.
    #[must_use]
    pub fn traced(self, traceparent: Option<TraceParent>) -> Self {
        Self { traceparent, ..self }
    }

    /// Caused by an event.
    #[must_use]
    pub fn event(event: &Envelope) -> Self {
        Self {
            correlation_id: event.correlation_id.clone(),
            causation_id: event.message_id.to_string(),
            traceparent: event.traceparent,
        }
    }
}

/// An event that is about to be appended.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// The address of the channel it is published on, e.g. `scheduler.service-call.v1`.
    pub channel: String,
    /// The message's name in the contract, e.g. `ServiceCallSubmitted`.
    pub event_type: String,
    /// The version of the shape of `data`.
    pub schema_version: u32,
    /// The payload.
    pub data: Value,
    /// What it is held against before it is written.
    pub schema: Schema,
}

impl NewEvent {
    /// An event whose payload is `data` written as JSON, and that is held against nothing. One of
    /// a contract is made of its message: `ServiceCallEvents::DueTimeReached(data).into()`.
    ///
    /// # Errors
    /// When `data` cannot be written as JSON.
    pub fn new<T: Serialize + ?Sized>(
        channel: impl Into<String>,
        event_type: impl Into<String>,
        schema_version: u32,
        data: &T,
    ) -> Result<Self, serde_json::Error> {
        let data = serde_json::to_value(data)?;
        let (channel, event_type) = (channel.into(), event_type.into());
        Ok(Self { channel, event_type, schema_version, data, schema: Schema::default() })
    }
}

/// An event as it is stored and published; JSON in camelCase, times as RFC 3339.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    /// Unique, UUID version 7; the same on every redelivery.
    pub message_id: Uuid,
    /// Whose event it is.
    pub tenant_id: TenantId,
    /// The address of its channel. It is where the message travels and no part of it.
    #[serde(skip)]
    pub channel: String,
    /// The kind of the aggregate.
    pub aggregate_type: String,
    /// The id of the aggregate; the key of the topic's partitions.
    pub aggregate_id: String,
    /// The message's name in the contract.
    #[serde(rename = "type")]
    pub event_type: String,
    /// When it was appended.
    pub timestamp: Timestamp,
    /// The conversation it belongs to.
    pub correlation_id: String,
    /// The message or request that directly led to it.
    pub causation_id: String,
    /// Where its cause hangs in a distributed trace. Whatever is no `traceparent` is dropped.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "symbolon_wire::read_trace_parent"
    )]
    pub traceparent: Option<TraceParent>,
    /// The version of the shape of `data`.
    pub schema_version: u32,
    /// Its place in the stream of its aggregate: 1, 2, 3, without gaps; 0, and not written, for a
    /// message that belongs to no stream.
    #[serde(default, skip_serializing_if = "is_outside_streams")]
    pub version: i64,
    /// The payload.
    pub data: Value,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_outside_streams(version: &i64) -> bool {
    *version == 0
}

impl Envelope {
    /// The stream it was appended to.
    #[must_use]
    pub fn stream(&self) -> StreamId {
        StreamId::new(&self.aggregate_type, &self.aggregate_id)
    }

    /// Reads the payload.
    ///
    /// # Errors
    /// When the payload does not have the shape of `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(&self.data)
    }
}

/// An event and its place among all events, in the order of commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Rises with every event of every tenant; it may skip numbers.
    pub position: i64,
    /// The event.
    pub envelope: Envelope,
}
