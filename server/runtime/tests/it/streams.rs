//! Streams over a socket: each item when it is there, and nothing after the caller is gone.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde::Serialize;
use symbolon_server::{
    Call, Info, Input, Method, Operation, Outcome, Principal, Rejected, Reply, Requirement, Routes,
    Unauthenticated,
};
use symbolon_wire::{Event, Events, Lines, Parameter, StreamError, Validate};
use tokio::sync::{mpsc, oneshot};
use tower::ServiceExt;

use crate::toy::{Door, Nothing, Toy};

#[derive(Debug, Serialize)]
struct News {
    title: &'static str,
}

type Source = mpsc::UnboundedReceiver<Result<Event<News>, StreamError>>;

struct Request {
    last_event_id: Option<String>,
}

impl Validate for Request {}

enum Response {
    Events(Events<News>),
    Lines(Lines<News>),
}

struct Watch;

impl Operation for Watch {
    type Request = Request;
    type Response = Response;
    type Error = Nothing;
    type Principal = symbolon_server::Anonymous;
    const INFO: Info = Info::new("watch", Method::GET, "/v1/news");

    fn decode(input: &mut Input) -> Result<Request, Rejected> {
        let last_event_id = input.optional(Parameter::header("Last-Event-ID"));
        Ok(Request { last_event_id: last_event_id? })
    }

    fn encode(answer: Result<Response, Nothing>) -> Reply {
        match answer {
            Ok(Response::Events(body)) => Reply::events(200, body),
            Ok(Response::Lines(body)) => Reply::lines(200, "application/json-seq", body),
            Err(error) => match error {},
        }
    }
}

struct Desk {
    source: Mutex<Option<Source>>,
    seen: Mutex<Option<String>>,
}

impl Desk {
    async fn watch(&self, call: Call<Watch>) -> Outcome<Watch> {
        self.seen.lock().unwrap().clone_from(&call.request.last_event_id);
        let source = self.source.lock().unwrap().take();
        Ok(match source {
            Some(source) => Response::Events(Events::new(stream::unfold(source, |mut source| {
                Box::pin(async move { Some((source.recv().await?, source)) })
            }))),
            None => Response::Lines(Lines::of(stream::iter([
                News { title: "one" },
                News { title: "two" },
            ]))),
        })
    }
}

struct Running {
    url: String,
    desk: Arc<Desk>,
    send: mpsc::UnboundedSender<Result<Event<News>, StreamError>>,
    stop: oneshot::Sender<()>,
    server: tokio::task::JoinHandle<std::io::Result<()>>,
}

async fn run() -> Running {
    let (send, source) = mpsc::unbounded_channel();
    let desk = Arc::new(Desk { source: Mutex::new(Some(source)), seen: Mutex::new(None) });
    let routes = Routes::new(Arc::clone(&desk))
        .on::<Watch, _, _>(|desk, call| async move { desk.watch(call).await })
        .finish();
    let toy = Toy::serving(vec![routes]);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/news", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel();
    let shutdown = async move { drop(stopped.await) };
    let server = tokio::spawn(symbolon_server::serve(listener, toy.router, shutdown));
    Running { url, desk, send, stop, server }
}

