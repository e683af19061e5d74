//! What both halves of a contract rely on.
#![allow(clippy::unwrap_used)]

mod channel;
mod multipart;
mod parameter;
mod refusal;
mod rule;
mod socket;
mod trace;
mod union;
