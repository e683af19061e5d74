//! A server of the notes contract, right or with one fault.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, Method, Response, StatusCode};
use axum::response::IntoResponse;
use axum::response::sse::{Event, Sse};
use axum::routing::get;
use futures_util::{SinkExt, StreamExt};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::sync::broadcast::{self, Sender};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

/// What is wrong with the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    WrongStatus,
    UndocumentedStatus,
    MissingHeader,
    HeaderOffSchema,
    WrongMediaType,
    BodyOffSchema,
    FormatOffSchema,
    EchoSwapped,
    FilterIgnored,
    WrongRecord,
    OthersRecordShown,
    AnonymousAccepted,
    GuestAccepted,
    CorrelationLost,
    UndocumentedCode,
    WrongCode,
    ProblemWithoutBody,
    ProblemRepeatsValue,
    ErrorPlaceMissing,
    KeyIgnored,
    OtherBodyAccepted,
    TwoEffectsAtOnce,
    NothingInFlight,
    LimitIgnored,
    ItemRepeated,
    ItemLost,
    NoEvents,
    EventMissing,
    EventOffSchema,
    EventUnknown,
    EventOnReplay,
    EventOfAnotherTenant,
    EventsOutOfOrder,
    HugeBodyAccepted,
    AnyMediaTypeAccepted,
    SocketMissing,
    SocketForAnybody,
    SocketSilent,
    SocketOffSchema,
    SocketClosed,
}

struct Notes {
    fault: Fault,
    state: Mutex<Stored>,
    events: Sender<Value>,
}

#[derive(Default)]
struct Stored {
    notes: Vec<Value>,
    keys: HashMap<String, (Value, Option<Value>)>,
    count: u64,
}

/// Starts the server; where it answers.
pub(crate) async fn start(fault: Fault) -> String {
    let (events, _) = broadcast::channel(1000);
    let notes = Arc::new(Notes { fault, state: Mutex::default(), events });
    let router = Router::new().route("/events", get(tail));
    let router = router.route("/talk/red", get(talk)).fallback(answer).with_state(notes);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn tail(State(notes): State<Arc<Notes>>) -> Response<Body> {
    if notes.fault == Fault::NoEvents {
        return StatusCode::NOT_FOUND.into_response();
    }
    let receiver = notes.events.subscribe();
    let events = futures_util::stream::unfold(receiver, |mut receiver| async move {
        let event = receiver.recv().await.ok()?;
        Some((Ok::<_, Infallible>(Event::default().data(event.to_string())), receiver))
    });
    Sse::new(events).into_response()
}

/// Opens a socket that says what it is told, or something else.
async fn talk(State(notes): State<Arc<Notes>>, mut request: Request) -> Response<Body> {
    let fault = notes.fault;
    let is_known = !text(request.headers(), AUTHORIZATION.as_str()).is_empty();
    if fault == Fault::SocketMissing {
        return StatusCode::NOT_FOUND.into_response();
    }
    if !is_known && fault != Fault::SocketForAnybody {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let key = derive_accept_key(text(request.headers(), "sec-websocket-key").as_bytes());
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let io = TokioIo::new(upgrade.await.unwrap());
        let mut socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
        while let Some(Ok(Message::Text(heard))) = socket.next().await {
            let heard: Value = serde_json::from_str(&heard).unwrap();
            let said = match fault {
                Fault::SocketSilent => continue,
                Fault::SocketClosed => break,
                Fault::SocketOffSchema => json!({ "said": 7 }),
                _ => json!({ "said": heard["say"] }),
            };
            let _ = socket.send(Message::text(said.to_string())).await;
        }
        let _ = socket.close(None).await;
    });
    Response::builder()
        .status(101)
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-accept", key)
        .body(Body::empty())
        .unwrap()
}

