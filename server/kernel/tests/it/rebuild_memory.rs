//! What building a big projection anew takes of memory: looked at by hand, one test in a process.
//!
//! `SYMBOLON_ROWS=200000 cargo test -p symbolon-kernel --test it -- --ignored rebuild_memory
//! --nocapture`

use std::time::{Duration, Instant};

use symbolon_kernel::{Cause, Envelope, Expected, Handled, Handlers, Projection, ReadModel};

use crate::fixture::{Home, happened, tenant, thing, unit};

const ROWS_OF_AN_EVENT: i64 = 10;

/// Makes rows of a kilobyte, ten for each event.
struct Wide;

const TABLES: [&str; 2] = [
    "CREATE TABLE {wide} (tenant_id TEXT NOT NULL, number BIGINT NOT NULL, body TEXT NOT NULL, \
     PRIMARY KEY (tenant_id, number))",
    "CREATE INDEX {wide_by_body} ON {wide} (tenant_id, body)",
];

impl Projection for Wide {
    fn name(&self) -> &str {
        "wide"
    }

    fn tables(&self) -> &'static [&'static str] {
        &TABLES
    }

    async fn apply(&self, event: &Envelope, model: &mut ReadModel<'_>) -> Handled {
        let first = event.data["number"].as_i64().ok_or("no number")? * ROWS_OF_AN_EVENT;
        let insert = model.text(
            "WITH RECURSIVE made(number) AS (SELECT CAST($2 AS BIGINT) UNION ALL \
             SELECT number + 1 FROM made WHERE number + 1 < $3) \
             INSERT INTO {wide} (tenant_id, number, body) \
             SELECT $1, number, CAST(number AS TEXT) || $4 FROM made",
        );
        let (tenant, connection) = model.sql();
        let insert = sqlx::query(insert).bind(tenant.as_str()).bind(first);
        let insert = insert.bind(first + ROWS_OF_AN_EVENT).bind("x".repeat(1_000));
        insert.execute(connection).await?;
        Ok(())
    }
}

/// A line of `/proc/self/status`, in MiB.
fn status(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

async fn until(what: &str, mut check: impl AsyncFnMut() -> bool) {
    for _ in 0..60_000 {
        if check().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute, and tells nothing where others run"]
async fn rebuild_memory() {
    let rows = std::env::var("SYMBOLON_ROWS").map_or(200_000, |rows| rows.parse().unwrap());
    let home = Home::new();
    let kernel = home.open().await;
    let numbers: Vec<i64> = (0..rows / ROWS_OF_AN_EVENT).collect();
    for some in numbers.chunks(1_000) {
        let mut unit = unit(&kernel, "acme").await;
        let events = some.iter().map(|number| happened(*number)).collect();
        unit.append(&thing("a"), Expected::Any, events).await.unwrap();
        unit.commit().await.unwrap();
    }
    kernel.start(Handlers::new().projection(Wide)).await.unwrap();
    until("it has caught up", async || {
        let stats = kernel.stats().await.unwrap();
        stats.outbox_depth == 0 && stats.readers[0].lag == 0
    })
    .await;
    let before = status("VmRSS");
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    kernel.rebuild("wide").await.unwrap();
    let mut longest = Duration::ZERO;
    until("it is built", async || {
        let begun_at = Instant::now();
        let waited = kernel.unit(&tenant("other"), Cause::request("request-1")).await;
        longest = longest.max(begun_at.elapsed());
        match waited {
            Ok(unit) => unit.rollback().await.unwrap(),
            Err(error) => println!("{error}"),
        }
        kernel.rebuild_differences("wide").await.unwrap() == Some(0)
    })
    .await;
    println!("{rows} rows: {before} MiB before, {} MiB at most", status("VmHWM"));
    println!("the longest wait of a writer was {longest:?}");
    let mut view = kernel.read(&tenant("acme")).await.unwrap();
    let count: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM wide").fetch_one(view.sql().1).await.unwrap();
    assert!(count >= rows);
    drop(view);
    kernel.shutdown().await.unwrap();
}
