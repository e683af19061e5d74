//! Durable state for a system: streams, outbox, bus, inbox, idempotency, timers, projections, a
//! ledger and an audit log.
//!
//! A domain sees little of it. It opens a [`Kernel`], begins a [`Unit`] of work for a tenant, loads
//! and appends events, claims idempotency keys, schedules timers, moves money in its [`ledger`],
//! writes the audit log, runs its own SQL, and commits: all of it happens or none of it. Handlers
//! of events and timers are given a unit too.
//!
//! Guarantees: delivery is at least once and effects happen once; the events of one aggregate are
//! handled in order and a failing one holds only its own aggregate; timers never fire early.

mod aggregates;
mod archive;
mod audit;
mod bus;
mod clock;
mod database;
mod dead_letters;
mod deliveries;
mod envelope;
mod error;
#[cfg(feature = "faults")]
pub mod faults;
#[cfg(not(feature = "faults"))]
mod faults;
mod generations;
mod handlers;
mod idempotency;
mod inbox;
mod inspection;
mod jobs;
#[cfg(feature = "kafka")]
mod kafka;
mod kernel;
mod lanes;
mod leases;
pub mod ledger;
mod messages;
mod projections;
mod relay;
mod replays;
mod schedules;
mod stats;
mod streams;
mod timers;
mod unit;

pub use aggregates::{Aggregate, Folded};
pub use archive::{ArchiveError, backup, restore};
pub use audit::{Action, AuditPage, AuditReach, Audited};
pub use bus::{Tail, TailFrom};
pub use clock::{Clock, ManualClock, Sleep, SystemClock};
pub use database::migrations::{Migration, MigrationSet};
pub use database::{Connection, Dialect, InvalidLocation, Location};
pub use dead_letters::DeadLetter;
pub use envelope::{Cause, Envelope, InvalidTenant, NewEvent, Recorded, StreamId, TenantId};
pub use error::{Conflict, Error};
pub use handlers::{
    BoxError, Consumer, Handled, Handlers, JobHandler, Projection, ReadModel, Schedule,
    TimerHandler,
};
pub use idempotency::{Claim, Claimed};
pub use inspection::{Finding, inspect};
pub use jobs::{Job, NewJob};
#[cfg(feature = "kafka")]
pub use kafka::{Kafka, Topics};
pub use kernel::{Backoff, Kernel, Settings};
pub use schedules::Every;
pub use stats::{ReaderStats, Stats};
pub use streams::Expected;
pub use timers::Timer;
pub use unit::{Unit, View};
