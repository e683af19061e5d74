//! WebSockets of the contract: each is opened, its callers' examples are said, and whatever comes
//! is held against the messages that the server may send.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::stream::SplitSink;
use futures_util::{SinkExt, StreamExt};
use reqwest::{RequestBuilder, Upgraded};
use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::answer::in_words;
use crate::contract::{Said, Socket};
use crate::credentials;
use crate::report::{Complaint, Kind, Seen};
use crate::session::Session;

/// How long a server may take to open a socket.
const PATIENCE: Duration = Duration::from_secs(10);
/// Sixteen bytes in Base64, as every handshake has them.
const KEY: &str = "Y29uZm9ybWFuY2UtcnVucw==";

/// An open socket.
#[derive(Debug)]
pub(crate) struct Line<'c> {
    socket: &'c Socket<'c>,
    sink: SplitSink<WebSocketStream<Upgraded>, Message>,
    state: Arc<State>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    heard: Mutex<Heard>,
    changed: Notify,
}

/// What came so far.
#[derive(Debug, Default)]
struct Heard {
    /// JSON as it is, other text as text; bytes as `null`.
    messages: Vec<Value>,
    /// Why it ended, if it did.
    ended: Option<String>,
}

impl State {
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn listen(
        self: Arc<Self>,
        mut stream: futures_util::stream::SplitStream<WebSocketStream<Upgraded>>,
    ) {
        let ended = loop {
            let message = match stream.next().await {
                Some(Ok(Message::Text(text))) => {
                    serde_json::from_str(&text).unwrap_or_else(|_| text.as_str().into())
                }
                Some(Ok(Message::Binary(_))) => Value::Null,
                Some(Ok(Message::Close(frame))) => {
                    break frame.map_or("no code".to_owned(), |it| it.to_string());
                }
                Some(Ok(_)) => continue,
                Some(Err(error)) => break error.to_string(),
                None => break "the connection ended".to_owned(),
            };
            self.heard().messages.push(message);
            self.changed.notify_waiters();
        };
        self.heard().ended = Some(ended);
        self.changed.notify_waiters();
    }
}

/// Opens every socket and says the examples of what callers send, all but the last message.
pub(crate) async fn open_all(session: &mut Session<'_>) {
    for socket in &session.contract.sockets {
        let Some(path) = &socket.path else {
            let wanted = "an example of each parameter of its address";
            let complaint = Complaint::new("open", &socket.at, wanted, "none");
            session.gap(complaint, socket.id, "give the parameter `examples`");
            continue;
        };
        let url = format!("{}{path}", session.url);
        if socket.is_guarded {
            refused(session, socket, &url).await;
        }
        let headers = session.options.headers.clone();
        match open(asking(session, socket, &url, &headers)).await {
            Ok(stream) => {
                let (sink, stream) = stream.split();
                let state = Arc::new(State::default());
                let task = tokio::spawn(Arc::clone(&state).listen(stream));
                let mut line = Line { socket, sink, state, task };
                let first = socket.received.len().saturating_sub(1).max(1);
                for said in socket.received.iter().take(first) {
                    say(session, &mut line, said).await;
                }
                session.lines.push(line);
            }
            Err(got) => {
                let complaint = Complaint::new("open", &socket.at, format!("101 at {path}"), got);
                session.add(complaint.about(Kind::Failure, socket.id));
            }
        }
    }
}

/// Says the last, and judges all that came; how many of each message did.
pub(crate) async fn settle(session: &mut Session<'_>) -> Vec<Seen> {
    let mut seen = Vec::new();
    for mut line in std::mem::take(&mut session.lines) {
        let socket = line.socket;
        if let Some(said) = socket.received.iter().skip(1).last() {
            say(session, &mut line, said).await;
        }
        // Before it is closed: the server answers that by closing it too.
        let heard = std::mem::take(&mut *line.state.heard());
        line.task.abort();
        let _ = line.sink.close().await;
        let mut counts: BTreeMap<&str, usize> =
            socket.sent.iter().map(|said| (said.message.name, 0)).collect();
        for message in &heard.messages {
            match which(socket, message) {
                Ok(said) => *counts.entry(said.message.name).or_default() += 1,
                Err(got) => {
                    let wanted = "a message that the channel sends";
                    let complaint = Complaint::new("message", &socket.at, wanted, got);
                    session.add(complaint.about(Kind::Failure, socket.id));
                }
            }
        }
        if let Some(why) = heard.ended {
            let complaint = Complaint::new("end", &socket.at, "a socket that stays open", why);
            session.add(complaint.about(Kind::Failure, socket.id));
        }
        seen.extend(
            counts.into_iter().map(|(message, count)| Seen {
                message: format!("{}/{message}", socket.id),
                count,
            }),
        );
    }
    seen
}

