//! The schema as it is, held against the schema as the last migration left it.

use std::collections::BTreeSet;

use super::{Connection, Dialect};
use crate::error::Error;

const SQLITE: &str = "SELECT m.name || '.' || p.name || ' ' || p.type \
    || CASE p.\"notnull\" WHEN 1 THEN ' NOT NULL' ELSE '' END AS line \
    FROM sqlite_master m JOIN pragma_table_info(m.name) p \
    WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' \
    UNION ALL SELECT type || ' ' || name || ' of ' || tbl_name FROM sqlite_master \
    WHERE type IN ('index', 'trigger') AND name NOT LIKE 'sqlite_%'";
/// Of the catalogue itself: `information_schema` asks for privileges on everything there is.
const POSTGRES: &str = "WITH t AS (SELECT oid, relname FROM pg_class WHERE relkind = 'r' \
    AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())) \
    SELECT CAST(t.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) \
    || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END AS TEXT) AS line \
    FROM t JOIN pg_attribute a ON a.attrelid = t.oid WHERE a.attnum > 0 AND NOT a.attisdropped \
    UNION ALL SELECT CAST('index ' || i.relname || ' of ' || t.relname AS TEXT) \
    FROM t JOIN pg_index x ON x.indrelid = t.oid JOIN pg_class i ON i.oid = x.indexrelid \
    UNION ALL SELECT CAST('trigger ' || g.tgname || ' of ' || t.relname AS TEXT) \
    FROM t JOIN pg_trigger g ON g.tgrelid = t.oid WHERE NOT g.tgisinternal";

/// Keeps other processes from migrating, until the connection unlocks it or ends.
const LOCK: i64 = 0x0053_594d_424f_4c4f;

pub(super) async fn lock(connection: &mut Connection) -> Result<(), Error> {
    if Dialect::of(connection) == Dialect::Postgres {
        sqlx::query("SELECT pg_advisory_lock($1)").bind(LOCK).execute(connection).await?;
    }
    Ok(())
}

pub(super) async fn unlock(connection: &mut Connection) -> Result<(), Error> {
    if Dialect::of(connection) == Dialect::Postgres {
        sqlx::query("SELECT pg_advisory_unlock($1)").bind(LOCK).execute(connection).await?;
    }
    Ok(())
}

/// Refuses a schema that is not what the last migration left.
pub(super) async fn check(connection: &mut Connection) -> Result<(), Error> {
    let now = listing(connection).await?;
    // Of a database that is new there is nothing to say.
    if !now.iter().any(|line| line.starts_with("schema_listing.")) {
        return Ok(());
    }
    let kept: Option<String> =
        sqlx::query_scalar("SELECT listing FROM schema_listing WHERE id = 1")
            .fetch_optional(connection)
            .await?;
    let Some(kept) = kept else { return Ok(()) };
    let kept: BTreeSet<String> = kept.lines().map(str::to_owned).collect();
    let missing = kept.difference(&now).map(|line| format!("without {line}"));
    let added = now.difference(&kept).map(|line| format!("with {line}"));
    let found: Vec<String> = missing.chain(added).collect();
    if found.is_empty() { Ok(()) } else { Err(Error::Altered(found.join(", "))) }
}

/// Notes what the migrations have left.
pub(super) async fn keep(connection: &mut Connection) -> Result<(), Error> {
    let lines: Vec<String> = listing(connection).await?.into_iter().collect();
    sqlx::query(
        "INSERT INTO schema_listing (id, listing) VALUES (1, $1) \
         ON CONFLICT (id) DO UPDATE SET listing = excluded.listing \
         WHERE schema_listing.listing <> excluded.listing",
    )
    .bind(lines.join("\n"))
    .execute(connection)
    .await?;
    Ok(())
}

/// One line for each column, index and trigger, but those of projections, which come and go.
async fn listing(connection: &mut Connection) -> Result<BTreeSet<String>, Error> {
    let select = match Dialect::of(connection) {
        Dialect::Sqlite => SQLITE,
        Dialect::Postgres => POSTGRES,
    };
    let lines: Vec<String> = sqlx::query_scalar(select).fetch_all(connection).await?;
    let is_kept = |line: &String| {
        let table = match line.split_once(" of ") {
            Some((_, table)) => table,
            None => line.split_once('.').map_or("", |(table, _)| table),
        };
        let (_, generation) = table.rsplit_once("_g").unwrap_or(("", ""));
        generation.is_empty() || !generation.bytes().all(|byte| byte.is_ascii_digit())
    };
    Ok(lines.into_iter().filter(is_kept).collect())
}
