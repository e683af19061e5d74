//! The database behind the kernel, SQLite or PostgreSQL: where it is, who may write, what is read.
//!
//! The same SQL runs on both, through sqlx's `Any` driver; what differs is in [`Dialect`].

pub(crate) mod archive;
pub(crate) mod dialect;
pub(crate) mod inline;
pub(crate) mod inspection;
mod location;
pub(crate) mod migrations;
mod postgres;
mod schema;
mod sqlite;

use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{Any, AnyPool, ConnectOptions as _, Transaction};
use sync_wrapper::SyncWrapper;
use url::Url;

use crate::error::Error;
#[cfg(feature = "simulation")]
use crate::simulation::engine;
use crate::stats::PoolStats;
pub use dialect::Dialect;
pub use location::{InvalidLocation, Location};
use migrations::MigrationSet;

/// The connection a domain runs its own SQL on. Numbers are `i64` or `f64`, texts `String`, bytes
/// `Vec<u8>`; parameters are `$1`, `$2` … on both databases. Write `LIMIT $1 + 0`: a parameter
/// alone is looked into by SQLite's planner, which then plans anew for each value it is given.
///
/// In a unit of work on SQLite a statement runs where it is asked for, and whoever reads is given
/// all rows at once. One that takes longer than a millisecond or so is to be
/// `.persistent(false)`: it runs on a thread of its own, and holds up no other task.
pub type Connection = sqlx::AnyConnection;

/// A transaction on a pool; one at a time uses it, so that its owner can be shared.
pub(crate) type Exclusive = SyncWrapper<Transaction<'static, Any>>;

/// A snapshot of what is committed; it stands still while it is held.
#[derive(Debug)]
pub(crate) enum Snapshot {
    Pooled(Exclusive),
    #[cfg(feature = "simulation")]
    Simulated(engine::Transaction),
}

impl Snapshot {
    pub(crate) fn connection(&mut self) -> &mut Connection {
        match self {
            Self::Pooled(transaction) => transaction.get_mut(),
            #[cfg(feature = "simulation")]
            Self::Simulated(transaction) => transaction.connection(),
        }
    }
}

/// How long to wait for a writer or a connection.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(10);
/// A statement that takes longer than this is logged.
const SLOW_STATEMENT: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) enum Database {
    Sqlite(sqlite::Store),
    Postgres(postgres::Store),
    #[cfg(feature = "simulation")]
    Simulated(engine::Engine),
}

impl Database {
    pub(crate) async fn open(location: &Location, sets: &[MigrationSet]) -> Result<Self, Error> {
        install_drivers();
        match location {
            Location::File(path) => Ok(Self::Sqlite(sqlite::Store::open(path, sets).await?)),
            Location::Server(url) => Ok(Self::Postgres(postgres::Store::open(url, sets).await?)),
        }
    }

    /// A connection that reads a database which may be in use, and makes none.
    pub(crate) async fn look(location: &Location) -> Result<Connection, Error> {
        install_drivers();
        Ok(options(&url(location))?.connect().await?)
    }

