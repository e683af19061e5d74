//! The Rust SDKs of this project's systems, a module each, generated from their contracts.

#[rustfmt::skip]
pub mod calls;
