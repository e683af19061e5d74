//! The database of a simulated world: SQLite in memory, used by every machine, one transaction
//! after the other.
//!
//! A history happens inside one transaction that is never committed, and the transactions of the
//! kernel are savepoints of it: to forget a history is to roll it back, and prepared statements
//! stay.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use rusqlite::types::ValueRef;
use sqlx::any::{AnyArguments, AnyConnectOptions, AnyQueryResult, AnyRow, AnyValue};
use sqlx::{AnyConnection, ConnectOptions as _};
use sqlx_core::any::{AnyColumn, AnyTypeInfo, AnyTypeInfoKind, AnyValueKind};
use sqlx_core::ext::ustr::UStr;
use sync_wrapper::SyncWrapper;

use super::driver::{self, URL};
use super::world::{Fate, current, let_others};
use crate::database::Connection;
use crate::database::dialect::Dialect;
use crate::database::migrations::{KERNEL, MigrationSet};
use crate::error::Error;

/// The database; a clone is the same one.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

impl std::fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Engine").finish_non_exhaustive()
    }
}

struct Inner {
    file: Mutex<File>,
    turns: Mutex<Turns>,
    options: AnyConnectOptions,
}

struct File {
    connection: rusqlite::Connection,
    /// Whether the transaction that runs has written anything, and so has a savepoint.
    is_open: bool,
    /// What is known of the statements that are kept prepared.
    shapes: HashMap<String, Arc<[Shape]>>,
}

/// What a statement takes and gives.
struct Shape {
    text: String,
    is_reading: bool,
    /// Which argument each parameter is, from 0.
    parameters: Vec<usize>,
    names: Arc<sqlx_core::HashMap<UStr, usize>>,
    columns: Vec<AnyColumn>,
}

#[derive(Debug, Default)]
struct Turns {
    last: u64,
    holder: Option<u64>,
    waiting: Vec<Waker>,
}

/// What a statement has done.
pub(super) struct Done {
    pub(super) rows: Vec<AnyRow>,
    pub(super) result: AnyQueryResult,
}

impl Engine {
    /// A new database with the tables of the kernel and of these systems.
    ///
    /// # Errors
    /// When a migration is wrong.
    pub fn new(sets: &[MigrationSet]) -> Result<Self, Error> {
        driver::install();
        let connection = rusqlite::Connection::open_in_memory().map_err(wrong)?;
        connection.set_prepared_statement_cache_capacity(512);
        let pragmas = "PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; \
                       PRAGMA cache_size = -65536;";
        connection.execute_batch(pragmas).map_err(wrong)?;
        // Else a plan is made anew for each value that a range is compared with.
        let stable = rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG;
        connection.set_db_config(stable, true).map_err(wrong)?;
        for set in std::iter::once(&KERNEL).chain(sets) {
            for file in set.files {
                connection.execute_batch(&Dialect::Sqlite.migration(file.sql)).map_err(wrong)?;
            }
        }
        let file = File { connection, is_open: false, shapes: HashMap::new() };
        let options = URL.parse().map_err(Error::from)?;
        Ok(Self(Arc::new(Inner { file: Mutex::new(file), turns: Mutex::default(), options })))
    }

    fn file(&self) -> MutexGuard<'_, File> {
        self.0.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.0.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a history: what is there now is what every history begins with.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn begin(&self) -> Result<(), Error> {
        *self.turns() = Turns::default();
        self.run("BEGIN")
    }

