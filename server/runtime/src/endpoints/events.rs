//! The live tail of a caller's events as a text/event-stream (HTML Standard, 9.2).

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use http::request::Parts;
use serde_json::Value;

use crate::answers::problem;
use crate::dispatch::{Answered, Dispatcher, Seen};
use crate::observation::EVENT_STREAMS;
use crate::serving::Drain;
use crate::{Principal, Requirement};

const RETRY: Duration = Duration::from_secs(2);

/// A refused caller may find a place free after this many seconds.
const RETRY_AFTER_S: u64 = 5;

/// What goes out on the stream of events.
#[derive(Debug, Clone, PartialEq)]
pub enum Live {
    /// The envelope of an event as JSON; its `messageId` is the event's id.
    Envelope(Value),
    /// A comment, on one line: programs skip it.
    Comment(String),
}

impl From<Value> for Live {
    fn from(envelope: Value) -> Self {
        Self::Envelope(envelope)
    }
}

/// Opens the stream of the events a caller may see, from the one after this id on.
pub(crate) type EventSource =
    Arc<dyn Fn(&Principal, Option<&str>) -> BoxStream<'static, Live> + Send + Sync>;

/// The endpoint's requirement and source, and who has it open.
pub(crate) struct Events {
    pub(crate) requirement: Requirement,
    pub(crate) source: EventSource,
    pub(crate) watchers: Watchers,
}

impl Events {
    pub(crate) async fn answer(
        &self,
        dispatcher: &Dispatcher,
        parts: &Parts,
        seen: &mut Seen,
    ) -> Answered {
        let schemes = &dispatcher.schemes;
        match schemes.admit(&[&[self.requirement]], parts).await {
            Ok(admitted) => seen.recognise(admitted.principal()),
            Err(refusal) => return refusal.into(),
        }
        let (tenant, limit) = (&seen.principal.tenant, dispatcher.streams_limit);
        let Some(watching) = self.watchers.enter(tenant, limit) else {
            let detail = format!("a tenant has at most {limit} streams of events open");
            let reply = problem::reply(&problem::RATE_LIMITED, &detail);
            return reply.header("Retry-After", &RETRY_AFTER_S).into();
        };
        let last = parts.headers.get("last-event-id").and_then(|id| id.to_str().ok());
        let events = (self.source)(&seen.principal, last).map(move |live| {
            let _ = &watching;
            match live {
                Live::Envelope(envelope) => event(&envelope),
                Live::Comment(text) => Event::default().comment(text.replace(['\r', '\n'], " ")),
            }
        });
        let hello = Event::default().comment("open").retry(RETRY);
        let events = stream::iter([hello]).chain(events).map(Ok::<_, Infallible>);
        let events = match parts.extensions.get::<Drain>().cloned() {
            Some(drain) => events.take_until(drain.begun()).boxed(),
            None => events.boxed(),
        };
        let heartbeat = KeepAlive::new().interval(dispatcher.heartbeat).text("heartbeat");
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

/// How many streams each tenant has open. A clone is the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watchers(Arc<Mutex<HashMap<String, usize>>>);

/// One open stream, until it is dropped.
struct Watching {
    watchers: Watchers,
    tenant: String,
    gauge: metrics::Gauge,
}

impl Watchers {
    /// One stream more of a tenant; none if it has as many as it may.
    fn enter(&self, tenant: &str, limit: usize) -> Option<Watching> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.get(tenant).copied().unwrap_or(0);
        if count >= limit {
            return None;
        }
        open.insert(tenant.to_owned(), count + 1);
        let gauge = metrics::gauge!(EVENT_STREAMS);
        gauge.increment(1.0);
        Some(Watching { watchers: self.clone(), tenant: tenant.to_owned(), gauge })
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.gauge.decrement(1.0);
        let mut open = self.watchers.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = open.get(&self.tenant).map_or(0, |count| count - 1);
        match left {
            0 => drop(open.remove(&self.tenant)),
            left => drop(open.insert(self.tenant.clone(), left)),
        }
    }
}
