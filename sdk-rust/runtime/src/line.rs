//! The task behind a socket: has a connection there, one after the other, and carries messages
//! between it and the socket.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use reqwest::Upgraded;
use symbolon_wire::socket::{CloseCode, Frame, Held, Message as _, Refused, problem};
use symbolon_wire::{Open, Problem};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

use crate::auth::Credential;
use crate::call::Options;
use crate::connection::{self, Bounds, Connection};
use crate::socket::{Close, SocketError, written};
use crate::{Channel, Client, DecodeError, EncodeError, Error, Retry};

/// How long the other side has to agree to a close.
const GOODBYE: Duration = Duration::from_secs(5);
/// The connection was closed without a code.
const UNSAID: CloseCode = CloseCode(1005);
/// The connection broke.
const BROKEN: CloseCode = CloseCode(1006);

/// Whether another connection may fare better than one that was closed so (ADR 0051, RFC 6455,
/// 7.4); 1012 and 1014 are what stands before a server may say.
fn is_cut_off(code: CloseCode) -> bool {
    let others = [UNSAID, BROKEN, CloseCode(1012), CloseCode(1014), CloseCode::UNAUTHORIZED];
    code.passes() || others.contains(&code)
}

type Writer = SplitSink<WebSocketStream<Upgraded>, Message>;
type Reader = SplitStream<WebSocketStream<Upgraded>>;
type Failed<C> = SocketError<<C as Channel>::Error>;
/// What the user of a socket is given.
pub(crate) type Item<C> = Result<Open<<C as Channel>::Received>, Failed<C>>;
/// Notes in a request where to go on behind a message.
pub(crate) type Resume<C> =
    Box<dyn FnMut(&mut <C as Channel>::Request, &<C as Channel>::Received) + Send>;

/// What is sent first over every connection.
pub(crate) type Greeting<C> = Box<dyn FnMut() -> Vec<<C as Channel>::Sent> + Send>;

/// A message on its way, and who wants to know that a connection took it.
pub(crate) type Sending = (Frame, oneshot::Sender<()>);

/// The close that the user of a socket asks for.
#[derive(Debug, Clone)]
pub(crate) struct Leave {
    pub(crate) code: CloseCode,
    pub(crate) reason: String,
}

/// A socket as its task sees it.
pub(crate) struct Line<C: Channel> {
    pub(crate) client: Client,
    pub(crate) options: Options,
    pub(crate) bounds: Bounds,
    pub(crate) retry: Retry,
    pub(crate) ping_interval: Duration,
    pub(crate) sent: mpsc::Receiver<Sending>,
    pub(crate) greeting: Option<Greeting<C>>,
    pub(crate) taken: Taken<C>,
    pub(crate) leave: watch::Receiver<Option<Leave>>,
    /// Whether a connection was open before.
    pub(crate) was_open: bool,
}

/// What is done with messages that come.
pub(crate) struct Taken<C: Channel> {
    pub(crate) received: mpsc::Sender<Item<C>>,
    /// The request of the next connection.
    pub(crate) request: C::Request,
    pub(crate) resume: Option<Resume<C>>,
    /// Attempts in a row that brought no message, the one at hand included.
    pub(crate) fruitless: u32,
}

/// How a connection ended.
enum Ending<E> {
    /// The user of the socket has left.
    Left(Leave),
    /// The server is done.
    Over,
    /// It was closed, or it broke.
    Closed(Close),
    /// Nothing more can come of the socket; what to close the connection with.
    Failed(SocketError<E>, CloseCode),
}

impl<C: Channel> Line<C> {
    /// Opens a connection, after so many fruitless attempts at most.
    pub(crate) async fn open(
        &mut self,
        attempts: u32,
        stale: Option<&[Credential]>,
    ) -> Result<Connection, Failed<C>> {
        loop {
            let Self { client, options, bounds, .. } = &*self;
            let request = &self.taken.request;
            let opened = connection::open::<C>(client, request, options, *bounds, stale).await;
            let refused = match opened {
                Ok(Some(connection)) => return Ok(connection),
                Ok(None) => {
                    return Err(SocketError::Closed(Close::new(CloseCode::UNAUTHORIZED, "")));
                }
                Err(refused) => refused,
            };
            // Who was let in before had credentials: what gives them may be away with the server.
            let is_bare = matches!(refused.error, Error::Encode(EncodeError::Auth(_)));
            let passes = refused.passes || is_bare && self.was_open;
            if !passes || self.taken.fruitless >= attempts {
                return Err(SocketError::Refused(refused.error));
            }
            let delay = self.retry.delay(self.taken.fruitless);
            sleep(refused.wait.unwrap_or_default().max(delay)).await;
            self.taken.fruitless = self.taken.fruitless.saturating_add(1);
        }
    }

