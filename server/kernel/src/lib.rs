//! Durable state for a system: streams, outbox, bus, inbox, idempotency, timers, projections, a
//! ledger and an audit log.
//!
//! A domain sees little of it. It opens a [`Kernel`], begins a [`Unit`] of work for a tenant, loads
//! and appends events, claims idempotency keys, schedules timers, moves money in its [`ledger`],
//! writes the audit log, runs its own SQL, and commits: all of it happens or none of it. Handlers
//! of events and timers are given a unit too.
//!
//! # A whole domain
//!
//! A shop that takes an order once, sets the money aside, reminds of it, and keeps an overview:
//!
//! ```
//! use jiff::SignedDuration;
//! use symbolon_kernel::ledger::{AccountId, Currency, HoldId, Money};
//! use symbolon_kernel::*;
//!
//! async fn place(kernel: &Kernel, tenant: &TenantId, key: &str) -> Result<String, BoxError> {
//!     let id = kernel.new_id().to_string();
//!     let unit = kernel.unit(tenant, Cause::request(key)).await?;
//!     let claim = Claim { operation: "place", key, fingerprint: "", resource: &id };
//!     let mut unit = match unit.claim(claim).await? {
//!         Claimed::Fresh(unit) => unit,
//!         Claimed::Replay { resource, .. } => return Ok(resource),
//!         Claimed::KeyReused => return Err("the key stands for something else".into()),
//!     };
//!     let (user, price) = (AccountId::new("user")?, Money::new(500, &Currency::new("USD")?));
//!     unit.ledger().reserve(&HoldId::new(&id)?, &user, &price, None).await?;
//!     let placed = NewEvent::new("shop.orders.v1", "OrderPlaced", 1, &price.minor)?;
//!     unit.append(&StreamId::new("Order", &id), Expected::New, vec![placed]).await?;
//!     let due_at = unit.now() + SignedDuration::from_hours(24);
//!     unit.schedule("shop.remind", &id, due_at, &()).await?;
//!     unit.audit(Action::new("order.placed", &id)).await?;
//!     unit.commit().await?; // all of it, or none of it
//!     Ok(id)
//! }
//!
//! /// Reminds of an order that nobody has paid in time.
//! struct Reminder;
//!
//! impl TimerHandler for Reminder {
//!     fn kind(&self) -> &str {
//!         "shop.remind"
//!     }
//!
//!     async fn fire(&self, timer: &Timer, unit: &mut Unit) -> Handled {
//!         let reminded = NewEvent::new("shop.orders.v1", "OrderReminded", 1, &())?;
//!         unit.append(&StreamId::new("Order", &timer.key), Expected::Any, vec![reminded]).await?;
//!         Ok(())
//!     }
//! }
//!
//! /// How many events each order has; built anew whenever its table changes.
//! struct Overview;
//!
//! impl Projection for Overview {
//!     fn name(&self) -> &str {
//!         "overview"
//!     }
//!
//!     fn tables(&self) -> &'static [&'static str] {
//!         &["CREATE TABLE {overview} (tenant_id TEXT, order_id TEXT, events BIGINT, \
//!            PRIMARY KEY (tenant_id, order_id))"]
//!     }
//!
//!     async fn apply(&self, event: &Envelope, model: &mut ReadModel<'_>) -> Handled {
//!         let count = model.text(
//!             "INSERT INTO {overview} VALUES ($1, $2, $3) ON CONFLICT (tenant_id, order_id) \
//!              DO UPDATE SET events = excluded.events",
//!         );
//!         let (tenant, connection) = model.sql();
//!         let row = sqlx::query(count).bind(tenant.as_str()).bind(&event.aggregate_id);
//!         row.bind(event.version).execute(connection).await?;
//!         Ok(())
//!     }
//! }
//!
//! # use std::sync::Arc;
//! # use symbolon_kernel::ledger::{Floor, Transfer, TransferId};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! # let folder = tempfile::TempDir::new()?;
//! # let file = folder.path().join("shop.sqlite").into();
//! let kernel = Kernel::open(&file, &[], Arc::new(SystemClock)).await?;
//! kernel.start(Handlers::new().timer(Reminder).projection(Overview)).await?;
//! # let tenant = TenantId::new("acme")?;
//! # let (user, usd) = (AccountId::new("user")?, Currency::new("USD")?);
//! # let mut unit = kernel.unit(&tenant, Cause::request("deposit")).await?;
//! # let house = AccountId::new("house")?;
//! # unit.ledger().open(&house, &usd, Floor::None).await?;
//! # unit.ledger().open(&user, &usd, Floor::At(0)).await?;
//! # let deposit = TransferId::new("deposit")?;
//! # let money = Money::new(500, &usd);
//! # unit.ledger().post(&Transfer::between(deposit, &house, &user, &money, "cash")).await?;
//! # unit.commit().await?;
//! let order = place(&kernel, &tenant, "key-1").await?;
//! assert_eq!(place(&kernel, &tenant, "key-1").await?, order); // the same, and once
//! assert!(place(&kernel, &tenant, "key-2").await.is_err()); // the money is set aside
//! # kernel.shutdown().await?;
//! # assert_eq!(inspect(&file).await?, []);
//! # Ok(())
//! # }
//! ```
//!
//! A domain cannot forget the tenant: units and views are a tenant's, and give it out together
//! with the connection. It cannot forget the outbox or the inbox: appending writes the one, and a
//! handler is only ever called in a transaction that has written the other.
//!
//! # Guarantees
//!
//! Delivery is at least once and effects happen once; the events of one aggregate are
//! handled in order and a failing one holds only its own aggregate; timers never fire early.

