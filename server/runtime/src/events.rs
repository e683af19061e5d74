//! The live tail of a caller's events as a text/event-stream (HTML Standard, 9.2).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use http::request::Parts;
use serde_json::Value;

use crate::authentication::Schemes;
use crate::dispatch::{Answered, Seen};
use crate::observation::EVENT_STREAMS;
use crate::serving::Drain;
use crate::{Principal, Requirement};

const HEARTBEAT: Duration = Duration::from_secs(15);
const RETRY: Duration = Duration::from_secs(2);

/// Opens the stream of the events a caller may see.
pub(crate) type EventSource = Arc<dyn Fn(&Principal) -> BoxStream<'static, Value> + Send + Sync>;

/// The endpoint's requirement and source.
pub(crate) struct Events {
    pub(crate) requirement: Requirement,
    pub(crate) source: EventSource,
}

impl Events {
    pub(crate) async fn answer(
        &self,
        schemes: &Schemes,
        parts: &Parts,
        seen: &mut Seen,
    ) -> Answered {
        match schemes.admit(&[&[self.requirement]], parts).await {
            Ok(admitted) => seen.recognise(admitted.principal()),
            Err(refusal) => return refusal.into(),
        }
        let open = Open::new();
        let events = (self.source)(&seen.principal).map(move |envelope| {
            let _ = &open;
            event(&envelope)
        });
        let hello = Event::default().comment("open").retry(RETRY);
        let events = stream::iter([hello]).chain(events).map(Ok::<_, Infallible>);
        let events = match parts.extensions.get::<Drain>().cloned() {
            Some(drain) => events.take_until(drain.begun()).boxed(),
            None => events.boxed(),
        };
        let heartbeat = KeepAlive::new().interval(HEARTBEAT).text("heartbeat");
        Answered::Response(Sse::new(events).keep_alive(heartbeat).into_response())
    }
}

/// One envelope a `data:` line, with its message id as the event's id.
fn event(envelope: &Value) -> Event {
    let event = Event::default().data(envelope.to_string());
    let id = envelope.get("messageId").and_then(Value::as_str);
    match id.filter(|id| !id.contains(char::is_control)) {
        Some(id) => event.id(id),
        None => event,
    }
}

/// Counts open streams.
struct Open(metrics::Gauge);

impl Open {
    fn new() -> Self {
        let gauge = metrics::gauge!(EVENT_STREAMS);
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}
