//! Moves messages between a socket and its session, sees to it that the caller is there, and
//! closes the socket.

use std::pin::{Pin, pin};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use symbolon_wire::Problem;
use symbolon_wire::socket::{CloseCode, Frame, Held, INVALID_MESSAGE, Message, Refused};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode as WireCode;
use tokio_tungstenite::tungstenite::{Error, Message as WireMessage};
use tracing::Instrument;

use super::line::{Ended, Limits, Line};
use super::{Run, Sender, Socket, SocketOperation};
use crate::Failure;
use crate::answers::problem::{self, Wording, Words};
use crate::limits::long_lived::Over;
use crate::observation::{self, Way};

/// Messages that wait for the session, and for the caller: each at most as large as one may be.
const INBOX: usize = 16;
const OUTBOX: usize = 32;
/// How long a session may go on, and a caller take to say goodbye, once the socket is over.
const LINGER: Duration = Duration::from_secs(5);
/// The caller does not speak the protocol (RFC 6455, 7.4.1).
const PROTOCOL_ERROR: CloseCode = CloseCode(1002);
/// A reason is at most so long, in bytes (RFC 6455, 5.5).
const REASON: usize = 123;
/// What a caller sends on after it was told to stop is read over, up to so much.
const READ_OVER: usize = 1 << 20;

/// Why nothing more is said on a socket.
#[derive(Debug)]
enum End {
    /// The session is done.
    Done,
    /// The edge ends it.
    Edge(CloseCode, &'static str),
    /// The caller broke the contract.
    Breach(Refused),
    /// The caller closed it.
    Caller(Option<CloseCode>),
    /// The connection broke.
    Broken,
}

/// What comes next on a socket.
enum Event<'s, M> {
    Over(Over),
    /// What the session sends; nothing when it is done.
    Outgoing(Option<Frame>),
    /// What the caller sends, and the room for it, unless the session takes nothing more.
    Arrived(Option<mpsc::Permit<'s, M>>, Option<Result<WireMessage, Error>>),
    /// Nothing came for as long as may be.
    Silence,
}

/// Runs a session on its socket.
pub(super) async fn pump<O: SocketOperation>(run: Run<O>, line: Line) -> Ended {
    let Line { stream, stay, limits, wording, correlation_id, operation } = line;
    let (to_session, incoming) = mpsc::channel(INBOX);
    let (outgoing, from_session) = mpsc::channel(OUTBOX);
    let sender = Sender { outgoing, of: std::marker::PhantomData };
    let mut session = tokio::spawn(run(Socket { incoming, sender }).in_current_span());
    let mut pump = Pump { stream, limits, operation, received: 0, sent: 0 };
    let mut over = pin!(stay.over());
    // The session learns that there is nothing more to come before its caller is seen off.
    let code = match pump.run::<O>(to_session, from_session, over.as_mut()).await {
        End::Done => {
            let (code, reason) = concluded(&mut session).await;
            pump.close(code, reason).await;
            Some(code)
        }
        End::Edge(code, reason) => {
            pump.close(code, reason).await;
            Some(code)
        }
        End::Breach(refused) => {
            observation::message_refused(operation, INVALID_MESSAGE);
            let told = O::Sent::HAS_JSON.then(|| told(&refused, &wording, &correlation_id));
            pump.breach(&refused, told.flatten()).await;
            Some(refused.close_code())
        }
        End::Caller(code) => {
            let _ = timeout(LINGER, pump.hang_up()).await;
            code
        }
        End::Broken => None,
    };
    if timeout(LINGER, &mut session).await.is_err() {
        session.abort();
    }
    Ended { code, received: pump.received, sent: pump.sent }
}

/// How a session ended that lets its socket go.
async fn concluded(session: &mut JoinHandle<Result<(), Failure>>) -> (CloseCode, &'static str) {
    const FAILED: (CloseCode, &str) = (CloseCode::FAILED, "the failure has been logged");
    match timeout(LINGER, session).await {
        Ok(Ok(Ok(()))) | Err(_) => (CloseCode::DONE, ""),
        Ok(Ok(Err(failure))) => {
            tracing::error!(error = %failure, "session failed");
            FAILED
        }
        Ok(Err(error)) => {
            tracing::error!(%error, "session failed");
            FAILED
        }
    }
}

/// The problem that says how a message breaks the contract, as JSON.
fn told(refused: &Refused, wording: &Wording, correlation_id: &str) -> Option<String> {
    let detail = "the message violates the contract; `errors` names the places found";
    let mut problem = Problem { errors: refused.violations(), ..Problem::new(detail) };
    let kind = &problem::INVALID_MESSAGE;
    problem::complete(&mut problem, kind, Words::Catalogue, wording, correlation_id);
    serde_json::to_string(&problem).ok()
}

struct Pump {
    stream: WebSocketStream<TokioIo<Upgraded>>,
    limits: Limits,
    operation: &'static str,
    received: u64,
    sent: u64,
}

impl Pump {
    /// Moves messages until there is a reason to move no more.
    async fn run<O: SocketOperation>(
        &mut self,
        to_session: mpsc::Sender<O::Received>,
        mut from_session: mpsc::Receiver<Frame>,
        mut over: Pin<&mut impl Future<Output = Over>>,
    ) -> End {
        let mut heard_at = Instant::now();
        let mut is_asked = false;
        loop {
            let patience = if is_asked { 2 } else { 1 } * self.limits.silence;
            let event = tokio::select! {
                over = over.as_mut() => Event::Over(over),
                outgoing = from_session.recv() => Event::Outgoing(outgoing),
                arrived = arrive(&mut self.stream, &to_session) => {
                    Event::Arrived(arrived.0, arrived.1)
                }
                () = sleep_until(heard_at + patience) => Event::Silence,
            };
            let next = match event {
                Event::Over(Over::Stopping) => {
                    Err(End::Edge(CloseCode::GOING_AWAY, "the server is stopping"))
                }
                Event::Over(Over::Expired) => {
                    Err(End::Edge(CloseCode::UNAUTHORIZED, "the credentials have expired"))
                }
                Event::Outgoing(Some(frame)) => self.forward(frame).await,
                Event::Outgoing(None) => Err(End::Done),
                Event::Arrived(permit, arrived) => {
                    (heard_at, is_asked) = (Instant::now(), false);
                    self.take::<O>(permit, arrived)
                }
                // What waits for the session was not silent.
                Event::Silence if to_session.capacity() == 0 => {
                    (heard_at, is_asked) = (Instant::now(), false);
                    Ok(())
                }
                Event::Silence if is_asked => {
                    Err(End::Edge(CloseCode::TIMEOUT, "nothing came, no answer to a ping either"))
                }
                Event::Silence => {
                    is_asked = true;
                    self.send(WireMessage::Ping(Bytes::new())).await
                }
            };
            if let Err(end) = next {
                return end;
            }
        }
    }

