//! Brings the schema of the kernel and of each system up to date, each in a table of its own.

use std::borrow::Cow;

use sqlx::SqliteConnection;
use sqlx::migrate::{MigrationType, Migrator};
use sqlx::{SqlSafeStr, SqlStr};

use crate::error::Error;

/// One file of a set: append-only, never changed once released.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// The file name without `.sql`: `NNNN_verb_noun`.
    pub name: &'static str,
    /// The text, usually by `include_str!`.
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
            sql: include_str!(concat!("../../../migrations/kernel/", $name, ".sql")),
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
    ],
};

/// Applies what is missing; refuses a database that holds altered or unknown migrations.
pub(crate) async fn apply(
    connection: &mut SqliteConnection,
    set: &MigrationSet,
) -> Result<(), Error> {
    let named = |text: &str| !text.is_empty() && text.chars().all(|c| matches!(c, 'a'..='z' | '_'));
    if !named(set.name) {
        return Err(Error::MigrationName(set.name));
    }
    let migrations = set.files.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let mut migrator = Migrator::with_migrations(migrations);
    migrator.dangerous_set_table_name(format!("migrations_of_{}", set.name));
    migrator
        .run_direct(None, connection, false)
        .await
        .map_err(|source| Error::Migration { set: set.name, source })
}

fn read(file: &Migration) -> Result<sqlx::migrate::Migration, Error> {
    let refused = Error::MigrationName(file.name);
    let Some((number, description)) = file.name.split_once('_') else { return Err(refused) };
    let Ok(number) = number.parse() else { return Err(refused) };
    Ok(sqlx::migrate::Migration::new(
        number,
        Cow::Borrowed(description),
        MigrationType::Simple,
        SqlSafeStr::into_sql_str(file.sql) as SqlStr,
        false,
    ))
}
