//! A small domain that writes down its effects, on a database of its own for each test.

use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use symbolon_kernel::{
    Backoff, Cause, Clock, Connection, Consumer, Envelope, Expected, Handled, Kernel, ManualClock,
    Migration, MigrationSet, NewEvent, Settings, StreamId, SystemClock, TenantId, Unit,
};

pub(crate) use crate::home::Home;

pub(crate) const EFFECTS: MigrationSet = MigrationSet {
    name: "effects",
    files: &[Migration {
        name: "0001_create_effects",
        sql: "CREATE TABLE effects (place {serial}, tenant_id TEXT NOT NULL, who TEXT NOT NULL, \
              what TEXT NOT NULL, number BIGINT NOT NULL)",
    }],
};

impl Home {
    pub(crate) async fn open(&self) -> Kernel {
        self.open_at(Arc::new(SystemClock)).await
    }

    pub(crate) async fn open_at(&self, clock: Arc<dyn Clock>) -> Kernel {
        self.open_with(clock, u32::MAX).await
    }

    /// A kernel whose handlers are tried so often.
    pub(crate) async fn open_with(&self, clock: Arc<dyn Clock>, attempts: u32) -> Kernel {
        let backoff = Backoff {
            initial: SignedDuration::from_millis(10),
            maximum: SignedDuration::from_millis(50),
        };
        let lease = SignedDuration::from_millis(400);
        let settings = Settings { concurrency: 4, backoff, lease, attempts, ..Settings::default() };
        Kernel::open_with(&self.location(), &[EFFECTS], clock, settings).await.unwrap()
    }
}

pub(crate) fn noon() -> Timestamp {
    "2026-01-01T12:00:00Z".parse().unwrap()
}

pub(crate) fn manual() -> (ManualClock, Arc<dyn Clock>) {
    let clock = ManualClock::new(noon());
    (clock.clone(), Arc::new(clock))
}

pub(crate) fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

pub(crate) fn thing(id: &str) -> StreamId {
    StreamId::new("Thing", id)
}

pub(crate) fn happened(number: i64) -> NewEvent {
    NewEvent::new("things", "Happened", 1, &json!({ "number": number })).unwrap()
}

pub(crate) async fn unit(kernel: &Kernel, name: &str) -> Unit {
    kernel.unit(&tenant(name), Cause::request("request-1")).await.unwrap()
}

/// Appends one event to a thing and commits.
pub(crate) async fn append(kernel: &Kernel, name: &str, id: &str, number: i64) -> Envelope {
    let mut unit = unit(kernel, name).await;
    let mut events = unit.append(&thing(id), Expected::Any, vec![happened(number)]).await.unwrap();
    unit.commit().await.unwrap();
    events.remove(0)
}

/// Waits for something that is about to become true.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut check: impl FnMut() -> F) {
    for _ in 0..3000 {
        if check().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}

pub(crate) async fn note(
    (tenant, connection): (&TenantId, &mut Connection),
    who: &str,
    what: &str,
    number: i64,
) {
    sqlx::query("INSERT INTO effects (tenant_id, who, what, number) VALUES ($1, $2, $3, $4)")
        .bind(tenant.as_str())
        .bind(who)
        .bind(what)
        .bind(number)
        .execute(connection)
        .await
        .unwrap();
}

/// The effects of one tenant: (who, what, number), in the order they were committed.
pub(crate) async fn effects(kernel: &Kernel, name: &str) -> Vec<(String, String, i64)> {
    let mut view = kernel.read(&tenant(name)).await.unwrap();
    let (tenant, connection) = view.sql();
    sqlx::query_as("SELECT who, what, number FROM effects WHERE tenant_id = $1 ORDER BY place")
        .bind(tenant.as_str())
        .fetch_all(connection)
        .await
        .unwrap()
}

/// Writes an effect for each event; fails as often as it is told, after having written it.
#[derive(Clone)]
pub(crate) struct Writer {
    pub(crate) name: &'static str,
    /// The thing whose events fail, and how often they still will.
    pub(crate) failing: &'static str,
    pub(crate) failures: Arc<AtomicU32>,
    pub(crate) panics: bool,
    pub(crate) calls: Arc<Mutex<Vec<(String, i64)>>>,
}

impl Writer {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, failing: "", failures: Arc::default(), panics: false, calls: Arc::default() }
    }

    pub(crate) fn failing(name: &'static str, thing: &'static str, times: u32) -> Self {
        Self { failing: thing, failures: Arc::new(AtomicU32::new(times)), ..Self::new(name) }
    }

    pub(crate) fn calls_for(&self, thing: &str) -> usize {
        self.calls.lock().unwrap().iter().filter(|(id, _)| id == thing).count()
    }
}

impl Consumer for Writer {
    fn name(&self) -> &str {
        self.name
    }

    async fn handle(&self, event: &Envelope, unit: &mut Unit) -> Handled {
        let number = event.data["number"].as_i64().unwrap();
        self.calls.lock().unwrap().push((event.aggregate_id.clone(), number));
        note(unit.sql(), self.name, &event.aggregate_id, number).await;
        if event.aggregate_id == self.failing {
            let left = self
                .failures
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            if left.is_ok() {
                assert!(!self.panics, "told to panic");
                return Err("told to fail".into());
            }
        }
        Ok(())
    }
}
