//! Reads contracts, resolves them into a language-neutral model and emits both halves from it.
//!
//! Rooms, lowest first: `source` and `model` know nobody, `resolve` knows both, `emit` knows the
//! model only, and `project` is the only one that touches files.

pub mod diagnostic;
pub mod emit;
pub mod model;
pub mod project;
pub mod resolve;
pub mod source;
