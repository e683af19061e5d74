//! The database of a simulated world: SQLite in memory, used by every machine, one transaction
//! after the other.
//!
//! A history happens inside one transaction that is never committed, and the transactions of the
//! kernel are savepoints of it: to forget a history is to roll it back, and prepared statements
//! stay.

use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use futures_util::future::BoxFuture;
use sqlx::any::AnyStatement;
use sqlx::{AnyConnection, SqlStr};
use sync_wrapper::SyncWrapper;

use super::world::{Fate, current, let_others};
use crate::database::Connection;
use crate::database::dialect::Dialect;
use crate::database::inline::{self, Asked, Done, Session, Statements};
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
}

struct File {
    statements: Statements,
    /// Whether the transaction that runs has written anything, and so has a savepoint.
    is_open: bool,
}

#[derive(Debug, Default)]
struct Turns {
    last: u64,
    holder: Option<u64>,
    waiting: Vec<Waker>,
}

impl Engine {
    /// A new database with the tables of the kernel and of these systems.
    ///
    /// # Errors
    /// When a migration is wrong.
    pub fn new(sets: &[MigrationSet]) -> Result<Self, Error> {
        inline::install();
        let connection = rusqlite::Connection::open_in_memory().map_err(wrong)?;
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
        let file = File { statements: Statements::new(connection), is_open: false };
        Ok(Self(Arc::new(Inner { file: Mutex::new(file), turns: Mutex::default() })))
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
        Ok(self.file().statements.run(text)?)
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
    async fn statement(&self, id: u64, asked: Asked) -> Result<Done, sqlx::Error> {
        let text = asked.text.as_str();
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
        let done = self.file().execute(&asked);
        // As on a server: after an error there is no transaction to go on with.
        done.inspect_err(|_| self.undo(id))
    }
}

/// The connection is gone.
fn lost() -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::other("the connection was lost"))
}

fn wrong(error: rusqlite::Error) -> Error {
    Error::Database(inline::failure(error))
}

fn brief(text: &str) -> String {
    text.chars().take(90).collect()
}

impl File {
    /// Ends a savepoint, if there is one.
    fn end(&mut self, texts: &[&str]) -> Result<(), Error> {
        if std::mem::replace(&mut self.is_open, false) {
            for text in texts {
                self.statements.run(text)?;
            }
        }
        Ok(())
    }

    /// Runs a statement; the first one that writes begins a savepoint.
    fn execute(&mut self, asked: &Asked) -> Result<Done, sqlx::Error> {
        let is_open = &mut self.is_open;
        self.statements.execute(asked, |connection| {
            if std::mem::replace(is_open, true) {
                return Ok(());
            }
            connection.prepare_cached("SAVEPOINT turn")?.execute([]).map(drop)
        })
    }
}

/// The connection of one transaction.
#[derive(Debug)]
struct Access {
    engine: Engine,
    turn: u64,
}

impl Session for Access {
    fn run(&mut self, asked: Asked) -> BoxFuture<'_, Result<Done, sqlx::Error>> {
        Box::pin(self.engine.statement(self.turn, asked))
    }

    fn look(&mut self, text: SqlStr) -> BoxFuture<'_, Result<AnyStatement, sqlx::Error>> {
        Box::pin(ready(self.engine.file().statements.look(text)))
    }
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
        let connection = inline::connect(Access { engine: engine.clone(), turn: id }).await;
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
