//! The socket on which a caller watches the service calls of its tenant.

use std::collections::BTreeSet;
use std::sync::Arc;

use calls_server::sockets::{LiveServiceCalls, ServeLiveServiceCalls};
use calls_wire::sockets::live_service_calls::{ClientMessage, ServerMessage};
use calls_wire::types::{Unwatched, UnwatchedType, Watch, Watching, WatchingType};
use symbolon_kernel::{Kernel, Recorded, Tail, TailFrom, TenantId};
use symbolon_server::{Call, Failure, Outcome, SendError, Session, Socket};
use symbolon_wire::socket::{Frame, Held, Message};
use uuid::Uuid;

use super::service::ServiceCallsService;
use crate::scope::{failed, tenant};

impl ServeLiveServiceCalls for ServiceCallsService {
    async fn live_service_calls(&self, call: Call<LiveServiceCalls>) -> Outcome<LiveServiceCalls> {
        let (tenant, kernel) = (tenant(&call)?, self.kernel().clone());
        // Begun before the caller is let in: what happens after that is in it.
        let tail = tail(&kernel, &tenant, call.request.after).await?;
        Ok(Session::new(|socket| async move {
            let mut watcher = Watcher { kernel, tenant, tail, watched: None };
            watcher.run(socket).await
        }))
    }
}

/// The events of a tenant after one of them, or from now on.
async fn tail(kernel: &Kernel, tenant: &TenantId, after: Option<Uuid>) -> Result<Tail, Failure> {
    let now = kernel.tail(tenant, TailFrom::Now);
    let position = match after {
        None => None,
        Some(after) if after.is_nil() => Some(0),
        Some(after) => kernel.position(tenant, after).await.map_err(failed)?,
    };
    Ok(position.map_or(now, |position| kernel.tail(tenant, TailFrom::After(position))))
}

/// What is watched on one socket, and how far it has come.
struct Watcher {
    kernel: Kernel,
    tenant: TenantId,
    tail: Tail,
    /// Nothing before the first `Watch`: what comes then is not lost by who comes back.
    watched: Option<Watched>,
}

impl Watcher {
    async fn run(&mut self, mut socket: Socket<LiveServiceCalls>) -> Result<(), Failure> {
        loop {
            let is_begun = self.watched.is_some();
            tokio::select! {
                asked = socket.receive() => match asked {
                    Some(asked) => self.answer(asked, &socket).await?,
                    None => return Ok(()),
                },
                next = self.tail.next(), if is_begun => match next.map_err(failed)? {
                    Some(recorded) => self.tell(&recorded, &socket).await?,
                    None => return Ok(()),
                },
            }
        }
    }

    async fn answer(
        &mut self,
        asked: ClientMessage,
        socket: &Socket<LiveServiceCalls>,
    ) -> Result<(), Failure> {
        let answer = match asked {
            ClientMessage::Watch(watch) => {
                self.watched = Some(Watched::of(watch));
                let last = self.kernel.last_message(&self.tenant, self.tail.position());
                let after = last.await.map_err(failed)?.unwrap_or_default();
                ServerMessage::Watching(Watching { type_: WatchingType::Watching, after })
            }
            ClientMessage::Unwatch(_) => {
                // From now on events are passed over.
                self.watched = Some(Watched::Nothing);
                ServerMessage::Unwatched(Unwatched { type_: UnwatchedType::Unwatched })
            }
        };
        Ok(socket.send(answer).await?)
    }

    /// Sends an event if it is watched. One that breaks the contract, which has become stricter
    /// since, is passed over: who comes back would only get it again.
    async fn tell(
        &self,
        recorded: &Arc<Recorded>,
        socket: &Socket<LiveServiceCalls>,
    ) -> Result<(), Failure> {
        let envelope = &recorded.envelope;
        let is_told = envelope.channel == crate::EVENTS
            && self
                .watched
                .as_ref()
                .is_some_and(|watched| watched.is_of(&envelope.aggregate_id, &envelope.event_type));
        if !is_told {
            return Ok(());
        }
        let text = serde_json::to_string(envelope)?;
        let sent = match ServerMessage::read(Frame::Text(text), Held::ByType) {
            Ok(message) => socket.send(message).await,
            Err(refused) => Err(refused.into()),
        };
        match sent {
            Err(SendError::Refused(error)) => {
                tracing::error!(%error, "an event cannot be told");
                Ok(())
            }
            sent => Ok(sent?),
        }
    }
}

/// What a caller watches.
enum Watched {
    Nothing,
    /// These calls, or all of them, and what of that happens to them.
    Some {
        ids: Option<BTreeSet<String>>,
        types: Option<BTreeSet<&'static str>>,
    },
}

impl Watched {
    fn of(watch: Watch) -> Self {
        let ids = watch.ids.map(|ids| ids.iter().map(ToString::to_string).collect());
        let types = watch.types.map(|types| types.iter().map(|found| found.as_str()).collect());
        Self::Some { ids, types }
    }

    fn is_of(&self, call: &str, event_type: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::Some { ids, types } => {
                ids.as_ref().is_none_or(|ids| ids.contains(call))
                    && types.as_ref().is_none_or(|types| types.contains(event_type))
            }
        }
    }
}
