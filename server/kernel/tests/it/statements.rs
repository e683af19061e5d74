//! What a domain can do on its connection, inside a unit of work and beside it.

use futures_util::TryStreamExt as _;
use sqlx::{Connection as _, Executor as _, Row as _, SqliteConnection, Statement as _};
use symbolon_kernel::{Connection, Error, Kernel, Location, Migration, MigrationSet, SystemClock};

use crate::fixture::{Home, tenant, unit};

const VALUES: MigrationSet = MigrationSet {
    name: "values",
    files: &[Migration {
        name: "0001_create_values",
        sql: "CREATE TABLE kept (id BIGINT PRIMARY KEY, number BIGINT, part DOUBLE PRECISION, \
              words TEXT, raw {bytes})",
    }],
};

async fn open(location: &Location) -> Kernel {
    Kernel::open(location, &[VALUES], std::sync::Arc::new(SystemClock)).await.unwrap()
}

type Kept = (i64, Option<i64>, Option<f64>, Option<String>, Option<Vec<u8>>);

async fn insert(connection: &mut Connection, kept: &Kept) -> Result<u64, sqlx::Error> {
    let (id, number, part, words, raw) = kept;
    let insert = "INSERT INTO kept (id, number, part, words, raw) VALUES ($1, $2, $3, $4, $5)";
    let insert = sqlx::query(insert).bind(id).bind(number).bind(part).bind(words.clone());
    Ok(insert.bind(raw.clone()).execute(connection).await?.rows_affected())
}

async fn count(kernel: &Kernel) -> i64 {
    let mut view = kernel.read(&tenant("acme")).await.unwrap();
    sqlx::query_scalar("SELECT COUNT(*) FROM kept").fetch_one(view.sql().1).await.unwrap()
}

#[tokio::test]
async fn every_kind_of_value_comes_back_as_it_was_written() {
    let home = Home::new();
    let kernel = open(&home.location()).await;
    let long = vec![0xa5; 3_000_000];
    let rows: [Kept; 4] = [
        (1, Some(i64::MIN), Some(-0.5), Some("naïve 文字 🦀 '; --".to_owned()), Some(vec![0, 255])),
        (2, Some(i64::MAX), Some(f64::MAX), Some(String::new()), Some(Vec::new())),
        (3, None, None, None, None),
        (4, Some(0), Some(1e-300), Some("x".repeat(1_000_000)), Some(long)),
    ];
    let mut unit = unit(&kernel, "acme").await;
    for row in &rows {
        assert_eq!(insert(unit.sql().1, row).await.unwrap(), 1);
    }
    const ALL: &str = "SELECT id, number, part, words, raw FROM kept ORDER BY id";
    let all: Vec<Kept> = sqlx::query_as(ALL).fetch_all(unit.sql().1).await.unwrap();
    assert_eq!(all, rows);
    let mut stream = sqlx::query(ALL).fetch(unit.sql().1);
    let mut ids: Vec<i64> = Vec::new();
    while let Some(row) = stream.try_next().await.unwrap() {
        ids.push(row.get("id"));
        if ids.len() == 2 {
            // The rest is not read.
            break;
        }
    }
    drop(stream);
    assert_eq!(ids, [1, 2]);
    let first: Kept = sqlx::query_as(ALL).fetch_one(unit.sql().1).await.unwrap();
    assert_eq!(first, rows[0]);
    let none = sqlx::query("SELECT id FROM kept WHERE id = 5");
    assert!(none.fetch_optional(unit.sql().1).await.unwrap().is_none());
    let changed = sqlx::query("UPDATE kept SET number = 1 WHERE id > $1").bind(2_i64);
    assert_eq!(changed.execute(unit.sql().1).await.unwrap().rows_affected(), 2);
    unit.commit().await.unwrap();
    let mut view = kernel.read(&tenant("acme")).await.unwrap();
    let all: Vec<Kept> = sqlx::query_as(ALL).fetch_all(view.sql().1).await.unwrap();
    assert_eq!(all[..2], rows[..2]);
}

