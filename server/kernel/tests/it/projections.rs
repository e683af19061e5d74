//! A projection: in order, resumed at its checkpoint, never half applied.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use symbolon_kernel::{
    Action, AuditPage, Cause, Envelope, Error, Event, Expected, Handled, Handler, Handlers, Kernel,
    Projection, ReadModel,
};

use crate::counts::{Count, Counts, broken};
use crate::fixture::{Home, append, effects, eventually, happened, note, tenant, thing, unit};

#[derive(Default)]
struct Numbers {
    applied: Mutex<Vec<i64>>,
    stuck_at_7: AtomicBool,
}

impl Projection for Numbers {
    fn name(&self) -> &str {
        "numbers"
    }

    async fn apply(&self, event: &Envelope, model: &mut ReadModel<'_>) -> Handled {
        let number = event.data["number"].as_i64().ok_or("no number")?;
        note(model.sql(), "numbers", &event.aggregate_id, number).await;
        self.applied.lock().unwrap().push(number);
        if number == 7 && self.stuck_at_7.load(Ordering::SeqCst) {
            return Err("stuck".into());
        }
        Ok(())
    }
}

async fn projected(kernel: &Kernel) -> Vec<i64> {
    effects(kernel, "acme").await.into_iter().map(|it| it.2).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_projection_resumes_at_its_checkpoint() {
    let home = Home::new();
    let kernel = home.open().await;
    let first = Arc::new(Numbers::default());
    kernel.start(Handlers::new().projection(Arc::clone(&first))).await.unwrap();
    for number in 0..5 {
        append(&kernel, "acme", "a", number).await;
        append(&kernel, "other", "a", 100 + number).await;
    }
    eventually("five are projected", || async { projected(&kernel).await.len() == 5 }).await;
    eventually("it has caught up", || async {
        let stats = kernel.stats().await.unwrap();
        stats.outbox_depth == 0 && stats.readers[0].lag == 0
    })
    .await;
    kernel.shutdown().await.unwrap();

    let kernel = home.open().await;
    append(&kernel, "acme", "b", 5).await;
    let second = Arc::new(Numbers::default());
    kernel.start(Handlers::new().projection(Arc::clone(&second))).await.unwrap();
    eventually("one more is", || async { projected(&kernel).await.len() == 6 }).await;
    assert_eq!(projected(&kernel).await, [0, 1, 2, 3, 4, 5]);
    assert_eq!(*second.applied.lock().unwrap(), [5]);
    kernel.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_fails_stops_the_projection_before_it() {
    let home = Home::new();
    let kernel = home.open().await;
    for number in 0..10 {
        append(&kernel, "acme", "a", number).await;
    }
    let numbers = Arc::new(Numbers { stuck_at_7: AtomicBool::new(true), ..Numbers::default() });
    kernel.start(Handlers::new().projection(Arc::clone(&numbers))).await.unwrap();
    eventually("seven are projected", || async { projected(&kernel).await.len() == 7 }).await;
    let tried = numbers.applied.lock().unwrap().len();
    eventually("it is tried again", || async { numbers.applied.lock().unwrap().len() > tried + 2 })
        .await;
    assert_eq!(projected(&kernel).await, [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(kernel.stats().await.unwrap().readers[0].position, 7);

    numbers.stuck_at_7.store(false, Ordering::SeqCst);
    eventually("the rest is projected", || async { projected(&kernel).await.len() == 10 }).await;
    assert_eq!(projected(&kernel).await, (0..10).collect::<Vec<_>>());
    kernel.shutdown().await.unwrap();
}

/// Appends three events in one unit of work.
async fn append_three(kernel: &Kernel, round: i64) {
    let cause = Cause::request(format!("request-{round}"));
    let mut unit = kernel.unit(&tenant("acme"), cause).await.unwrap();
    let events = vec![happened(round), happened(round), happened(round)];
    unit.append(&thing("a"), Expected::Any, events).await.unwrap();
    unit.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_committed_together_is_seen_together() {
    let home = Home::new();
    let kernel = home.open().await;
    // More than is read at once.
    for round in 0..100 {
        append_three(&kernel, round).await;
    }
    kernel.start(Handlers::new().projection(Numbers::default())).await.unwrap();
    let writer = kernel.clone();
    let writing = tokio::spawn(async move {
        for round in 100..200 {
            append_three(&writer, round).await;
        }
    });
    eventually("all are projected", || async {
        let seen = projected(&kernel).await.len();
        assert_eq!(seen % 3, 0, "half a commit is seen");
        seen == 600
    })
    .await;
    writing.await.unwrap();
    kernel.shutdown().await.unwrap();
}

/// Keeps the sum of the numbers of each thing in a table of its own.
struct Sums {
    statements: &'static [&'static str],
    /// Added each time: with anything but zero it is no function of the events.
    noise: AtomicI64,
}

const PLAIN: [&str; 1] = ["CREATE TABLE {sums} (tenant_id TEXT NOT NULL, thing TEXT NOT NULL, \
    total BIGINT NOT NULL, PRIMARY KEY (tenant_id, thing))"];
const INDEXED: [&str; 2] = [PLAIN[0], "CREATE INDEX {sums_by_total} ON {sums} (tenant_id, total)"];

fn sums(statements: &'static [&'static str]) -> Arc<Sums> {
    Arc::new(Sums { statements, noise: AtomicI64::new(0) })
}

impl Projection for Sums {
    fn name(&self) -> &str {
        "sums"
    }

    fn tables(&self) -> &'static [&'static str] {
        self.statements
    }

    async fn apply(&self, event: &Envelope, model: &mut ReadModel<'_>) -> Handled {
        let number = event.data["number"].as_i64().ok_or("no number")?;
        let noise = self.noise.load(Ordering::SeqCst);
        add(&event.aggregate_id, number + noise, model).await
    }
}

impl Handler<Counts, ReadModel<'_>> for Sums {
    async fn handle(&self, event: Event<Counts>, model: &mut ReadModel<'_>) -> Handled {
        match &event.data {
            Counts::Counted(count) => add(&event.aggregate_id, count.number, model).await,
            Counts::Forgotten => Ok(()),
        }
    }
}

async fn add(thing: &str, number: i64, model: &mut ReadModel<'_>) -> Handled {
    let add = model.text(
        "INSERT INTO {sums} (tenant_id, thing, total) VALUES ($1, $2, $3) \
             ON CONFLICT (tenant_id, thing) DO UPDATE SET total = {sums}.total + excluded.total",
    );
    let (tenant, connection) = model.sql();
    sqlx::query(add).bind(tenant.as_str()).bind(thing).bind(number).execute(connection).await?;
    Ok(())
}

/// What is read, by the name without a generation.
async fn totals(kernel: &Kernel) -> Vec<(String, i64)> {
    let mut view = kernel.read(&tenant("acme")).await.unwrap();
    let (tenant, connection) = view.sql();
    sqlx::query_as("SELECT thing, total FROM sums WHERE tenant_id = $1 ORDER BY thing")
        .bind(tenant.as_str())
        .fetch_all(connection)
        .await
        .unwrap()
}

async fn caught_up(kernel: &Kernel) {
    eventually("it has caught up", || async {
        let stats = kernel.stats().await.unwrap();
        stats.outbox_depth == 0 && stats.readers[0].lag == 0
    })
    .await;
}

fn total(thing: &str, total: i64) -> (String, i64) {
    (thing.to_owned(), total)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_projection_built_anew_is_what_it_was() {
    let home = Home::new();
    let kernel = home.open().await;
    let projection = sums(&PLAIN);
    kernel.start(Handlers::new().projection(Arc::clone(&projection))).await.unwrap();
    let unknown = kernel.rebuild("unknown").await;
    assert!(matches!(unknown, Err(Error::UnknownProjection(_))), "{unknown:?}");
    for number in 1..=400 {
        append(&kernel, "acme", if number % 2 == 0 { "even" } else { "odd" }, number).await;
    }
    caught_up(&kernel).await;
    let before = [total("even", 40_200), total("odd", 40_000)];
    assert_eq!(totals(&kernel).await, before);
    assert_eq!(kernel.rebuild_differences("sums").await.unwrap(), None);

    kernel.rebuild("sums").await.unwrap();
    // It is read, and goes on, while it is built.
    for number in 0..50 {
        append(&kernel, "acme", "even", 0).await;
        let read = totals(&kernel).await;
        assert_eq!(read, before, "{number}");
    }
    eventually("it is built", || async {
        kernel.rebuild_differences("sums").await.unwrap() == Some(0)
    })
    .await;
    caught_up(&kernel).await;
    assert_eq!(totals(&kernel).await, before);

    // One that depends on more than the events is found out.
    projection.noise.store(1, Ordering::SeqCst);
    kernel.rebuild("sums").await.unwrap();
    eventually("it is found out", || async {
        kernel.rebuild_differences("sums").await.unwrap() == Some(4)
    })
    .await;
    append(&kernel, "acme", "odd", -1).await;
    caught_up(&kernel).await;
    assert_eq!(totals(&kernel).await, [total("even", 40_450), total("odd", 40_200)]);
    kernel.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_projection_whose_tables_have_changed_is_built_anew_by_itself() {
    let home = Home::new();
    let kernel = home.open().await;
    kernel.start(Handlers::new().projection(sums(&PLAIN))).await.unwrap();
    for number in 1..=300 {
        append(&kernel, "acme", "a", number).await;
    }
    caught_up(&kernel).await;
    kernel.shutdown().await.unwrap();

    for statements in [&INDEXED[..], &PLAIN[..], &PLAIN[..]] {
        let kernel = home.open().await;
        let before = totals(&kernel).await;
        assert_eq!(before.len(), 1, "the old tables are read until the new ones are there");
        append(&kernel, "acme", "a", 1).await;
        kernel.start(Handlers::new().projection(sums(statements))).await.unwrap();
        let after = [total("a", before[0].1 + 1)];
        eventually("it is built", || async { totals(&kernel).await == after }).await;
        kernel.shutdown().await.unwrap();
    }
}

/// The tables of generations that there are, by name.
async fn tables(home: &Home, kernel: &Kernel) -> Vec<String> {
    let mut view = kernel.read(&tenant("acme")).await.unwrap();
    let connection = view.sql().1;
    let tables = match home.file() {
        None => "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = current_schema()",
        Some(_) => "SELECT name FROM sqlite_master WHERE type = 'table'",
    };
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(connection).await.unwrap();
    let mut tables: Vec<_> = tables.into_iter().filter(|name| name.contains("_g")).collect();
    tables.sort();
    tables
}

/// A row for each event, and another in a table that has no place for it but its key.
struct Rows {
    tables: &'static [&'static str],
}

const PLACED: [&str; 2] = [
    "CREATE TABLE {rows} (number BIGINT NOT NULL)",
    "CREATE TABLE {keys} (one BIGINT NOT NULL, two TEXT NOT NULL, PRIMARY KEY (one, two)) \
     WITHOUT ROWID",
];
const KEYED: [&str; 2] = [
    PLACED[0],
    "CREATE TABLE {keys} (one BIGINT NOT NULL, two TEXT NOT NULL, PRIMARY KEY (one, two))",
];

impl Projection for Rows {
    fn name(&self) -> &str {
        "rows"
    }

    fn tables(&self) -> &'static [&'static str] {
        self.tables
    }

    async fn apply(&self, event: &Envelope, model: &mut ReadModel<'_>) -> Handled {
        let number = event.data["number"].as_i64().ok_or("no number")?;
        let statements = [
            model.text("INSERT INTO {rows} (number) VALUES ($1)"),
            model.text("INSERT INTO {keys} (one, two) VALUES ($1, 'x')"),
        ];
        for statement in statements {
            sqlx::query(statement).bind(number).execute(model.sql().1).await?;
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_that_are_not_read_any_more_are_dropped_bit_by_bit() {
    let home = Home::new();
    let kernel = home.open().await;
    // More than is dropped at once.
    let mut unit = unit(&kernel, "acme").await;
    let events = (0..2_500).map(happened).collect();
    unit.append(&thing("a"), Expected::Any, events).await.unwrap();
    unit.commit().await.unwrap();
    let tables_of = if home.file().is_some() { &PLACED } else { &KEYED };
    kernel.start(Handlers::new().projection(Rows { tables: tables_of })).await.unwrap();
    caught_up(&kernel).await;
    assert_eq!(tables(&home, &kernel).await, ["keys_g1", "rows_g1"]);
    for generation in ["2", "3"] {
        kernel.rebuild("rows").await.unwrap();
        let left = ["keys_g", "rows_g"].map(|table| format!("{table}{generation}"));
        eventually("only what is read is left", || async { tables(&home, &kernel).await == left })
            .await;
        assert_eq!(kernel.rebuild_differences("rows").await.unwrap(), Some(0));
    }
    let mut view = kernel.read(&tenant("acme")).await.unwrap();
    for count in ["SELECT COUNT(*) FROM rows", "SELECT COUNT(*) FROM keys"] {
        let count: i64 = sqlx::query_scalar(count).fetch_one(view.sql().1).await.unwrap();
        assert_eq!(count, 2_500);
    }
    drop(view);
    kernel.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_projection_cannot_read_is_a_dead_letter_once_and_the_rest_goes_on() {
    let home = Home::new();
    let kernel = home.open().await;
    let handler = Sums { statements: &PLAIN, noise: AtomicI64::new(0) };
    kernel.start(Handlers::new().project::<Counts, _>("sums", &PLAIN, handler)).await.unwrap();
    let mut unit = kernel.unit(&tenant("acme"), Cause::request("request-1")).await.unwrap();
    for (message, _) in broken() {
        unit.publish(&thing("a"), message).await.unwrap();
        unit.publish(&thing("a"), Counts::Counted(Count { number: 1 }).into()).await.unwrap();
    }
    // Of another channel.
    unit.publish(&thing("a"), happened(7)).await.unwrap();
    unit.commit().await.unwrap();
    eventually("the rest is projected", || async { totals(&kernel).await == [total("a", 4)] })
        .await;
    kernel.rebuild("sums").await.unwrap();
    eventually("it is built", || async {
        kernel.rebuild_differences("sums").await.unwrap() == Some(0)
    })
    .await;
    let mut view = kernel.read(&tenant("acme")).await.unwrap();
    let letters = view.dead_letters(None, 10).await.unwrap();
    drop(view);
    let reasons: Vec<_> = letters.iter().map(|it| it.reason.as_str()).collect();
    assert_eq!(reasons, broken().map(|(_, reason)| reason));
    assert!(letters.iter().all(|it| it.source == "projection:sums"));
    // Handled alone it would be out of order: a rebuild is the way.
    let mut unit = kernel.unit(&tenant("acme"), Cause::request("request-2")).await.unwrap();
    assert!(!unit.replay(letters[0].id).await.unwrap());
    unit.rollback().await.unwrap();
    kernel.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_is_part_of_a_unit_and_can_be_looked_at() {
    let home = Home::new();
    let kernel = home.open().await;
    kernel.start(Handlers::new().projection(sums(&PLAIN))).await.unwrap();
    append(&kernel, "acme", "a", 1).await;
    caught_up(&kernel).await;
    let standing = async || {
        let found = kernel.projections().await.unwrap();
        let of = |it: &symbolon_kernel::ProjectionStats| (it.generation, it.lag, it.differences);
        (found[0].name.clone(), found.len(), of(&found[0]), found[0].is_requested)
    };
    assert_eq!(standing().await, ("sums".to_owned(), 1, (1, 0, None), false));

    let mut undone = unit(&kernel, "acme").await;
    undone.rebuild("sums").await.unwrap();
    for unknown in [undone.rebuild("unknown").await, undone.rebuild_once("unknown").await.map(drop)]
    {
        assert!(matches!(unknown, Err(Error::UnknownProjection(_))), "{unknown:?}");
    }
    assert!(!undone.rebuild_once("sums").await.unwrap(), "it is asked for already");
    undone.rollback().await.unwrap();
    assert_eq!(standing().await, ("sums".to_owned(), 1, (1, 0, None), false));

    let mut rebuild = unit(&kernel, "acme").await;
    assert!(rebuild.rebuild_once("sums").await.unwrap());
    rebuild.audit(Action::new("rebuilt", "sums")).await.unwrap();
    rebuild.commit().await.unwrap();
    let built = ("sums".to_owned(), 1, (2, 0, Some(0)), false);
    eventually("it is built", || async { standing().await == built }).await;
    let mut view = kernel.read(&tenant("acme")).await.unwrap();
    assert_eq!(view.audit(AuditPage::first(10)).await.unwrap().len(), 1);
    drop(view);
    kernel.shutdown().await.unwrap();
}
