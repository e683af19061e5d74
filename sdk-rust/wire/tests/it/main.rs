//! What both halves of a contract rely on.
#![allow(clippy::unwrap_used)]

mod multipart;
mod parameter;
mod refusal;
mod rule;
mod union;
