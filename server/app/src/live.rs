//! The live tail of a tenant's events, for `/events`.

use futures_util::{Stream, StreamExt, stream};
use serde_json::Value;
use symbolon_kernel::{Kernel, Tail, TailFrom, TenantId};
use symbolon_server::Principal;

/// The events of the caller's tenant from now on, until the kernel closes.
pub(crate) fn events(
    kernel: &Kernel,
    principal: &Principal,
) -> impl Stream<Item = Value> + Send + use<> {
    let tail = TenantId::new(principal.tenant());
    let tail = tail.ok().map(|tenant| kernel.tail(&tenant, TailFrom::Now));
    stream::iter(tail).map(|tail| stream::unfold(tail, next)).flatten()
}

async fn next(mut tail: Tail) -> Option<(Value, Tail)> {
    let recorded = match tail.next().await {
        Ok(recorded) => recorded?,
        Err(error) => {
            tracing::warn!(%error, "a tail of events broke");
            return None;
        }
    };
    match serde_json::to_value(&recorded.envelope) {
        Ok(envelope) => Some((envelope, tail)),
        Err(error) => {
            tracing::error!(%error, "an event cannot be written");
            None
        }
    }
}
