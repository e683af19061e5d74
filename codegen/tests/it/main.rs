//! What the generator does with whole contracts.
#![allow(clippy::unwrap_used)]

mod cases;
mod robustness;
mod templates;
mod typescript;
