//! Runs what sqlx asks for on a connection of rusqlite's: text and arguments in, rows out.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::fallible_iterator::FallibleIterator as _;
use rusqlite::types::{Null, ValueRef};
use rusqlite::{Batch, Connection, Statement};
use sqlx::any::{AnyRow, AnyStatement, AnyValue};
use sqlx::{Either, SqlStr};
use sqlx_core::any::{AnyColumn, AnyTypeInfo, AnyTypeInfoKind, AnyValueKind};
use sqlx_core::ext::ustr::UStr;

use super::failure::failure;

/// So many statements are kept prepared.
const KEPT: usize = 512;
/// So many names of columns are kept for good.
const NAMES: usize = 4096;

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Asked {
    /// One statement or several.
    pub(crate) text: SqlStr,
    /// Whether the same will be asked for again.
    pub(crate) is_kept: bool,
    pub(crate) arguments: Vec<AnyValueKind>,
    pub(crate) wanted: Wanted,
}

/// How many rows are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    All,
    First,
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Done {
    pub(crate) rows: Vec<AnyRow>,
    pub(crate) rows_affected: u64,
}

/// A connection, and what is known of the statements that it keeps prepared.
#[derive(Debug)]
pub(crate) struct Statements {
    connection: Connection,
    known: HashMap<String, Arc<[Shape]>>,
    /// Whether the transaction that runs has changed what tables there are.
    has_defined: bool,
}

/// What a statement takes and gives.
#[derive(Debug)]
struct Shape {
    text: String,
    is_reading: bool,
    /// After it others may give other columns.
    is_defining: bool,
    /// Which argument each parameter is, from 0; none for a name that is no number.
    parameters: Vec<Option<usize>>,
    names: Arc<sqlx_core::HashMap<UStr, usize>>,
    columns: Vec<AnyColumn>,
}