#[tokio::test]
async fn a_statement_can_be_looked_at_before_it_runs() {
    let home = Home::new();
    let kernel = open(&home.location()).await;
    let mut unit = unit(&kernel, "acme").await;
    let connection = unit.sql().1;
    let statement = connection.prepare(sqlx::SqlStr::from_static("SELECT id, words FROM kept"));
    let statement = statement.await.unwrap();
    let names: Vec<_> = statement.columns().iter().map(sqlx::Column::name).collect();
    assert_eq!(names, ["id", "words"]);
    assert_eq!(statement.query().fetch_all(connection).await.unwrap().len(), 0);
}

#[tokio::test]
async fn an_error_of_the_database_says_which() {
    let home = Home::new();
    let kernel = open(&home.location()).await;
    let row = (1, None, None, None, None);
    let mut first = unit(&kernel, "acme").await;
    insert(first.sql().1, &row).await.unwrap();
    first.commit().await.unwrap();
    let mut second = unit(&kernel, "acme").await;
    let error = insert(second.sql().1, &row).await.unwrap_err();
    let told = error.as_database_error().unwrap();
    assert!(told.is_unique_violation(), "{told}");
    let code = told.code().unwrap().into_owned();
    assert_eq!(code, if home.file().is_some() { "1555" } else { "23505" });
    assert!(matches!(Error::from(error), Error::Database(_)));
    drop(second);
    let mut third = unit(&kernel, "acme").await;
    let wrong = sqlx::query("SELECT id FROM nowhere").execute(third.sql().1).await;
    let told = wrong.unwrap_err().to_string();
    assert!(told.contains("nowhere"), "{told}");
    drop(third);
    assert_eq!(count(&kernel).await, 1);
}

#[tokio::test]
async fn several_statements_are_one_text() {
    let home = Home::new();
    // PostgreSQL takes several only without arguments.
    if home.file().is_none() {
        return;
    }
    let kernel = open(&home.location()).await;
    let mut unit = unit(&kernel, "acme").await;
    for (number, text) in [
        (1, "INSERT INTO kept (id) VALUES ($1); SELECT id FROM kept WHERE id = $1;"),
        (2, "INSERT INTO kept (id, words) VALUES ($1, ';'); SELECT id FROM kept WHERE id = $1"),
        (3, "INSERT INTO kept (id) VALUES ($1); -- a comment; and more\nSELECT $1 AS id"),
    ] {
        let rows = sqlx::query(text).bind(number).fetch_all(unit.sql().1).await.unwrap();
        let ids: Vec<i64> = rows.iter().map(|row| row.get("id")).collect();
        assert_eq!(ids, [number], "{text}");
    }
    let made = "CREATE TABLE made (x TEXT); CREATE TRIGGER made_too AFTER INSERT ON made BEGIN \
                DELETE FROM kept WHERE id = 1; DELETE FROM kept WHERE id = 2; END; \
                INSERT INTO made VALUES ('; '); -- nothing;";
    unit.sql().1.execute(made).await.unwrap();
    unit.commit().await.unwrap();
    assert_eq!(count(&kernel).await, 1);
}

#[tokio::test]
async fn a_statement_that_was_prepared_sees_what_a_table_has_become() {
    let home = Home::new();
    let kernel = open(&home.location()).await;
    for (change, columns) in [
        ("SELECT 1", 5),
        ("ALTER TABLE kept ADD COLUMN more TEXT", 6),
        // What was done to the table is undone.
        ("SELECT 1", 5),
        ("ALTER TABLE kept DROP COLUMN raw", 4),
        ("SELECT 1", 5),
    ] {
        if home.file().is_none() && columns != 5 {
            // PostgreSQL refuses what was prepared: a plan must not change its type.
            return;
        }
        let mut unit = unit(&kernel, "acme").await;
        sqlx::query(change).execute(unit.sql().1).await.unwrap();
        insert_any(unit.sql().1).await;
        let row = sqlx::query("SELECT * FROM kept").fetch_one(unit.sql().1).await.unwrap();
        assert_eq!(row.len(), columns, "{change}");
    }
}

