//! A PostgreSQL database: a pool of connections, each unit of work a transaction.

use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::{Any, AnyPool, Connection as _, Executor as _, Transaction};
use url::Url;

use super::QUEUE_TIMEOUT;
use super::migrations::{self, MigrationSet};
use crate::error::Error;
use crate::stats::PoolStats;

const CONNECTIONS: u32 = 16;
/// A connection that was idle for longer is asked whether it is still there.
const FRESH: Duration = Duration::from_secs(1);
/// Begins a transaction that sees one moment and writes nothing.
pub(super) const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
/// A process that stands still in the middle of a transaction holds its locks no longer than this.
const SESSION: &str = "SET idle_in_transaction_session_timeout = '30s'";

#[derive(Debug)]
pub(crate) struct Store {
    pool: AnyPool,
}

impl Store {
    pub(crate) async fn open(url: &Url, sets: &[MigrationSet]) -> Result<Self, Error> {
        let pool = AnyPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(QUEUE_TIMEOUT)
            .test_before_acquire(false)
            .before_acquire(|connection, idle| {
                Box::pin(async move {
                    if idle.idle_for > FRESH {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .after_connect(|connection, _| {
                Box::pin(async move { connection.execute(SESSION).await.map(drop) })
            })
            .connect_with(super::options(url)?)
            .await?;
        let mut connection = pool.acquire().await?;
        migrations::apply_all(&mut connection, sets).await?;
        drop(connection);
        Ok(Self { pool })
    }

    pub(crate) async fn turn(&self) -> Result<Transaction<'static, Any>, Error> {
        self.pool.begin().await.map_err(closed)
    }

    pub(crate) async fn read(&self) -> Result<Transaction<'static, Any>, Error> {
        self.pool.begin_with(SNAPSHOT).await.map_err(closed)
    }

    pub(crate) fn stats(&self) -> PoolStats {
        super::stats("shared", &self.pool)
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

fn closed(error: sqlx::Error) -> Error {
    match error {
        sqlx::Error::PoolClosed => Error::Closed,
        error => error.into(),
    }
}
