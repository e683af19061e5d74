//! How messages get from a commit to whoever handles them: outbox, relay, log, buses, inbox, dead
//! letters.

pub(crate) mod bus;
pub(crate) mod dead_letters;
pub(crate) mod deliveries;
pub(crate) mod inbox;
#[cfg(feature = "kafka")]
pub(crate) mod kafka;
pub(crate) mod lanes;
pub(crate) mod messages;
pub(crate) mod relay;
pub(crate) mod replays;