    /// Gives the session what has arrived.
    fn take<O: SocketOperation>(
        &mut self,
        permit: Option<mpsc::Permit<'_, O::Received>>,
        arrived: Option<Result<WireMessage, Error>>,
    ) -> Result<(), End> {
        let frame = match arrived {
            None => return Err(End::Broken),
            Some(Err(error)) => return Err(broken(&error)),
            Some(Ok(WireMessage::Text(text))) => Frame::Text(text.as_str().to_owned()),
            Some(Ok(WireMessage::Binary(bytes))) => Frame::Binary(bytes.into()),
            Some(Ok(WireMessage::Close(close))) => {
                return Err(End::Caller(close.map(|it| CloseCode(it.code.into()))));
            }
            Some(Ok(WireMessage::Ping(_) | WireMessage::Pong(_) | WireMessage::Frame(_))) => {
                return Ok(());
            }
        };
        self.received += 1;
        observation::message(self.operation, Way::In);
        let message = O::Received::read(frame, Held::Wholly).map_err(End::Breach)?;
        if let Some(permit) = permit {
            permit.send(message);
        }
        Ok(())
    }

    /// Sends a message of the session.
    async fn forward(&mut self, frame: Frame) -> Result<(), End> {
        let message = match frame {
            Frame::Text(text) => WireMessage::Text(text.into()),
            Frame::Binary(bytes) => WireMessage::Binary(bytes.into()),
        };
        self.send(message).await?;
        self.sent += 1;
        observation::message(self.operation, Way::Out);
        Ok(())
    }

    async fn send(&mut self, message: WireMessage) -> Result<(), End> {
        match timeout(self.limits.patience, self.stream.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(broken(&error)),
            Err(_) => Err(End::Edge(CloseCode::TRY_AGAIN, "too little was taken of what was sent")),
        }
    }

    /// Tells a caller how it broke the contract, in full where it is spoken to in JSON.
    async fn breach(&mut self, refused: &Refused, told: Option<String>) {
        if let Some(told) = told
            && self.send(WireMessage::Text(told.into())).await.is_err()
        {
            return;
        }
        self.close(refused.close_code(), &refused.to_string()).await;
    }

    async fn close(&mut self, code: CloseCode, reason: &str) {
        let frame = CloseFrame { code: WireCode::from(code.0), reason: clipped(reason).into() };
        let goodbye = async {
            if self.stream.send(WireMessage::Close(Some(frame))).await.is_ok() {
                self.hang_up().await;
            }
        };
        let _ = timeout(LINGER, goodbye).await;
    }

    /// Hears the caller out, so that what it was told last reaches it: a connection that is dropped
    /// with something unread is reset.
    async fn hang_up(&mut self) {
        while let Some(Ok(_)) = self.stream.next().await {}
        let connection = self.stream.get_mut();
        if connection.shutdown().await.is_err() {
            return;
        }
        let (mut buffer, mut read) = ([0; 4 << 10], 0);
        while let Ok(length @ 1..) = connection.read(&mut buffer).await {
            read += length;
            if read > READ_OVER {
                return;
            }
        }
    }
}

/// The next message, once the session has room for it. It may be dropped, and nothing is lost.
async fn arrive<'s, M>(
    stream: &mut WebSocketStream<TokioIo<Upgraded>>,
    to_session: &'s mpsc::Sender<M>,
) -> (Option<mpsc::Permit<'s, M>>, Option<Result<WireMessage, Error>>) {
    let permit = to_session.reserve().await.ok();
    (permit, stream.next().await)
}

/// What an error of the connection ends a socket with.
fn broken(error: &Error) -> End {
    match error {
        Error::Capacity(_) => End::Edge(CloseCode::TOO_LARGE, "the message is too large"),
        Error::Utf8(_) => End::Edge(CloseCode::INVALID, "the text is no UTF-8"),
        Error::Protocol(_) => End::Edge(PROTOCOL_ERROR, "this is not RFC 6455"),
        other => {
            tracing::debug!(error = %other, "a socket broke");
            End::Broken
        }
    }
}

/// As much of a reason as a close frame holds.
fn clipped(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(REASON)]
}