    /// Carries messages until the user leaves, the server is done, or no connection is of use.
    pub(crate) async fn run(mut self, first: Connection, attempts: u32) {
        if let Err(error) = self.carry(first, attempts).await {
            // Whoever has left does not want to know.
            let _ = self.taken.received.send(Err(error)).await;
        }
    }

    async fn carry(&mut self, first: Connection, attempts: u32) -> Result<(), Failed<C>> {
        let mut connection = first;
        self.was_open = true;
        loop {
            let proof = std::mem::take(&mut connection.proof);
            let close = match self.converse(connection.stream).await {
                Ending::Left(_) | Ending::Over => return Ok(()),
                Ending::Failed(error, _) => return Err(error),
                Ending::Closed(close) => close,
            };
            let again = self.taken.resume.is_some() && is_cut_off(close.code());
            if !again || self.taken.fruitless >= attempts {
                return Err(SocketError::Closed(close));
            }
            let stale = (close.code() == CloseCode::UNAUTHORIZED).then_some(proof);
            let mut leave = self.leave.clone();
            connection = tokio::select! {
                _ = asked(&mut leave) => return Ok(()),
                opened = self.reopen(attempts, stale) => opened?,
            };
        }
    }

    async fn reopen(
        &mut self,
        attempts: u32,
        stale: Option<Vec<Credential>>,
    ) -> Result<Connection, Failed<C>> {
        sleep(self.retry.delay(self.taken.fruitless.max(1))).await;
        self.taken.fruitless = self.taken.fruitless.saturating_add(1);
        self.open(attempts, stale.as_deref()).await
    }

    /// Carries messages over a connection until it ends.
    async fn converse(&mut self, stream: WebSocketStream<Upgraded>) -> Ending<C::Error> {
        let greeting = self.greeting.as_mut().map(|greeting| greeting()).unwrap_or_default();
        let greeting: Result<Vec<Frame>, EncodeError> = greeting.iter().map(written).collect();
        let greeting = match greeting {
            Ok(greeting) => greeting,
            Err(error) => {
                let error = SocketError::Refused(Error::Encode(error));
                return Ending::Failed(error, CloseCode::DONE);
            }
        };
        let (mut writer, mut reader) = stream.split();
        let mut leave = self.leave.clone();
        // What is silent for two pings has answered none.
        let patience = self.ping_interval.saturating_mul(2);
        let writing = write(&mut writer, greeting, &mut self.sent, self.ping_interval);
        let ending = tokio::select! {
            biased;
            ending = self.taken.read(&mut reader, patience) => ending,
            leave = asked(&mut leave) => Ending::Left(leave),
            never = writing => match never {},
        };
        match &ending {
            Ending::Left(leave) => {
                let reason = leave.reason.clone();
                goodbye(&mut writer, &mut reader, leave.code, reason).await;
            }
            Ending::Failed(_, code) => {
                goodbye(&mut writer, &mut reader, *code, String::new()).await;
            }
            Ending::Closed(close) if close.code() == BROKEN => {}
            // The other side waits for an answer to its close.
            Ending::Over | Ending::Closed(_) => drained(&mut reader).await,
        }
        ending
    }
}

impl<C: Channel> Taken<C> {
    /// Takes what comes while there is room for it: whoever is slow slows the server down.
    async fn read(&mut self, reader: &mut Reader, patience: Duration) -> Ending<C::Error> {
        let mut breach = None;
        loop {
            let Ok(permit) = self.received.reserve().await else {
                // The user has left, and the one who writes says goodbye.
                std::future::pending::<()>().await;
                continue;
            };
            let frame = match next(reader, patience).await {
                Ok(Some(frame)) => frame,
                Ok(None) => return closed(Close::new(BROKEN, ""), breach),
                Err(Stop::Closed(close)) => return closed(close, breach),
                Err(Stop::Unreadable(error, code)) => {
                    return Ending::Failed(SocketError::Decode(error), code);
                }
            };
            if let Some(problem) = problem(&frame) {
                breach = Some(problem);
                continue;
            }
            let message = match read::<C>(frame) {
                Ok(message) => message,
                Err(refused) => {
                    let code = refused.close_code();
                    let error = SocketError::Decode(DecodeError::Message(refused));
                    return Ending::Failed(error, code);
                }
            };
            if let (Some(resume), Open::Known(message)) = (&mut self.resume, &message) {
                resume(&mut self.request, message);
            }
            self.fruitless = 0;
            permit.send(Ok(message));
        }
    }
}