async fn answer(State(notes): State<Arc<Notes>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let correlation = match notes.fault {
        Fault::CorrelationLost => "made-up".to_owned(),
        _ => text(&parts.headers, "x-correlation-id"),
    };
    let limit = if notes.fault == Fault::HugeBodyAccepted { usize::MAX } else { 64 << 10 };
    let body = to_bytes(body, limit).await;
    let who = text(&parts.headers, AUTHORIZATION.as_str());
    let path = parts.uri.path().trim_matches('/').to_owned();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let outcome = match (&parts.method, path.split_once('/')) {
        _ if who.is_empty() && notes.fault != Fault::AnonymousAccepted => {
            Err(problem(401, "unauthenticated", "A token is needed"))
        }
        (&Method::POST, None) => match body {
            Ok(body) => notes.create(&parts.headers, &body, &correlation, &who).await,
            Err(_) => Err(problem(413, "payload-too-large", "The body is too large")),
        },
        (_, None) => notes.list(&query),
        (_, Some((_, id))) => notes.read(id, &who),
    };
    notes.respond(outcome, &correlation)
}

type Outcome = Result<(u16, Value), (u16, Value)>;

fn problem(status: u16, code: &str, title: &str) -> (u16, Value) {
    let type_ = format!("urn:notes:{code}");
    (status, json!({"type": type_, "title": title, "status": status, "code": code}))
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

impl Notes {
    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    async fn create(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        correlation: &str,
        who: &str,
    ) -> Outcome {
        if who.ends_with("guest") && !self.is(Fault::GuestAccepted) {
            return Err(problem(403, "forbidden", "Guests only read"));
        }
        let json = text(headers, CONTENT_TYPE.as_str()) == "application/json";
        if !json && !self.is(Fault::AnyMediaTypeAccepted) {
            let title = "The media type is not supported";
            return Err(problem(415, "unsupported-media-type", title));
        }
        let Ok(new) = serde_json::from_slice::<Value>(body) else {
            return Err(problem(400, "invalid-request", "The request breaks the contract"));
        };
        let key = text(headers, "idempotency-key");
        if let Some(known) = self.known(&key, &new) {
            if let (Ok((_, note)), true) = (&known, self.is(Fault::EventOnReplay)) {
                self.emit(&note["noteId"], correlation);
            }
            return known;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        let note = self.store(&key, new);
        self.emit(&note["noteId"], correlation);
        Ok((if self.is(Fault::WrongStatus) { 200 } else { 201 }, note))
    }

    /// The answer to a key that was seen before; takes the key if it was not.
    fn known(&self, key: &str, new: &Value) -> Option<Outcome> {
        if self.is(Fault::KeyIgnored) {
            return None;
        }
        let mut state = self.state.lock().unwrap();
        match state.keys.get(key) {
            Some((_, None)) if self.is(Fault::TwoEffectsAtOnce) => None,
            Some((_, None)) if self.is(Fault::NothingInFlight) => Some(Err(problem(
                422,
                "idempotency-key-reused",
                "The key was used for another request",
            ))),
            Some((_, None)) => {
                let title = "A request with this key is under way";
                Some(Err(problem(409, "idempotency-in-flight", title)))
            }
            Some((old, Some(note))) if old == new || self.is(Fault::OtherBodyAccepted) => {
                Some(Ok((200, note.clone())))
            }
            Some(_) => {
                let title = "The key was used for another request";
                Some(Err(problem(422, "idempotency-key-reused", title)))
            }
            None => {
                state.keys.insert(key.to_owned(), (new.clone(), None));
                None
            }
        }
    }

    fn store(&self, key: &str, new: Value) -> Value {
        let mut state = self.state.lock().unwrap();
        state.count += 1;
        let mut note = new.clone();
        note["noteId"] = json!(format!("00000000-0000-4000-8000-{:012}", state.count));
        if self.is(Fault::EchoSwapped) {
            note["text"] = json!("Something else");
        }
        state.notes.push(note.clone());
        state.keys.insert(key.to_owned(), (new, Some(note.clone())));
        note
    }

    fn emit(&self, id: &Value, correlation: &str) {
        let message = id.clone();
        let mut event = json!({"type": "NoteCreated", "messageId": message,
            "correlationId": correlation, "data": {"noteId": id},
            "tenantId": "owner", "aggregateId": id, "version": 1});
        match self.fault {
            Fault::EventOfAnotherTenant => event["tenantId"] = correlation.into(),
            Fault::EventsOutOfOrder => {
                let mut later = event.clone();
                later["version"] = json!(2);
                later["messageId"] = json!("00000000-0000-4000-8000-00000000ffff");
                // No one may be listening.
                let _ = self.events.send(later);
            }
            Fault::EventMissing => return,
            Fault::EventOffSchema => event["data"] = json!({}),
            Fault::EventUnknown => event["type"] = json!("NoteMade"),
            _ => {}
        }
        // No one may be listening.
        let _ = self.events.send(event);
    }

    fn list(&self, query: &str) -> Outcome {
        let parameter = |name: &str| {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.filter(|(known, _)| *known == name).map(|(_, value)| value.to_owned()).next()
        };
        let start = parameter("cursor").map_or(Ok(0), |cursor| cursor.parse::<usize>());
        let Ok(start) = start else {
            let (status, mut body) =
                problem(400, "invalid-request", "The request breaks the contract");
            if !self.is(Fault::ErrorPlaceMissing) {
                body["errors"] = json!([{"in": "query", "pointer": "/cursor", "code": "cursor"}]);
            }
            return Err((status, body));
        };
        let limit = parameter("limit").and_then(|limit| limit.parse().ok()).unwrap_or(20);
        let limit = if self.is(Fault::LimitIgnored) { 20 } else { limit };
        let color = parameter("color").filter(|_| !self.is(Fault::FilterIgnored));
        let state = self.state.lock().unwrap();
        let fits = |note: &&Value| color.as_deref().is_none_or(|color| note["color"] == *color);
        let found: Vec<&Value> = state.notes.iter().filter(fits).collect();
        let items: Vec<&&Value> = found.iter().skip(start).take(limit).collect();
        let next = match self.fault {
            Fault::ItemRepeated => start + limit - 1,
            Fault::ItemLost if limit < 10 => start + limit + 1,
            _ => start + limit,
        };
        let mut page = json!({"items": items});
        if start + limit < found.len() {
            page["next"] = json!(next.to_string());
        }
        Ok((200, page))
    }

    fn read(&self, id: &str, who: &str) -> Outcome {
        let state = self.state.lock().unwrap();
        let hidden = who.ends_with("stranger") && !self.is(Fault::OthersRecordShown);
        let found = state.notes.iter().find(|note| note["noteId"] == id && !hidden);
        match found {
            Some(_) if self.is(Fault::WrongRecord) => {
                let mut other = state.notes[0].clone();
                other["noteId"] = json!("00000000-0000-4000-8000-00000000ffff");
                Ok((200, other))
            }
            Some(_) if self.is(Fault::UndocumentedStatus) => Ok((203, json!({}))),
            Some(note) => Ok((200, note.clone())),
            None => Err(problem(404, "not-found", "No such note")),
        }
    }

    fn respond(&self, outcome: Outcome, correlation: &str) -> Response<Body> {
        let is_problem = outcome.is_err();
        let (status, mut body) = outcome.unwrap_or_else(|problem| problem);
        let mut response = Response::builder().status(status);
        if is_problem {
            self.spoil(&mut body);
            body["correlationId"] = json!(correlation);
        } else if let (Some(id), false) = (body["noteId"].as_str(), self.is(Fault::MissingHeader)) {
            let location = format!("/notes/{id}");
            let spoilt = self.is(Fault::HeaderOffSchema);
            response =
                response.header(LOCATION, if spoilt { "not a uri^".to_owned() } else { location });
        }
        if self.is(Fault::BodyOffSchema) && body.get("noteId").is_some() {
            body.as_object_mut().unwrap().remove("color");
        }
        if self.is(Fault::FormatOffSchema) && body.get("noteId").is_some() {
            body["noteId"] = json!("1");
        }
        let media_type = match (is_problem, self.fault) {
            (_, Fault::WrongMediaType) => "text/plain",
            (true, Fault::ProblemWithoutBody) => "application/json",
            (true, _) => "application/problem+json",
            (false, _) => "application/json",
        };
        let response = response.header("x-correlation-id", correlation);
        response.header(CONTENT_TYPE, media_type).body(Body::from(body.to_string())).unwrap()
    }

    fn spoil(&self, problem: &mut Value) {
        match self.fault {
            Fault::UndocumentedCode if problem["status"] == 404 => problem["code"] = json!("gone"),
            Fault::WrongCode if problem["status"] == 404 => {
                problem["code"] = json!("unauthenticated")
            }
            Fault::ProblemRepeatsValue => problem["detail"] = json!("it was a name/with ä slash"),
            _ => {}
        }
    }
}
