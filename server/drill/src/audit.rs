//! The closing audit: what was acknowledged is there, every effect happened once and in order, and
//! the kernel's own rules hold.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use symbolon_kernel::{BoxError, Cause, Kernel, Location, TenantId, inspect};

use crate::shop::{TENANTS, stream};
use crate::till;

/// A commit that was confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// Whose order it is.
    pub tenant: String,
    /// The order.
    pub order: String,
    /// The version that its stream had reached.
    pub version: i64,
}

/// Waits until nothing is left to do, builds the projection anew, and tells what does not hold.
///
/// # Errors
/// When the database cannot be read, or there is still something to do after `patience`.
pub async fn audit(
    kernel: &Kernel,
    location: &Location,
    acknowledged: &[Acknowledged],
    patience: Duration,
) -> Result<Vec<String>, BoxError> {
    let until = Instant::now() + patience;
    settle(kernel, until).await?;
    let mut findings: Vec<String> =
        inspect(location).await?.iter().map(ToString::to_string).collect();
    findings.extend(rebuilt(kernel, until).await?);
    findings.extend(compare(kernel, acknowledged).await?);
    Ok(findings)
}

/// What is wrong with orders when nothing is left to do.
pub(crate) async fn compare(
    kernel: &Kernel,
    acknowledged: &[Acknowledged],
) -> Result<Vec<String>, BoxError> {
    let orders = orders(kernel).await?;
    let mut findings = lost(&orders, acknowledged);
    for (order, told) in &orders {
        findings.extend(told.findings(order));
    }
    Ok(findings)
}

