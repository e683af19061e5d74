//! The read model: every call as it stands, one row each.

use symbolon_kernel::{Event, Handled, Handler, ReadModel};

use super::events;
use super::rules::Call;
use super::store;

/// Keeps `service_calls` and `service_call_tags`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServiceCallsProjection;

/// What an event does to a call is for the call to say: one way for all of them.
impl Handler<events::Event, ReadModel<'_>> for ServiceCallsProjection {
    async fn handle(&self, event: Event<events::Event>, model: &mut ReadModel<'_>) -> Handled {
        let known = store::find(model, &event.aggregate_id).await?;
        if known.as_ref().is_some_and(|call| call.version >= event.version) {
            return Ok(());
        }
        let (version, correlation_id) = (event.version, event.correlation_id.clone());
        let (causation_id, traceparent) = (event.causation_id.clone(), event.traceparent);
        let call = Call::apply(known, event)?.trimmed();
        store::project(model, &call).await?;
        tracing::debug!(
            tenant = %model.tenant(), service_call_id = %call.id, version, correlation_id,
            causation_id, trace_id = traceparent.map(|it| it.trace_id()),
            "projected"
        );
        Ok(())
    }
}
