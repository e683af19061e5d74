//! Both halves of what was generated from this case, on sockets between them.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::sync::Arc;

use sockets_sdk::{Bearer, Client, CloseCode, SocketError};
use sockets_server::sockets::{self as served, ServeTerminal, ServeTicks};
use sockets_wire::sockets::{terminal, ticks};
use sockets_wire::types::ResizePayload;
use symbolon_server::{ApiKeys, Call, Edge, InMemoryKeys, NewApiKey, Outcome, Session, Socket};
use symbolon_wire::Open;

struct Machine;

impl ServeTerminal for Machine {
    async fn terminal(&self, call: Call<served::Terminal>) -> Outcome<served::Terminal> {
        let sid = call.request.sid;
        Ok(Session::new(async move |mut socket: Socket<served::Terminal>| {
            socket.send(terminal::ServerMessage::Notice(sid)).await?;
            while let Some(said) = socket.receive().await {
                let answer = match said {
                    terminal::ClientMessage::Keys(keys) => terminal::ServerMessage::Output(keys),
                    terminal::ClientMessage::Resize(size) => {
                        terminal::ServerMessage::Notice(size.columns.to_string())
                    }
                };
                socket.send(answer).await?;
            }
            Ok(())
        }))
    }
}

impl ServeTicks for Machine {
    async fn ticks(&self, _: Call<served::Ticks>) -> Outcome<served::Ticks> {
        Ok(Session::new(async |socket: Socket<served::Ticks>| {
            for tick in [0, 1] {
                socket.send(ticks::ServerMessage::Tick(tick)).await?;
            }
            Ok(())
        }))
    }
}

async fn client() -> Client {
    let keys = ApiKeys::new(InMemoryKeys::default());
    let new = NewApiKey {
        name: "till".to_owned(),
        tenant: "acme".to_owned(),
        scopes: BTreeSet::new(),
        lifetime: None,
    };
    let key = keys.create(new).await.unwrap().text;
    let service = Arc::new(Machine);
    let routes = vec![served::terminal(Arc::clone(&service)), served::ticks(service)];
    let edge = Edge::new("machine", "1").scheme("oidc", keys.sent_by(sockets_server::access::OIDC));
    let router = edge.router(routes).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(symbolon_server::serve(listener, router, std::future::pending()));
    Client::new(url, Bearer::new(key)).unwrap()
}

fn request() -> terminal::Request {
    terminal::Request { sid: "a b/c".to_owned() }
}

#[tokio::test]
async fn bytes_texts_and_json_share_a_socket() {
    let client = client().await;
    let mut socket = client.sockets().terminal(request()).await.unwrap();
    let told = socket.try_next().await.unwrap().unwrap();
    assert_eq!(told, Open::Known(terminal::ServerMessage::Notice("a b/c".to_owned())));

    let keys = vec![0, 0xff, b'\n'];
    socket.send(&terminal::ClientMessage::Keys(keys.clone())).await.unwrap();
    let told = socket.try_next().await.unwrap().unwrap();
    assert_eq!(told, Open::Known(terminal::ServerMessage::Output(keys)));

    let size = ResizePayload { columns: 80 };
    socket.send(&terminal::ClientMessage::Resize(size)).await.unwrap();
    let told = socket.try_next().await.unwrap().unwrap();
    assert_eq!(told, Open::Known(terminal::ServerMessage::Notice("80".to_owned())));
    socket.close().await;
}

#[tokio::test]
async fn what_breaks_the_contract_ends_the_socket() {
    let client = client().await;
    let mut socket = client.sockets().terminal(request()).await.unwrap();
    socket.try_next().await.unwrap();
    let size = ResizePayload { columns: 501 };
    socket.send(&terminal::ClientMessage::Resize(size)).await.unwrap();
    // Its caller takes texts as they are: the problem is one, and the close says the rest.
    let ended = loop {
        match socket.try_next().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it ended well"),
            Err(error) => break error,
        }
    };
    let SocketError::Closed(close) = ended else { panic!("{ended:?}") };
    assert_eq!(close.code(), CloseCode::INVALID);
}

#[tokio::test]
async fn a_channel_may_be_one_way() {
    let client = client().await;
    let mut socket = client.sockets().ticks(ticks::Request {}).await.unwrap();
    let mut told = Vec::new();
    while let Some(tick) = socket.try_next().await.unwrap() {
        told.push(tick);
    }
    let tick = |tick| Open::Known(ticks::ServerMessage::Tick(tick));
    assert_eq!(told, [tick(0), tick(1)]);
}
