//! How much callers may take: room for bodies, requests under way, answers that stay open, rates,
//! guesses at credentials.

pub(crate) mod body_room;
pub(crate) mod guesses;
pub(crate) mod in_flight;
pub(crate) mod long_lived;
pub(crate) mod rate_limits;
pub(crate) mod shared_rate_limits;
