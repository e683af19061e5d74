//! What can go wrong in the kernel, closed.

use sqlx::migrate::MigrateError;
use symbolon_wire::channel::Refused;

use crate::database::dialect::{Verdict, verdict};
use crate::envelope::StreamId;
use crate::handlers::BoxError;
use crate::ledger::LedgerError;
use crate::unit::streams::Expected;

/// A stream is not at the version its writer expected; nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{stream} is at version {actual}, expected {expected}")]
pub struct Conflict {
    /// The stream.
    pub stream: StreamId,
    /// What the writer expected.
    pub expected: Expected,
    /// What it found; 0 when the stream does not exist.
    pub actual: i64,
}

/// What the kernel reports.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// See [`Conflict`].
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// An event breaks the schema of its contract; nothing was written by this call.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// See [`LedgerError`].
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The database refused or failed, and would do so again.
    #[error("the database failed")]
    Database(#[source] sqlx::Error),
    /// The database cannot be reached, or cannot write, now; nothing was written. It is used again
    /// as soon as it is back.
    #[error("the database is unavailable")]
    Unavailable(#[source] sqlx::Error),
    /// The schema on disk is altered, newer than this program, or cannot be brought up to date.
    #[error("migrations of {set} do not fit this database")]
    Migration {
        /// The name of the set.
        set: &'static str,
        /// What sqlx says.
        source: MigrateError,
    },
    /// Somebody has altered the schema since the last migration.
    #[error("the schema was altered by somebody else: it is found {0}")]
    Altered(String),
    /// A migration set has a name that is not lowercase letters and underscores, or a file name
    /// that is not `NNNN_verb_noun`.
    #[error("migration `{0}` is not named as it must be")]
    MigrationName(&'static str),
    /// The directory of the database cannot be made.
    #[error("the directory of the database cannot be made")]
    Directory(#[source] std::io::Error),
    /// Another kernel has the database open.
    #[error("{} is in use by another process", .0.display())]
    InUse(std::path::PathBuf),
    /// The lock of the database cannot be taken for another reason.
    #[error("the lock of the database cannot be taken")]
    Lock(#[source] std::io::Error),
    /// The database was not free in time, or two units of work stood in each other's way; nothing
    /// was written, and the same may go through when it is tried again.
    #[error("the database is busy")]
    Busy,
    /// A commit was not confirmed: whether the unit is written or not is not known. Under the same
    /// idempotency key, or the same expected version, a second try finds out.
    #[error("a commit was not confirmed")]
    Lost,
    /// The kernel was shut down.
    #[error("the kernel is shut down")]
    Closed,
    /// A payload cannot be written as JSON.
    #[error("a payload cannot be written as json")]
    Payload(#[from] serde_json::Error),
    /// The events of a stream do not fold to a state.
    #[error("{stream} cannot be read")]
    Fold {
        /// The stream.
        stream: StreamId,
        /// What its aggregate says.
        source: crate::handlers::BoxError,
    },
    /// No projection of this name has ever run on this database, or it has no tables of its own.
    #[error("no projection `{0}` can be built anew")]
    UnknownProjection(String),
    /// Two handlers of one kind have the same name.
    #[error("two handlers are named `{0}`")]
    DuplicateHandler(String),
    /// A file belongs to one process, which has to have every role.
    #[error("a database in a file is one process's, which cannot leave work to others")]
    Undivided,
    /// Another process has taken over what was done under this name; nothing was written.
    #[error("another process has taken over `{0}`")]
    Fenced(String),
    /// The bus between processes refused or failed.
    #[error("the bus failed")]
    Bus(#[source] BoxError),
    /// On Kafka a consumer must name the channels it wants.
    #[error("consumer `{0}` names no channels")]
    NoChannels(String),
    /// What a consumer gives up on Kafka goes to a topic named after its channel and itself.
    #[error("no topic can be named `{0}`")]
    TopicName(String),
    /// Another process moved the checkpoint of a projection.
    #[error("the checkpoint of `{0}` was moved by another")]
    Checkpoint(String),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match verdict(&error) {
            Verdict::Busy => Self::Busy,
            Verdict::Unavailable => Self::Unavailable(error),
            Verdict::Wrong => Self::Database(error),
        }
    }
}
