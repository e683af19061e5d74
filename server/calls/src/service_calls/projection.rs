//! The read model: every call as it stands, one row each.

use symbolon_kernel::{Envelope, Handled, Projection, ReadModel};

use super::rules::Call;
use super::{AGGREGATE_TYPE, store};

/// Keeps `service_calls` and `service_call_tags`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServiceCallsProjection;

impl Projection for ServiceCallsProjection {
    fn name(&self) -> &str {
        "service_calls"
    }

    fn tables(&self) -> &'static [&'static str] {
        &store::READ_MODEL
    }

    async fn apply(&self, event: &Envelope, model: &mut ReadModel<'_>) -> Handled {
        if event.aggregate_type != AGGREGATE_TYPE {
            return Ok(());
        }
        let known = store::find(model, &event.aggregate_id).await?;
        if known.as_ref().is_some_and(|call| call.version >= event.version) {
            return Ok(());
        }
        let call = Call::apply(known, event)?;
        store::project(model, &call).await?;
        tracing::debug!(
            tenant = %event.tenant_id, service_call_id = event.aggregate_id,
            version = event.version, correlation_id = event.correlation_id,
            causation_id = event.causation_id, "projected"
        );
        Ok(())
    }
}
