//! A database of its own for each test.
//!
//! It is a file; where `SYMBOLON_TEST_DATABASE` holds the URL of a PostgreSQL database, it is a
//! schema there, and every test runs on PostgreSQL.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use symbolon_kernel::{Connection, Location};
use tempfile::TempDir;
use url::Url;

pub(crate) enum Home {
    File(TempDir),
    Schema(Url),
}

impl Home {
    pub(crate) fn new() -> Self {
        match std::env::var("SYMBOLON_TEST_DATABASE") {
            Ok(url) => Self::Schema(schema(url.parse().unwrap())),
            Err(_) => Self::File(TempDir::new().unwrap()),
        }
    }

    /// The file of the database, if it is one.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        match self {
            Self::File(directory) => Some(directory.path().join("data").join("kernel.sqlite")),
            Self::Schema(_) => None,
        }
    }

    pub(crate) fn location(&self) -> Location {
        match self {
            Self::File(_) => Location::File(self.file().unwrap()),
            Self::Schema(url) => Location::Server(url.clone()),
        }
    }
}

/// Makes a schema of its own; says how to come into it.
fn schema(mut url: Url) -> Url {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let number = MADE.fetch_add(1, Ordering::SeqCst);
    let name = format!("test_{}_{number}", std::process::id());
    let statement = format!("DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}");
    let server = url.to_string();
    let made = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            symbolon_kernel::install_drivers();
            let mut connection = Connection::connect(&server).await.unwrap();
            connection.execute(AssertSqlSafe(statement)).await.unwrap();
            connection.close().await.unwrap();
        });
    });
    made.join().unwrap();
    url.query_pairs_mut().append_pair("options[search_path]", &name);
    url
}
