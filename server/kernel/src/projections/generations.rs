//! Generations of a projection's tables: a new one is built beside the one that is read, and takes
//! its place at once.
//!
//! A projection names its tables in braces. Table `{calls}` of generation 3 is `calls_g3`; whoever
//! reads uses the plain name, a view of the generation that is live.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use crate::database::{Connection, Dialect};
use crate::delivery::messages::parsed;
use crate::error::Error;

const CREATE_TABLE: &str = "CREATE TABLE {";

/// One generation of the tables of a projection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Generation {
    pub(crate) number: i64,
    /// A digest of the statements that made it.
    pub(crate) fingerprint: String,
    /// The names of its tables, without the number.
    tables: Vec<String>,
}

/// Rows of a table that are deleted in one transaction, so that nobody waits long and what it would
/// be undone by stays small.
const SLICE: i64 = 1_000;

/// Where the building of a projection stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Standing {
    pub(crate) live: Option<Generation>,
    pub(crate) building: Option<Generation>,
    pub(crate) is_requested: bool,
    /// Those that nobody reads any more, with the tables they still have.
    pub(crate) discarded: Vec<Generation>,
}

impl Generation {
    pub(crate) fn new(number: i64, statements: &[&str]) -> Self {
        let tables = statements.iter().filter_map(|statement| {
            let (name, _) = statement.trim_start().strip_prefix(CREATE_TABLE)?.split_once('}')?;
            Some(name.to_owned())
        });
        Self { number, fingerprint: fingerprint(statements), tables: tables.collect() }
    }
}

/// A digest of statements.
pub(crate) fn fingerprint(statements: &[&str]) -> String {
    BASE64.encode(Sha256::digest(statements.join(";")))
}

/// A statement with the names in braces as they are in a generation.
pub(crate) fn spelled(statement: &str, generation: i64) -> String {
    statement.replace('{', "").replace('}', &format!("_g{generation}"))
}

pub(crate) async fn standing(connection: &mut Connection, name: &str) -> Result<Standing, Error> {
    let query = sqlx::query(
        "SELECT live, building, is_requested, discarded FROM projections WHERE name = $1",
    );
    let row = query.bind(name).fetch_optional(connection).await?;
    let Some(row) = row else { return Ok(Standing::default()) };
    Ok(Standing {
        live: read(&row, "live")?,
        building: read(&row, "building")?,
        is_requested: row.try_get::<i64, _>("is_requested")? != 0,
        discarded: read(&row, "discarded")?.unwrap_or_default(),
    })
}

/// A column of JSON.
fn read<T: DeserializeOwned>(row: &AnyRow, column: &str) -> Result<Option<T>, Error> {
    let text: Option<String> = row.try_get(column)?;
    Ok(parsed(text.as_deref().map(serde_json::from_str).transpose())?)
}

/// Notes that there is a projection of this name; says whether there was none. Of several
/// processes one is told so.
pub(crate) async fn claim(connection: &mut Connection, name: &str) -> Result<bool, Error> {
    let claimed = sqlx::query(
        "INSERT INTO projections (name, is_requested) VALUES ($1, 0) \
         ON CONFLICT (name) DO NOTHING",
    );
    let claimed = claimed.bind(name).execute(connection).await?;
    Ok(claimed.rows_affected() > 0)
}

async fn save(
    connection: &mut Connection,
    name: &str,
    standing: &Standing,
    differences: Option<i64>,
) -> Result<(), Error> {
    let text = |generation: &Option<Generation>| {
        generation.as_ref().map(serde_json::to_string).transpose()
    };
    sqlx::query(
        "INSERT INTO projections (name, live, building, is_requested, differences, discarded) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name) DO UPDATE SET live = excluded.live, \
         building = excluded.building, is_requested = excluded.is_requested, \
         differences = COALESCE(excluded.differences, projections.differences), \
         discarded = excluded.discarded",
    )
    .bind(name)
    .bind(text(&standing.live)?)
    .bind(text(&standing.building)?)
    .bind(i64::from(standing.is_requested))
    .bind(differences)
    .bind(serde_json::to_string(&standing.discarded)?)
    .execute(connection)
    .await?;
    Ok(())
}

/// Wants a projection built anew; says whether there is such a one.
pub(crate) async fn request(connection: &mut Connection, name: &str) -> Result<bool, Error> {
    let requested =
        sqlx::query("UPDATE projections SET is_requested = 1 WHERE name = $1 AND live IS NOT NULL")
            .bind(name)
            .execute(connection)
            .await?;
    Ok(requested.rows_affected() > 0)
}