/// Until everything is published, handled, shipped and reminded of.
async fn settle(kernel: &Kernel, until: Instant) -> Result<(), BoxError> {
    loop {
        let stats = kernel.stats().await?;
        let mut view = kernel.read(&TenantId::new(TENANTS[0])?).await?;
        let jobs: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM jobs").fetch_one(view.sql().1).await?;
        let is_read = stats.readers.iter().all(|reader| reader.lag == 0);
        let letters = replay_all(kernel).await?;
        let left = [stats.outbox_depth, stats.timers_pending, jobs, letters];
        if is_read && left == [0; 4] {
            return Ok(());
        }
        if Instant::now() > until {
            return Err(format!("still busy: {stats:?}, {jobs} jobs, {letters} letters").into());
        }
        drop(view);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Has every dead letter handled again; says how many there are.
pub(crate) async fn replay_all(kernel: &Kernel) -> Result<i64, BoxError> {
    let mut count = 0;
    for name in TENANTS {
        let tenant = TenantId::new(name)?;
        let letters = kernel.read(&tenant).await?.dead_letters(None, 100).await?;
        count += letters.len() as i64;
        for letter in letters.iter().filter(|letter| !letter.is_replaying) {
            let mut unit = kernel.unit(&tenant, Cause::request("settle")).await?;
            unit.replay(letter.id).await?;
            unit.commit().await?;
        }
    }
    Ok(count)
}

async fn rebuilt(kernel: &Kernel, until: Instant) -> Result<Vec<String>, BoxError> {
    let generation = || async {
        let mut view = kernel.read(&TenantId::new(TENANTS[0])?).await?;
        let live: Option<String> =
            sqlx::query_scalar("SELECT live FROM projections WHERE name = 'overview'")
                .fetch_one(view.sql().1)
                .await?;
        Ok::<_, BoxError>(live)
    };
    let before = generation().await?;
    kernel.rebuild("overview").await?;
    while generation().await? == before {
        if Instant::now() > until {
            return Err("the projection was not built anew".into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(match kernel.rebuild_differences("overview").await? {
        Some(0) => Vec::new(),
        found => vec![format!("the projection was not what the events say: {found:?} rows")],
    })
}

/// What the database tells of an order.
#[derive(Debug, Default)]
struct Told {
    tenant: String,
    /// The types of its events, in the order of the stream.
    events: Vec<String>,
    /// What is wrong with its money.
    money: Option<String>,
    /// What bookkeeping has seen, in the order in which it did: type and version.
    seen: Vec<(String, i64)>,
    reminded: usize,
    early: usize,
    grumbled: usize,
    shipped: usize,
}

async fn orders(kernel: &Kernel) -> Result<BTreeMap<String, Told>, BoxError> {
    let mut orders: BTreeMap<String, Told> = BTreeMap::new();
    for name in TENANTS {
        let mut view = kernel.read(&TenantId::new(name)?).await?;
        let (tenant, connection) = view.sql();
        let ids: Vec<String> =
            sqlx::query_scalar("SELECT aggregate_id FROM streams WHERE tenant_id = $1")
                .bind(tenant.as_str())
                .fetch_all(connection)
                .await?;
        for id in ids {
            let events = view.load(&stream(&id)).await?;
            let events: Vec<_> = events.into_iter().map(|event| event.event_type).collect();
            let is_amended = events.iter().any(|name| name == "OrderAmended");
            let money = till::finding(&mut view, &id, is_amended).await?;
            orders.insert(id, Told { tenant: name.to_owned(), events, money, ..Told::default() });
        }
        let (tenant, connection) = view.sql();
        let effects: Vec<(String, String, String, i64)> = sqlx::query_as(
            "SELECT who, order_id, what, version FROM effects WHERE tenant_id = $1 ORDER BY place",
        )
        .bind(tenant.as_str())
        .fetch_all(connection)
        .await?;
        for (who, order, what, version) in effects {
            let told = orders.entry(order).or_default();
            match who.as_str() {
                "reminder" if what == "early" => told.early += 1,
                "reminder" => told.reminded += 1,
                "shipping" => told.shipped += 1,
                "grumpy" => told.grumbled += 1,
                _ => told.seen.push((what, version)),
            }
        }
    }
    Ok(orders)
}

fn lost(orders: &BTreeMap<String, Told>, acknowledged: &[Acknowledged]) -> Vec<String> {
    let reached = |it: &&Acknowledged| {
        orders.get(&it.order).is_none_or(|told| (told.events.len() as i64) < it.version)
    };
    acknowledged.iter().filter(reached).map(|it| format!("lost: {it:?}")).collect()
}

impl Told {
    fn findings(&self, order: &str) -> Vec<String> {
        let mut findings = Vec::new();
        let mut say = |what: String| findings.push(format!("order {order}: {what}"));
        if !order.starts_with(&format!("{}-", self.tenant)) {
            say(format!("is {}'s", self.tenant));
        }
        if let Some(money) = &self.money {
            say(money.clone());
        }
        if self.early > 0 {
            say(format!("reminded of {} times before its time", self.early));
        }
        if self.reminded != 1 {
            say(format!("reminded of {} times", self.reminded));
        }
        if self.grumbled != 1 {
            say(format!("grumbled at {} times", self.grumbled));
        }
        if self.shipped != 1 {
            say(format!("shipped {} times", self.shipped));
        }
        for name in ["OrderPlaced", "OrderReminded", "OrderShipped"] {
            let count = self.events.iter().filter(|event| *event == name).count();
            if count != 1 {
                say(format!("{count} events {name}"));
            }
        }
        if self.events.iter().filter(|event| *event == "OrderAmended").count() > 1 {
            say("amended twice".to_owned());
        }
        let events: Vec<_> = self.events.iter().cloned().zip(1..).collect();
        let (commands, seen): (Vec<_>, Vec<_>) =
            self.seen.iter().cloned().partition(|(what, _)| what == "PackOrder");
        if seen != events {
            let seen: BTreeSet<_> = seen.iter().map(|(_, version)| version).collect();
            say(format!("its {} events were seen as {seen:?}", events.len()));
        }
        if commands.len() != 1 {
            say(format!("{} commands were seen", commands.len()));
        }
        findings
    }
}
