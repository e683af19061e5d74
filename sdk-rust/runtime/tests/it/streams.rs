//! Responses that are read while they arrive.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use futures_util::StreamExt;
use serde::Deserialize;
use symbolon_client::{
    Anonymous, Auth, Client, Credential, Credentials, DecodeError, Incoming, Info, Method,
    Operation, Outgoing,
};
use symbolon_wire::{Event, Events, Lines, Parameter, StreamError};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

#[derive(Debug, PartialEq, Deserialize)]
struct News {
    title: String,
}

#[derive(Debug)]
enum Watched {
    Whole(Vec<News>),
    Events(Events<News>),
    Lines(Lines<News>),
}

struct Watch;

impl Operation for Watch {
    type Request = Option<String>;
    type Response = Watched;
    type Error = Infallible;
    const INFO: Info = Info::new("watch", Method::GET, "/news")
        .streams(&["application/jsonl", "text/event-stream"]);

    fn encode(request: &Self::Request, out: &mut Outgoing) {
        out.optional(Parameter::header("Last-Event-ID"), request);
    }

    fn decode(incoming: &Incoming) -> Result<Result<Self::Response, Self::Error>, DecodeError> {
        match incoming.status() {
            200 => Ok(Ok(
                match incoming.offer(&[
                    &["application/json"],
                    &["text/event-stream"],
                    &["application/jsonl"],
                ]) {
                    0 => Watched::Whole(incoming.json()?),
                    1 => Watched::Events(incoming.events()?),
                    _ => Watched::Lines(incoming.lines()?),
                },
            )),
            _ => Err(incoming.undocumented()),
        }
    }
}

/// A server whose one answer is what is sent through the channel, and the header it was asked with.
async fn serve(
    media_type: &'static str,
) -> (Client, mpsc::UnboundedSender<&'static str>, Arc<Mutex<Option<String>>>) {
    let (send, pieces) = mpsc::unbounded_channel::<&'static str>();
    let (pieces, asked) = (Arc::new(Mutex::new(Some(pieces))), Arc::new(Mutex::new(None)));
    let seen = Arc::clone(&asked);
    let app = Router::new().fallback(move |request: Request| {
        let given = request.headers().get("last-event-id");
        *seen.lock().unwrap() = given.map(|value| value.to_str().unwrap().to_owned());
        let pieces = pieces.lock().unwrap().take().unwrap();
        let body = futures_util::stream::unfold(pieces, |mut pieces| async move {
            let piece = pieces.recv().await?;
            Some((Ok::<_, Infallible>(Bytes::from(piece)), pieces))
        });
        let response = Response::builder().header("content-type", media_type);
        std::future::ready(response.body(Body::from_stream(body)).unwrap())
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let client = Client::builder(base_url).auth(Anonymous).timeout(Duration::from_secs(5));
    (client.build().unwrap(), send, asked)
}

fn news(title: &str) -> News {
    News { title: title.to_owned() }
}

#[tokio::test]
async fn events_are_read_while_they_arrive() {
    let (client, send, asked) = serve("text/event-stream; charset=utf-8").await;
    let Watched::Events(mut events) = client.call::<Watch>(Some("6".into())).await.unwrap() else {
        panic!("the answer is a stream");
    };
    assert_eq!(asked.lock().unwrap().as_deref(), Some("6"));
    send.send(": hello\n\nid: 7\nevent: note\nda").unwrap();
    send.send("ta: {\"title\":\r\ndata: \"one\"}\r\n\r").unwrap();
    let first = Event::new(news("one")).id("7").event("note");
    assert_eq!(events.try_next().await.unwrap(), Some(first));
    send.send("\nretry: 9\ndata: {\"title\":\"two\"}\n\ndata: [DONE]\n\ndata: no").unwrap();
    let second = Event { retry: Some(Duration::from_millis(9)), ..Event::new(news("two")) };
    assert_eq!(events.try_next().await.unwrap(), Some(second.id("7")));
    assert_eq!(events.try_next().await.unwrap(), None);
    drop(events);
    // The server notices that its reader is gone.
    send.closed().await;
}

#[tokio::test]
async fn an_item_that_is_not_as_documented_says_where() {
    let (client, send, _) = serve("application/jsonl").await;
    let Watched::Lines(mut lines) = client.call::<Watch>(None).await.unwrap() else {
        panic!("the answer is a stream");
    };
    send.send("{\"title\":\"one\"}\n\n\u{1e}{\"title\":2}\n").unwrap();
    send.send("{\"title\":\"three\"}").unwrap();
    drop(send);
    assert_eq!(lines.next().await.unwrap().unwrap(), news("one"));
    let Some(Err(StreamError::Item(refusal))) = lines.next().await else {
        panic!("the second line is no news");
    };
    assert_eq!(refusal.pointer, "/title");
    assert_eq!(lines.try_next().await.unwrap(), Some(news("three")));
    assert_eq!(lines.try_next().await.unwrap(), None);
}

#[tokio::test]
async fn an_answer_of_another_form_is_read_as_a_whole() {
    let (client, send, _) = serve("application/json").await;
    send.send("[{\"title\":").unwrap();
    send.send("\"one\"}]").unwrap();
    drop(send);
    let Watched::Whole(all) = client.call::<Watch>(None).await.unwrap() else {
        panic!("the answer is whole");
    };
    assert_eq!(all, [news("one")]);
}

#[tokio::test]
async fn a_stream_is_taken_up_where_it_ended() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let mut parts = ["id: 1\nretry: 1\ndata: 1\n\n", "data: 2\n\nid: 3\ndata: 3\n\n"].into_iter();
    let open = move |last_event_id| {
        log.lock().unwrap().push(last_event_id);
        let part = parts.next();
        async move {
            let Some(part) = part else { return Ok(None) };
            let (client, send, _) = serve("text/event-stream").await;
            send.send(part).unwrap();
            drop(send);
            client.call::<Numbers>(()).await.map(Some)
        }
    };
    let mut numbers = symbolon_client::follow(open);
    let mut seen = Vec::new();
    while let Some(event) = numbers.try_next().await.unwrap() {
        seen.push(event.data);
    }
    assert_eq!(seen, [1, 2, 3]);
    assert_eq!(*asked.lock().unwrap(), [None, Some("1".into()), Some("3".into())]);
}

/// A token of which each is good for one stream.
#[derive(Debug, Default)]
struct Renewed(AtomicUsize);

impl Auth for Renewed {
    fn credentials(&self) -> Credentials<'_> {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        let (name, value) = ("Authorization".to_owned(), format!("Bearer {number}"));
        Box::pin(std::future::ready(Ok(vec![Credential::Header { name, value }])))
    }
}

