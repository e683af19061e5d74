//! Brings the schema of the kernel and of each system up to date, each in a table of its own.

use std::borrow::Cow;

use sqlx::migrate::{MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr as _};

use super::{Connection, Dialect, schema};
use crate::error::Error;

/// One file of a set: append-only, never changed once released.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// The file name without `.sql`: `NNNN_verb_noun`.
    pub name: &'static str,
    /// The text, usually by `include_str!`. It runs on SQLite and on PostgreSQL: `{serial}` stands
    /// for a primary key that counts up, `{bytes}` for the type of bytes, `{clustered}` after the
    /// columns of a table for keeping its rows in the order of its primary key, and
    /// `{immutable NAME}` is a statement that lets nobody change or delete a row of a table.
    pub sql: &'static str,
}

/// The migrations of one system, in order.
#[derive(Debug, Clone, Copy)]
pub struct MigrationSet {
    /// The system: lowercase letters and underscores.
    pub name: &'static str,
    /// Its files.
    pub files: &'static [Migration],
}

macro_rules! file {
    ($name:literal) => {
        Migration {
            name: $name,
            sql: include_str!(concat!("../../../../migrations/kernel/", $name, ".sql")),
        }
    };
}

/// The kernel's own tables.
pub(crate) const KERNEL: MigrationSet = MigrationSet {
    name: "kernel",
    files: &[
        file!("0001_create_streams"),
        file!("0002_create_delivery"),
        file!("0003_create_idempotency"),
        file!("0004_create_timers"),
        file!("0005_create_ledger"),
        file!("0006_create_audit"),
        file!("0007_create_dead_letters"),
        file!("0008_create_jobs"),
        file!("0009_create_snapshots"),
        file!("0010_create_projections"),
        file!("0011_create_schema_listing"),
        file!("0012_add_trace_parents"),
        file!("0013_ship_dead_letters"),
        file!("0014_create_answers"),
        file!("0015_discard_generations"),
        file!("0016_create_allotments"),
    ],
};

/// Brings the kernel's tables and those of each set up to date.
pub(crate) async fn apply_all(
    connection: &mut Connection,
    sets: &[MigrationSet],
) -> Result<(), Error> {
    schema::lock(connection).await?;
    let applied = apply_in_order(connection, sets).await;
    // After an error the connection ends, and the lock with it.
    applied?;
    schema::unlock(connection).await
}

async fn apply_in_order(connection: &mut Connection, sets: &[MigrationSet]) -> Result<(), Error> {
    schema::check(connection).await?;
    apply(connection, &KERNEL).await?;
    for set in sets {
        apply(connection, set).await?;
    }
    schema::keep(connection).await
}

/// Applies what is missing; refuses a database that holds altered or unknown migrations.
async fn apply(connection: &mut Connection, set: &MigrationSet) -> Result<(), Error> {
    let named = |text: &str| !text.is_empty() && text.chars().all(|c| matches!(c, 'a'..='z' | '_'));
    if !named(set.name) {
        return Err(Error::MigrationName(set.name));
    }
    let dialect = Dialect::of(connection);
    let migrations =
        set.files.iter().map(|file| read(dialect, file)).collect::<Result<Vec<_>, _>>()?;
    let mut migrator = Migrator::with_migrations(migrations);
    migrator.dangerous_set_table_name(format!("migrations_of_{}", set.name));
    migrator
        .run_direct(None, connection, false)
        .await
        .map_err(|source| Error::Migration { set: set.name, source })
}

fn read(dialect: Dialect, file: &Migration) -> Result<sqlx::migrate::Migration, Error> {
    let refused = Error::MigrationName(file.name);
    let Some((number, description)) = file.name.split_once('_') else { return Err(refused) };
    let Ok(number) = number.parse() else { return Err(refused) };
    Ok(sqlx::migrate::Migration::new(
        number,
        Cow::Borrowed(description),
        MigrationType::Simple,
        AssertSqlSafe(dialect.migration(file.sql)).into_sql_str(),
        false,
    ))
}