/// Wants a projection built anew, unless it is being built or somebody wants it already; says
/// whether it was so.
pub(crate) async fn request_idle(connection: &mut Connection, name: &str) -> Result<bool, Error> {
    let requested = sqlx::query(
        "UPDATE projections SET is_requested = 1 WHERE name = $1 AND live IS NOT NULL \
         AND building IS NULL AND is_requested = 0",
    );
    Ok(requested.bind(name).execute(connection).await?.rows_affected() > 0)
}

/// How many rows the last rebuild of a projection found otherwise than they were; none, if it was
/// never built anew by the statements it had been built by.
pub(crate) async fn last_differences(
    connection: &mut Connection,
    name: &str,
) -> Result<Option<i64>, Error> {
    let found = sqlx::query_scalar("SELECT differences FROM projections WHERE name = $1")
        .bind(name)
        .fetch_optional(connection)
        .await?;
    Ok(found.flatten())
}

/// A projection that has tables of its own, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectionStats {
    /// Its name.
    pub name: String,
    /// How often it was built: the generation that is read.
    pub generation: i64,
    /// Whether somebody wants it built anew and nobody has begun.
    pub is_requested: bool,
    /// Whether it is being built anew beside the generation that is read.
    pub is_building: bool,
    /// Everything up to this position is in what is read.
    pub position: i64,
    /// How many messages lie between that and the last one.
    pub lag: i64,
    /// In how many rows the last rebuild differed from what was read until then; see
    /// [`Kernel::rebuild_differences`](crate::Kernel::rebuild_differences).
    pub differences: Option<i64>,
}

/// The projections that can be built anew, by name.
pub(crate) async fn list(connection: &mut Connection) -> Result<Vec<ProjectionStats>, Error> {
    let rows = sqlx::query(
        "SELECT p.name, p.live, p.building, p.is_requested, p.differences, \
         COALESCE(c.position, 0) AS position, \
         (SELECT COALESCE(MAX(position), 0) FROM log) AS head FROM projections p \
         LEFT JOIN checkpoints c ON c.reader = 'projection:' || p.name \
         WHERE p.live IS NOT NULL ORDER BY p.name",
    );
    let rows = rows.fetch_all(connection).await?;
    let read = rows.iter().map(|row| {
        let live: Generation = parsed(serde_json::from_str(row.try_get("live")?))?;
        let (position, head): (i64, i64) = (row.try_get("position")?, row.try_get("head")?);
        Ok::<_, sqlx::Error>(ProjectionStats {
            name: row.try_get("name")?,
            generation: live.number,
            is_requested: row.try_get::<i64, _>("is_requested")? != 0,
            is_building: row.try_get::<Option<String>, _>("building")?.is_some(),
            position,
            lag: (head - position).max(0),
            differences: row.try_get("differences")?,
        })
    });
    Ok(read.collect::<Result<_, _>>()?)
}

/// Begins a generation, and gives up the one that was being built.
pub(crate) async fn begin(
    connection: &mut Connection,
    name: &str,
    standing: Standing,
    statements: &[&str],
) -> Result<Standing, Error> {
    let Standing { live, building: given_up, mut discarded, .. } = standing;
    let known = live.iter().chain(&given_up).chain(&discarded).map(|it| it.number);
    let generation = Generation::new(known.max().unwrap_or(0) + 1, statements);
    discarded.extend(given_up);
    for statement in statements {
        run(connection, spelled(statement, generation.number)).await?;
    }
    let (live, building) = match live {
        Some(live) => (live, Some(generation)),
        // The first one is read while it is built.
        None => {
            show(connection, &generation).await?;
            (generation, None)
        }
    };
    let begun = Standing { live: Some(live), building, is_requested: false, discarded };
    save(connection, name, &begun, None).await?;
    Ok(begun)
}

/// Puts the generation that was built in the place of the one that was read, whose tables are then
/// to be discarded.
pub(crate) async fn swap(
    connection: &mut Connection,
    name: &str,
    standing: Standing,
    differences: Option<i64>,
) -> Result<Standing, Error> {
    let Standing { live: Some(live), building: Some(built), is_requested, mut discarded } =
        standing
    else {
        return Ok(standing);
    };
    for table in &live.tables {
        run(connection, format!("DROP VIEW {table}")).await?;
    }
    show(connection, &built).await?;
    discarded.push(live);
    let swapped = Standing { live: Some(built), building: None, is_requested, discarded };
    save(connection, name, &swapped, differences).await?;
    Ok(swapped)
}

