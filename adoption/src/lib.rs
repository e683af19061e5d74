//! What anyone's contract gets before a line of its server is written: a mock that serves its
//! examples, and values made from its schemas.
//!
//! It must never know a domain: all it says is what the contract says.

pub mod contract;
pub mod mock;
pub mod sample;
