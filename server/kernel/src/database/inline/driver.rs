//! The driver: hands to a [`Session`] what sqlx asks of a connection of `Any`.

use std::cell::RefCell;
use std::fmt;
use std::future::{Future, ready};
use std::str::FromStr;
use std::sync::{LazyLock, Once};

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use sqlx::any::{
    AnyArguments, AnyConnectOptions, AnyQueryResult, AnyRow, AnyStatement, AnyTypeInfo,
};
use sqlx::{AnyConnection, ConnectOptions, Connection, Either, SqlStr, Transaction};
use sqlx_core::any::AnyConnectionBackend;
use sqlx_core::any::driver::AnyDriver;
use url::Url;

use super::statements::{Asked, Done, Wanted};
use super::unused::Inline;

/// Where the statements of a connection run, and when.
pub(crate) trait Session: fmt::Debug + Send + 'static {
    /// Runs what is asked for.
    fn run(&mut self, asked: Asked) -> BoxFuture<'_, Result<Done, sqlx::Error>>;

    /// What is known of a statement without running it.
    fn look(&mut self, text: SqlStr) -> BoxFuture<'_, Result<AnyStatement, sqlx::Error>>;
}

/// Makes this driver known beside the real ones.
pub(crate) fn install() {
    static DRIVERS: [AnyDriver; 3] = [
        sqlx::sqlite::any::DRIVER,
        sqlx::postgres::any::DRIVER,
        AnyDriver::without_migrate::<Inline>(),
    ];
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Refused when a program has made others known before: then `connect` says so.
        let _ = sqlx::any::install_drivers(&DRIVERS);
    });
}

thread_local! {
    static SESSION: RefCell<Option<Box<dyn Session>>> = const { RefCell::new(None) };
}

/// A connection whose statements run where a session says.
pub(crate) async fn connect(session: impl Session) -> Result<AnyConnection, sqlx::Error> {
    static OPTIONS: LazyLock<Option<AnyConnectOptions>> = LazyLock::new(|| "inline:".parse().ok());
    install();
    let options = OPTIONS.as_ref().ok_or(sqlx::Error::BeginFailed)?;
    // Connecting is ready when it is polled first, and that is now, on this thread.
    SESSION.with_borrow_mut(|place| *place = Some(Box::new(session)));
    let connected = options.connect().await;
    SESSION.take();
    connected.map_err(|error| match error {
        sqlx::Error::Configuration(_) => sqlx::Error::Configuration(
            "this program has installed drivers of its own for sqlx's `Any`: it must call \
             `symbolon_kernel::install_drivers` instead"
                .into(),
        ),
        error => error,
    })
}

/// A connection, for as long as its session lasts.
#[derive(Debug)]
pub(super) struct Link(Box<dyn Session>);

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
        ready(SESSION.take().map(Link).ok_or(sqlx::Error::WorkerCrashed))
    }

    fn log_statements(self, _: log::LevelFilter) -> Self {
        self
    }

    fn log_slow_statements(self, _: log::LevelFilter, _: std::time::Duration) -> Self {
        self
    }
}

impl Connection for Link {
    type Database = Inline;
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
    ) -> impl Future<Output = Result<Transaction<'_, Inline>, sqlx::Error>> + Send + '_ {
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

/// Transactions are begun and ended by who has made the session, never on a connection.
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
        let asked = asked(query, persistent, arguments, Wanted::All);
        let items = async move {
            match self.0.run(asked).await {
                Ok(Done { rows, rows_affected }) => {
                    let rows = rows.into_iter().map(|row| Ok(Either::Right(row)));
                    let result = AnyQueryResult { rows_affected, last_insert_id: None };
                    rows.chain([Ok(Either::Left(result))]).collect::<Vec<_>>()
                }
                Err(error) => vec![Err(error)],
            }
        };
        stream::once(items).map(stream::iter).flatten().boxed()
    }

    fn fetch_optional(
        &mut self,
        query: SqlStr,
        persistent: bool,
        arguments: Option<AnyArguments>,
    ) -> BoxFuture<'_, sqlx::Result<Option<AnyRow>>> {
        let asked = asked(query, persistent, arguments, Wanted::First);
        Box::pin(async move { Ok(self.0.run(asked).await?.rows.into_iter().next()) })
    }

    fn prepare_with<'c, 'q: 'c>(
        &'c mut self,
        text: SqlStr,
        _: &[AnyTypeInfo],
    ) -> BoxFuture<'c, sqlx::Result<AnyStatement>> {
        self.0.look(text)
    }
}

fn asked(text: SqlStr, persistent: bool, arguments: Option<AnyArguments>, wanted: Wanted) -> Asked {
    // What has no arguments is written down whole, each time.
    let is_kept = persistent && arguments.is_some();
    Asked { text, is_kept, arguments: arguments.map(|it| it.values.0).unwrap_or_default(), wanted }
}

impl fmt::Display for Link {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a connection without a thread")
    }
}
