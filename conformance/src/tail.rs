//! The server's live tail of events (text/event-stream; HTML Standard, 9.2).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::{Client, Response};
use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use crate::answer::in_words;

/// How long a server may take to open the stream.
const PATIENCE: Duration = Duration::from_secs(10);

/// An open stream of events.
#[derive(Debug)]
pub(crate) struct Tail {
    state: Arc<State>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    seen: Mutex<Seen>,
    changed: Notify,
}

/// What the stream brought so far.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Every event's data; text where it is not JSON.
    pub(crate) events: Vec<Value>,
    /// Why the stream ended, if it did.
    pub(crate) ended: Option<String>,
}

impl Tail {
    /// Opens the stream.
    ///
    /// # Errors
    /// What the server answered instead.
    pub(crate) async fn open(
        client: &Client,
        url: &str,
        headers: &[(String, String)],
    ) -> Result<Self, String> {
        let mut request = client.get(url).header("Accept", "text/event-stream");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = timeout(PATIENCE, request.send()).await;
        let response =
            answer.map_err(|_| "no answer".to_owned())?.map_err(|error| in_words(&error))?;
        let status = response.status().as_u16();
        let media_type = response.headers().get("content-type");
        let media_type = media_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
        if status != 200 || !media_type.starts_with("text/event-stream") {
            return Err(format!("{status} {media_type}").trim_end().to_owned());
        }
        let state = Arc::new(State::default());
        let task = tokio::spawn(listen(response, state.clone()));
        Ok(Self { state, task })
    }

    /// Waits until the events satisfy the test, or the time is over; whether they do.
    pub(crate) async fn wait(&self, patience: Duration, test: impl Fn(&Seen) -> bool) -> bool {
        let deadline = Instant::now() + patience;
        loop {
            let changed = self.state.changed.notified();
            {
                let seen = self.state.seen();
                if test(&seen) {
                    return true;
                }
                if seen.ended.is_some() {
                    return false;
                }
            }
            if timeout_at(deadline, changed).await.is_err() {
                return test(&self.state.seen());
            }
        }
    }

    /// Ends the stream; what it brought.
    pub(crate) fn close(self) -> Seen {
        self.task.abort();
        std::mem::take(&mut *self.state.seen())
    }
}

impl State {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn listen(mut response: Response, state: Arc<State>) {
    let mut parser = Parser::default();
    let ended = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                let events = parser.feed(&chunk);
                state.seen().events.extend(events);
                state.changed.notify_waiters();
            }
            Ok(None) => break "the server closed the stream".to_owned(),
            Err(error) => break in_words(&error),
        }
    };
    state.seen().ended = Some(ended);
    state.changed.notify_waiters();
}

/// Turns bytes of a stream into the data of its events.
#[derive(Debug, Default)]
struct Parser {
    pending: Vec<u8>,
    data: Option<String>,
}

impl Parser {
    fn feed(&mut self, chunk: &[u8]) -> Vec<Value> {
        self.pending.extend_from_slice(chunk);
        let mut events = Vec::new();
        while let Some(end) = self.pending.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.pending.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\r', '\n']);
            if line.is_empty() {
                events.extend(
                    self.data
                        .take()
                        .map(|data| serde_json::from_str(&data).unwrap_or(Value::String(data))),
                );
            } else if let Some(data) = line.strip_prefix("data:") {
                let data = data.strip_prefix(' ').unwrap_or(data);
                match &mut self.data {
                    Some(known) => {
                        known.push('\n');
                        known.push_str(data);
                    }
                    None => self.data = Some(data.to_owned()),
                }
            }
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Parser;

    #[test]
    fn events_are_joined_and_told_apart() {
        let mut parser = Parser::default();
        assert!(parser.feed(b": open\r\n\r\nid: 1\ndata: {\"a\":\nda").is_empty());
        assert_eq!(parser.feed(b"ta: 1}\n\ndata:x\n\n"), [json!({"a": 1}), json!("x")]);
    }
}