async fn insert_any(connection: &mut Connection) {
    sqlx::query("INSERT INTO kept (id) VALUES ($1)").bind(1).execute(connection).await.unwrap();
}

#[tokio::test]
async fn a_table_of_a_unit_lasts_as_long_as_the_unit() {
    let home = Home::new();
    let kernel = open(&home.location()).await;
    let mut unit = unit(&kernel, "acme").await;
    for text in [
        "CREATE TEMPORARY TABLE passing (id BIGINT)",
        "INSERT INTO passing VALUES (2), (1)",
        "INSERT INTO kept (id) SELECT id FROM passing ORDER BY id",
    ] {
        sqlx::query(text).persistent(false).execute(unit.sql().1).await.unwrap();
    }
    let all = sqlx::query("SELECT id FROM passing").fetch_all(unit.sql().1).await.unwrap();
    assert_eq!(all.len(), 2);
    unit.commit().await.unwrap();
    assert_eq!(count(&kernel).await, 2);
}

/// A statement of a million rows, as `name` in what it is part of.
macro_rules! million {
    ($rest:literal) => {
        concat!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) ",
            $rest
        )
    };
}

/// On one thread: whoever blocks it holds up everybody.
#[tokio::test]
async fn a_statement_that_is_asked_for_once_holds_nobody_up() {
    let home = Home::new();
    let kernel = open(&home.location()).await;
    let mut unit = unit(&kernel, "acme").await;
    let other = tokio::spawn(async {});
    let sum = sqlx::query_scalar(million!("SELECT CAST(SUM(i) AS BIGINT) FROM n"));
    let sum: i64 = sum.persistent(false).fetch_one(unit.sql().1).await.unwrap();
    assert_eq!(sum, 500_000_500_000);
    assert!(other.is_finished());
}

#[tokio::test]
async fn a_statement_whose_caller_is_gone_is_part_of_nothing() {
    let home = Home::new();
    let kernel = open(&home.location()).await;
    for round in 0..3 {
        let mut first = unit(&kernel, "acme").await;
        insert(first.sql().1, &(-1, None, None, None, None)).await.unwrap();
        let fill = sqlx::query(million!("INSERT INTO kept (id) SELECT i FROM n")).persistent(false);
        let filled = fill.execute(first.sql().1);
        // It has begun, and nobody waits for it.
        drop(tokio::time::timeout(std::time::Duration::ZERO, filled).await);
        drop(first);
        let mut second = unit(&kernel, "acme").await;
        insert(second.sql().1, &(-2 - round, None, None, None, None)).await.unwrap();
        second.commit().await.unwrap();
        assert_eq!(count(&kernel).await, round + 1);
    }
}

#[tokio::test]
async fn a_writer_waits_for_another_process_without_holding_anybody_up() {
    let home = Home::new();
    let Some(path) = home.file() else { return };
    let kernel = open(&home.location()).await;
    let url = format!("sqlite://{}", path.display());
    let mut other = SqliteConnection::connect(&url).await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let begun = tokio::spawn({
        let kernel = kernel.clone();
        async move { unit(&kernel, "acme").await }
    });
    // The unit waits by now.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!begun.is_finished());
    other.execute("INSERT INTO kept (id) VALUES (1)").await.unwrap();
    other.execute("COMMIT").await.unwrap();
    let mut unit = begun.await.unwrap();
    let row = (1, None, None, None, None);
    assert!(insert(unit.sql().1, &row).await.is_err(), "it sees what the other has written");
}

#[tokio::test]
async fn reader_and_writer_have_the_same_file_whatever_it_is_called() {
    let folder = tempfile::TempDir::new().unwrap();
    for name in ["plain", "with space", "naïve 文字", "a%20b?c#d.sqlite", "file:x"] {
        let path = folder.path().join(name).join("x y%.sqlite");
        let kernel = open(&Location::File(path)).await;
        let mut unit = unit(&kernel, "acme").await;
        insert_any(unit.sql().1).await;
        unit.commit().await.unwrap();
        assert_eq!(count(&kernel).await, 1, "{name}");
        kernel.shutdown().await.unwrap();
    }
}
