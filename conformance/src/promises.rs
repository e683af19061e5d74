//! Events: which ones are due, whether they came, and whether each is what the contract says.

use std::collections::BTreeMap;

use serde_json::Value;
use symbolon_codegen::source::Cursor;

use crate::contract::{Events, Message};
use crate::envelopes;
use crate::report::{Complaint, Kind, Seen};
use crate::session::Session;
use crate::tail::{self, Tail};

/// What a request must cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Promised {
    /// The event.
    Event,
    /// No such event: nothing was done.
    Nothing,
}

/// An event that a request must cause, or must not.
#[derive(Debug)]
pub(crate) struct Promise<'c> {
    pub(crate) message: &'c str,
    pub(crate) promised: Promised,
    pub(crate) correlation_id: String,
    pub(crate) operation: String,
    pub(crate) cause: String,
    pub(crate) curl: String,
    pub(crate) at: Cursor<'c>,
}

/// Opens the live tail of events.
pub(crate) async fn listen(session: &mut Session<'_>) {
    let Some(events) = &session.contract.events else {
        let emitting = session.contract.operations.iter().find(|one| !one.emits.is_empty());
        if let Some(operation) = emitting {
            let complaint = Complaint::new("events", &operation.at, "its events", "none to judge");
            session.gap(complaint, &operation.id, "pass --asyncapi FILE");
        }
        return;
    };
    let servers = events.at.get("servers").unwrap_or_else(|| events.at.clone());
    let Some(pathname) = events.pathname else {
        let complaint = Complaint::new("tail", &servers, "a server of protocol sse", "none");
        session.gap(complaint, "events", "describe where the events can be watched");
        return;
    };
    let url = format!("{}{pathname}", session.url);
    match Tail::open(&session.client, &url, &session.options.headers).await {
        Ok(tail) => session.tail = Some(tail),
        Err(got) => {
            let wanted = format!("200 text/event-stream at {pathname}");
            let complaint = Complaint::new("tail", &servers, wanted, got);
            session.add(complaint.about(Kind::Failure, "events"));
        }
    }
}

/// Waits for the events that are due and judges all that came; how many of each message did.
pub(crate) async fn settle(session: &mut Session<'_>) -> Vec<Seen> {
    let contract = session.contract;
    let Some(events) = &contract.events else { return Vec::new() };
    let promises = std::mem::take(&mut session.promises);
    let mut counts: BTreeMap<&str, usize> =
        events.messages.iter().map(|message| (message.name, 0)).collect();
    if let Some(tail) = session.tail.take() {
        let due = || promises.iter().filter(|promise| promise.promised == Promised::Event);
        tail.wait(session.options.event_patience, |seen| due().all(|one| came(events, one, seen)))
            .await;
        let seen = tail.close();
        for event in &seen.events {
            if let Some(name) = judge(session, events, event) {
                *counts.entry(name).or_default() += 1;
            }
        }
        for disorder in envelopes::judge(&seen.events) {
            let complaint =
                Complaint::new(disorder.check, &events.at, disorder.expected, disorder.got);
            session.add(complaint.about(Kind::Failure, "events"));
        }
        if let Some(why) = &seen.ended {
            let complaint = Complaint::new("tail", &events.at, "a stream without an end", why);
            session.add(complaint.about(Kind::Failure, "events"));
        }
        for promise in &promises {
            kept(session, events, promise, &seen);
        }
    }
    let seen =
        counts.into_iter().map(|(message, count)| Seen { message: message.to_owned(), count });
    seen.collect()
}

/// The message an event says it is: `type`, or its last part (CloudEvents).
fn name_of(event: &Value) -> &str {
    event.get("type").and_then(Value::as_str).unwrap_or_default()
}

fn message_of<'e, 'c>(events: &'e Events<'c>, event: &Value) -> Option<&'e Message<'c>> {
    let name = name_of(event);
    let last = name.rsplit('.').next().unwrap_or(name);
    events.message(name).or_else(|| events.message(last))
}

fn came(events: &Events<'_>, promise: &Promise<'_>, seen: &tail::Seen) -> bool {
    seen.events.iter().any(|event| {
        message_of(events, event).is_some_and(|message| {
            message.name == promise.message
                && event.pointer(&message.correlation).and_then(Value::as_str)
                    == Some(&promise.correlation_id)
        })
    })
}

/// Judges one event; the name of its message if it is one.
fn judge<'c>(session: &mut Session<'_>, events: &'c Events<'_>, event: &Value) -> Option<&'c str> {
    let Some(message) = message_of(events, event) else {
        let got = format!("`{}`", name_of(event));
        let complaint = Complaint::new("type", &events.at, "a message of the document", got);
        session.add(complaint.about(Kind::Failure, "events"));
        return None;
    };
    let schema = message.payload.as_ref()?;
    let violations = schema.violations(event);
    if !violations.is_empty() {
        let at = message.at.get("payload").unwrap_or_else(|| message.at.clone());
        let complaint = Complaint::new("event schema", &at, "its schema", violations.join("; "));
        session.add(complaint.about(Kind::Failure, message.name));
        return None;
    }
    Some(message.name)
}

fn kept(session: &mut Session<'_>, events: &Events<'_>, promise: &Promise<'_>, seen: &tail::Seen) {
    let Promise { message, correlation_id, cause, at, .. } = promise;
    let expected = match (promise.promised, came(events, promise, seen)) {
        (Promised::Event, true) | (Promised::Nothing, false) => return,
        (Promised::Event, false) => format!("{message} with correlation id {correlation_id}"),
        (Promised::Nothing, true) => format!("no {message}, since nothing was done"),
    };
    let got = match promise.promised {
        Promised::Event => format!("none in {} s", session.options.event_patience.as_secs()),
        Promised::Nothing => "one".to_owned(),
    };
    let check = format!("{cause}: event {message}");
    let mut finding =
        Complaint::new(check, at, expected, got).about(Kind::Failure, &promise.operation);
    finding.curl = Some(promise.curl.clone());
    session.add(finding);
}
