//! The [`Engine`] as a database of sqlx's `Any`, so that the kernel's own statements run on it
//! without a thread in between.

use std::cell::RefCell;
use std::fmt;
use std::future::{Future, ready};
use std::str::FromStr;
use std::sync::Once;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use sqlx::any::{
    AnyArguments, AnyConnectOptions, AnyQueryResult, AnyRow, AnyStatement, AnyTypeInfo,
};
use sqlx::{ConnectOptions, Connection, Either, SqlStr, Transaction};
use sqlx_core::any::AnyConnectionBackend;
use sqlx_core::any::driver::AnyDriver;
use url::Url;

use super::engine::Engine;
use super::unused::Simulated;

/// What a connection is asked for by.
pub(super) const URL: &str = "simulated://engine";

/// Makes this driver known beside the real ones.
pub(crate) fn install() {
    static DRIVERS: [AnyDriver; 3] = [
        sqlx::sqlite::any::DRIVER,
        sqlx::postgres::any::DRIVER,
        AnyDriver::without_migrate::<Simulated>(),
    ];
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Refused when a program has made others known before: then there is no simulation.
        let _ = sqlx::any::install_drivers(&DRIVERS);
    });
}

thread_local! {
    static ENGINE: RefCell<Option<Engine>> = const { RefCell::new(None) };
}

/// Lets a connection that is opened find its engine.
pub(super) fn with<F>(engine: &Engine, open: impl FnOnce() -> F) -> F {
    ENGINE.with_borrow_mut(|place| *place = Some(engine.clone()));
    open()
}

/// A connection for the length of one transaction.
#[derive(Debug)]
pub(super) struct Link {
    engine: Engine,
    turn: u64,
}

#[derive(Debug, Clone)]
pub(super) struct Options;

impl FromStr for Options {
    type Err = sqlx::Error;

    fn from_str(_: &str) -> Result<Self, sqlx::Error> {
        Ok(Self)
    }
}

impl TryFrom<&AnyConnectOptions> for Options {
    type Error = sqlx::Error;

    fn try_from(_: &AnyConnectOptions) -> Result<Self, sqlx::Error> {
        Ok(Self)
    }
}

impl ConnectOptions for Options {
    type Connection = Link;

    fn from_url(_: &Url) -> Result<Self, sqlx::Error> {
        Ok(Self)
    }

    fn connect(&self) -> impl Future<Output = Result<Link, sqlx::Error>> + Send + '_ {
        let engine = ENGINE.with_borrow(Clone::clone);
        let found = engine.map(|engine| Link { turn: engine.holder(), engine });
        ready(found.ok_or(sqlx::Error::WorkerCrashed))
    }

    fn log_statements(self, _: log::LevelFilter) -> Self {
        self
    }

    fn log_slow_statements(self, _: log::LevelFilter, _: std::time::Duration) -> Self {
        self
    }
}

impl Connection for Link {
    type Database = Simulated;
    type Options = Options;

    fn close(self) -> impl Future<Output = Result<(), sqlx::Error>> + Send + 'static {
        ready(Ok(()))
    }

    fn close_hard(self) -> impl Future<Output = Result<(), sqlx::Error>> + Send + 'static {
        ready(Ok(()))
    }

    fn ping(&mut self) -> impl Future<Output = Result<(), sqlx::Error>> + Send + '_ {
        ready(Ok(()))
    }

    fn begin(
        &mut self,
    ) -> impl Future<Output = Result<Transaction<'_, Simulated>, sqlx::Error>> + Send + '_ {
        Transaction::begin(self, None)
    }

    fn shrink_buffers(&mut self) {}

    fn flush(&mut self) -> impl Future<Output = Result<(), sqlx::Error>> + Send + '_ {
        ready(Ok(()))
    }

    fn should_flush(&self) -> bool {
        false
    }
}

/// Transactions are begun and ended by the engine, never on a connection.
fn refused<T: Send + 'static>() -> BoxFuture<'static, Result<T, sqlx::Error>> {
    Box::pin(ready(Err(sqlx::Error::BeginFailed)))
}

impl AnyConnectionBackend for Link {
    fn name(&self) -> &'static str {
        "SQLite"
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, sqlx::Result<()>> {
        Box::pin(ready(Ok(())))
    }

    fn close_hard(self: Box<Self>) -> BoxFuture<'static, sqlx::Result<()>> {
        Box::pin(ready(Ok(())))
    }

    fn ping(&mut self) -> BoxFuture<'_, sqlx::Result<()>> {
        Box::pin(ready(Ok(())))
    }

    fn begin(&mut self, _: Option<SqlStr>) -> BoxFuture<'_, sqlx::Result<()>> {
        refused()
    }

    fn commit(&mut self) -> BoxFuture<'_, sqlx::Result<()>> {
        refused()
    }

    fn rollback(&mut self) -> BoxFuture<'_, sqlx::Result<()>> {
        refused()
    }

    fn start_rollback(&mut self) {}

    fn get_transaction_depth(&self) -> usize {
        1
    }

    fn shrink_buffers(&mut self) {}

    fn flush(&mut self) -> BoxFuture<'_, sqlx::Result<()>> {
        Box::pin(ready(Ok(())))
    }

    fn should_flush(&self) -> bool {
        false
    }

    fn fetch_many(
        &mut self,
        query: SqlStr,
        persistent: bool,
        arguments: Option<AnyArguments>,
    ) -> BoxStream<'_, sqlx::Result<Either<AnyQueryResult, AnyRow>>> {
        let (engine, turn) = (self.engine.clone(), self.turn);
        let done = async move {
            let done = engine.statement(turn, query.as_str(), persistent, arguments).await;
            let items = match done {
                Ok(done) => {
                    let rows = done.rows.into_iter().map(|row| Ok(Either::Right(row)));
                    rows.chain([Ok(Either::Left(done.result))]).collect::<Vec<_>>()
                }
                Err(error) => vec![Err(error)],
            };
            stream::iter(items)
        };
        stream::once(done).flatten().boxed()
    }

    fn fetch_optional(
        &mut self,
        query: SqlStr,
        persistent: bool,
        arguments: Option<AnyArguments>,
    ) -> BoxFuture<'_, sqlx::Result<Option<AnyRow>>> {
        let (engine, turn) = (self.engine.clone(), self.turn);
        Box::pin(async move {
            let done = engine.statement(turn, query.as_str(), persistent, arguments).await?;
            Ok(done.rows.into_iter().next())
        })
    }

    fn prepare_with<'c, 'q: 'c>(
        &'c mut self,
        _: SqlStr,
        _: &[AnyTypeInfo],
    ) -> BoxFuture<'c, sqlx::Result<AnyStatement>> {
        refused()
    }
}

impl fmt::Display for Link {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a simulated connection")
    }
}
