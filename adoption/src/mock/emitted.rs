//! The events of a mock: an example of every message, then those that operations emit.

use std::collections::BTreeMap;

use futures_util::StreamExt;
use futures_util::stream::{self, Stream};
use serde_json::Value;
use tokio::sync::broadcast;

use crate::contract::{Contract, Direction, Schema};
use crate::sample::sample;

/// How many events a slow reader may lag behind.
const BEHIND: usize = 256;

/// What a mock emits.
#[derive(Debug)]
pub(super) struct Emitted {
    messages: BTreeMap<&'static str, Value>,
    live: broadcast::Sender<Value>,
}

impl Emitted {
    /// An example of every message of the contract, given or made.
    pub(super) fn new(contract: &Contract, seed: u64) -> Self {
        let messages = contract.messages.iter().filter_map(|(name, at)| {
            let examples = at.value.get("examples").and_then(Value::as_array);
            let shown = examples.and_then(|list| list.iter().find_map(|one| one.get("payload")));
            let payload = at.get("payload");
            let schema = payload.map(|payload| Schema::new(payload, Direction::Response));
            let made = || schema.map(|schema| sample(&schema, seed).value);
            Some((*name, shown.cloned().or_else(made)?))
        });
        Self { messages: messages.collect(), live: broadcast::channel(BEHIND).0 }
    }

    /// Emits the messages of these names, as caused by a request of this correlation id.
    pub(super) fn publish(&self, names: &[&'static str], correlation_id: Option<&str>) {
        for message in names.iter().filter_map(|name| self.messages.get(name)) {
            let mut message = message.clone();
            if let (Some(id), Some(member)) = (correlation_id, message.get_mut("correlationId")) {
                *member = id.into();
            }
            // Nobody may be listening.
            let _ = self.live.send(message);
        }
    }

    /// Every message once, then what is emitted from now on.
    pub(super) fn open(&self) -> impl Stream<Item = Value> + Send + use<> {
        let all: Vec<Value> = self.messages.values().cloned().collect();
        let live = stream::unfold(self.live.subscribe(), |mut live| async move {
            loop {
                match live.recv().await {
                    Ok(message) => return Some((message, live)),
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return None,
                }
            }
        });
        stream::iter(all).chain(live)
    }
}
