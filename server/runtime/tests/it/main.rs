//! The edge as its callers see it, with the operations of a toy contract.
#![allow(clippy::unwrap_used, missing_debug_implementations, unreachable_pub)]

mod access;
mod api_keys;
mod bodies;
mod browsers;
mod compression;
mod contract;
mod cursors;
mod endpoints;
mod events;
mod guesses;
mod idempotency;
mod issuers;
mod limits;
mod log;
mod preconditions;
mod rate_limits;
mod rooms;
mod routing;
mod security;
mod serving;
mod shared_rate_limits;
mod sockets;
mod streams;
mod tenants;
mod toy;
