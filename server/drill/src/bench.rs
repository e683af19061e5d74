//! What the kernel costs, against the same rows written by hand in the same run.

mod by_hand;
#[cfg(feature = "kafka")]
mod cluster;
mod flat;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use symbolon_kernel::ledger::{AccountId, Currency, Floor, Money, Transfer, TransferId};
use symbolon_kernel::{
    BoxError, Cause, Claim, Claimed, Expected, Handlers, Kernel, Location, SystemClock, TailFrom,
    TenantId,
};
use tokio::task::JoinSet;

#[cfg(feature = "kafka")]
pub use cluster::cluster;

use crate::shop::{ORDERS, message, stream};

/// Callers at once where many are measured.
const CALLERS: u64 = 64;
/// Postings that share a transaction, on both sides.
const POSTINGS: u64 = 64;

/// One line of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// What is measured.
    pub what: &'static str,
    /// What came out, with its unit.
    pub ours: String,
    /// What it is held against, if anything.
    pub against: String,
    /// The one through the other.
    pub ratio: Option<f64>,
    /// What the ratio or the number should be.
    pub bar: &'static str,
}

impl Line {
    fn rates(what: &'static str, ours: f64, theirs: f64, bar: &'static str) -> Self {
        let rate = |rate: f64| format!("{rate:.0}/s");
        Self { what, ours: rate(ours), against: rate(theirs), ratio: Some(ours / theirs), bar }
    }

    fn alone(what: &'static str, ours: String, bar: &'static str) -> Self {
        Self { what, ours, against: String::new(), ratio: None, bar }
    }
}

/// Measures everything; `beside` is a second database of the same kind, written by hand. `rows` are
/// the sizes at which costs are held against each other.
///
/// # Errors
/// When a database fails.
pub async fn bench(
    location: &Location,
    beside: &Location,
    rows: &[u64],
) -> Result<Vec<Line>, BoxError> {
    let kernel = Kernel::open(location, &[], Arc::new(SystemClock)).await?;
    // The same tables.
    Kernel::open(beside, &[], Arc::new(SystemClock)).await?.shutdown().await?;
    let mut lines = Vec::new();
    let alone = units(&kernel, 1, 1_000).await?;
    let alone_by_hand = by_hand::units(beside, 1, 1_000).await?;
    lines.push(Line::rates("unit of work, one caller", alone, alone_by_hand, "≥ 0.80"));
    let many = units(&kernel, CALLERS, 200).await?;
    let many_by_hand = by_hand::units(beside, CALLERS, 20).await?;
    lines.push(Line::rates("unit of work, 64 callers", many, many_by_hand, "≥ 0.80"));
    lines.push(Line::rates("64 callers against one at a time", many, alone, "≥ 10 on SQLite"));
    let postings = ledger(&kernel, 100).await?;
    let rows_by_hand = by_hand::postings(beside, 100, POSTINGS).await?;
    lines.push(Line::rates("ledger postings", postings, rows_by_hand, "≥ 0.5 on SQLite"));
    lines.push(relay(&kernel).await?);
    lines.push(idle(&kernel).await?);
    kernel.shutdown().await?;
    lines.extend(flat::costs(location, rows).await?);
    Ok(lines)
}

fn tenant() -> TenantId {
    TenantId::new("bench").expect("a name of 1 to 255 bytes")
}

/// Units a second: a key is claimed, an event is appended to a new stream.
async fn units(kernel: &Kernel, callers: u64, each: u64) -> Result<f64, BoxError> {
    static RUN: AtomicU64 = AtomicU64::new(0);
    let run = RUN.fetch_add(1, Ordering::Relaxed);
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for caller in 0..callers {
        let kernel = kernel.clone();
        tasks.spawn(async move {
            for number in 0..each {
                let id = format!("{run}-{caller}-{number}");
                let unit = kernel.unit(&tenant(), Cause::request(&id)).await?;
                let claim = Claim { operation: "place", key: &id, fingerprint: &id, resource: &id };
                let Claimed::Fresh(mut unit) = unit.claim(claim).await? else {
                    return Err("a key was used before".into());
                };
                let placed = message(ORDERS, "OrderPlaced", &id)?;
                unit.append(&stream(&id), Expected::New, vec![placed]).await?;
                unit.commit().await?;
            }
            Ok::<_, BoxError>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok((callers * each) as f64 / began.elapsed().as_secs_f64())
}

/// Postings a second: two legs each, so many in one unit.
async fn ledger(kernel: &Kernel, rounds: u64) -> Result<f64, BoxError> {
    let currency = Currency::new("USD")?;
    let (from, to) = (AccountId::new("house")?, AccountId::new("user")?);
    let mut unit = kernel.unit(&tenant(), Cause::request("open")).await?;
    unit.ledger().open(&from, &currency, Floor::None).await?;
    unit.ledger().open(&to, &currency, Floor::At(0)).await?;
    unit.commit().await?;
    let began = Instant::now();
    for round in 0..rounds {
        let mut unit = kernel.unit(&tenant(), Cause::request("post")).await?;
        for number in 0..POSTINGS {
            let id = TransferId::new(format!("{round}-{number}"))?;
            let amount = Money::new(1, &currency);
            let transfer = Transfer::between(id, &from, &to, &amount, "a deposit");
            unit.ledger().post(&transfer).await?;
        }
        unit.commit().await?;
    }
    Ok((rounds * POSTINGS) as f64 / began.elapsed().as_secs_f64())
}

/// Messages a second from the outbox to the log and the bus of this process.
async fn relay(kernel: &Kernel) -> Result<Line, BoxError> {
    let (units, each) = (200, 250_usize);
    for number in 0..units {
        let id = format!("relayed-{number}");
        let mut unit = kernel.unit(&tenant(), Cause::request(&id)).await?;
        let event = message(ORDERS, "OrderPlaced", &id)?;
        unit.append(&stream(&id), Expected::New, vec![event; each]).await?;
        unit.commit().await?;
    }
    let depth = kernel.stats().await?.outbox_depth;
    let mut tail = kernel.tail(&tenant(), TailFrom::Now);
    let began = Instant::now();
    kernel.start(Handlers::new()).await?;
    for _ in 0..depth {
        tail.next().await?;
    }
    let rate = depth as f64 / began.elapsed().as_secs_f64();
    Ok(Line::alone("relay to the bus in process", format!("{rate:.0}/s"), "≥ 20,000/s"))
}

/// From a confirmed commit to its publication, when nothing else happens.
async fn idle(kernel: &Kernel) -> Result<Line, BoxError> {
    let mut tail = kernel.tail(&tenant(), TailFrom::Now);
    let mut latencies = Vec::new();
    for number in 0..300 {
        let id = format!("idle-{number}");
        let mut unit = kernel.unit(&tenant(), Cause::request(&id)).await?;
        let event = message(ORDERS, "OrderPlaced", &id)?;
        unit.append(&stream(&id), Expected::New, vec![event]).await?;
        unit.commit().await?;
        let began = Instant::now();
        tail.next().await?;
        latencies.push(began.elapsed());
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    latencies.sort_unstable();
    let at = |part: usize| latencies[(latencies.len() - 1) * part / 100].as_secs_f64() * 1e3;
    let told = format!("p50 {:.1} ms, p99 {:.1} ms", at(50), at(99));
    Ok(Line::alone("publication when idle", told, "p99 < 50 ms"))
}