    /// Forgets a history.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn forget(&self) -> Result<(), Error> {
        self.run("ROLLBACK")
    }

    fn run(&self, text: &str) -> Result<(), Error> {
        self.file().run(text).map_err(wrong)
    }

    /// Waits until nobody else has a transaction.
    async fn take_turn(&self) -> u64 {
        std::future::poll_fn(|context| {
            let mut turns = self.turns();
            if turns.holder.is_some() {
                turns.waiting.push(context.waker().clone());
                return Poll::Pending;
            }
            turns.last += 1;
            turns.holder = Some(turns.last);
            Poll::Ready(turns.last)
        })
        .await
    }

    fn end_turn(&self, id: u64) {
        let mut turns = self.turns();
        if turns.holder == Some(id) {
            turns.holder = None;
            let waiting = std::mem::take(&mut turns.waiting);
            drop(turns);
            for waker in waiting {
                waker.wake();
            }
        }
    }

    fn holds(&self, id: u64) -> bool {
        self.turns().holder == Some(id)
    }

    /// Whose transaction it is that a new connection belongs to.
    pub(super) fn holder(&self) -> u64 {
        self.turns().holder.unwrap_or(0)
    }

    /// Breaks the connection of whoever has a transaction, as a server does with one that stands
    /// still in the middle of it.
    pub fn break_turn(&self) {
        let holder = self.turns().holder;
        if let Some(id) = holder {
            self.undo(id);
        }
    }

    fn undo(&self, id: u64) {
        if self.holds(id) {
            if let Err(error) = self.file().end(&["ROLLBACK TO turn", "RELEASE turn"]) {
                tracing::error!(cause = ?error, "a savepoint was not undone");
            }
            self.end_turn(id);
        }
    }

    /// Runs a statement of a transaction.
    pub(super) async fn statement(
        &self,
        id: u64,
        text: &str,
        is_kept: bool,
        arguments: Option<AnyArguments>,
    ) -> Result<Done, sqlx::Error> {
        if let Some((world, machine)) = current() {
            world.note(text.len() as u64, || format!("{}: {}", machine.0, brief(text)));
            match world.fate() {
                Fate::Happens => {}
                Fate::Yields => let_others().await,
                Fate::Takes(lasting) => world.sleep(lasting).await,
                Fate::Fails => {
                    world.note(1, || format!("{}: … fails", machine.0));
                    self.undo(id);
                }
            }
        }
        if !self.holds(id) {
            return Err(lost());
        }
        let done = self.file().execute(text, is_kept, arguments);
        // As on a server: after an error there is no transaction to go on with.
        done.inspect_err(|_| self.undo(id))
    }
}

/// The connection is gone.
fn lost() -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::other("the connection was lost"))
}

fn wrong(error: rusqlite::Error) -> Error {
    Error::Database(driver_error(error))
}

fn driver_error(error: rusqlite::Error) -> sqlx::Error {
    sqlx::Error::AnyDriverError(error.into())
}

fn brief(text: &str) -> String {
    text.chars().take(90).collect()
}

impl File {
    fn run(&self, text: &str) -> Result<(), rusqlite::Error> {
        self.connection.prepare_cached(text)?.execute([]).map(drop)
    }

    /// Ends a savepoint, if there is one.
    fn end(&mut self, texts: &[&str]) -> Result<(), Error> {
        if std::mem::replace(&mut self.is_open, false) {
            for text in texts {
                self.run(text).map_err(wrong)?;
            }
        }
        Ok(())
    }

    /// Begins a savepoint for the first statement that writes.
    fn open(&mut self, shape: &Shape) -> Result<(), sqlx::Error> {
        if !shape.is_reading && !std::mem::replace(&mut self.is_open, true) {
            self.run("SAVEPOINT turn").map_err(driver_error)?;
        }
        Ok(())
    }

    fn execute(
        &mut self,
        text: &str,
        is_kept: bool,
        arguments: Option<AnyArguments>,
    ) -> Result<Done, sqlx::Error> {
        let arguments = arguments.map(|it| it.values.0).unwrap_or_default();
        let shapes = match self.shapes.get(text) {
            Some(shapes) => Arc::clone(shapes),
            None => {
                let shapes: Result<_, _> = parts(text).map(|part| self.shape(part)).collect();
                let shapes = shapes.map_err(driver_error)?;
                if is_kept {
                    self.shapes.insert(text.to_owned(), Arc::clone(&shapes));
                }
                shapes
            }
        };
        let mut rows = Vec::new();
        for shape in shapes.iter() {
            self.open(shape)?;
            let statement = self.connection.prepare_cached(&shape.text);
            let mut statement = statement.map_err(driver_error)?;
            run(&mut statement, shape, &arguments, &mut rows)?;
            if !is_kept {
                statement.discard();
            }
        }
        Ok(self.done(rows))
    }

    fn shape(&self, text: &str) -> Result<Shape, rusqlite::Error> {
        Ok(Shape::of(text, &*self.connection.prepare_cached(text)?))
    }

    fn done(&self, rows: Vec<AnyRow>) -> Done {
        let rows_affected = self.connection.changes();
        Done { rows, result: AnyQueryResult { rows_affected, last_insert_id: None } }
    }
}