impl Statements {
    pub(crate) fn new(connection: Connection) -> Self {
        connection.set_prepared_statement_cache_capacity(KEPT);
        Self { connection, known: HashMap::new(), has_defined: false }
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(crate) fn into_connection(self) -> Connection {
        self.connection
    }

    /// Runs a statement that takes nothing and gives nothing; those of transactions are run by
    /// this.
    pub(crate) fn run(&mut self, text: &str) -> Result<(), sqlx::Error> {
        if self.has_defined && text.starts_with("ROLLBACK") {
            self.forget();
        }
        self.has_defined &= !matches!(text, "COMMIT" | "ROLLBACK");
        let ran = self.connection.prepare_cached(text).and_then(|mut it| it.execute([]));
        ran.map(drop).map_err(failure)
    }

    /// Runs what is asked for; `before_writing` is called before each statement that can write.
    pub(crate) fn execute(
        &mut self,
        asked: &Asked,
        mut before_writing: impl FnMut(&Connection) -> Result<(), rusqlite::Error>,
    ) -> Result<Done, sqlx::Error> {
        let mut done = Done::default();
        let mut is_defining = false;
        if let Some(shapes) = self.shapes(asked) {
            for shape in shapes.iter() {
                is_defining |= shape.is_defining;
                if !shape.is_reading {
                    before_writing(&self.connection).map_err(failure)?;
                }
                let mut statement = self.connection.prepare_cached(&shape.text).map_err(failure)?;
                self.step(&mut statement, shape, asked, &mut done)?;
            }
        } else {
            let mut batch = Batch::new(&self.connection, asked.text.as_str());
            while let Some(mut statement) = batch.next().map_err(failure)? {
                let shape = Shape::of("", &statement);
                if !shape.is_reading {
                    is_defining = true;
                    before_writing(&self.connection).map_err(failure)?;
                }
                self.step(&mut statement, &shape, asked, &mut done)?;
            }
        }
        if is_defining {
            self.forget();
            self.has_defined = true;
        }
        Ok(done)
    }

    /// Prepares every statement anew.
    fn forget(&mut self) {
        self.connection.flush_prepared_statement_cache();
        self.known.clear();
    }

    /// What is known of a statement without running it.
    pub(crate) fn look(&self, text: SqlStr) -> Result<AnyStatement, sqlx::Error> {
        let statement = self.connection.prepare(text.as_str()).map_err(failure)?;
        let Shape { names, columns, parameters, .. } = Shape::of("", &statement);
        let parameters = Some(Either::Right(parameters.len()));
        Ok(AnyStatement { sql: text, parameters, column_names: names, columns })
    }

    /// The statements of a text that is kept; none for one that is prepared each time.
    fn shapes(&mut self, asked: &Asked) -> Option<Arc<[Shape]>> {
        if !asked.is_kept {
            return None;
        }
        let text = asked.text.as_str();
        if let Some(known) = self.known.get(text) {
            return Some(Arc::clone(known));
        }
        let shape = |text: &str| {
            let statement = self.connection.prepare_cached(text)?;
            Ok(Shape::of(text, &statement))
        };
        let shapes: Result<Arc<[Shape]>, rusqlite::Error> = match shape(text) {
            Err(rusqlite::Error::MultipleStatement) => parts(text)?.map(shape).collect(),
            other => other.map(|shape| Arc::from([shape])),
        };
        // What is wrong is told by who runs it.
        let shapes = shapes.ok().filter(|shapes| shapes.iter().all(|it| !it.text.is_empty()))?;
        if self.known.len() >= KEPT {
            self.known.clear();
        }
        self.known.insert(text.to_owned(), Arc::clone(&shapes));
        Some(shapes)
    }

    fn step(
        &self,
        statement: &mut Statement<'_>,
        shape: &Shape,
        asked: &Asked,
        done: &mut Done,
    ) -> Result<(), sqlx::Error> {
        bind(statement, shape, &asked.arguments)?;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(failure)? {
            let values = (0..shape.columns.len()).map(|index| {
                let read = row.get_ref(index).map_err(failure)?;
                value(read).map_err(|error| sqlx::Error::ColumnDecode {
                    index: index.to_string(),
                    source: error.into(),
                })
            });
            let values = values.collect::<Result<_, _>>()?;
            let (column_names, columns) = (Arc::clone(&shape.names), shape.columns.clone());
            done.rows.push(AnyRow { column_names, columns, values });
            // What writes is carried through.
            if asked.wanted == Wanted::First && shape.is_reading {
                break;
            }
        }
        if !shape.is_reading {
            done.rows_affected += self.connection.changes();
        }
        Ok(())
    }
}

impl Shape {
    /// Without text where there is no statement: what was read is a comment.
    fn of(text: &str, statement: &Statement<'_>) -> Self {
        let parameters = (1..=statement.parameter_count()).map(|place| {
            match statement.parameter_name(place).and_then(|name| name.get(1..)) {
                None | Some("") => Some(place - 1),
                Some(name) => name.parse::<usize>().ok()?.checked_sub(1),
            }
        });
        let columns = statement.column_names().into_iter().enumerate();
        let columns: Vec<AnyColumn> = columns
            .map(|(ordinal, name)| AnyColumn {
                ordinal,
                name: kept(name),
                type_info: AnyTypeInfo { kind: AnyTypeInfoKind::Null },
            })
            .collect();
        let names = columns.iter().map(|column| (column.name.clone(), column.ordinal)).collect();
        let is_nothing = statement.expanded_sql().is_none();
        let defines = |word: &str| {
            text.trim_start().get(..word.len()).is_some_and(|it| it.eq_ignore_ascii_case(word))
        };
        Self {
            text: if is_nothing { String::new() } else { text.to_owned() },
            is_reading: statement.readonly(),
            is_defining: ["create", "alter", "drop"].into_iter().any(defines),
            parameters: parameters.collect(),
            names: Arc::new(names),
            columns,
        }
    }
}

/// The statements of a text; none where a semicolon may be part of one.
fn parts(text: &str) -> Option<impl Iterator<Item = &str>> {
    let is_plain = !text.contains(['\'', '"', '`', '[']) && !text.contains("--");
    let is_plain = is_plain && !text.contains("/*") && !text.to_lowercase().contains("trigger");
    is_plain.then(|| text.split(';').map(str::trim).filter(|part| !part.is_empty()))
}

/// The name of a column. Few are asked for again and again, and each row names all of its own.
fn kept(name: &str) -> UStr {
    static KNOWN: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = known.get(name) {
        return UStr::Static(known);
    }
    if known.len() >= NAMES {
        return UStr::new(name);
    }
    let name: &'static str = Box::leak(name.into());
    known.insert(name);
    UStr::Static(name)
}

fn bind(
    statement: &mut Statement<'_>,
    shape: &Shape,
    arguments: &[AnyValueKind],
) -> Result<(), sqlx::Error> {
    for (place, argument) in (1..).zip(&shape.parameters) {
        // What is not given is null.
        let Some(value) = argument.and_then(|it| arguments.get(it)) else { continue };
        match value {
            AnyValueKind::Null(_) => statement.raw_bind_parameter(place, Null),
            AnyValueKind::Bool(value) => statement.raw_bind_parameter(place, value),
            AnyValueKind::SmallInt(value) => statement.raw_bind_parameter(place, value),
            AnyValueKind::Integer(value) => statement.raw_bind_parameter(place, value),
            AnyValueKind::BigInt(value) => statement.raw_bind_parameter(place, value),
            AnyValueKind::Real(value) => statement.raw_bind_parameter(place, value),
            AnyValueKind::Double(value) => statement.raw_bind_parameter(place, value),
            AnyValueKind::Text(value) => statement.raw_bind_parameter(place, value.as_str()),
            AnyValueKind::TextSlice(value) => statement.raw_bind_parameter(place, &**value),
            AnyValueKind::Blob(value) => statement.raw_bind_parameter(place, value.as_slice()),
            _ => {
                let unknown = format!("an argument of a kind that is not known: {value:?}");
                return Err(sqlx::Error::AnyDriverError(unknown.into()));
            }
        }
        .map_err(failure)?;
    }
    Ok(())
}

fn value(value: ValueRef<'_>) -> Result<AnyValue, std::str::Utf8Error> {
    let kind = match value {
        ValueRef::Null => AnyValueKind::Null(AnyTypeInfoKind::Null),
        ValueRef::Integer(number) => AnyValueKind::BigInt(number),
        ValueRef::Real(number) => AnyValueKind::Double(number),
        ValueRef::Text(text) => AnyValueKind::Text(Arc::new(std::str::from_utf8(text)?.to_owned())),
        ValueRef::Blob(bytes) => AnyValueKind::Blob(Arc::new(bytes.to_vec())),
    };
    Ok(AnyValue { kind })
}

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, SqlSafeStr as _};

    use super::*;

    fn statements() -> Statements {
        Statements::new(Connection::open_in_memory().expect("memory"))
    }

    fn asked(text: &str, is_kept: bool) -> Asked {
        let text = AssertSqlSafe(text.to_owned()).into_sql_str();
        Asked { text, is_kept, arguments: Vec::new(), wanted: Wanted::All }
    }

    fn run(statements: &mut Statements, text: &str, is_kept: bool) -> Result<usize, String> {
        let done = statements.execute(&asked(text, is_kept), |_| Ok(()));
        done.map(|done| done.rows.len()).map_err(|error| error.to_string())
    }

    #[test]
    fn however_many_statements_are_asked_for_few_are_kept() {
        let mut statements = statements();
        for number in 0..KEPT * 3 {
            let text = format!("SELECT {number} AS it");
            assert_eq!(run(&mut statements, &text, true), Ok(1));
            assert!(statements.known.len() <= KEPT);
        }
        statements.forget();
        run(&mut statements, "SELECT 1", false).expect("a number");
        assert!(statements.known.is_empty());
    }

    #[test]
    fn a_text_has_as_many_statements_as_sqlite_finds_in_it() {
        let made = "CREATE TABLE t (x); CREATE TRIGGER more AFTER INSERT ON t BEGIN SELECT 1; END;";
        for (text, rows) in [
            ("", 0),
            (" ;; ", 0),
            ("-- nothing", 0),
            ("SELECT 1", 1),
            ("SELECT 1; SELECT 2;", 2),
            ("SELECT 'a;b' -- c;\n UNION ALL SELECT 2; /* ; */ SELECT 3", 3),
            (made, 0),
        ] {
            for is_kept in [true, false] {
                // Twice: what is known of it is used.
                let mut statements = statements();
                for _ in 0..2 {
                    run(&mut statements, "DROP TABLE IF EXISTS t", false).expect("dropped");
                    assert_eq!(run(&mut statements, text, is_kept), Ok(rows), "{text} {is_kept}");
                }
            }
        }
        for text in ["SELECT", "SELECT 1; SELEC 2", "SELECT 'a"] {
            for is_kept in [true, false] {
                run(&mut statements(), text, is_kept).expect_err(text);
            }
        }
    }

    #[test]
    fn rows_that_were_changed_are_counted_over_all_statements() {
        let mut statements = statements();
        for (text, count) in [
            ("CREATE TABLE t (x)", None),
            ("INSERT INTO t VALUES (1), (2); INSERT INTO t VALUES (3)", Some(3)),
            ("SELECT * FROM t", Some(0)),
            ("UPDATE t SET x = 0 WHERE x > 1 RETURNING x", Some(2)),
        ] {
            let done = statements.execute(&asked(text, true), |_| Ok(())).expect(text);
            assert_eq!(done.rows_affected, count.unwrap_or(done.rows_affected), "{text}");
        }
    }

    #[test]
    fn a_text_that_is_none_is_not_read() {
        let mut statements = statements();
        let error = run(&mut statements, "SELECT CAST(x'ff' AS TEXT) AS it", true);
        let error = error.expect_err("no text");
        assert!(error.contains("utf-8"), "{error}");
    }
}
