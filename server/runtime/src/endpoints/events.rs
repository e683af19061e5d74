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
use tracing::Instrument;

use crate::dispatch::{Answered, Dispatcher, Seen};
use crate::observation::EVENT_STREAMS;
use crate::{Principal, Requirement};

const RETRY: Duration = Duration::from_secs(2);

/// What goes out on the stream of events.
#[derive(Debug, Clone, PartialEq)]
pub enum Live {
    /// The envelope of an event as JSON; its `messageId` is the event's id.
    Envelope(Value),
    /// A comment, on one line: programs skip it.
    Comment(String),
    /// The id of the event before the next one, whether this caller has seen it or not: one that is
    /// cut off before it has seen any comes back with this.
    Place(String),
}

impl From<Value> for Live {
    fn from(envelope: Value) -> Self {
        Self::Envelope(envelope)
    }
}

/// Opens the stream of the events a caller may see, from the one after this id on.
pub(crate) type EventSource =
    Arc<dyn Fn(&Principal, Option<&str>) -> BoxStream<'static, Live> + Send + Sync>;

/// The endpoint's requirement and source.
pub(crate) struct Events {
    pub(crate) requirement: Requirement,
    pub(crate) source: EventSource,
}

impl Events {
    pub(crate) async fn answer(
        &self,
        dispatcher: &Dispatcher,
        parts: &Parts,
        seen: &mut Seen,
    ) -> Answered {
        let (schemes, address) = (&dispatcher.schemes, dispatcher.rates.address(parts));
        match schemes.admit(&[&[self.requirement]], parts, address).await {
            Ok(admitted) => seen.recognise(admitted.principal()),
            Err(refusal) => return refusal.into(),
        }
        let security: &[&[Requirement]] = &[&[self.requirement]];
        let stay = match dispatcher.stay(security, parts.clone(), &seen.principal) {
            Ok(stay) => stay,
            Err(full) => return full.reply().into(),
        };
        let gauged = Gauged::begin();
        let last = parts.headers.get("last-event-id").and_then(|id| id.to_str().ok());
        let events = (self.source)(&seen.principal, last).map(move |live| {
            let _ = &gauged;
            match live {
                Live::Envelope(envelope) => event(&envelope),
                Live::Comment(text) => Event::default().comment(text.replace(['\r', '\n'], " ")),
                Live::Place(id) => identified(Event::default(), Some(&id)),
            }
        });
        let hello = Event::default().comment("open").retry(RETRY);
        let events = stream::iter([hello]).chain(events).map(Ok::<_, Infallible>);
        let events = events.take_until(stay.over().in_current_span());
        let heartbeat = KeepAlive::new().interval(dispatcher.heartbeat).text("heartbeat");
        Answered::Response(Sse::new(events).keep_alive(heartbeat).into_response())
    }
}

/// One envelope a `data:` line, with its message id as the event's id.
fn event(envelope: &Value) -> Event {
    let event = Event::default().data(envelope.to_string());
    identified(event, envelope.get("messageId").and_then(Value::as_str))
}

/// An event with this id, where it can be one.
fn identified(event: Event, id: Option<&str>) -> Event {
    match id.filter(|id| !id.contains(char::is_control)) {
        Some(id) => event.id(id),
        None => event,
    }
}

/// One open stream in the metrics, until it is dropped.
struct Gauged(metrics::Gauge);

impl Gauged {
    fn begin() -> Self {
        let gauge = metrics::gauge!(EVENT_STREAMS);
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for Gauged {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}