/// Who has no credentials gets 401, before there is a socket.
async fn refused(session: &mut Session<'_>, socket: &Socket<'_>, url: &str) {
    let names = &session.contract.credential_headers;
    let none = credentials::headers(session.options, names, Some(credentials::NONE));
    let Ok(headers) = none else { return };
    let answer = timeout(PATIENCE, asking(session, socket, url, &headers).send()).await;
    let got = match answer {
        Ok(Ok(answer)) if answer.status() == 401 => return,
        Ok(Ok(answer)) => answer.status().to_string(),
        Ok(Err(error)) => in_words(&error),
        Err(_) => "no answer".to_owned(),
    };
    let complaint = Complaint::new("no credential", &socket.at, "401", got);
    session.add(complaint.about(Kind::Failure, socket.id));
}

/// The request that opens a socket (RFC 6455, 4.1).
fn asking(
    session: &Session<'_>,
    socket: &Socket<'_>,
    url: &str,
    headers: &[(String, String)],
) -> RequestBuilder {
    let request = session
        .client
        .get(url)
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", KEY);
    let request = socket
        .subprotocol
        .into_iter()
        .fold(request, |request, name| request.header("Sec-WebSocket-Protocol", name));
    headers.iter().fold(request, |request, (name, value)| request.header(name, value))
}

async fn open(request: RequestBuilder) -> Result<WebSocketStream<Upgraded>, String> {
    let answer = timeout(PATIENCE, request.send()).await;
    let answer = answer.map_err(|_| "no answer".to_owned())?.map_err(|error| in_words(&error))?;
    if answer.status() != 101 {
        return Err(answer.status().to_string());
    }
    let accepted = answer.headers().get("sec-websocket-accept");
    if accepted.is_none_or(|found| found.as_bytes() != derive_accept_key(KEY.as_bytes()).as_bytes())
    {
        return Err("101 to another `Sec-WebSocket-Key`".to_owned());
    }
    let upgraded = answer.upgrade().await.map_err(|error| in_words(&error))?;
    Ok(WebSocketStream::from_raw_socket(upgraded, Role::Client, None).await)
}

/// Says the examples of a message; what the server sends under the same name must come of each.
async fn say(session: &mut Session<'_>, line: &mut Line<'_>, said: &Said<'_>) {
    for (name, payload) in said.examples.iter().filter(|_| said.is_json) {
        let before = line.state.heard().messages.len();
        let text = session.fresh.fill(payload).to_string();
        let socket = line.socket;
        if let Err(error) = line.sink.send(Message::text(text)).await {
            let at = &said.message.at;
            let complaint = Complaint::new("send", at, "an open socket", error.to_string());
            session.add(complaint.about(Kind::Failure, socket.id));
            return;
        }
        let answers = |answer: &&Said<'_>| answer.examples.iter().any(|(it, _)| it == name);
        let Some(expected) = socket.sent.iter().find(answers) else { continue };
        let expected = expected.message.name;
        let came = |heard: &Heard| {
            let mut later = heard.messages.iter().skip(before);
            later.any(|it| which(socket, it).is_ok_and(|found| found.message.name == expected))
        };
        if !wait(&line.state, session.options.event_patience, came).await {
            let check = format!("{name}: {}", said.message.name);
            let complaint = Complaint::new(check, &said.message.at, expected, "no such message");
            session.add(complaint.about(Kind::Failure, socket.id));
        }
    }
}

/// Waits until something is true of what came, or the time is over; whether it is.
async fn wait(state: &State, patience: Duration, test: impl Fn(&Heard) -> bool) -> bool {
    let deadline = Instant::now() + patience;
    loop {
        let changed = state.changed.notified();
        {
            let heard = state.heard();
            if test(&heard) || heard.ended.is_some() {
                return test(&heard);
            }
        }
        if timeout_at(deadline, changed).await.is_err() {
            return test(&state.heard());
        }
    }
}

/// The message that something is, or why it is none that the channel sends.
fn which<'s, 'c>(socket: &'s Socket<'c>, heard: &Value) -> Result<&'s Said<'c>, String> {
    let fits = |said: &&Said<'_>| match &said.message.payload {
        _ if !said.is_json => heard.is_null() || heard.is_string(),
        Some(schema) => schema.accepts(heard),
        None => true,
    };
    if let Some(found) = socket.sent.iter().find(fits) {
        return Ok(found);
    }
    let named = heard.get("type").and_then(Value::as_str).unwrap_or_default();
    let called = socket.sent.iter().find(|said| said.message.name == named);
    Err(match called.and_then(|said| said.message.payload.as_ref()) {
        Some(schema) => {
            format!("a {named} that breaks its schema: {}", schema.violations(heard).join("; "))
        }
        None => format!("one of type `{named}`"),
    })
}
