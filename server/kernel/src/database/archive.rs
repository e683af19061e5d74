//! Backup and restore: everything that is not made from something else, as lines of JSON that
//! either database can take up.
//!
//! A backup is one snapshot, taken while the database is in use. It leaves out read models: they
//! are built anew from the log. Since it knows no dialect, it is also the way from a file to a
//! server.

use std::io::{BufRead, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::TryStreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::any::{AnyRow, AnyTypeInfoKind};
use sqlx::{AssertSqlSafe, Column as _, Row, TypeInfo as _, ValueRef as _};

use crate::database::migrations::MigrationSet;
use crate::database::{Connection, Database, Dialect, Location, Snapshot};
use crate::error::Error;

/// The version of the form of an archive.
const FORM: u32 = 1;

/// What is wrong with an archive, or with where it is to go; nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The database failed.
    #[error(transparent)]
    Kernel(#[from] Error),
    /// The archive cannot be read or written.
    #[error("the archive cannot be read or written")]
    File(#[from] std::io::Error),
    /// A line is not one of an archive.
    #[error("line {line} of the archive is none of a backup: {reason}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The archive ends too early, or was changed.
    #[error("the archive is cut or altered: its last line does not fit the others")]
    Broken,
    /// The archive is of a newer program, or of another one.
    #[error("the archive was made by a program with other tables: {0}")]
    Foreign(String),
    /// There is something in the database already.
    #[error("table `{0}` is not empty: an archive is restored into a new database")]
    NotEmpty(String),
}

impl From<sqlx::Error> for ArchiveError {
    fn from(error: sqlx::Error) -> Self {
        Self::Kernel(error.into())
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Line {
    /// The first.
    Backup { form: u32 },
    /// The rows that follow are of this table.
    Table { name: String, columns: Vec<String> },
    /// One row; bytes are an object `{"base64": …}`.
    Row(Vec<Value>),
    /// The last: how many rows there are, and the digest in base64 of all lines before it.
    End { rows: u64, sha256: String },
}

struct Writer<W> {
    out: W,
    digest: Sha256,
    rows: u64,
}

impl<W: Write> Writer<W> {
    fn line(&mut self, line: &Line) -> Result<(), ArchiveError> {
        let mut text = serde_json::to_vec(line).map_err(Error::from)?;
        text.push(b'\n');
        self.digest.update(&text);
        Ok(self.out.write_all(&text)?)
    }
}

/// Writes a backup of a database, which may be in use; returns how many rows it holds.
///
/// # Errors
/// When the database cannot be read or the archive not be written.
pub async fn backup(location: &Location, out: impl Write) -> Result<u64, ArchiveError> {
    let mut snapshot = Database::snapshot(location).await?;
    let mut writer = Writer { out, digest: Sha256::new(), rows: 0 };
    writer.line(&Line::Backup { form: FORM })?;
    for table in tables(snapshot.connection()).await? {
        write_table(&mut snapshot, &table, &mut writer).await?;
    }
    let sha256 = BASE64.encode(writer.digest.clone().finalize());
    writer.line(&Line::End { rows: writer.rows, sha256 })?;
    writer.out.flush()?;
    Ok(writer.rows)
}

async fn write_table<W: Write>(
    snapshot: &mut Snapshot,
    table: &str,
    writer: &mut Writer<W>,
) -> Result<(), ArchiveError> {
    let connection = snapshot.connection();
    let columns = columns(connection, table).await?;
    let list = columns.join(", ");
    writer.line(&Line::Table { name: table.to_owned(), columns })?;
    let condition = match table {
        // Read models are built anew.
        "checkpoints" => " WHERE reader NOT LIKE 'projection:%'",
        _ => "",
    };
    let select = format!("SELECT {list} FROM {table}{condition}");
    let mut rows = sqlx::query(AssertSqlSafe(select)).persistent(false).fetch(connection);
    while let Some(row) = rows.try_next().await? {
        let values = (0..row.len()).map(|at| value(&row, at)).collect::<Result<_, _>>()?;
        writer.line(&Line::Row(values))?;
        writer.rows += 1;
    }
    Ok(())
}

/// Restores a backup into a new database, all of it or nothing; returns how many rows it held.
///
/// # Errors
/// When the archive is not whole or not of this program's tables, the database is not empty, or one
/// of them fails.
pub async fn restore(
    location: &Location,
    sets: &[MigrationSet],
    archive: impl BufRead,
) -> Result<u64, ArchiveError> {
    let database = Database::open(location, sets).await?;
    let restored = fill(&database, archive).await;
    database.close().await?;
    restored
}

async fn fill(database: &Database, archive: impl BufRead) -> Result<u64, ArchiveError> {
    let mut turn = database.turn().await?;
    let known = tables(turn.connection()).await?;
    for table in &known {
        let any = format!("SELECT 1 AS found FROM {table} LIMIT 1");
        let any = sqlx::query(AssertSqlSafe(any)).fetch_optional(turn.connection()).await?;
        if any.is_some() {
            return Err(ArchiveError::NotEmpty(table.clone()));
        }
    }
    let (mut digest, mut rows, mut into) = (Sha256::new(), 0, None);
    for (number, text) in archive.lines().enumerate() {
        let (text, number) = (text?, number + 1);
        let wrong = |reason: String| ArchiveError::Line { line: number, reason };
        let line: Line = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        match line {
            Line::Backup { form } if number == 1 && form == FORM => {}
            Line::Backup { form } => {
                return Err(ArchiveError::Foreign(format!("it is of form {form}")));
            }
            Line::Table { name, columns } => {
                if !known.contains(&name) {
                    return Err(ArchiveError::Foreign(format!("there is no table `{name}`")));
                }
                let ours = self::columns(turn.connection(), &name).await?;
                if ours != columns {
                    let reason = format!("table `{name}` has other columns");
                    return Err(ArchiveError::Foreign(reason));
                }
                into = Some((name, columns));
            }
            Line::Row(values) => {
                let into = into.as_ref().ok_or_else(|| wrong("a row of no table".to_owned()))?;
                if into.1.len() != values.len() {
                    return Err(wrong("a row has other columns than its table".to_owned()));
                }
                let insert = statement(into, &values);
                bind_and_run(turn.connection(), insert, values).await?.map_err(wrong)?;
                rows += 1;
            }
            Line::End { rows: told, sha256 } => {
                if told != rows || sha256 != BASE64.encode(digest.finalize()) {
                    return Err(ArchiveError::Broken);
                }
                count_on(turn.connection(), &known).await?;
                turn.commit().await?;
                return Ok(rows);
            }
        }
        digest.update(text.as_bytes());
        digest.update(b"\n");
    }
    Err(ArchiveError::Broken)
}

/// Nulls are in the text: a parameter would need the type of its column.
fn statement((table, columns): &(String, Vec<String>), values: &[Value]) -> String {
    let mut parameters = 0;
    let places: Vec<String> = values
        .iter()
        .map(|value| match value {
            Value::Null => "NULL".to_owned(),
            Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => {
                parameters += 1;
                format!("${parameters}")
            }
        })
        .collect();
    format!("INSERT INTO {table} ({}) VALUES ({})", columns.join(", "), places.join(", "))
}

async fn bind_and_run(
    connection: &mut Connection,
    insert: String,
    values: Vec<Value>,
) -> Result<Result<(), String>, ArchiveError> {
    let mut query = sqlx::query(AssertSqlSafe(insert));
    for value in values {
        query = match value {
            Value::Null => query,
            Value::String(text) => query.bind(text),
            Value::Number(number) => match number.as_i64() {
                Some(number) => query.bind(number),
                None => return Ok(Err("a number is not whole".to_owned())),
            },
            Value::Object(bytes) => {
                let text = bytes.get("base64").and_then(Value::as_str).unwrap_or_default();
                match BASE64.decode(text) {
                    Ok(bytes) => query.bind(bytes),
                    Err(error) => return Ok(Err(error.to_string())),
                }
            }
            Value::Bool(_) | Value::Array(_) => return Ok(Err("a value of no column".to_owned())),
        };
    }
    query.execute(connection).await?;
    Ok(Ok(()))
}

/// Lets columns that count up go on behind what was restored.
async fn count_on(connection: &mut Connection, known: &[String]) -> Result<(), ArchiveError> {
    if Dialect::of(connection) == Dialect::Sqlite {
        return Ok(());
    }
    for table in known {
        let counting: Vec<String> = sqlx::query_scalar(
            "SELECT CAST(column_name AS TEXT) FROM information_schema.columns \
             WHERE table_schema = current_schema() AND table_name = $1 AND is_identity = 'YES'",
        )
        .bind(table)
        .fetch_all(&mut *connection)
        .await?;
        for column in counting {
            let set = format!(
                "SELECT setval(pg_get_serial_sequence('{table}', '{column}'), \
                 (SELECT COALESCE(MAX({column}), 0) + 1 FROM {table}), false)"
            );
            sqlx::query(AssertSqlSafe(set)).persistent(false).execute(&mut *connection).await?;
        }
    }
    Ok(())
}

/// Every table that is not made from something else, and says nothing of the schema.
async fn tables(connection: &mut Connection) -> Result<Vec<String>, ArchiveError> {
    let select = match Dialect::of(connection) {
        Dialect::Sqlite => {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
             ORDER BY name"
        }
        Dialect::Postgres => {
            "SELECT CAST(table_name AS TEXT) FROM information_schema.tables \
             WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' \
             ORDER BY table_name"
        }
    };
    let found: Vec<String> = sqlx::query_scalar(select).fetch_all(connection).await?;
    let is_made = |name: &str| {
        let (_, generation) = name.rsplit_once("_g").unwrap_or(("", ""));
        !generation.is_empty() && generation.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_kept = |name: &String| {
        !name.starts_with("migrations_of_")
            && !is_made(name)
            // Of this process and its time.
            && !["allotments", "leases", "projections", "schema_listing"].contains(&name.as_str())
    };
    Ok(found.into_iter().filter(is_kept).collect())
}

async fn columns(connection: &mut Connection, table: &str) -> Result<Vec<String>, ArchiveError> {
    let select = match Dialect::of(connection) {
        Dialect::Sqlite => "SELECT name FROM pragma_table_info($1) ORDER BY name",
        Dialect::Postgres => {
            "SELECT CAST(column_name AS TEXT) FROM information_schema.columns \
             WHERE table_schema = current_schema() AND table_name = $1 ORDER BY 1"
        }
    };
    Ok(sqlx::query_scalar(select).bind(table).fetch_all(connection).await?)
}

fn value(row: &AnyRow, at: usize) -> Result<Value, ArchiveError> {
    let raw = row.try_get_raw(at)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let kind = raw.type_info().kind();
    Ok(match kind {
        AnyTypeInfoKind::SmallInt | AnyTypeInfoKind::Integer | AnyTypeInfoKind::BigInt => {
            row.try_get::<i64, _>(at)?.into()
        }
        AnyTypeInfoKind::Text => row.try_get::<String, _>(at)?.into(),
        AnyTypeInfoKind::Blob => {
            serde_json::json!({ "base64": BASE64.encode(row.try_get::<Vec<u8>, _>(at)?) })
        }
        AnyTypeInfoKind::Null
        | AnyTypeInfoKind::Bool
        | AnyTypeInfoKind::Real
        | AnyTypeInfoKind::Double => {
            let (column, kind) = (row.column(at).name(), raw.type_info().name().to_owned());
            return Err(ArchiveError::Foreign(format!("column `{column}` holds a {kind}")));
        }
    })
}
