//! The live tail of a tenant's events, for `/events`.

use std::convert::identity;

use futures_util::{Stream, StreamExt, stream};
use symbolon_kernel::{Kernel, Tail, TailFrom, TenantId};
use symbolon_server::{Live, Principal};
use uuid::Uuid;

/// What others than our own processes may watch.
const CHANNELS: [&str; 1] = [symbolon_calls::EVENTS];

/// The events of the caller's tenant until the kernel closes: from the one after the last that it
/// has seen on, else from now on.
pub(crate) fn events(
    kernel: &Kernel,
    principal: &Principal,
    last: Option<&str>,
) -> impl Stream<Item = Live> + Send + use<> {
    let tenant = TenantId::new(principal.tenant()).ok();
    let (kernel, last) = (kernel.clone(), last.map(str::to_owned));
    // Begun before the caller is answered: what happens after that is in it.
    let begun = tenant.map(|tenant| (kernel.tail(&tenant, TailFrom::Now), tenant, last));
    let begun = stream::iter(begun).then(move |(now, tenant, last)| {
        let kernel = kernel.clone();
        async move { resume(&kernel, &tenant, now, last.as_deref()).await }
    });
    begun.filter_map(async |begun| begun).flat_map(identity)
}

/// The tail from after an event on, or from now on where the tenant has none of this id; none when
/// that cannot be told. One that begins now says where that is: who is cut off before it has seen
/// an event comes back to there.
async fn resume(
    kernel: &Kernel,
    tenant: &TenantId,
    now: Tail,
    last: Option<&str>,
) -> Option<impl Stream<Item = Live> + Send + use<>> {
    let position = match last {
        None => None,
        Some(last) => Some(position(kernel, tenant, last).await?),
    };
    let (tail, opening) = match position {
        Some(Some(position)) => (kernel.tail(tenant, TailFrom::After(position)), vec![]),
        Some(None) => {
            let comment = Live::Comment("no such event: from now on".to_owned());
            let place = place(kernel, tenant, &now).await?;
            (now, vec![comment, place])
        }
        None => {
            let place = place(kernel, tenant, &now).await?;
            (now, vec![place])
        }
    };
    Some(stream::iter(opening).chain(stream::unfold(tail, next)))
}

/// Where a tail begins: the last event of its tenant before it, [`Uuid::nil`] where there is none;
/// none when the database fails.
async fn place(kernel: &Kernel, tenant: &TenantId, tail: &Tail) -> Option<Live> {
    let last = kernel.last_message(tenant, tail.position()).await;
    let last = last.inspect_err(|error| tracing::warn!(%error, "no event can be looked up"));
    Some(Live::Place(last.ok()?.unwrap_or_default().to_string()))
}

/// Where an event stands, if there is one; none when the database fails.
async fn position(kernel: &Kernel, tenant: &TenantId, event: &str) -> Option<Option<i64>> {
    let Ok(id) = Uuid::parse_str(event) else { return Some(None) };
    if id.is_nil() {
        return Some(Some(0));
    }
    kernel
        .position(tenant, id)
        .await
        .inspect_err(|error| tracing::warn!(%error, "no event can be looked up"))
        .ok()
}

async fn next(mut tail: Tail) -> Option<(Live, Tail)> {
    let recorded = loop {
        match tail.next().await {
            Ok(recorded) => {
                let recorded = recorded?;
                if CHANNELS.contains(&recorded.envelope.channel.as_str()) {
                    break recorded;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a tail of events broke");
                return None;
            }
        }
    };
    match serde_json::to_value(&recorded.envelope) {
        Ok(envelope) => Some((Live::Envelope(envelope), tail)),
        Err(error) => {
            tracing::error!(%error, "an event cannot be written");
            None
        }
    }
}
