//! What a stream of events folds to, and snapshots of it, so that a long stream is not read whole.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row;

use crate::database::Connection;
use crate::delivery::messages::parsed;
use crate::envelope::{Envelope, StreamId, TenantId};
use crate::error::Error;
use crate::handlers::BoxError;
use crate::unit::streams;

/// A unit writes a snapshot when it had to read more events than this.
const SNAPSHOT_AFTER: usize = 64;

/// What the events of one stream fold to.
pub trait Aggregate: Serialize + DeserializeOwned + Send + Sync + Sized {
    /// The kind of its streams, e.g. `ServiceCall`.
    const TYPE: &'static str;

    /// The version of the form of the state. Raise it whenever the fields or their meaning change:
    /// snapshots of another form are not read.
    const SHAPE: u32;

    /// The state after an event; there is none before the first.
    ///
    /// # Errors
    /// When the event cannot come at this place, or cannot be read.
    fn apply(state: Option<Self>, event: &Envelope) -> Result<Self, BoxError>;
}

/// A state and how far in its stream it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folded<A> {
    /// The state.
    pub state: A,
    /// The version of the last event in it.
    pub version: i64,
}

/// The state of a stream, and whether it took so long that a snapshot is worth its while.
pub(crate) async fn fold<A: Aggregate>(
    connection: &mut Connection,
    tenant: &TenantId,
    id: &str,
) -> Result<(Option<Folded<A>>, bool), Error> {
    let snapshot = snapshot::<A>(connection, tenant, id).await?;
    let after = snapshot.as_ref().map_or(0, |snapshot| snapshot.version);
    let events = streams::load(connection, tenant, &StreamId::new(A::TYPE, id), after).await?;
    let is_long = events.len() > SNAPSHOT_AFTER;
    let folded = events.iter().try_fold(snapshot, |before, event| {
        let state = A::apply(before.map(|folded| folded.state), event)?;
        Ok::<_, BoxError>(Some(Folded { state, version: event.version }))
    });
    let folded =
        folded.map_err(|source| Error::Fold { stream: StreamId::new(A::TYPE, id), source });
    Ok((folded?, is_long))
}

async fn snapshot<A: Aggregate>(
    connection: &mut Connection,
    tenant: &TenantId,
    id: &str,
) -> Result<Option<Folded<A>>, Error> {
    let row = sqlx::query(
        "SELECT version, state FROM snapshots WHERE tenant_id = $1 AND aggregate_type = $2 \
         AND aggregate_id = $3 AND shape = $4",
    )
    .bind(tenant.as_str())
    .bind(A::TYPE)
    .bind(id)
    .bind(i64::from(A::SHAPE))
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let state = parsed(serde_json::from_str(row.try_get("state")?))?;
    Ok(Some(Folded { state, version: row.try_get("version")? }))
}

/// Keeps a state, unless a later one is kept.
pub(crate) async fn keep<A: Aggregate>(
    connection: &mut Connection,
    tenant: &TenantId,
    id: &str,
    folded: &Folded<A>,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO snapshots (tenant_id, aggregate_type, aggregate_id, version, shape, state) \
         VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (tenant_id, aggregate_type, aggregate_id) DO UPDATE \
         SET version = excluded.version, shape = excluded.shape, state = excluded.state \
         WHERE snapshots.version < excluded.version OR snapshots.shape <> excluded.shape",
    )
    .bind(tenant.as_str())
    .bind(A::TYPE)
    .bind(id)
    .bind(folded.version)
    .bind(i64::from(A::SHAPE))
    .bind(serde_json::to_string(&folded.state)?)
    .execute(connection)
    .await?;
    Ok(())
}
