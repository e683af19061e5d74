//! The database file: one writer behind a queue, with group commit, and a pool of readers.
//!
//! Those who queue for the writer share a transaction: the first has it to itself, who comes after
//! works in a savepoint of it; one `COMMIT`, and so one sync of the disk, serves the whole group. A
//! commit is reported only when the group is durable.
//!
//! The writer's statements run where they are asked for (`file`), readers' on threads of sqlx's.

mod file;

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::any::AnyPoolOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Any, AnyPool, ConnectOptions as _, Connection as _, Executor as _, Transaction};
use sync_wrapper::SyncWrapper;
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};
use url::Url;

use self::file::Writable;
use super::migrations::{self, MigrationSet};
use super::{Connection, QUEUE_TIMEOUT, inline};
use crate::error::Error;
use crate::faults::fault;
use crate::stats::PoolStats;
use crate::tasks;

const READERS: u32 = 4;
/// So often a commit lets those go first who have come while it waited: they share its sync.
const ROUNDS: usize = 3;
/// A commit is durable when it is reported, and readers never wait for the writer. Freed pages are
/// overwritten where that costs no extra write.
const WRITER: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                      PRAGMA foreign_keys = ON; PRAGMA secure_delete = FAST;";
/// The writer keeps 64 MiB of pages: nobody else changes them, so none is read twice. What a
/// savepoint is undone by stays in memory: it is of a unit, and a file takes two writes a page.
const PAGES: &str = "PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY;";
const READER: &str = "PRAGMA query_only = ON;";

/// The URL of a file that there is.
pub(super) fn url(path: &Path) -> Url {
    named(path).to_url_lossy()
}

fn named(path: &Path) -> SqliteConnectOptions {
    // A URL of sqlx's has every other character encoded, and is decoded whole.
    match path.to_str() {
        Some(text) => SqliteConnectOptions::new().filename(text.replace('%', "%25")),
        None => SqliteConnectOptions::new().filename(path),
    }
}

#[derive(Debug)]
pub(crate) struct Store {
    writer: Arc<Mutex<Writer>>,
    /// How many wait for the writer.
    queued: Arc<AtomicUsize>,
    readers: AnyPool,
}

impl Store {
    pub(crate) async fn open(path: &Path, sets: &[MigrationSet]) -> Result<Self, Error> {
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory).map_err(Error::Directory)?;
        }
        let lock = lock(path)?;
        let options = named(path).create_if_missing(true);
        let options = super::options(&options.to_url_lossy())?;
        let mut connection = options.connect().await?;
        connection.execute(WRITER).await?;
        migrations::apply_all(&mut connection, sets).await?;
        let file = Writable::open(&mut connection, &[WRITER, PAGES]).await?;
        connection.close().await?;
        let readers = AnyPoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(QUEUE_TIMEOUT)
            // A file does not go away.
            .test_before_acquire(false)
            .after_connect(|connection, _| {
                Box::pin(async move { connection.execute(READER).await.map(drop) })
            })
            .connect_with(options)
            .await?;
        let connection = inline::connect(file.clone()).await?;
        let writer = Arc::new(Mutex::new(Writer::new(file, connection, lock)));
        Ok(Self { writer, queued: Arc::default(), readers })
    }

    /// Waits for the writer, first come first served.
    pub(crate) async fn turn(&self) -> Result<Turn, Error> {
        let place = Place::new(&self.queued);
        let queued = Arc::clone(&self.writer).lock_owned();
        let writer = tasks::timeout(QUEUE_TIMEOUT, queued).await.map_err(|_| Error::Busy)?;
        drop(place);
        let mut turn = Turn { writer: Some(writer), queued: Arc::clone(&self.queued) };
        turn.writer().enter().await?;
        Ok(turn)
    }

    /// A snapshot of what is committed.
    pub(crate) async fn read(&self) -> Result<Transaction<'static, Any>, Error> {
        Ok(self.readers.begin().await?)
    }

    /// The readers, and the writer with those who wait for it.
    pub(crate) fn pools(&self) -> [PoolStats; 2] {
        let used = u64::from(self.writer.try_lock().is_err());
        let waiting = Some(self.queued.load(Ordering::Relaxed) as u64);
        let writer = PoolStats { pool: "writer", used, idle: 1 - used, limit: 1, waiting };
        [super::stats("reader", &self.readers), writer]
    }

    /// Makes durable what was committed and closes the file; later turns are refused.
    pub(crate) async fn close(&self) -> Result<(), Error> {
        self.readers.close().await;
        let mut writer = self.writer.lock().await;
        writer.recover().await;
        let committed = writer.commit_group().await;
        let lock = writer.lock.take();
        writer.connection = None;
        let closed = match writer.file.take() {
            Some(file) => file.close().await,
            None => Ok(()),
        };
        drop(lock);
        closed?;
        committed
    }
}

