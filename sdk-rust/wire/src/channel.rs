//! Messages of channels, each in its envelope: held against their contract when they are published
//! and when they arrive, and given to whoever handles them.
//!
//! It must never know a bus or a database: whoever has these brings the context that handlers get.

use std::error::Error;
use std::fmt;
use std::future::{Future, ready};

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::collect::read_value;
use crate::trace::{TraceParent, read_trace_parent};
use crate::{In, Violation, Violations};

/// A message and the envelope around it; JSON in camelCase, times as RFC 3339.
///
/// As [`Event<Value>`] it is what travels; with a type of the contract it is what a handler gets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event<D> {
    /// Unique; the same on every redelivery.
    pub message_id: Uuid,
    /// Whose it is.
    pub tenant_id: String,
    /// The kind of aggregate it is about.
    pub aggregate_type: String,
    /// Which aggregate. Messages of one arrive in their order.
    pub aggregate_id: String,
    /// What it is called in its envelope.
    #[serde(rename = "type")]
    pub event_type: String,
    /// When it was recorded.
    pub timestamp: Timestamp,
    /// The conversation it belongs to.
    pub correlation_id: String,
    /// What directly led to it, if that is known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub causation_id: String,
    /// Where it hangs in a distributed trace.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "read_trace_parent"
    )]
    pub traceparent: Option<TraceParent>,
    /// The version of the shape of `data`.
    pub schema_version: u32,
    /// Its place in the stream of its aggregate, from 1 without gaps; 0 outside of streams.
    #[serde(default, skip_serializing_if = "is_outside_streams")]
    pub version: i64,
    /// What it says.
    pub data: D,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_outside_streams(version: &i64) -> bool {
    *version == 0
}

impl<D> Event<D> {
    /// The same envelope around something else.
    pub fn with<E>(self, data: E) -> Event<E> {
        self.map(|_| data)
    }

    /// What it says, and the envelope without it.
    pub fn split(self) -> (D, Event<()>) {
        let mut said = None;
        let envelope = self.map(|data| said = Some(data));
        (said.expect("every event says something"), envelope)
    }

    fn map<E>(self, change: impl FnOnce(D) -> E) -> Event<E> {
        Event {
            message_id: self.message_id,
            tenant_id: self.tenant_id,
            aggregate_type: self.aggregate_type,
            aggregate_id: self.aggregate_id,
            event_type: self.event_type,
            timestamp: self.timestamp,
            correlation_id: self.correlation_id,
            causation_id: self.causation_id,
            traceparent: self.traceparent,
            schema_version: self.schema_version,
            version: self.version,
            data: change(self.data),
        }
    }
}

impl Event<Value> {
    /// Reads it as a message of a channel, and holds all of it against the contract.
    ///
    /// # Errors
    /// [`Refused`] when the channel has no such message, or this one breaks its contract.
    pub fn typed<C: Channel>(self) -> Result<Event<C>, Refused> {
        C::check(&self)?;
        let data = C::parse(&self.event_type, self.schema_version, &self.data)?;
        Ok(self.with(data))
    }
}

/// The messages of a channel; generated as an enum with a variant each.
pub trait Channel: Sized + Send + Sync + 'static {
    /// The address of the channel: a topic.
    const ADDRESS: &'static str;
    /// What there is on it.
    const MESSAGES: &'static [Known];

    /// What this message is called: the `type` in its envelope.
    fn event_type(&self) -> &'static str;

    /// The version of its schema, the latest there is.
    fn schema_version(&self) -> u32;

    /// What it says, as the `data` of its envelope.
    ///
    /// # Errors
    /// When JSON has no such value.
    fn to_value(&self) -> Result<Value, serde_json::Error>;

    /// Holds what travels against the contract, its envelope too where that is described.
    ///
    /// # Errors
    /// [`Refused`] when the channel has no such message, or this one breaks its contract.
    fn check(event: &Event<Value>) -> Result<(), Refused>;

    /// Reads what is in an envelope, and holds it against nothing but its type: what was written
    /// under an earlier contract may break this one.
    ///
    /// # Errors
    /// [`Refused`] when the channel has no such message, or this one is not of its type.
    fn parse(event_type: &str, schema_version: u32, data: &Value) -> Result<Self, Refused>;
}

/// A message that a channel has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The `type` in its envelope.
    pub event_type: &'static str,
    /// The versions of its schema, rising.
    pub versions: &'static [u32],
}

