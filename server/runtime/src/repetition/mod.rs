//! Requests that come again under their idempotency key.

pub(crate) mod idempotency;
pub(crate) mod memory_answers;
