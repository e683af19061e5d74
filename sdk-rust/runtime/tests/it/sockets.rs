//! Sockets against a loopback server that speaks WebSocket as it is told to.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use symbolon_client::{
    Anonymous, Auth, AuthError, Bearer, Channel, Client, CloseCode, Credential, Credentials,
    DecodeError, Error, Incoming, Info, Method, Outgoing, Retry, SendError, Socket, SocketError,
};
use symbolon_wire::socket::{self, Frame, Held};
use symbolon_wire::{Open, Parameter, Problem};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::peer::{Server, Turn, text};

/// Longer than anything here takes; what takes longer hangs.
const LONG: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) n: u32,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Said {
    Note(Note),
}

impl socket::Message for Said {
    const HAS_JSON: bool = true;

    fn name(&self) -> &'static str {
        "Note"
    }

    fn write(&self) -> Result<Frame, serde_json::Error> {
        match self {
            Self::Note(note) => socket::json(note),
        }
    }

    fn read(frame: Frame, held: Held) -> Result<Self, socket::Refused> {
        let said = match frame {
            Frame::Text(text) => socket::Said::untagged(&text)?,
            Frame::Binary(_) => return Err(socket::Refused::Binary),
        };
        if said == socket::Said::untagged(NEW)? {
            return Err(socket::Refused::Unknown { tag: "type" });
        }
        said.read("Note", held, |_, _| {}).map(Self::Note)
    }
}

/// A message that the contract does not have yet.
const NEW: &str = r#"{"type":"new"}"#;

#[derive(Debug, Clone, Default)]
pub(crate) struct Room {
    pub(crate) room: String,
    pub(crate) after: Option<u32>,
}

#[derive(Debug)]
pub(crate) struct Live;

#[derive(Debug, PartialEq)]
pub(crate) enum Refused {
    Full(Problem),
}

impl Channel for Live {
    type Request = Room;
    type Error = Refused;
    type Sent = Said;
    type Received = Said;
    const INFO: Info = Info::new("live", Method::GET, "/rooms/{room}/live");
    const PROTOCOLS: &'static [&'static str] = &["v2", "v1"];

    fn encode(request: &Room, out: &mut Outgoing) {
        out.required(Parameter::path("room"), &request.room);
        out.optional(Parameter::query("after"), &request.after);
    }

    fn decode(incoming: &Incoming) -> Result<Refused, DecodeError> {
        match incoming.problem_code() {
            Some("full") => Ok(Refused::Full(incoming.json()?)),
            _ => Err(incoming.undocumented()),
        }
    }
}

fn resume(request: &mut Room, last: &Said) {
    let Said::Note(last) = last;
    request.after = Some(last.n);
}

fn note(n: u32) -> Said {
    Said::Note(Note { n })
}

/// All that comes, and what ended it.
async fn all(socket: &mut Socket<Live>) -> (Vec<u32>, Option<SocketError<Refused>>) {
    let mut found = Vec::new();
    loop {
        match timeout(LONG, socket.try_next()).await.unwrap() {
            Ok(Some(Open::Known(Said::Note(note)))) => found.push(note.n),
            Ok(Some(Open::Unknown(text))) => assert_eq!(text, NEW),
            Ok(None) => return (found, None),
            Err(error) => return (found, Some(error)),
        }
    }
}

