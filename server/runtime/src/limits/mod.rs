//! How much callers may take: room for bodies, requests under way, rates.

pub(crate) mod body_room;
pub(crate) mod in_flight;
pub(crate) mod rate_limits;