async fn until(response: &mut reqwest::Response, wanted: &str) -> String {
    let mut text = String::new();
    while !text.contains(wanted) {
        let chunk = response.chunk().await.unwrap().unwrap();
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    text
}

#[tokio::test]
async fn every_event_is_sent_when_it_is_there_until_the_caller_goes() {
    let Running { url, desk, send, stop: _stop, .. } = run().await;
    let request = reqwest::Client::new().get(url).header("Last-Event-ID", "6");
    let mut response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(desk.seen.lock().unwrap().as_deref(), Some("6"));
    let first = Event::new(News { title: "one" }).id("7").event("note");
    send.send(Ok(first)).unwrap();
    let text = until(&mut response, "one").await;
    let expected = ": keep-alive\n\nevent: note\nid: 7\ndata: {\"title\":\"one\"}\n\n";
    assert_eq!(text, expected);
    let retry = Some(Duration::from_secs(2));
    send.send(Ok(Event { retry, ..Event::new(News { title: "two" }) })).unwrap();
    let text = until(&mut response, "two").await;
    assert_eq!(text, "retry: 2000\ndata: {\"title\":\"two\"}\n\n");
    drop(response);
    send.closed().await;
}

#[tokio::test]
async fn a_stream_that_breaks_off_does_not_look_whole() {
    let Running { url, send, stop: _stop, .. } = run().await;
    let response = reqwest::get(url).await.unwrap();
    send.send(Ok(Event::new(News { title: "one" }))).unwrap();
    send.send(Err(StreamError::broken("the source is gone"))).unwrap();
    assert!(response.text().await.is_err());
}

#[tokio::test]
async fn a_stream_ends_with_the_server() {
    let Running { url, send, stop, server, .. } = run().await;
    let response = reqwest::get(url).await.unwrap();
    stop.send(()).unwrap();
    assert_eq!(response.text().await.unwrap(), ": keep-alive\n\n");
    server.await.unwrap().unwrap();
    assert!(send.is_closed());
}

#[tokio::test]
async fn lines_follow_their_media_type() {
    let Running { url, desk, stop: _stop, .. } = run().await;
    desk.source.lock().unwrap().take();
    let response = reqwest::get(url).await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json-seq");
    let expected = "\u{1e}{\"title\":\"one\"}\n\u{1e}{\"title\":\"two\"}\n";
    assert_eq!(response.text().await.unwrap(), expected);
}

struct Guarded;

impl Operation for Guarded {
    type Request = Request;
    type Response = Response;
    type Error = Nothing;
    type Principal = Principal;
    const INFO: Info = Info::new("guarded", Method::GET, "/v1/guarded")
        .security(&[&[Requirement { scheme: "oidc", scopes: &[] }]]);

    fn decode(input: &mut Input) -> Result<Request, Rejected> {
        Watch::decode(input)
    }

    fn encode(answer: Result<Response, Nothing>) -> Reply {
        Watch::encode(answer)
    }
}

/// Streams with one item and no end, to who the door lets in: events, or lines for who has seen
/// some.
fn guarded(door: Door, limit: usize) -> Toy {
    let routes = Routes::new(Arc::new(())).on::<Guarded, _, _>(|_, call| async move {
        let items = stream::iter([News { title: "one" }]).chain(stream::pending());
        Ok(match call.request.last_event_id {
            None => Response::Events(Events::of(items)),
            Some(_) => Response::Lines(Lines::of(items)),
        })
    });
    let configure = move |edge: symbolon_server::Edge| {
        edge.scheme("oidc", door).streams_limit(limit).recheck(Duration::from_millis(5))
    };
    Toy::of(configure, vec![routes.finish()])
}

async fn open(toy: &Toy, last: Option<&str>) -> axum::response::Response {
    let request = http::Request::get("/v1/guarded");
    let request = last.into_iter().fold(request, |it, last| it.header("last-event-id", last));
    let request = request.body(axum::body::Body::empty()).unwrap();
    toy.router.clone().oneshot(request).await.unwrap()
}

#[tokio::test]
async fn streams_of_operations_are_counted_as_well() {
    let toy = guarded(Door::open(), 1);
    let first = open(&toy, None).await;
    let refused = open(&toy, Some("1")).await;
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["retry-after"]),
        (429, &"5".parse().unwrap())
    );
    drop(first);
    assert_eq!(open(&toy, Some("1")).await.status(), 200);
}

#[tokio::test]
async fn events_end_with_their_credentials_and_other_items_break_off() {
    let door = Door::open();
    let toy = guarded(door.clone(), 2);
    let (events, lines) = (open(&toy, None).await, open(&toy, Some("1")).await);
    door.say(Err(Unauthenticated::Invalid { reason: "token has expired" }));
    let events = axum::body::to_bytes(events.into_body(), usize::MAX).await.unwrap();
    assert_eq!(events, ": keep-alive\n\ndata: {\"title\":\"one\"}\n\n");
    assert!(axum::body::to_bytes(lines.into_body(), usize::MAX).await.is_err());
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Whole {
    Text { data: &'static str },
    Point { id: &'static str, data: News },
}

struct Wholes;

impl Operation for Wholes {
    type Request = Request;
    type Response = Events<Whole>;
    type Error = Nothing;
    type Principal = symbolon_server::Anonymous;
    const INFO: Info = Info::new("wholes", Method::GET, "/v1/wholes");

    fn decode(_: &mut Input) -> Result<Request, Rejected> {
        Ok(Request { last_event_id: None })
    }

    fn encode(answer: Result<Events<Whole>, Nothing>) -> Reply {
        match answer {
            Ok(body) => Reply::whole_events(200, body),
            Err(error) => match error {},
        }
    }
}

#[tokio::test]
async fn events_described_as_wholes_are_taken_apart() {
    let routes = Routes::new(Arc::new(())).on::<Wholes, _, _>(|_, _| async move {
        let point = Whole::Point { id: "7", data: News { title: "one" } };
        Ok(Events::of(stream::iter([Whole::Text { data: "a\nb" }, point])))
    });
    let answer = Toy::serving(vec![routes.finish()]).get("/v1/wholes").await;
    let expected = ": keep-alive\n\nevent: text\ndata: a\ndata: b\n\n\
        event: point\nid: 7\ndata: {\"title\":\"one\"}\n\n";
    assert_eq!(answer.text(), expected);
}
