//! The events of a service call, and its commands: the contract's own.

use calls_wire::events::{ServiceCallCommands, ServiceCallEvents};
use symbolon_kernel::{NewEvent, Refused};

/// One event, by its name in the contract.
pub(crate) type Event = ServiceCallEvents;

/// One command, by its name in the contract.
pub(crate) type Command = ServiceCallCommands;

/// A stream cannot be folded to a call.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error(transparent)]
    Event(#[from] Refused),
    #[error("a stream does not begin with a submission")]
    Beginning,
    #[error("a stream submits its call twice")]
    Repetition,
}

/// Makes events ready to be appended.
pub(crate) fn seal(events: impl IntoIterator<Item = Event>) -> Vec<NewEvent> {
    events.into_iter().map(NewEvent::from).collect()
}
