//! Whether costs stay what they are while a database grows.

use std::sync::Arc;
use std::time::Instant;

use sqlx::AssertSqlSafe;
use symbolon_kernel::ledger::{AccountId, Currency, Floor};
use symbolon_kernel::{
    BoxError, Cause, Expected, Handled, Handlers, Kernel, Location, SystemClock, Timer,
    TimerHandler, Unit,
};
use tokio::sync::mpsc;

use super::{Line, tenant};
use crate::shop::{ORDERS, message, stream};

const TIMES: u64 = 500;
const KIND: &str = "bench.due";

/// A UUID that ends in the number.
const ID: &str = "'00000000-0000-7000-8000-' || substr('000000000000' || i, \
    length('000000000000' || i) - 11, 12)";

/// Microseconds each, at one size.
struct Costs {
    append: f64,
    read: f64,
    claim: f64,
    balance: f64,
}

/// Fills the database up to each size and measures there; tells the last against the first.
pub(super) async fn costs(location: &Location, rows: &[u64]) -> Result<Vec<Line>, BoxError> {
    let mut costs = Vec::new();
    let mut filled = 0;
    for size in rows {
        let kernel = Kernel::open(location, &[], Arc::new(SystemClock)).await?;
        fill(&kernel, filled, *size).await?;
        filled = *size;
        costs.push(measure(&kernel, *size).await?);
        kernel.shutdown().await?;
    }
    let (Some(first), Some(last)) = (costs.first(), costs.last()) else { return Ok(Vec::new()) };
    let (small, large) = (rows[0], rows[rows.len() - 1]);
    let line = |what, of: fn(&Costs) -> f64| Line {
        what,
        ours: format!("{:.0} µs at {large} rows", of(last)),
        against: format!("{:.0} µs at {small}", of(first)),
        ratio: Some(of(last) / of(first)),
        bar: "flat",
    };
    Ok(vec![
        line("append of one event", |costs| costs.append),
        line("read of one stream", |costs| costs.read),
        line("claim of a timer", |costs| costs.claim),
        line("balance", |costs| costs.balance),
    ])
}

/// Rows as many units would have left them, without the units.
async fn fill(kernel: &Kernel, from: u64, to: u64) -> Result<(), BoxError> {
    const STEP: u64 = 500_000;
    let mut begin = from;
    while begin < to {
        let end = to.min(begin + STEP);
        let mut unit = kernel.unit(&tenant(), Cause::request("fill")).await?;
        let numbers = format!(
            "WITH RECURSIVE n(i) AS (SELECT {begin} UNION ALL SELECT i + 1 FROM n \
             WHERE i + 1 < {end})"
        );
        for rest in [
            "INSERT INTO streams (tenant_id, aggregate_type, aggregate_id, version) {numbers} \
             SELECT 'bench', 'Order', 'filled-' || i, 1 FROM n",
            "INSERT INTO messages (message_id, tenant_id, channel, aggregate_type, aggregate_id, \
             version, type, schema_version, occurred_at, correlation_id, causation_id, data) \
             {numbers} SELECT {id}, 'bench', 'shop.orders.v1', 'Order', 'filled-' || i, \
             1, 'OrderPlaced', 1, 1, 'fill', 'fill', '{\"orderId\":\"filled\"}' FROM n",
            "INSERT INTO log (position, seq, tenant_id, unit) {numbers} SELECT \
             (SELECT MAX(position) FROM log) + i - {begin} + 1, m.seq, 'bench', m.seq \
             FROM n JOIN messages m ON m.message_id = {id}",
            "INSERT INTO timers (tenant_id, kind, timer_key, due_at, fire_at, attempts, payload, \
             correlation_id, causation_id) {numbers} SELECT 'bench', 'bench.due', 'filled-' || i, \
             4000000000000000, 4000000000000000, 0, 'null', 'fill', 'fill' FROM n",
            "INSERT INTO ledger_entries (tenant_id, account, number, currency, transfer_id, \
             total_delta, reserved_delta, total_after, reserved_after, posted_at) {numbers} \
             SELECT 'bench', 'filled', i + 1, 'USD', 'filled-' || i, 1, 0, i + 1, 0, i + 1 FROM n",
        ] {
            let text = rest.replace("{numbers}", &numbers).replace("{begin}", &begin.to_string());
            let text = text.replace("{id}", ID);
            sqlx::query(AssertSqlSafe(text)).persistent(false).execute(unit.sql().1).await?;
        }
        unit.commit().await?;
        begin = end;
    }
    Ok(())
}

async fn measure(kernel: &Kernel, size: u64) -> Result<Costs, BoxError> {
    let each = |began: Instant| began.elapsed().as_secs_f64() * 1e6 / TIMES as f64;
    let mut unit = kernel.unit(&tenant(), Cause::request("flat")).await?;
    let began = Instant::now();
    for number in 0..TIMES {
        let id = format!("flat-{size}-{number}");
        let placed = message(ORDERS, "OrderPlaced", &id)?;
        unit.append(&stream(&id), Expected::New, vec![placed]).await?;
    }
    let append = each(began);
    let account = AccountId::new("house")?;
    unit.ledger().open(&account, &Currency::new("USD")?, Floor::None).await?;
    unit.commit().await?;
    let mut view = kernel.read(&tenant()).await?;
    let began = Instant::now();
    for number in 0..TIMES {
        view.load(&stream(&format!("filled-{}", (number * 7919) % size))).await?;
    }
    let read = each(began);
    let began = Instant::now();
    for _ in 0..TIMES {
        view.ledger().balance(&account).await?;
    }
    let balance = each(began);
    drop(view);
    Ok(Costs { append, read, claim: claim(kernel).await?, balance })
}

/// Microseconds from the start to the last of so many overdue timers, each.
async fn claim(kernel: &Kernel) -> Result<f64, BoxError> {
    let mut unit = kernel.unit(&tenant(), Cause::request("due")).await?;
    let now = unit.now();
    for number in 0..TIMES {
        unit.schedule(KIND, &format!("due-{number}"), now, &()).await?;
    }
    unit.commit().await?;
    let (fired, mut firing) = mpsc::unbounded_channel();
    let began = Instant::now();
    kernel.start(Handlers::new().timer(Due(fired))).await?;
    for _ in 0..TIMES {
        firing.recv().await;
    }
    Ok(began.elapsed().as_secs_f64() * 1e6 / TIMES as f64)
}

struct Due(mpsc::UnboundedSender<()>);

impl TimerHandler for Due {
    fn kind(&self) -> &str {
        KIND
    }

    async fn fire(&self, _: &Timer, _: &mut Unit) -> Handled {
        Ok(self.0.send(())?)
    }
}