fn code(error: Option<SocketError<Refused>>) -> u16 {
    match error {
        Some(SocketError::Closed(close)) => close.code().0,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn messages_go_both_ways_until_the_caller_closes() {
    let (told, closed) = oneshot::channel();
    let server = Server::of([Turn::Echo(told)]).await;
    let mut live = server.live().await.unwrap();
    let sender = live.sender();
    live.send(&note(1)).await.unwrap();
    sender.send(&note(2)).await.unwrap();
    assert_eq!(live.try_next().await.unwrap(), Some(Open::Known(note(10))));
    assert_eq!(live.next().await.unwrap().unwrap(), Open::Known(note(20)));
    live.close().await;
    assert_eq!(closed.await.unwrap(), Some(1000));
    assert!(matches!(sender.send(&note(3)).await, Err(SendError::Closed)));
    assert_eq!(server.uris(), ["/rooms/a%2Fb/live"]);
    assert_eq!(server.asked()[0].protocols.as_deref(), Some("v2, v1"));
}

#[tokio::test]
async fn whoever_drops_a_socket_closes_it() {
    let (told, closed) = oneshot::channel();
    let (other, chosen) = oneshot::channel();
    let server = Server::of([Turn::Echo(told), Turn::Echo(other)]).await;
    let live = server.live().await.unwrap();
    drop(live);
    assert_eq!(timeout(LONG, closed).await.unwrap().unwrap(), Some(1000));
    server.live().await.unwrap().close_with(CloseCode(4000), &"long ".repeat(100)).await;
    assert_eq!(chosen.await.unwrap(), Some(4000));
}

#[tokio::test]
async fn a_socket_comes_back_behind_its_last_message() {
    let server = Server::of([
        Turn::Say(vec![1, 2], 1012),
        Turn::Refuse(503, ""),
        Turn::Break(vec![3]),
        Turn::Say(vec![4], 1013),
        Turn::Say(vec![], 1001),
        Turn::Say(vec![5], 1000),
    ])
    .await;
    let mut live = server.live().resume(resume).await.unwrap();
    let (found, ended) = all(&mut live).await;
    assert_eq!(found, [1, 2, 3, 4, 5]);
    assert!(ended.is_none());
    let after = ["", "?after=2", "?after=2", "?after=3", "?after=4", "?after=4"];
    assert_eq!(server.uris(), after.map(|after| format!("/rooms/a%2Fb/live{after}")));
}

#[tokio::test]
async fn every_connection_begins_with_the_greeting() {
    let server = Server::of([Turn::Hear(2, 1001), Turn::Hear(1, 1000)]).await;
    let mut told = 0;
    let greeting = move || {
        told += 1;
        vec![note(told)]
    };
    let mut live = server.live().greeting(greeting).resume(resume).await.unwrap();
    live.send(&note(7)).await.unwrap();
    let (found, ended) = all(&mut live).await;
    assert_eq!((found, ended.is_none()), (vec![1, 7, 2], true));
}

#[tokio::test]
async fn what_cannot_be_resumed_ends_with_the_servers_code() {
    for told in [1013, 1001, 3000, 4403, 1009] {
        let server = Server::of([Turn::Say(vec![1], told)]).await;
        let mut live = server.live().await.unwrap();
        let (found, ended) = all(&mut live).await;
        assert_eq!((found, code(ended)), (vec![1], told));
        assert!(live.try_next().await.unwrap().is_none());
    }
    let server = Server::of([Turn::Break(vec![1])]).await;
    let (_, ended) = all(&mut server.live().await.unwrap()).await;
    assert_eq!(code(ended), 1006);
    // What another connection would meet as well.
    let server = Server::of([Turn::Say(vec![], 1008)]).await;
    let (_, ended) = all(&mut server.live().resume(resume).await.unwrap()).await;
    let Some(SocketError::Closed(close)) = &ended else { panic!("{ended:?}") };
    assert_eq!((close.code().0, close.reason()), (1008, "why"));
    assert!(!format!("{ended:?} {}", ended.as_ref().unwrap()).contains("why"));
}

/// Tokens that are renewed each time somebody asks.
struct Renewed(AtomicU32);

impl Auth for Renewed {
    fn credentials(&self) -> Credentials<'_> {
        let value = format!("Bearer {}", self.0.fetch_add(1, Ordering::Relaxed));
        let credential = Credential::Header { name: "Authorization".to_owned(), value };
        Box::pin(async { Ok(vec![credential]) })
    }
}

#[tokio::test]
async fn an_expired_token_is_renewed_or_the_socket_is_over() {
    let turns = || [Turn::Say(vec![1], 3000), Turn::Say(vec![2], 3000), Turn::Say(vec![3], 1000)];
    let server = Server::of(turns()).await;
    let client = server.client(Renewed(AtomicU32::new(7)));
    let mut live = client.connect::<Live>(Room::of("a")).resume(resume).await.unwrap();
    assert_eq!(all(&mut live).await.0, [1, 2, 3]);
    let tokens: Vec<_> =
        server.asked().into_iter().map(|asked| asked.authorization.unwrap()).collect();
    assert_eq!(tokens, ["Bearer 7", "Bearer 8", "Bearer 9"]);

    let server = Server::of(turns()).await;
    let client = server.client(Bearer::new("old"));
    let mut live = client.connect::<Live>(Room::of("a")).resume(resume).await.unwrap();
    let (found, ended) = all(&mut live).await;
    assert_eq!((found, code(ended), server.asked().len()), (vec![1], 3000, 1));
}

impl Room {
    fn of(room: &str) -> Self {
        Self { room: room.to_owned(), after: None }
    }
}

/// Tokens that are not to be had the second and the third time.
struct Away(AtomicU32);

impl Auth for Away {
    fn credentials(&self) -> Credentials<'_> {
        let asked = self.0.fetch_add(1, Ordering::Relaxed);
        let is_away = matches!(asked, 1 | 2);
        Box::pin(async move { if is_away { Err(AuthError::new("away")) } else { Ok(Vec::new()) } })
    }
}

#[tokio::test]
async fn who_gives_tokens_may_be_away_for_a_while() {
    let turns = || [Turn::Say(vec![1], 1012), Turn::Say(vec![2], 1000)];
    let server = Server::of(turns()).await;
    let client = server.client(Away(AtomicU32::new(0)));
    let mut live = client.connect::<Live>(Room::of("a")).resume(resume).await.unwrap();
    assert_eq!(all(&mut live).await.0, [1, 2]);
    // For the first connection there is none to go by.
    let client = server.client(Away(AtomicU32::new(1)));
    let refused = client.connect::<Live>(Room::of("a")).resume(resume).await;
    assert!(matches!(refused, Err(SocketError::Refused(Error::Encode(_)))));
}

