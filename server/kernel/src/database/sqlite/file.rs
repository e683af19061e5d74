//! The file as its one writer has it: statements run where they are asked for, and what waits for
//! the disk or for another process on a thread of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use sqlx::SqlStr;
use sqlx::any::AnyStatement;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::database::dialect::{Verdict, verdict};
use crate::database::inline::{Asked, Done, Session, Statements, failure};
use crate::database::{self, SLOW_STATEMENT};
use crate::tasks;

/// How long another process may hold the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const BEGIN: &str = "BEGIN IMMEDIATE";

/// A clone is the same file.
#[derive(Debug, Clone)]
pub(super) struct Writable(Arc<Mutex<Option<Statements>>>);

/// The file, in the hands of one. Whoever has it gives it to the thread that does what takes long,
/// and nobody else comes in between, even if who has asked for that is gone.
struct Held(OwnedMutexGuard<Option<Statements>>);

impl Writable {
    /// Opens the file that another connection has open: of a path each library makes its own.
    pub(super) async fn open(
        other: &mut database::Connection,
        pragmas: &'static [&'static str],
    ) -> Result<Self, sqlx::Error> {
        let file = "SELECT file FROM pragma_database_list WHERE name = 'main'";
        let path: String = sqlx::query_scalar(file).fetch_one(other).await?;
        let opened = on_thread(move || {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            for text in pragmas {
                connection.execute_batch(text)?;
            }
            connection.busy_timeout(Duration::ZERO)?;
            // Else a plan is made anew for each value that a range is compared with.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
            Ok(Statements::new(connection))
        });
        let statements = opened.await?.map_err(failure)?;
        Ok(Self(Arc::new(Mutex::new(Some(statements)))))
    }

    async fn held(&self) -> Held {
        Held(Arc::clone(&self.0).lock_owned().await)
    }

    /// Begins to write. It waits only when another process does.
    pub(super) async fn begin(&self) -> Result<(), sqlx::Error> {
        let mut file = self.held().await;
        match file.run(BEGIN) {
            Err(error) if verdict(&error) == Verdict::Busy => {
                on_thread(move || file.begin_patiently()).await?
            }
            begun => begun,
        }
    }

    /// Runs a statement that takes nothing, gives nothing and is short.
    pub(super) async fn run(&self, text: &'static str) -> Result<(), sqlx::Error> {
        self.held().await.run(text)
    }

    /// Ends a transaction; returns when it is durable.
    pub(super) async fn commit(&self) -> Result<(), sqlx::Error> {
        let mut file = self.held().await;
        on_thread(move || timed("COMMIT", || file.run("COMMIT"))).await?
    }

    /// Closes the file; whoever still has it cannot use it.
    pub(super) async fn close(&self) -> Result<(), sqlx::Error> {
        let Some(statements) = self.held().await.0.take() else { return Ok(()) };
        let close = || statements.into_connection().close().map_err(|(_, error)| error);
        on_thread(close).await?.map_err(failure)
    }
}

impl Held {
    fn statements(&mut self) -> Result<&mut Statements, sqlx::Error> {
        self.0.as_mut().ok_or(sqlx::Error::PoolClosed)
    }

    fn run(&mut self, text: &str) -> Result<(), sqlx::Error> {
        self.statements()?.run(text)
    }

    fn begin_patiently(&mut self) -> Result<(), sqlx::Error> {
        let statements = self.statements()?;
        statements.connection().busy_timeout(BUSY_TIMEOUT).map_err(failure)?;
        let begun = statements.run(BEGIN);
        statements.connection().busy_timeout(Duration::ZERO).map_err(failure)?;
        begun
    }

    fn execute(&mut self, asked: &Asked) -> Result<Done, sqlx::Error> {
        let statements = self.statements()?;
        timed(asked.text.as_str(), || statements.execute(asked, |_| Ok(())))
    }

    /// Runs what may be long; what it sorts is in a file. Refused where a domain has temporary
    /// tables: then it is in memory, as those are.
    fn execute_long(&mut self, asked: &Asked) -> Result<Done, sqlx::Error> {
        // It takes effect when it is prepared, so it cannot be kept.
        let _ = self.statements()?.connection().execute_batch("PRAGMA temp_store = FILE");
        let done = self.execute(asked);
        let _ = self.statements()?.connection().execute_batch("PRAGMA temp_store = MEMORY");
        done
    }
}

impl Session for Writable {
    fn run(&mut self, asked: Asked) -> BoxFuture<'_, Result<Done, sqlx::Error>> {
        Box::pin(async move {
            let mut file = self.held().await;
            if asked.is_kept {
                return file.execute(&asked);
            }
            // What is asked for once makes, compares or fills tables.
            on_thread(move || file.execute_long(&asked)).await?
        })
    }

    fn look(&mut self, text: SqlStr) -> BoxFuture<'_, Result<AnyStatement, sqlx::Error>> {
        Box::pin(async move { self.held().await.statements()?.look(text) })
    }
}

/// Does what may take long without holding up other tasks; it is carried through, even if nobody
/// waits for it any more.
async fn on_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, sqlx::Error> {
    tasks::blocking(work).await.map_err(|_| sqlx::Error::WorkerCrashed)
}

/// Tells of what took long.
fn timed<T>(text: &str, work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let done = work();
    let elapsed = began.elapsed();
    if elapsed >= SLOW_STATEMENT {
        tracing::warn!(target: "sqlx::query", statement = text, ?elapsed, "slow statement");
    }
    done
}
