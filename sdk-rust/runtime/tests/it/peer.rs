//! A loopback server that speaks WebSocket as it is told to, and keeps what it was asked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use symbolon_client::{Anonymous, Auth, Client, Connect, Retry};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::handshake::server::{
    ErrorResponse, Request as Handshake, Response as Accepted,
};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

use crate::sockets::{Live, Note, Room};

type Peer = WebSocketStream<TcpStream>;

/// What the server does with a connection.
pub(crate) enum Turn {
    /// Refuses the handshake with a status and a body.
    Refuse(u16, &'static str),
    /// Sends notes, and closes with a code.
    Say(Vec<u32>, u16),
    /// Sends notes, and breaks the connection.
    Break(Vec<u32>),
    /// Hears so many notes, says them back, and closes with a code.
    Hear(usize, u16),
    /// Sends this, and waits for the close.
    Send(Vec<Message>),
    /// Answers every note with its tenfold until the caller closes, whose code it tells.
    Echo(oneshot::Sender<Option<u16>>),
    /// Accepts, and reads nothing.
    Stall,
    /// Never answers.
    Silent,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    pub(crate) uri: String,
    pub(crate) authorization: Option<String>,
    pub(crate) protocols: Option<String>,
}

pub(crate) struct Server {
    base_url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Does one turn a connection, in order.
    pub(crate) async fn of(turns: impl IntoIterator<Item = Turn>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let turns: Vec<Turn> = turns.into_iter().collect();
        tokio::spawn(async move {
            for turn in turns {
                let (stream, _) = listener.accept().await.unwrap();
                let log = Arc::clone(&log);
                tokio::spawn(async move { serve(stream, turn, &log).await });
            }
        });
        Self { base_url, asked }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn uris(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.uri).collect()
    }

    pub(crate) fn client(&self, auth: impl Auth) -> Client {
        let quick = Retry {
            initial_delay: Duration::from_millis(1),
            longest_delay: Duration::from_millis(5),
            ..Retry::default()
        };
        Client::builder(&self.base_url).auth(auth).retry(quick).build().unwrap()
    }

    pub(crate) fn live(&self) -> Connect<Live> {
        self.client(Anonymous).connect(Room { room: "a/b".to_owned(), after: None })
    }
}

#[allow(clippy::result_large_err)]
async fn serve(stream: TcpStream, turn: Turn, log: &Mutex<Vec<Asked>>) {
    if let Turn::Silent = turn {
        return std::future::pending().await;
    }
    let judge = |request: &Handshake, mut response: Accepted| {
        let text =
            |name| request.headers().get(name).map(|found| found.to_str().unwrap().to_owned());
        let protocols = text("sec-websocket-protocol");
        log.lock().unwrap().push(Asked {
            uri: request.uri().to_string(),
            authorization: text("authorization"),
            protocols: protocols.clone(),
        });
        if let Turn::Refuse(status, body) = turn {
            let mut refused = ErrorResponse::new(Some(body.to_owned()));
            *refused.status_mut() = status.try_into().unwrap();
            return Err(refused);
        }
        if protocols.is_some() {
            response.headers_mut().insert("sec-websocket-protocol", "v1".parse().unwrap());
        }
        Ok(response)
    };
    let Ok(mut peer) = accept_hdr_async(stream, judge).await else { return };
    match turn {
        Turn::Say(notes, code) => {
            say(&mut peer, &notes).await;
            let close = CloseFrame { code: code.into(), reason: "why".into() };
            let _ = peer.close(Some(close)).await;
            while let Some(Ok(_)) = peer.next().await {}
        }
        Turn::Hear(count, code) => {
            let mut heard = Vec::new();
            while heard.len() < count {
                if let Message::Text(found) = peer.next().await.unwrap().unwrap() {
                    heard.push(serde_json::from_str::<Note>(&found).unwrap().n);
                }
            }
            say(&mut peer, &heard).await;
            let close = CloseFrame { code: code.into(), reason: "".into() };
            let _ = peer.close(Some(close)).await;
            while let Some(Ok(_)) = peer.next().await {}
        }
        Turn::Break(notes) => say(&mut peer, &notes).await,
        Turn::Send(messages) => {
            for message in messages {
                peer.send(message).await.unwrap();
            }
            while let Some(Ok(_)) = peer.next().await {}
        }
        Turn::Echo(closed) => closed.send(echo(&mut peer).await).unwrap_or_default(),
        Turn::Stall => std::future::pending().await,
        Turn::Refuse(..) | Turn::Silent => {}
    }
}

async fn say(peer: &mut Peer, notes: &[u32]) {
    for n in notes {
        peer.send(text(*n)).await.unwrap();
    }
}

pub(crate) fn text(n: u32) -> Message {
    Message::text(format!("{{\"n\":{n}}}"))
}

async fn echo(peer: &mut Peer) -> Option<u16> {
    let mut code = None;
    while let Some(message) = peer.next().await {
        match message {
            Ok(Message::Text(found)) => {
                let note: Note = serde_json::from_str(&found).unwrap();
                peer.send(text(note.n * 10)).await.unwrap();
            }
            Ok(Message::Close(frame)) => code = frame.map(|frame| frame.code.into()),
            Ok(_) | Err(WsError::ConnectionClosed | WsError::Protocol(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    code
}
