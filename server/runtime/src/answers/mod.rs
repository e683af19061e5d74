//! What is answered: replies, problems, streams, and the headers that go with them.

#[cfg(feature = "compression")]
pub(crate) mod compression;
pub(crate) mod cors;
pub(crate) mod outcome;
pub(crate) mod preconditions;
pub(crate) mod problem;
pub(crate) mod reply;
pub(crate) mod streaming;
