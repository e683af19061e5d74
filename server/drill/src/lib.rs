//! A small shop on the kernel that is loaded, killed and audited: what `cargo xtask faults` runs.
//!
//! Each tenant has orders, streams of their own. An order is placed under an idempotency key, with
//! a timer that reminds of it, a job that ships it, and a command on another channel; then it is
//! amended. A consumer and a projection look on, and every effect is written down as often as it
//! happens. [`audit`] tells what is missing, doubled or out of order.

mod audit;
mod bench;
mod load;
mod shop;
#[cfg(feature = "simulation")]
mod simulation;
mod till;

pub use audit::{Acknowledged, audit};
#[cfg(feature = "kafka")]
pub use bench::cluster;
pub use bench::{Line, bench};
pub use load::{Load, load};
pub use shop::{MIGRATIONS, TENANTS, handlers, settings};
#[cfg(feature = "simulation")]
pub use simulation::{Options, Outcome, Stage};
