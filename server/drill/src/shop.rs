//! The domain of the drill.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::SignedDuration;
use serde_json::json;
use symbolon_kernel::{
    Backoff, Connection, Consumer, Envelope, Expected, Handled, Handlers, Job, JobHandler,
    Migration, MigrationSet, NewEvent, Projection, ReadModel, Settings, StreamId, TenantId, Timer,
    TimerHandler, Unit,
};

/// Whose orders there are.
pub const TENANTS: [&str; 3] = ["north", "south", "west"];
/// The channel of the events of orders.
pub(crate) const ORDERS: &str = "shop.orders.v1";
/// The channel of commands.
pub(crate) const COMMANDS: &str = "shop.commands.v1";
/// The kind of the timer that reminds of an order.
pub(crate) const REMIND: &str = "shop.remind";
/// The queue of orders to be shipped.
pub(crate) const SHIPPING: &str = "shop.shipping";

/// What the shop writes down: every effect, as often as it happens.
pub const MIGRATIONS: MigrationSet = MigrationSet {
    name: "shop",
    files: &[Migration {
        name: "0001_create_effects",
        sql: "CREATE TABLE effects (place {serial}, tenant_id TEXT NOT NULL, who TEXT NOT NULL, \
              order_id TEXT NOT NULL, what TEXT NOT NULL, version BIGINT NOT NULL)",
    }],
};

/// Quick tries and short leases, so that a drill does not wait.
#[must_use]
pub fn settings() -> Settings {
    Settings {
        concurrency: 8,
        backoff: Backoff {
            initial: SignedDuration::from_millis(5),
            maximum: SignedDuration::from_millis(100),
        },
        attempts: ATTEMPTS,
        retention: SignedDuration::from_hours(24),
        lease: SignedDuration::from_secs(1),
    }
}

/// How often a message or job is tried before it is given up.
pub(crate) const ATTEMPTS: u32 = 5;

/// Everything the shop reacts with, at its moodiest.
#[must_use]
pub fn handlers() -> Handlers {
    Moods { refusals: ATTEMPTS, naps: 1, job_lease: SignedDuration::from_secs(1) }.handlers()
}

/// How the shop is served in a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moods {
    /// How often one consumer refuses the first order it hears of.
    pub(crate) refusals: u32,
    /// How often a reminder fails before one goes out.
    pub(crate) naps: u32,
    /// How long a worker has for a job.
    pub(crate) job_lease: SignedDuration,
}

impl Moods {
    pub(crate) fn handlers(self) -> Handlers {
        let Self { refusals, naps, job_lease } = self;
        Handlers::new()
            .consumer(Bookkeeping)
            .consumer(Grumpy { order: OnceLock::new(), refusals: AtomicU32::new(refusals) })
            .timer(Reminder(AtomicU32::new(naps)))
            .job(Shipping(job_lease))
            .projection(Overview)
    }
}

pub(crate) fn stream(id: &str) -> StreamId {
    StreamId::new("Order", id)
}

/// An event or a command of an order.
pub(crate) fn message(channel: &str, name: &str, id: &str) -> Result<NewEvent, serde_json::Error> {
    NewEvent::new(channel, name, 1, &json!({ "orderId": id }))
}

pub(crate) async fn effect(
    (tenant, connection): (&TenantId, &mut Connection),
    who: &str,
    order: &str,
    what: &str,
    version: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO effects (tenant_id, who, order_id, what, version) \
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(tenant.as_str())
    .bind(who)
    .bind(order)
    .bind(what)
    .bind(version)
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes down every message.
struct Bookkeeping;

impl Consumer for Bookkeeping {
    fn name(&self) -> &str {
        "bookkeeping"
    }

    async fn handle(&self, event: &Envelope, unit: &mut Unit) -> Handled {
        let what = &event.event_type;
        Ok(effect(unit.sql(), "bookkeeping", &event.aggregate_id, what, event.version).await?)
    }
}

/// Gives up on the first order it hears of in this process; does what it should when asked again.
#[derive(Debug)]
struct Grumpy {
    order: OnceLock<String>,
    refusals: AtomicU32,
}

impl Consumer for Grumpy {
    fn name(&self) -> &str {
        "grumpy"
    }

    fn accepts(&self, event_type: &str) -> bool {
        event_type == "OrderPlaced"
    }

    async fn handle(&self, event: &Envelope, unit: &mut Unit) -> Handled {
        let order = self.order.get_or_init(|| event.aggregate_id.clone());
        let is_first = *order == event.aggregate_id;
        if is_first && one_less(&self.refusals) {
            return Err("not now".into());
        }
        Ok(effect(unit.sql(), "grumpy", &event.aggregate_id, "done", event.version).await?)
    }
}

/// Says whether there was one.
fn one_less(count: &AtomicU32) -> bool {
    count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |count| count.checked_sub(1)).is_ok()
}

/// Reminds of an order once. The first times in a process it fails.
#[derive(Debug)]
struct Reminder(AtomicU32);

impl TimerHandler for Reminder {
    fn kind(&self) -> &str {
        REMIND
    }

    async fn fire(&self, timer: &Timer, unit: &mut Unit) -> Handled {
        if one_less(&self.0) {
            return Err("asleep".into());
        }
        let reminded = message(ORDERS, "OrderReminded", &timer.key)?;
        unit.append(&stream(&timer.key), Expected::Any, vec![reminded]).await?;
        let what = if unit.now() < timer.due_at { "early" } else { "fired" };
        Ok(effect(unit.sql(), "reminder", &timer.key, what, 0).await?)
    }
}

/// Ships an order once; a worker has so long for it.
struct Shipping(SignedDuration);

impl JobHandler for Shipping {
    fn queue(&self) -> &str {
        SHIPPING
    }

    fn lease(&self) -> SignedDuration {
        self.0
    }

    async fn run(&self, job: &Job) -> Handled {
        let order: String = job.decode()?;
        let mut unit = job.unit().await?;
        let shipped = message(ORDERS, "OrderShipped", &order)?;
        unit.append(&stream(&order), Expected::Any, vec![shipped]).await?;
        effect(unit.sql(), "shipping", &order, "shipped", 0).await?;
        Ok(unit.commit().await?)
    }
}

/// How many messages of each order there were, and the version of the last event.
struct Overview;

impl Projection for Overview {
    fn name(&self) -> &str {
        "overview"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["CREATE TABLE {overview} (tenant_id TEXT NOT NULL, order_id TEXT NOT NULL, \
           messages BIGINT NOT NULL, version BIGINT NOT NULL, PRIMARY KEY (tenant_id, order_id))"]
    }

    async fn apply(&self, event: &Envelope, model: &mut ReadModel<'_>) -> Handled {
        let upsert = model.text(
            "INSERT INTO {overview} (tenant_id, order_id, messages, version) \
             VALUES ($1, $2, 1, $3) ON CONFLICT (tenant_id, order_id) DO UPDATE \
             SET messages = {overview}.messages + 1, version = CASE \
             WHEN excluded.version > 0 THEN excluded.version ELSE {overview}.version END",
        );
        let (tenant, connection) = model.sql();
        sqlx::query(upsert)
            .bind(tenant.as_str())
            .bind(&event.aggregate_id)
            .bind(event.version)
            .execute(connection)
            .await?;
        Ok(())
    }
}