#[tokio::test]
async fn a_refusal_is_what_the_contract_documents() {
    let problem = r#"{"type":"urn:x:full","code":"full","status":409}"#;
    let server = Server::of([Turn::Refuse(409, problem)]).await;
    let refused = server.live().resume(resume).await.unwrap_err();
    let SocketError::Refused(Error::Problem(Refused::Full(problem))) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(problem.status, 409);
    for (status, asked) in [(401, 1), (500, 3), (503, 3)] {
        let server = Server::of((0..4).map(|_| Turn::Refuse(status, "no"))).await;
        let refused = server.live().await.unwrap_err();
        let SocketError::Refused(Error::Unexpected { status: found, .. }) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(found, status);
        assert_eq!(server.asked().len(), asked);
    }
    // Of a connection that was open once, too.
    let server = Server::of([Turn::Say(vec![1], 1001), Turn::Refuse(404, "")]).await;
    let (_, ended) = all(&mut server.live().resume(resume).await.unwrap()).await;
    assert!(matches!(ended, Some(SocketError::Refused(Error::Unexpected { status: 404, .. }))));
}

#[tokio::test]
async fn a_handshake_without_an_answer_has_its_time() {
    let server = Server::of([Turn::Silent, Turn::Silent]).await;
    let once = Retry { attempts: 2, ..Retry::NONE };
    let live = server.live().retry(once).connect_timeout(Duration::from_millis(20));
    assert!(matches!(live.await, Err(SocketError::Refused(Error::Timeout))));
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let client = Client::new(format!("http://{nobody}"), Anonymous).unwrap();
    let refused = client.connect::<Live>(Room::of("a")).retry(Retry::NONE).await;
    assert!(matches!(refused, Err(SocketError::Refused(Error::Transport(_)))));
    let server = Server::of([]).await;
    let refused = server.live().header("X-Id", "no\nheader").await;
    assert!(matches!(refused, Err(SocketError::Refused(Error::Encode(_)))));
}

#[tokio::test]
async fn what_the_server_says_of_a_message_is_a_problem() {
    let problem = r#"{"type":"urn:x:invalid-message","code":"invalid-message","status":400,
        "errors":[{"in":"body","pointer":"/n","code":"type"}]}"#;
    let close = CloseFrame { code: 1007.into(), reason: "".into() };
    let messages = vec![text(1), Message::text(problem), Message::Close(Some(close))];
    let server = Server::of([Turn::Send(messages)]).await;
    let (found, ended) = all(&mut server.live().resume(resume).await.unwrap()).await;
    let Some(SocketError::Problem(problem)) = ended else { panic!("{ended:?}") };
    assert_eq!((found, problem.errors[0].pointer.as_str()), (vec![1], "/n"));
}

#[tokio::test]
async fn messages_that_are_not_as_documented_end_it() {
    let mut endings = Vec::new();
    for message in [
        Message::text("{\"n\":\"secret\"}"),
        Message::text("{"),
        Message::binary(vec![1, 2]),
        Message::text(" ".repeat(200)),
    ] {
        let server = Server::of([Turn::Send(vec![text(1), message])]).await;
        let mut live = server.live().message_limit(100).resume(resume).await.unwrap();
        let (found, ended) = all(&mut live).await;
        assert_eq!(found, [1]);
        let Some(SocketError::Decode(error)) = ended else { panic!("{ended:?}") };
        assert!(!error.to_string().contains("secret"));
        endings.push(error);
    }
    let [broken, no_json, binary, long] = &endings[..] else { panic!("{endings:?}") };
    assert!(matches!(broken, DecodeError::Message(socket::Refused::Broken { .. })));
    assert_eq!(*no_json, DecodeError::Message(socket::Refused::NoJson));
    assert_eq!(*binary, DecodeError::Message(socket::Refused::Binary));
    assert_eq!(*long, DecodeError::TooLong);
}

#[tokio::test]
async fn a_message_that_a_newer_server_has_is_kept() {
    let close = CloseFrame { code: 1000.into(), reason: "".into() };
    let messages = vec![text(1), Message::text(NEW), text(2), Message::Close(Some(close))];
    let server = Server::of([Turn::Send(messages)]).await;
    let (found, ended) = all(&mut server.live().await.unwrap()).await;
    assert_eq!((found, ended.is_none()), (vec![1, 2], true));
}

#[tokio::test]
async fn what_waits_to_be_taken_is_not_lost() {
    let notes: Vec<u32> = (1..=500).collect();
    let server = Server::of([Turn::Say(notes.clone(), 1000)]).await;
    let mut live = server.live().receive_limit(1).await.unwrap();
    assert_eq!(all(&mut live).await.0, notes);
}

#[tokio::test]
async fn a_connection_that_answers_no_ping_is_broken() {
    let server = Server::of([Turn::Stall]).await;
    let mut live = server.live().ping_interval(Duration::from_millis(20)).await.unwrap();
    assert_eq!(code(all(&mut live).await.1), 1006);
}