/// Locks a database against other kernels, by a file beside it, until the handle is dropped:
/// each of two would do what is due.
fn lock(database: &Path) -> Result<File, Error> {
    let mut name = OsString::from(database);
    name.push(".lock");
    let file = File::create(name).map_err(Error::Lock)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse(database.to_owned())),
        Err(TryLockError::Error(error)) => Err(Error::Lock(error)),
    }
}

/// A place in the queue for the writer, until it is dropped.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn new(queued: &'a AtomicUsize) -> Self {
        queued.fetch_add(1, Ordering::Relaxed);
        Self(queued)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How far a transaction has come; `Opening` when the future of a statement was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Closed,
    Opening,
    Open,
}

/// What the unit at hand is undone by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    /// There is no unit.
    Nothing,
    /// The transaction: it is the first of its group.
    Transaction,
    /// A savepoint, if the statement that was to make it got through.
    Opening,
    /// A savepoint.
    Savepoint,
}

#[derive(Debug)]
struct Writer {
    file: Option<Writable>,
    /// What a unit runs its statements on.
    connection: Option<SyncWrapper<Connection>>,
    /// Keeps other kernels out for as long as the file is open.
    lock: Option<File>,
    transaction: Phase,
    held: Held,
    /// Those of this group who have committed and wait for it to be durable.
    waiting: Vec<oneshot::Sender<()>>,
    /// Whether one of them has taken it on to commit the group.
    led: bool,
}

impl Writer {
    fn new(file: Writable, connection: Connection, lock: File) -> Self {
        Self {
            file: Some(file),
            connection: Some(SyncWrapper::new(connection)),
            lock: Some(lock),
            transaction: Phase::Closed,
            held: Held::Nothing,
            waiting: Vec::new(),
            led: false,
        }
    }

    fn file(&self) -> Result<&Writable, Error> {
        self.file.as_ref().ok_or(Error::Closed)
    }

    async fn run(&self, statement: &'static str) -> Result<(), Error> {
        Ok(self.file()?.run(statement).await?)
    }

    async fn enter(&mut self) -> Result<(), Error> {
        self.recover().await;
        if self.transaction == Phase::Closed {
            self.transaction = Phase::Opening;
            fault!("writer.begin");
            self.file()?.begin().await?;
            self.transaction = Phase::Open;
            self.held = Held::Transaction;
        } else {
            self.held = Held::Opening;
            self.run("SAVEPOINT unit").await?;
            self.held = Held::Savepoint;
        }
        Ok(())
    }

    /// Undoes what a unit that is gone has left behind.
    async fn recover(&mut self) {
        if self.transaction == Phase::Opening {
            self.abandon_group().await;
        }
        let left = std::mem::replace(&mut self.held, Held::Nothing);
        match left {
            Held::Nothing => return,
            Held::Transaction => return self.abandon_group().await,
            Held::Opening | Held::Savepoint => {}
        }
        // Restored while the statements run: if this future is dropped, the next one undoes it.
        self.held = Held::Opening;
        let undone = match self.run("ROLLBACK TO unit").await {
            Ok(()) => self.run("RELEASE unit").await,
            Err(error) => Err(error),
        };
        self.held = Held::Nothing;
        // A savepoint that was open is gone only if the database gave up the whole transaction.
        if left == Held::Savepoint && undone.is_err() {
            self.abandon_group().await;
        }
    }

    async fn abandon_group(&mut self) {
        self.waiting.clear();
        self.led = false;
        self.transaction = Phase::Opening;
        self.held = Held::Nothing;
        // Refused when there is no transaction, which is what is wanted.
        let _ = self.run("ROLLBACK").await;
        self.transaction = Phase::Closed;
    }

