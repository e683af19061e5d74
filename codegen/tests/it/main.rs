//! What the generator does with whole contracts.
#![allow(clippy::unwrap_used)]

mod cases;
mod rendition;
mod robustness;
mod support;
mod typescript;
mod untyped;