    /// A snapshot of a database which may be in use.
    pub(crate) async fn snapshot(location: &Location) -> Result<Snapshot, Error> {
        let pool = AnyPoolOptions::new().max_connections(1);
        install_drivers();
        let pool = pool.connect_with(options(&url(location))?).await?;
        let begun = match location {
            Location::File(_) => pool.begin().await?,
            Location::Server(_) => pool.begin_with(postgres::SNAPSHOT).await?,
        };
        Ok(Snapshot::Pooled(SyncWrapper::new(begun)))
    }

    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
            #[cfg(feature = "simulation")]
            Self::Simulated(_) => Dialect::Sqlite,
        }
    }

    /// Whether several processes may have it open.
    pub(crate) fn is_shared(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            Self::Postgres(_) => true,
            #[cfg(feature = "simulation")]
            Self::Simulated(_) => true,
        }
    }

    /// Begins to write. On SQLite it waits for the writer, first come first served.
    pub(crate) async fn turn(&self) -> Result<Turn, Error> {
        match self {
            Self::Sqlite(store) => Ok(Turn::Sqlite(store.turn().await?)),
            Self::Postgres(store) => Ok(Turn::Postgres(SyncWrapper::new(store.turn().await?))),
            #[cfg(feature = "simulation")]
            Self::Simulated(engine) => {
                Ok(Turn::Simulated(engine::Transaction::begin(engine).await?))
            }
        }
    }

    /// A snapshot of what is committed.
    pub(crate) async fn read(&self) -> Result<Snapshot, Error> {
        let begun = match self {
            Self::Sqlite(store) => store.read().await?,
            Self::Postgres(store) => store.read().await?,
            #[cfg(feature = "simulation")]
            Self::Simulated(engine) => {
                return Ok(Snapshot::Simulated(engine::Transaction::begin(engine).await?));
            }
        };
        Ok(Snapshot::Pooled(SyncWrapper::new(begun)))
    }

    /// The connections, as they are now.
    pub(crate) fn pools(&self) -> Vec<PoolStats> {
        match self {
            Self::Sqlite(store) => store.pools().into(),
            Self::Postgres(store) => vec![store.stats()],
            #[cfg(feature = "simulation")]
            Self::Simulated(_) => Vec::new(),
        }
    }

    /// Makes durable what was committed and lets go of the database; later turns are refused.
    pub(crate) async fn close(&self) -> Result<(), Error> {
        match self {
            Self::Sqlite(store) => store.close().await,
            Self::Postgres(store) => {
                store.close().await;
                Ok(())
            }
            #[cfg(feature = "simulation")]
            Self::Simulated(_) => Ok(()),
        }
    }
}

/// The right to write, held in a transaction; dropped without [`Turn::commit`] it leaves nothing.
#[derive(Debug)]
pub(crate) enum Turn {
    Sqlite(sqlite::Turn),
    Postgres(Exclusive),
    #[cfg(feature = "simulation")]
    Simulated(engine::Transaction),
}

impl Turn {
    pub(crate) fn connection(&mut self) -> &mut Connection {
        match self {
            Self::Sqlite(turn) => turn.connection(),
            Self::Postgres(transaction) => transaction.get_mut(),
            #[cfg(feature = "simulation")]
            Self::Simulated(transaction) => transaction.connection(),
        }
    }

    /// Returns when it is durable. Run it where it is not cancelled: in a task of its own.
    pub(crate) async fn commit(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(turn) => turn.commit().await,
            Self::Postgres(transaction) => {
                transaction.into_inner().commit().await.map_err(|error| match error.into() {
                    Error::Unavailable(_) => Error::Lost,
                    error => error,
                })
            }
            #[cfg(feature = "simulation")]
            Self::Simulated(transaction) => transaction.commit().await,
        }
    }

    /// Undoes it, and returns when everything it has read is durable.
    pub(crate) async fn rollback(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(turn) => turn.rollback().await,
            Self::Postgres(transaction) => Ok(transaction.into_inner().rollback().await?),
            #[cfg(feature = "simulation")]
            Self::Simulated(transaction) => {
                transaction.rollback();
                Ok(())
            }
        }
    }
}

/// Makes the databases of the kernel known to sqlx's `Any`. A program that uses `Any` for something
/// of its own calls this, and not `sqlx::any::install_default_drivers`: drivers can be installed
/// only once. Opening a kernel does it too.
pub fn install_drivers() {
    inline::install();
}

/// How a pool of connections stands now.
fn stats(name: &'static str, pool: &AnyPool) -> PoolStats {
    let (open, idle) = (u64::from(pool.size()), pool.num_idle() as u64);
    let limit = u64::from(pool.options().get_max_connections());
    PoolStats { pool: name, used: open.saturating_sub(idle), idle, limit, waiting: None }
}

/// The URL of a database that there is.
fn url(location: &Location) -> Url {
    match location {
        Location::File(path) => sqlite::url(path),
        Location::Server(url) => url.clone(),
    }
}

fn options(url: &Url) -> Result<AnyConnectOptions, Error> {
    let options = AnyConnectOptions::from_url(url)?;
    Ok(options
        .log_statements(log::LevelFilter::Trace)
        .log_slow_statements(log::LevelFilter::Warn, SLOW_STATEMENT))
}
