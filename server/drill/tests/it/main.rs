//! The kernel under a shop, broken in every way that can be thought of.
#![cfg(any(feature = "faults", feature = "simulation"))]
#![allow(clippy::unwrap_used)]

#[cfg(feature = "simulation")]
mod histories;
#[cfg(feature = "faults")]
mod places;
