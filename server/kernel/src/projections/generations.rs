//! Generations of a projection's tables: a new one is built beside the one that is read, and takes
//! its place at once.
//!
//! A projection names its tables in braces. Table `{calls}` of generation 3 is `calls_g3`; whoever
//! reads uses the plain name, a view of the generation that is live.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Row};

use crate::database::Connection;
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

/// Where the building of a projection stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Standing {
    pub(crate) live: Option<Generation>,
    pub(crate) building: Option<Generation>,
    pub(crate) is_requested: bool,
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
    let row = sqlx::query("SELECT live, building, is_requested FROM projections WHERE name = $1")
        .bind(name)
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(Standing::default()) };
    let read = |column: &str| -> Result<Option<Generation>, Error> {
        let text: Option<String> = row.try_get(column)?;
        Ok(parsed(text.as_deref().map(serde_json::from_str).transpose())?)
    };
    Ok(Standing {
        live: read("live")?,
        building: read("building")?,
        is_requested: row.try_get::<i64, _>("is_requested")? != 0,
    })
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
        "INSERT INTO projections (name, live, building, is_requested, differences) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO UPDATE SET live = excluded.live, \
         building = excluded.building, is_requested = excluded.is_requested, \
         differences = COALESCE(excluded.differences, projections.differences)",
    )
    .bind(name)
    .bind(text(&standing.live)?)
    .bind(text(&standing.building)?)
    .bind(i64::from(standing.is_requested))
    .bind(differences)
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

/// How many rows the last rebuild of a projection found otherwise than they were; none, if it was
/// never built anew by the statements it had been built by.
pub(crate) async fn differences(
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
    let numbers = [&standing.live, &standing.building].into_iter().flatten().map(|it| it.number);
    let generation = Generation::new(numbers.max().unwrap_or(0) + 1, statements);
    if let Some(given_up) = &standing.building {
        drop_tables(connection, given_up).await?;
    }
    for statement in statements {
        run(connection, spelled(statement, generation.number)).await?;
    }
    let begun = match standing.live {
        Some(live) => {
            Standing { live: Some(live), building: Some(generation), is_requested: false }
        }
        // The first one is read while it is built.
        None => {
            show(connection, &generation).await?;
            Standing { live: Some(generation), building: None, is_requested: false }
        }
    };
    save(connection, name, &begun, None).await?;
    Ok(begun)
}

/// Puts the generation that was built in the place of the one that was read. Both have seen the
/// same messages, if they are made by the same statements; says in how many rows they differ then.
pub(crate) async fn swap(
    connection: &mut Connection,
    name: &str,
    standing: Standing,
) -> Result<(Standing, Option<i64>), Error> {
    let (Some(live), Some(built)) = (&standing.live, &standing.building) else {
        return Ok((standing, None));
    };
    let differences = match live.fingerprint == built.fingerprint {
        true => Some(compare(connection, live, built).await?),
        false => None,
    };
    for table in &live.tables {
        run(connection, format!("DROP VIEW {table}")).await?;
    }
    show(connection, built).await?;
    drop_tables(connection, live).await?;
    let swapped = Standing { live: standing.building, ..Standing::default() };
    save(connection, name, &swapped, differences).await?;
    Ok((swapped, differences))
}

/// In how many rows two generations differ.
async fn compare(
    connection: &mut Connection,
    live: &Generation,
    built: &Generation,
) -> Result<i64, Error> {
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
    Ok(differences)
}

async fn show(connection: &mut Connection, generation: &Generation) -> Result<(), Error> {
    for table in &generation.tables {
        let number = generation.number;
        let view = format!("CREATE VIEW {table} AS SELECT * FROM {table}_g{number}");
        run(connection, view).await?;
    }
    Ok(())
}

async fn drop_tables(connection: &mut Connection, generation: &Generation) -> Result<(), Error> {
    for table in &generation.tables {
        run(connection, format!("DROP TABLE {table}_g{}", generation.number)).await?;
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