/// A message of the server; one that a newer contract has added is kept as it came.
fn read<C: Channel>(frame: Frame) -> Result<Open<C::Received>, Refused> {
    let text = match &frame {
        Frame::Text(text) => Some(text.clone()),
        Frame::Binary(_) => None,
    };
    match (C::Received::read(frame, Held::ByType), text) {
        (Err(Refused::Unknown { .. }), Some(text)) => Ok(Open::Unknown(text)),
        (read, _) => read.map(Open::Known),
    }
}

/// Why no message comes any more.
enum Stop {
    Closed(Close),
    Unreadable(DecodeError, CloseCode),
}

/// The next message; nothing where the connection broke or is silent for longer than that.
async fn next(reader: &mut Reader, patience: Duration) -> Result<Option<Frame>, Stop> {
    loop {
        let Ok(Some(message)) = timeout(patience, reader.next()).await else { return Ok(None) };
        match message {
            Ok(Message::Text(text)) => return Ok(Some(Frame::Text(text.as_str().to_owned()))),
            Ok(Message::Binary(bytes)) => return Ok(Some(Frame::Binary(bytes.into()))),
            Ok(Message::Close(frame)) => {
                let close = frame.map_or_else(
                    || Close::new(UNSAID, ""),
                    |frame| Close::new(CloseCode(frame.code.into()), frame.reason.as_str()),
                );
                return Err(Stop::Closed(close));
            }
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
            Err(WsError::Capacity(_)) => {
                return Err(Stop::Unreadable(DecodeError::TooLong, CloseCode::TOO_LARGE));
            }
            Err(WsError::Utf8(_)) => {
                let error = DecodeError::Message(Refused::NoJson);
                return Err(Stop::Unreadable(error, CloseCode::INVALID));
            }
            Err(_) => return Ok(None),
        }
    }
}

fn closed<E>(close: Close, breach: Option<Problem>) -> Ending<E> {
    match breach {
        Some(problem) => Ending::Failed(SocketError::Problem(Box::new(problem)), CloseCode::DONE),
        None if close.code() == CloseCode::DONE => Ending::Over,
        None => Ending::Closed(close),
    }
}

/// Sends what is to be sent, and pings. What a broken connection takes no more, the one who reads
/// finds out about.
async fn write(
    writer: &mut Writer,
    greeting: Vec<Frame>,
    sent: &mut mpsc::Receiver<Sending>,
    ping_interval: Duration,
) -> Infallible {
    for frame in greeting {
        if writer.send(message(frame)).await.is_err() {
            return std::future::pending().await;
        }
    }
    let mut pings = interval_at(Instant::now() + ping_interval, ping_interval);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let done = tokio::select! {
            Some((frame, taken)) = sent.recv() => {
                let done = writer.send(message(frame)).await;
                if done.is_ok() {
                    // Whoever does not wait for it does not want to know.
                    let _ = taken.send(());
                }
                done
            }
            _ = pings.tick() => writer.send(Message::Ping(Bytes::new())).await,
        };
        if done.is_err() {
            return std::future::pending().await;
        }
    }
}

fn message(frame: Frame) -> Message {
    match frame {
        Frame::Text(text) => Message::text(text),
        Frame::Binary(bytes) => Message::binary(bytes),
    }
}

/// Closes a connection, and waits for the other side to agree.
async fn goodbye(writer: &mut Writer, reader: &mut Reader, code: CloseCode, reason: String) {
    let close = CloseFrame { code: code.0.into(), reason: reason.into() };
    let closing = timeout(GOODBYE, writer.send(Message::Close(Some(close)))).await;
    if matches!(closing, Ok(Ok(()))) {
        drained(reader).await;
    }
}

/// Waits for the other side to end the connection.
async fn drained(reader: &mut Reader) {
    // What comes now comes too late, and a server that never ends is left.
    let _ = timeout(GOODBYE, async { while let Some(Ok(_)) = reader.next().await {} }).await;
}

/// Waits for the user to close or drop the socket.
async fn asked(leave: &mut watch::Receiver<Option<Leave>>) -> Leave {
    let found = leave.wait_for(Option::is_some).await;
    let said = found.ok().and_then(|found| found.clone());
    said.unwrap_or_else(|| Leave { code: CloseCode::DONE, reason: String::new() })
}
