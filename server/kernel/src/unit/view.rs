//! A view: what is committed, for reading.

use uuid::Uuid;

use super::aggregates::{self, Aggregate, Folded};
use super::audit::{self, AuditPage, Audited};
use super::streams;
use crate::database::{Connection, Snapshot};
use crate::delivery::dead_letters::{self, DeadLetter};
use crate::envelope::{Envelope, StreamId, TenantId};
use crate::error::Error;
use crate::ledger::Books;
use crate::work::pending::{self, PendingTimer, TimerPage};

/// What is committed, as one tenant sees it; a snapshot that stands still while it is held.
#[derive(Debug)]
pub struct View {
    tenant: TenantId,
    snapshot: Snapshot,
}

impl View {
    pub(crate) fn new(tenant: TenantId, snapshot: Snapshot) -> Self {
        Self { tenant, snapshot }
    }

    /// Whose view it is.
    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The events of a stream, oldest first; none when it does not exist.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load(&mut self, stream: &StreamId) -> Result<Vec<Envelope>, Error> {
        streams::load(self.snapshot.connection(), &self.tenant, stream, 0).await
    }

    /// What the stream of this id folds to; none when it does not exist.
    ///
    /// # Errors
    /// [`Error::Fold`] when the events do not fold; otherwise when the database fails.
    pub async fn fold<A: Aggregate>(&mut self, id: &str) -> Result<Option<Folded<A>>, Error> {
        Ok(aggregates::fold::<A>(self.snapshot.connection(), &self.tenant, id).await?.0)
    }

    /// The version of a stream; 0 when it does not exist.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn version(&mut self, stream: &StreamId) -> Result<i64, Error> {
        streams::version(self.snapshot.connection(), &self.tenant, stream).await
    }

    /// The tenant's dead letters after one of them, at most `limit`, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn dead_letters(
        &mut self,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, Error> {
        let limit = i64::from(limit);
        dead_letters::list(self.snapshot.connection(), &self.tenant, after, limit).await
    }

    /// A page of the tenant's timers that have not fired, by kind and key.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn timers(&mut self, page: TimerPage<'_>) -> Result<Vec<PendingTimer>, Error> {
        pending::list(self.snapshot.connection(), &self.tenant, page).await
    }

    /// The books of the tenant.
    pub fn ledger(&mut self) -> Books<'_> {
        Books::new(self.sql())
    }

    /// A page of the tenant's audit log, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit(&mut self, page: AuditPage<'_>) -> Result<Vec<Audited>, Error> {
        audit::page(self.snapshot.connection(), &self.tenant, page).await
    }

    /// The tenant, to be put into every query, and the connection, for the domain's own tables.
    pub fn sql(&mut self) -> (&TenantId, &mut Connection) {
        (&self.tenant, self.snapshot.connection())
    }
}
