//! A database of its own for each test, and a small domain that writes down its effects.
//!
//! It is a file; where `SYMBOLON_TEST_DATABASE` holds the URL of a PostgreSQL database, it is a
//! schema there, and every test runs on PostgreSQL.

use std::future::Future;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use symbolon_kernel::{
    Backoff, Cause, Clock, Connection, Consumer, Envelope, Expected, Handled, Kernel, Location,
    ManualClock, Migration, MigrationSet, NewEvent, Settings, StreamId, SystemClock, TenantId,
    Unit,
};
use tempfile::TempDir;
use url::Url;

pub(crate) const EFFECTS: MigrationSet = MigrationSet {
    name: "effects",
    files: &[Migration {
        name: "0001_create_effects",
        sql: "CREATE TABLE effects (place {serial}, tenant_id TEXT NOT NULL, who TEXT NOT NULL, \
              what TEXT NOT NULL, number BIGINT NOT NULL)",
    }],
};

pub(crate) enum Home {
    File(TempDir),
    Schema(Url),
}

impl Home {
    pub(crate) fn new() -> Self {
        match std::env::var("SYMBOLON_TEST_DATABASE") {
            Ok(url) => Self::Schema(schema(url.parse().unwrap())),
            Err(_) => Self::File(TempDir::new().unwrap()),
        }
    }

    /// The file of the database, if it is one.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        match self {
            Self::File(directory) => Some(directory.path().join("data").join("kernel.sqlite")),
            Self::Schema(_) => None,
        }
    }

    pub(crate) fn location(&self) -> Location {
        match self {
            Self::File(_) => Location::File(self.file().unwrap()),
            Self::Schema(url) => Location::Server(url.clone()),
        }
    }

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
        let settings = Settings { concurrency: 4, backoff, lease, attempts };
        Kernel::open_with(&self.location(), &[EFFECTS], clock, settings).await.unwrap()
    }
}

/// Makes a schema of its own; says how to come into it.
fn schema(mut url: Url) -> Url {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let number = MADE.fetch_add(1, Ordering::SeqCst);
    let name = format!("test_{}_{number}", std::process::id());
    let statement = format!("DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}");
    let server = url.to_string();
    let made = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            sqlx::any::install_default_drivers();
            let mut connection = Connection::connect(&server).await.unwrap();
            connection.execute(AssertSqlSafe(statement)).await.unwrap();
            connection.close().await.unwrap();
        });
    });
    made.join().unwrap();
    url.query_pairs_mut().append_pair("options[search_path]", &name);
    url
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
    for _ in 0..1000 {
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