mod allotments;
mod answers;
mod channels;
mod clock;
mod database;
mod delivery;
mod envelope;
mod error;
#[cfg(feature = "faults")]
pub mod faults;
#[cfg(not(feature = "faults"))]
mod faults;
mod handlers;
mod kernel;
pub mod ledger;
mod projections;
mod roles;
#[cfg(feature = "simulation")]
pub mod simulation;
mod spans;
mod start;
mod stats;
#[cfg(not(feature = "simulation"))]
mod tasks;
#[cfg(feature = "simulation")]
use simulation::tasks;
mod unit;
mod work;

pub use allotments::{Allotted, Frequency};
pub use channels::Schema;
pub use clock::{Clock, ManualClock, Sleep, SystemClock, machine_clock};
pub use database::archive::{ArchiveError, backup, restore};
pub use database::inspection::{Finding, inspect};
pub use database::migrations::{Migration, MigrationSet};
pub use database::{Connection, Dialect, InvalidLocation, Location, install_drivers};
pub use delivery::bus::{Tail, TailFrom};
pub use delivery::dead_letters::DeadLetter;
#[cfg(feature = "kafka")]
pub use delivery::kafka::{Kafka, Topics};
pub use envelope::{Cause, Envelope, InvalidTenant, NewEvent, Recorded, StreamId, TenantId};
pub use error::{Conflict, Error};
pub use handlers::{
    BoxError, Consumer, Handled, Handlers, JobHandler, Projection, ReadModel, Schedule,
    TimerHandler,
};
pub use kernel::{Backoff, Kernel, Settings};
pub use projections::ProjectionStats;
pub use roles::{Role, Roles};
pub use stats::{Activity, PoolStats, QueueStats, ReaderStats, Stats};
pub use symbolon_wire::TraceParent;
pub use symbolon_wire::channel::{Channel, Event, Fully, Handler, Partly, Refused};
pub use unit::Unit;
pub use unit::aggregates::{Aggregate, Folded};
pub use unit::audit::{Action, AuditPage, AuditReach, Audited};
pub use unit::idempotency::{Claim, Claimed};
pub use unit::opening::Opening;
pub use unit::streams::Expected;
pub use unit::view::View;
pub use work::jobs::{Job, NewJob};
pub use work::pending::{PendingTimer, TimerPage};
pub use work::schedules::Every;
pub use work::timers::Timer;