impl Shape {
    fn of(text: &str, statement: &rusqlite::Statement<'_>) -> Self {
        let parameters = (1..=statement.parameter_count()).map(|place| {
            let name = statement.parameter_name(place).unwrap_or_default();
            let number: usize = name.get(1..).and_then(|text| text.parse().ok()).unwrap_or(place);
            number - 1
        });
        let columns: Vec<AnyColumn> = statement
            .column_names()
            .into_iter()
            .enumerate()
            .map(|(ordinal, name)| AnyColumn {
                ordinal,
                name: UStr::Static(kept(name)),
                type_info: AnyTypeInfo { kind: AnyTypeInfoKind::Null },
            })
            .collect();
        let names = columns.iter().map(|column| (column.name.clone(), column.ordinal)).collect();
        let is_reading = statement.readonly();
        let (text, parameters) = (text.to_owned(), parameters.collect());
        Self { text, is_reading, parameters, names: Arc::new(names), columns }
    }
}

/// The name of a column, kept for good: there are few, and each row names all of its own.
fn kept(name: &str) -> &'static str {
    static NAMES: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return known;
    }
    let name: &'static str = Box::leak(name.into());
    names.insert(name);
    name
}

fn run(
    statement: &mut rusqlite::Statement<'_>,
    shape: &Shape,
    arguments: &[AnyValueKind],
    found: &mut Vec<AnyRow>,
) -> Result<(), sqlx::Error> {
    for (place, argument) in shape.parameters.iter().enumerate() {
        let place = place + 1;
        let Some(value) = arguments.get(*argument) else { continue };
        match value {
            AnyValueKind::Null(_) => statement.raw_bind_parameter(place, rusqlite::types::Null),
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
        .map_err(driver_error)?;
    }
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(driver_error)? {
        let values = (0..shape.columns.len()).map(|index| row.get_ref(index).map(value));
        let values = values.collect::<Result<_, _>>().map_err(driver_error)?;
        let (column_names, columns) = (Arc::clone(&shape.names), shape.columns.clone());
        found.push(AnyRow { column_names, columns, values });
    }
    Ok(())
}

/// The statements of a text, none of which has a semicolon of its own.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(';').map(str::trim).filter(|part| !part.is_empty())
}

fn value(value: ValueRef<'_>) -> AnyValue {
    let kind = match value {
        ValueRef::Null => AnyValueKind::Null(AnyTypeInfoKind::Null),
        ValueRef::Integer(number) => AnyValueKind::BigInt(number),
        ValueRef::Real(number) => AnyValueKind::Double(number),
        ValueRef::Text(text) => {
            AnyValueKind::Text(Arc::new(String::from_utf8_lossy(text).into_owned()))
        }
        ValueRef::Blob(bytes) => AnyValueKind::Blob(Arc::new(bytes.to_vec())),
    };
    AnyValue { kind }
}

/// A transaction; dropped without [`Transaction::commit`] it leaves nothing.
#[derive(Debug)]
pub(crate) struct Transaction {
    engine: Engine,
    id: u64,
    connection: SyncWrapper<AnyConnection>,
}

impl Transaction {
    pub(crate) async fn begin(engine: &Engine) -> Result<Self, Error> {
        let_others().await;
        let id = engine.take_turn().await;
        let connection = driver::with(engine, || engine.0.options.connect()).await;
        let connection = match connection {
            Ok(connection) => connection,
            Err(error) => {
                engine.end_turn(id);
                return Err(error.into());
            }
        };
        Ok(Self { engine: engine.clone(), id, connection: SyncWrapper::new(connection) })
    }

    pub(crate) fn connection(&mut self) -> &mut Connection {
        self.connection.get_mut()
    }

    pub(crate) async fn commit(self) -> Result<(), Error> {
        let fate = current().map_or(Fate::Happens, |(world, _)| world.fate());
        let_others().await;
        if !self.engine.holds(self.id) {
            return Err(Error::Lost);
        }
        self.engine.file().end(&["RELEASE turn"])?;
        self.engine.end_turn(self.id);
        if let Some((world, machine)) = current() {
            world.note(self.id, || format!("{}: committed {}", machine.0, self.id));
        }
        let_others().await;
        match fate {
            // It is there, and nobody was told.
            Fate::Fails => Err(Error::Lost),
            Fate::Happens | Fate::Yields => Ok(()),
            Fate::Takes(lasting) => {
                if let Some((world, _)) = current() {
                    world.sleep(lasting).await;
                }
                Ok(())
            }
        }
    }

    pub(crate) fn rollback(self) {
        drop(self);
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        self.engine.undo(self.id);
    }
}