    /// Makes what the unit at hand has written part of the group.
    async fn release(&mut self) -> Result<(), Error> {
        fault!("writer.release");
        if self.held == Held::Savepoint {
            self.run("RELEASE unit").await?;
        }
        self.held = Held::Nothing;
        Ok(())
    }

    async fn commit(&mut self) -> Result<(), Error> {
        fault!("writer.commit.before");
        self.file()?.commit().await?;
        fault!("writer.commit.after");
        Ok(())
    }

    /// Commits what was released, and tells those who wait for it.
    async fn commit_group(&mut self) -> Result<(), Error> {
        if self.transaction == Phase::Closed {
            return Ok(());
        }
        if self.commit().await.is_err() {
            tracing::error!("a group of {} transactions was lost", self.waiting.len().max(1));
            self.abandon_group().await;
            return Err(Error::Lost);
        }
        self.transaction = Phase::Closed;
        self.led = false;
        for waiting in self.waiting.drain(..) {
            // Gone when its caller did not wait.
            let _ = waiting.send(());
        }
        Ok(())
    }
}

/// The writer, held; dropped without [`Turn::commit`] it leaves nothing.
#[derive(Debug)]
pub(crate) struct Turn {
    writer: Option<OwnedMutexGuard<Writer>>,
    queued: Arc<AtomicUsize>,
}

impl Turn {
    fn writer(&mut self) -> &mut Writer {
        self.writer.as_mut().expect("a turn holds the writer until it is consumed")
    }

    pub(crate) fn connection(&mut self) -> &mut Connection {
        let connection = self.writer().connection.as_mut();
        connection.expect("the file is closed only by one who holds the writer").get_mut()
    }

    /// Returns when it is durable. Run it where it is not cancelled: in a task of its own.
    pub(crate) async fn commit(mut self) -> Result<(), Error> {
        let writer = self.writer();
        if writer.release().await.is_err() {
            writer.abandon_group().await;
            return Err(Error::Lost);
        }
        let is_alone = writer.waiting.is_empty() && self.queued.load(Ordering::Relaxed) == 0;
        if is_alone { self.writer().commit_group().await } else { self.until_durable().await }
    }

    /// Undoes it, and returns when everything it has read is durable.
    pub(crate) async fn rollback(mut self) -> Result<(), Error> {
        let writer = self.writer();
        writer.recover().await;
        if writer.waiting.is_empty() { Ok(()) } else { self.until_durable().await }
    }

    async fn until_durable(mut self) -> Result<(), Error> {
        let (done, durable) = oneshot::channel();
        let writer = self.writer();
        writer.waiting.push(done);
        let leads = !std::mem::replace(&mut writer.led, true);
        if leads && let Some(writer) = self.writer.take() {
            let queue = Arc::clone(OwnedMutexGuard::mutex(&writer));
            drop(writer);
            // The queue is fair: whoever waited before this line joins the group.
            let leading = lead(Arc::clone(&queue), Arc::clone(&self.queued));
            tasks::spawn(async move {
                if tasks::spawn(leading).await.is_err() {
                    queue.lock().await.abandon_group().await;
                }
            });
        }
        self.writer = None;
        durable.await.map_err(|_| Error::Lost)
    }
}

async fn lead(queue: Arc<Mutex<Writer>>, queued: Arc<AtomicUsize>) {
    let mut writer = queue.lock().await;
    for _ in 0..ROUNDS {
        if queued.load(Ordering::Relaxed) == 0 {
            break;
        }
        drop(writer);
        writer = queue.lock().await;
    }
    writer.recover().await;
    // Those who wait are told, or find that there is nobody left to tell them.
    let _ = writer.commit_group().await;
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(mut writer) = self.writer.take() else { return };
        let idle = writer.held == Held::Nothing && writer.transaction == Phase::Closed;
        // Where there is no runtime the next turn recovers.
        if !idle {
            tasks::detach(async move {
                writer.recover().await;
                if writer.waiting.is_empty() {
                    // Nobody waits.
                    let _ = writer.commit_group().await;
                }
            });
        }
    }
}