/// In how many rows the generation that was built differs from the one that is read: both have seen
/// the same messages. None, if they are made by other statements.
pub(crate) async fn differences(
    connection: &mut Connection,
    standing: &Standing,
) -> Result<Option<i64>, Error> {
    let (Some(live), Some(built)) = (&standing.live, &standing.building) else { return Ok(None) };
    if live.fingerprint != built.fingerprint {
        return Ok(None);
    }
    let mut differences = 0_i64;
    for table in &live.tables {
        for (one, other) in [(live.number, built.number), (built.number, live.number)] {
            let count = format!(
                "SELECT COUNT(*) FROM (SELECT * FROM {table}_g{one} EXCEPT \
                 SELECT * FROM {table}_g{other}) AS only_here"
            );
            let count = sqlx::query_scalar(AssertSqlSafe(count)).persistent(false);
            let count: i64 = count.fetch_one(&mut *connection).await?;
            differences += count;
        }
    }
    Ok(Some(differences))
}

/// Discards some of what nobody reads any more: a slice of rows on SQLite, which remembers each
/// page that a transaction frees; a table at once on PostgreSQL, which does not.
pub(crate) async fn discard(
    connection: &mut Connection,
    name: &str,
    mut standing: Standing,
) -> Result<Standing, Error> {
    let Some(generation) = standing.discarded.last_mut() else { return Ok(standing) };
    if let Some(table) = generation.tables.last() {
        let table = format!("{table}_g{}", generation.number);
        let is_empty = match Dialect::of(connection) {
            Dialect::Sqlite => delete_some(connection, &table).await? < SLICE as u64,
            Dialect::Postgres => true,
        };
        if !is_empty {
            return Ok(standing);
        }
        run(connection, format!("DROP TABLE {table}")).await?;
        generation.tables.pop();
    }
    if generation.tables.is_empty() {
        standing.discarded.pop();
    }
    // Nothing else: somebody may have asked for a rebuild meanwhile.
    sqlx::query("UPDATE projections SET discarded = $2 WHERE name = $1")
        .bind(name)
        .bind(serde_json::to_string(&standing.discarded)?)
        .execute(connection)
        .await?;
    Ok(standing)
}

/// Deletes a slice of a table's rows; returns how many those were.
async fn delete_some(connection: &mut Connection, table: &str) -> Result<u64, Error> {
    let key = sqlx::query_scalar("SELECT wr FROM pragma_table_list WHERE name = $1");
    let has_no_rowid: Option<i64> = key.bind(table).fetch_optional(&mut *connection).await?;
    let key = match has_no_rowid {
        Some(1) => {
            let columns = "SELECT name FROM pragma_table_info($1) WHERE pk > 0 ORDER BY pk";
            let columns = sqlx::query_scalar(columns).bind(table);
            let columns: Vec<String> = columns.fetch_all(&mut *connection).await?;
            columns.join(", ")
        }
        Some(_) | None => "rowid".to_owned(),
    };
    let delete =
        format!("DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} LIMIT {SLICE})");
    let delete = sqlx::query(AssertSqlSafe(delete)).persistent(false);
    Ok(delete.execute(connection).await?.rows_affected())
}

async fn show(connection: &mut Connection, generation: &Generation) -> Result<(), Error> {
    for table in &generation.tables {
        let number = generation.number;
        let view = format!("CREATE VIEW {table} AS SELECT * FROM {table}_g{number}");
        run(connection, view).await?;
    }
    Ok(())
}

/// Runs a statement that the program itself has written.
async fn run(connection: &mut Connection, statement: String) -> Result<(), Error> {
    sqlx::query(AssertSqlSafe(statement)).persistent(false).execute(connection).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_braces_are_those_of_a_generation() {
        let statements =
            ["CREATE TABLE {calls} (id TEXT)", "CREATE INDEX {calls_by_id} ON {calls} (id)"];
        let generation = Generation::new(3, &statements);
        assert_eq!(generation.tables, ["calls"]);
        assert_eq!(spelled(statements[1], 3), "CREATE INDEX calls_by_id_g3 ON calls_g3 (id)");
        assert_ne!(generation.fingerprint, fingerprint(&statements[..1]));
    }
}