/// Why a message is refused: trying again cannot help. It never quotes the message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// The channel has no message of this type.
    UnknownType {
        /// What its envelope calls it.
        event_type: String,
        /// The address of the channel.
        channel: &'static str,
    },
    /// The message has no schema of this version.
    UnknownVersion {
        /// What its envelope calls it.
        event_type: String,
        /// The version it has.
        version: u32,
    },
    /// The message breaks its schema.
    Broken {
        /// What its envelope calls it.
        event_type: String,
        /// Every place, as pointers into the payload that the contract describes.
        violations: Vec<Violation>,
    },
}

impl Refused {
    /// A message that breaks its schema at these places.
    pub fn broken(event_type: impl Into<String>, violations: Vec<Violation>) -> Self {
        Self::Broken { event_type: event_type.into(), violations }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownType { event_type, channel } => {
                write!(formatter, "`{event_type}` is no message of `{channel}`")
            }
            Self::UnknownVersion { event_type, version } => {
                write!(formatter, "schema version {version} of `{event_type}` is unknown here")
            }
            Self::Broken { event_type, violations } => {
                write!(formatter, "`{event_type}` breaks its schema")?;
                for (index, violation) in violations.iter().enumerate() {
                    formatter.write_str(if index == 0 { ": " } else { "; " })?;
                    match violation.pointer.as_str() {
                        "" => write!(formatter, "it {}", violation.detail)?,
                        pointer => write!(formatter, "`{pointer}` {}", violation.detail)?,
                    }
                }
                Ok(())
            }
        }
    }
}

impl Error for Refused {}

/// What there is to say of a message that a channel does not have.
pub fn unknown<C: Channel>(event_type: &str, version: u32) -> Refused {
    let is_known = C::MESSAGES.iter().any(|known| known.event_type == event_type);
    let event_type = event_type.to_owned();
    match is_known {
        true => Refused::UnknownVersion { event_type, version },
        false => Refused::UnknownType { event_type, channel: C::ADDRESS },
    }
}

/// Checks a message whose contract describes its envelope too.
///
/// # Errors
/// [`Refused::Broken`] with all that is wrong.
pub fn check_enveloped<T: DeserializeOwned>(
    event: &Event<Value>,
    check: impl FnOnce(&T, &mut Violations),
) -> Result<(), Refused> {
    match serde_json::to_value(event) {
        Ok(payload) => hold(&event.event_type, payload, check),
        // It was made of JSON.
        Err(_) => Err(Refused::broken(&event.event_type, Vec::new())),
    }
}

/// Checks a message whose contract describes what is in the envelope, and no envelope.
///
/// # Errors
/// [`Refused::Broken`] with all that is wrong.
pub fn check_data<T: DeserializeOwned>(
    event: &Event<Value>,
    check: impl FnOnce(&T, &mut Violations),
) -> Result<(), Refused> {
    hold(&event.event_type, event.data.clone(), check)
}

fn hold<T: DeserializeOwned>(
    event_type: &str,
    payload: Value,
    check: impl FnOnce(&T, &mut Violations),
) -> Result<(), Refused> {
    let read = parse(event_type, &payload)?;
    // Rules look at what came: what was read lacks members that its type does not know.
    let mut violations = Violations::of(move || Some(payload));
    check(&read, &mut violations);
    match violations.is_empty() {
        true => Ok(()),
        false => Err(Refused::broken(event_type, violations.into_found())),
    }
}

/// Reads a value as its type.
///
/// # Errors
/// [`Refused::Broken`] with every place that stands in the way.
pub fn parse<T: DeserializeOwned>(event_type: &str, value: &Value) -> Result<T, Refused> {
    read_value(value).map_err(|refusals| {
        let violations = refusals.into_iter().map(|it| it.into_violation(In::Body));
        Refused::broken(event_type, violations.collect())
    })
}

/// What a handler returns. After an error nothing it did should be kept.
pub type Handled = Result<(), Box<dyn Error + Send + Sync>>;

/// Handles whatever is on a channel. `X` is what it does that in: a transaction, a read model.
pub trait Handler<C: Channel, X>: Send + Sync {
    /// Handles a message.
    fn handle(&self, event: Event<C>, context: &mut X) -> impl Future<Output = Handled> + Send;
}

/// A handler with a method for every message of its channel: `On…`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fully<H>(pub H);

/// A handler with methods for some messages of its channel: `OnSome…`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Partly<H>(pub H);

/// A message for which a handler has no method; whoever delivers need not try it again.
#[derive(Debug)]
#[non_exhaustive]
pub struct Ignored;

impl fmt::Display for Ignored {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("no method handles this message")
    }
}

impl Error for Ignored {}

/// What a method does that a handler of some messages does not have. Not for handlers: whoever
/// delivers to them would no longer do so.
#[doc(hidden)]
pub fn ignore<D, X>(_: Event<D>, _: &mut X) -> impl Future<Output = Handled> + Send + use<D, X> {
    ready(Err(Ignored.into()))
}
