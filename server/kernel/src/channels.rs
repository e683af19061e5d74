//! Typed events: from the messages of a contract to what a unit appends, and from what arrives to
//! the handlers of a contract.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use symbolon_wire::channel::{Channel, Event, Handler, Ignored, Refused};
use symbolon_wire::{In, Violation};

use crate::envelope::{Envelope, NewEvent, StreamId};
use crate::handlers::{BoxError, Consumer, Handled, Projection, ReadModel};
use crate::unit::Unit;

type Check = fn(&Event<Value>) -> Result<(), Refused>;

/// What an event is held against before it is written: the schema of its contract, where it was
/// made of a message of one.
#[derive(Clone, Default, PartialEq)]
pub struct Schema(Held);

#[derive(Clone, Default)]
enum Held {
    /// No contract says anything.
    #[default]
    Nothing,
    To(Check),
    /// It could not be written as JSON.
    Refused(Refused),
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nothing, Self::Nothing) => true,
            (Self::To(one), Self::To(other)) => std::ptr::fn_addr_eq(*one, *other),
            (Self::Refused(one), Self::Refused(other)) => one == other,
            (Self::Nothing | Self::To(_) | Self::Refused(_), _) => false,
        }
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match &self.0 {
            Held::Nothing => "Schema(none)",
            Held::To(_) | Held::Refused(_) => "Schema(of a contract)",
        })
    }
}

impl NewEvent {
    /// Holds it against its schema, as it would travel.
    pub(crate) fn held(self, seal: impl FnOnce(Self) -> Envelope) -> Result<Self, Refused> {
        let check = match &self.schema.0 {
            Held::Nothing => return Ok(self),
            Held::To(check) => *check,
            Held::Refused(refused) => return Err(refused.clone()),
        };
        let (channel, schema) = (self.channel.clone(), self.schema.clone());
        let envelope = seal(self);
        check(&envelope.event())?;
        let Envelope { event_type, schema_version, data, .. } = envelope;
        Ok(Self { channel, event_type, schema_version, data, schema })
    }
}

/// A message of a contract, ready to be appended or published: the unit holds it against its
/// schema, and writes nothing of the call if it breaks that.
impl<C: Channel> From<C> for NewEvent {
    fn from(message: C) -> Self {
        let (data, held) = match message.to_value() {
            Ok(data) => (data, Held::To(C::check)),
            Err(_) => {
                let violation = Violation {
                    location: In::Body,
                    pointer: String::new(),
                    code: "type".to_owned(),
                    detail: "must be a value that JSON has".to_owned(),
                };
                let refused = Refused::broken(message.event_type(), vec![violation]);
                (Value::Null, Held::Refused(refused))
            }
        };
        Self {
            channel: C::ADDRESS.to_owned(),
            event_type: message.event_type().to_owned(),
            schema_version: message.schema_version(),
            data,
            schema: Schema(held),
        }
    }
}

impl Envelope {
    /// The event as whoever knows no kernel knows it.
    fn event(&self) -> Event<Value> {
        self.around(self.data.clone())
    }

    fn around<D>(&self, data: D) -> Event<D> {
        Event {
            message_id: self.message_id,
            tenant_id: self.tenant_id.to_string(),
            aggregate_type: self.aggregate_type.clone(),
            aggregate_id: self.aggregate_id.clone(),
            event_type: self.event_type.clone(),
            timestamp: self.timestamp,
            correlation_id: self.correlation_id.clone(),
            causation_id: self.causation_id.clone(),
            traceparent: self.traceparent,
            schema_version: self.schema_version,
            version: self.version,
            data,
        }
    }

    /// Reads it as a message of a channel, to be folded: it was held against its contract when it
    /// was appended, and the contract may have changed since.
    ///
    /// # Errors
    /// [`Refused`] when the channel has no such message, or the payload is not of its type.
    pub fn parse<C: Channel>(&self) -> Result<Event<C>, Refused> {
        let data = C::parse(&self.event_type, self.schema_version, &self.data)?;
        Ok(self.around(data))
    }
}

/// The stream that an event was appended to.
impl<D> From<&Event<D>> for StreamId {
    fn from(event: &Event<D>) -> Self {
        Self::new(&event.aggregate_type, &event.aggregate_id)
    }
}

/// What came is none of the channel's messages, or breaks its contract: no handler was asked, and
/// trying again cannot help.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct Unreadable(Refused);

/// Reads a message as one of its channel's.
fn read<C: Channel>(envelope: &Envelope) -> Result<Event<C>, BoxError> {
    envelope.event().typed().map_err(|refused| Unreadable(refused).into())
}

/// A consumer of one channel.
pub(crate) struct Listener<C, H> {
    name: String,
    handler: H,
    /// Types of messages for which the handler has no method: they need no transaction.
    ignored: Mutex<BTreeSet<String>>,
    channel: std::marker::PhantomData<fn() -> C>,
}

impl<C: Channel, H> Listener<C, H> {
    pub(crate) fn new(name: String, handler: H) -> Self {
        let (ignored, channel) = Default::default();
        Self { name, handler, ignored, channel }
    }

    /// Remembers what has no method, where a type stands for one message.
    fn ignore(&self, event_type: &str) {
        let of_type = C::MESSAGES.iter().filter(|known| known.event_type == event_type);
        if of_type.count() == 1 {
            let mut ignored = self.ignored.lock().unwrap_or_else(PoisonError::into_inner);
            ignored.insert(event_type.to_owned());
        }
    }
}

impl<C: Channel, H: Handler<C, Unit> + 'static> Consumer for Listener<C, H> {
    fn name(&self) -> &str {
        &self.name
    }

    fn channels(&self) -> Vec<String> {
        vec![C::ADDRESS.to_owned()]
    }

    fn accepts(&self, event_type: &str) -> bool {
        let ignored = self.ignored.lock().unwrap_or_else(PoisonError::into_inner);
        !ignored.contains(event_type)
    }

    async fn handle(&self, event: &Envelope, unit: &mut Unit) -> Handled {
        match self.handler.handle(read(event)?, unit).await {
            Err(error) if error.is::<Ignored>() => {
                self.ignore(&event.event_type);
                Ok(())
            }
            handled => handled,
        }
    }
}

/// A projection of one channel.
pub(crate) struct Projector<C, H> {
    name: String,
    tables: &'static [&'static str],
    handler: H,
    channel: std::marker::PhantomData<fn() -> C>,
}

impl<C: Channel, H> Projector<C, H> {
    pub(crate) fn new(name: String, tables: &'static [&'static str], handler: H) -> Self {
        Self { name, tables, handler, channel: std::marker::PhantomData }
    }
}

impl<C, H> Projection for Projector<C, H>
where
    C: Channel,
    H: for<'a> Handler<C, ReadModel<'a>> + 'static,
{
    fn name(&self) -> &str {
        &self.name
    }

    fn tables(&self) -> &'static [&'static str] {
        self.tables
    }

    async fn apply(&self, event: &Envelope, model: &mut ReadModel<'_>) -> Handled {
        if event.channel != C::ADDRESS {
            return Ok(());
        }
        match self.handler.handle(read(event)?, model).await {
            Err(error) if error.is::<Ignored>() => Ok(()),
            handled => handled,
        }
    }
}
