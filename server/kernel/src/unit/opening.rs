//! A unit of work before it is known what has caused it.

use super::{Unit, streams};
use crate::database::{Connection, Turn};
use crate::envelope::{Cause, Envelope, StreamId, TenantId};
use crate::error::Error;
use crate::kernel::Kernel;

/// A transaction of one tenant that looks for what there is to do, and goes on as the [`Unit`] that
/// does it. Dropped before that it leaves nothing.
#[derive(Debug)]
#[must_use = "an opening that is dropped does nothing"]
pub struct Opening {
    kernel: Kernel,
    turn: Turn,
    tenant: TenantId,
}

impl Opening {
    pub(crate) fn new(kernel: &Kernel, turn: Turn, tenant: TenantId) -> Self {
        Self { kernel: kernel.clone(), turn, tenant }
    }

    /// The tenant and the connection, as [`Unit::sql`] has them.
    pub fn sql(&mut self) -> (&TenantId, &mut Connection) {
        (&self.tenant, self.turn.connection())
    }

    /// The events of a stream, oldest first; none when it does not exist.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load(&mut self, stream: &StreamId) -> Result<Vec<Envelope>, Error> {
        streams::load(self.turn.connection(), &self.tenant, stream, 0).await
    }

    /// Goes on, in the same transaction, with what this has caused.
    pub fn caused_by(self, cause: Cause) -> Unit {
        Unit::new(&self.kernel, self.turn, self.tenant, cause).traced()
    }

    /// Undoes it, as [`Unit::rollback`] does.
    ///
    /// # Errors
    /// When what was read did not become durable.
    pub async fn rollback(self) -> Result<(), Error> {
        self.turn.rollback().await
    }
}
