//! The events of a service call, as they are appended and read back.

use calls_wire::events::SERVICE_CALL_EVENTS as CHANNEL;
use calls_wire::types;
use symbolon_kernel::{Envelope, NewEvent};

/// The version of the shape of every payload.
const SCHEMA_VERSION: u32 = 1;

/// An event in a stream is not one of the contract.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("an event is of an unknown type")]
    Type,
    #[error("the payload of an event does not have its shape")]
    Payload(#[from] serde_json::Error),
    #[error("a stream does not begin with a submission")]
    Beginning,
    #[error("a stream submits its call twice")]
    Repetition,
}

macro_rules! events {
    ($($event:ident($data:ident)),* $(,)?) => {
        /// One event, by its name in the contract.
        #[derive(Debug, Clone, PartialEq)]
        pub(crate) enum Event {
            $($event(types::$data)),*
        }

        impl Event {
            /// Reads the payload of a stored event.
            pub(crate) fn read(envelope: &Envelope) -> Result<Self, Unreadable> {
                match envelope.event_type.as_str() {
                    $(stringify!($event) => Ok(Self::$event(envelope.decode()?)),)*
                    _ => Err(Unreadable::Type),
                }
            }

            /// Makes it ready to be appended.
            pub(crate) fn seal(&self) -> Result<NewEvent, serde_json::Error> {
                match self {
                    $(Self::$event(data) => {
                        NewEvent::new(CHANNEL, stringify!($event), SCHEMA_VERSION, data)
                    })*
                }
            }
        }
    };
}

events! {
    ServiceCallSubmitted(ServiceCallSubmittedData),
    ServiceCallScheduled(ServiceCallScheduledData),
    DueTimeReached(DueTimeReachedData),
    AttemptStarted(AttemptStartedData),
    AttemptSucceeded(AttemptSucceededData),
    AttemptFailed(AttemptFailedData),
    ServiceCallSucceeded(ServiceCallSucceededData),
    ServiceCallFailed(ServiceCallFailedData),
    ServiceCallCancelled(ServiceCallCancelledData),
}

/// Makes events ready to be appended.
pub(crate) fn seal(events: &[Event]) -> Result<Vec<NewEvent>, serde_json::Error> {
    events.iter().map(Event::seal).collect()
}
