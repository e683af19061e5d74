//! The schema on disk is the one this program knows, or it is refused.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use symbolon_kernel::{Error, Kernel, Migration, MigrationSet, SystemClock};

use crate::fixture::Home;

async fn open(home: &Home, set: MigrationSet) -> Result<(), Error> {
    let kernel = Kernel::open(&home.location(), &[set], Arc::new(SystemClock)).await?;
    kernel.shutdown().await
}

const FIRST: Migration = Migration { name: "0001_create_a", sql: "CREATE TABLE a (x TEXT)" };
const ALTERED: Migration = Migration { name: "0001_create_a", sql: "CREATE TABLE a (y TEXT)" };
const SECOND: Migration = Migration { name: "0002_create_b", sql: "CREATE TABLE b (x TEXT)" };

#[tokio::test]
async fn an_altered_or_newer_schema_is_refused() {
    let home = Home::new();
    let old = MigrationSet { name: "things", files: &[FIRST] };
    let new = MigrationSet { name: "things", files: &[FIRST, SECOND] };
    let altered = MigrationSet { name: "things", files: &[ALTERED, SECOND] };
    let unnamed = MigrationSet { name: "Things; DROP", files: &[] };
    open(&home, old).await.unwrap();
    open(&home, new).await.unwrap();
    open(&home, new).await.unwrap();
    for refused in [old, altered] {
        let refused = open(&home, refused).await;
        assert!(matches!(refused, Err(Error::Migration { set: "things", .. })), "{refused:?}");
    }
    assert!(matches!(open(&home, unnamed).await, Err(Error::MigrationName(_))));
}

#[tokio::test]
async fn a_file_is_open_in_one_kernel_at_a_time() {
    let home = Home::new();
    // A database on a server may be open in many.
    let Some(path) = home.file() else { return };
    let kernel = home.open().await;
    let set = MigrationSet { name: "things", files: &[] };
    let refused = open(&home, set).await;
    assert!(matches!(&refused, Err(Error::InUse(file)) if *file == path), "{refused:?}");
    kernel.shutdown().await.unwrap();
    // Although `kernel` is still there.
    open(&home, set).await.unwrap();
}

#[tokio::test]
async fn every_migration_of_the_kernel_is_applied() {
    let home = Home::new();
    let kernel = home.open().await;
    let mut view = kernel.read(&crate::fixture::tenant("acme")).await.unwrap();
    let applied: Vec<(i64, String)> =
        sqlx::query_as("SELECT version, description FROM migrations_of_kernel")
            .fetch_all(view.sql().1)
            .await
            .unwrap();
    let applied: BTreeSet<_> =
        applied.iter().map(|(version, rest)| format!("{version:04}_{rest}.sql")).collect();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/kernel");
    let files: BTreeSet<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(applied, files);
}

#[tokio::test]
async fn a_schema_that_somebody_else_has_altered_is_refused() {
    for (statement, told) in [
        ("ALTER TABLE timers ADD COLUMN colour TEXT", "with timers.colour"),
        ("DROP INDEX timers_by_time", "without index timers_by_time of timers"),
        ("DROP TABLE snapshots", "without snapshots."),
    ] {
        let home = Home::new();
        let kernel = home.open().await;
        let mut unit = crate::fixture::unit(&kernel, "acme").await;
        sqlx::query(statement).execute(unit.sql().1).await.unwrap();
        unit.commit().await.unwrap();
        kernel.shutdown().await.unwrap();
        let set = MigrationSet { name: "things", files: &[FIRST] };
        let refused = open(&home, set).await;
        assert!(
            matches!(&refused, Err(Error::Altered(found)) if found.contains(told)),
            "{statement}: {refused:?}"
        );
    }
}