#[tokio::test]
async fn a_stream_that_ends_with_its_token_goes_on_with_another_and_loses_nothing() {
    let parts = [
        // It ends before there was any event: where it was is all there is to come back with.
        ": open\nretry: 1\n\nid: 7\n\n",
        "data: 8\nid: 8\n\n",
        ": open\n\n",
        // Cut off within an event, which is none then.
        "data: 9\nid: 9\n\ndata: 10\nid: 10\n",
        "data: 10\nid: 10\n\n",
    ];
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let app = Router::new().fallback(move |request: Request| {
        let header = |name| request.headers().get(name).map(|it| it.to_str().unwrap().to_owned());
        let mut log = log.lock().unwrap();
        log.push((header("authorization").unwrap(), header("last-event-id")));
        let response = Response::builder().header("content-type", "text/event-stream");
        std::future::ready(response.body(Body::from(parts[log.len() - 1])).unwrap())
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let client = Client::builder(base_url).auth(Renewed::default()).build().unwrap();
    let mut opened = 0;
    let mut numbers = symbolon_client::follow(move |last_event_id| {
        opened += 1;
        let call = (opened <= parts.len()).then(|| client.call::<Resumed>(last_event_id));
        async move {
            match call {
                Some(call) => call.await.map(Some),
                None => Ok(None),
            }
        }
    });
    let mut seen = Vec::new();
    while let Some(event) = numbers.try_next().await.unwrap() {
        seen.push(event.data);
    }
    assert_eq!(seen, [8, 9, 10]);
    let expected = [None, Some("7"), Some("8"), Some("8"), Some("9")].into_iter().enumerate();
    let expected = expected.map(|(at, last)| (format!("Bearer {at}"), last.map(str::to_owned)));
    assert_eq!(*asked.lock().unwrap(), expected.collect::<Vec<_>>());
}

struct Resumed;

impl Operation for Resumed {
    type Request = Option<String>;
    type Response = Events<u8>;
    type Error = Infallible;
    const INFO: Info =
        Info::new("resumed", Method::GET, "/numbers").streams(&["text/event-stream"]);

    fn encode(request: &Self::Request, out: &mut Outgoing) {
        out.optional(Parameter::header("Last-Event-ID"), request);
    }

    fn decode(incoming: &Incoming) -> Result<Result<Self::Response, Self::Error>, DecodeError> {
        incoming.events().map(Ok)
    }
}

struct Numbers;

impl Operation for Numbers {
    type Request = ();
    type Response = Events<u8>;
    type Error = Infallible;
    const INFO: Info =
        Info::new("numbers", Method::GET, "/numbers").streams(&["text/event-stream"]);

    fn encode((): &(), _: &mut Outgoing) {}

    fn decode(incoming: &Incoming) -> Result<Result<Self::Response, Self::Error>, DecodeError> {
        incoming.events().map(Ok)
    }
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Whole {
    Text { data: String },
    Point { id: String, data: Point },
}

#[derive(Debug, PartialEq, Deserialize)]
struct Point {
    x: u8,
}

struct Wholes;

impl Operation for Wholes {
    type Request = ();
    type Response = Events<Whole>;
    type Error = Infallible;
    const INFO: Info = Info::new("wholes", Method::GET, "/wholes").streams(&["text/event-stream"]);

    fn encode((): &(), _: &mut Outgoing) {}

    fn decode(incoming: &Incoming) -> Result<Result<Self::Response, Self::Error>, DecodeError> {
        incoming.whole_events().map(Ok)
    }
}

#[tokio::test]
async fn events_described_as_wholes_have_their_kind_and_their_payload() {
    let (client, send, _) = serve("text/event-stream").await;
    send.send("event: text\ndata: 1\n\nevent: point\nid: 7\ndata: {\"x\":1}\n\n").unwrap();
    send.send("event: other\ndata: 1\n\n").unwrap();
    drop(send);
    let mut wholes = client.call::<Wholes>(()).await.unwrap();
    let first = wholes.try_next().await.unwrap().unwrap();
    assert_eq!(first.data, Whole::Text { data: "1".to_owned() });
    let second = wholes.try_next().await.unwrap().unwrap();
    assert_eq!(second.data, Whole::Point { id: "7".to_owned(), data: Point { x: 1 } });
    assert!(matches!(wholes.try_next().await, Err(StreamError::Item(_))));
}
