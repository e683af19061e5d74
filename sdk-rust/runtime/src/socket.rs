//! Channels that are open on both sides: messages are sent, and others come.

use std::error::Error as StdError;
use std::fmt::{self, Debug, Display};
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::Stream;
use symbolon_wire::socket::{CloseCode, Frame, Message};
use symbolon_wire::{Open, Problem};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::call::Options;
use crate::connection::Bounds;
use crate::line::{Greeting, Item, Leave, Line, Resume, Sending, Taken};
use crate::{BaseUrl, Channel, Client, DecodeError, EncodeError, Error, Retry};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const PING_INTERVAL: Duration = Duration::from_secs(30);
const RECEIVE_LIMIT: usize = 64;
const SEND_LIMIT: usize = 64;
const MESSAGE_LIMIT: usize = 16 * 1024 * 1024;

/// A socket that is opened when it is awaited.
#[must_use = "a socket is opened when it is awaited"]
pub struct Connect<C: Channel> {
    client: Client,
    request: C::Request,
    options: Options,
    bounds: Bounds,
    retry: Option<Retry>,
    ping_interval: Duration,
    receive_limit: usize,
    send_limit: usize,
    resume: Option<Resume<C>>,
    greeting: Option<Greeting<C>>,
}

/// What opening a socket resolves to.
pub type Opened<C> = Result<Socket<C>, SocketError<<C as Channel>::Error>>;

impl Client {
    /// Prepares a socket. It is opened when it is awaited.
    pub fn connect<C: Channel>(&self, request: C::Request) -> Connect<C> {
        Connect {
            client: self.clone(),
            request,
            options: Options::default(),
            bounds: Bounds { timeout: CONNECT_TIMEOUT, message: MESSAGE_LIMIT },
            retry: None,
            ping_interval: PING_INTERVAL,
            receive_limit: RECEIVE_LIMIT,
            send_limit: SEND_LIMIT,
            resume: None,
            greeting: None,
        }
    }
}

impl<C: Channel> Connect<C> {
    /// Comes back when a connection is cut off, with the request that this has made of the one
    /// before and of every message since: `|request, last| request.after = Some(last.id.clone())`.
    /// Without it, a socket whose connection is cut off is over: only its user can say how to go
    /// on.
    pub fn resume(
        mut self,
        resume: impl FnMut(&mut C::Request, &C::Received) + Send + 'static,
    ) -> Self {
        self.resume = Some(Box::new(resume));
        self
    }

    /// Sends first over every connection, before all that waits, what this gives: what the server
    /// forgets with the one before, such as what is watched.
    pub fn greeting(mut self, greeting: impl FnMut() -> Vec<C::Sent> + Send + 'static) -> Self {
        self.greeting = Some(Box::new(greeting));
        self
    }

    /// Gives each connection this long to open, instead of ten seconds.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.bounds.timeout = timeout;
        self
    }

    /// Tries connections again like this. `attempts` counts those in a row that bring no message;
    /// without it the first one is tried as often as a call, and one that was open again for good.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = Some(retry);
        self
    }

    /// Pings the server this often, instead of every thirty seconds. A connection over which
    /// nothing came in the time of two is taken for broken.
    pub fn ping_interval(mut self, interval: Duration) -> Self {
        self.ping_interval = interval.max(Duration::from_millis(1));
        self
    }

    /// Lets so many messages wait to be taken, instead of 64. When as many wait, nothing more is
    /// read, which slows the server down; one that does not wait so long closes, with 1013.
    pub fn receive_limit(mut self, messages: usize) -> Self {
        self.receive_limit = messages.max(1);
        self
    }

    /// Lets so many messages wait to be sent, instead of 64; then senders wait.
    pub fn send_limit(mut self, messages: usize) -> Self {
        self.send_limit = messages.max(1);
        self
    }

    /// Takes messages of up to so many bytes, instead of 16 MiB.
    pub fn message_limit(mut self, bytes: usize) -> Self {
        self.bounds.message = bytes;
        self
    }

    /// Opens the socket below another URL, or at another server of the contract.
    pub fn at(mut self, base_url: impl Into<BaseUrl>) -> Self {
        self.options.at(base_url.into());
        self
    }

    /// Sends this correlation id (`X-Correlation-Id`), so that logs can be found by it.
    pub fn correlation_id(mut self, id: &str) -> Self {
        self.options.header(crate::call::CORRELATION_ID, id);
        self
    }

    /// Sends a header with every handshake, instead of the client's default of that name.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.options.header(name, value);
        self
    }

    /// Opens the socket. Awaiting it does the same.
    ///
    /// # Errors
    /// When no connection comes about.
    pub async fn open(self) -> Opened<C> {
        self.options.checked().map_err(|error| SocketError::Refused(Error::Encode(error)))?;
        let retry = self.retry.unwrap_or_else(|| self.client.retry());
        let (received, receiver) = mpsc::channel(self.receive_limit);
        let (sender, sent) = mpsc::channel(self.send_limit);
        let (leave, leaving) = watch::channel(None);
        let (request, resume) = (self.request, self.resume);
        let mut line = Line::<C> {
            client: self.client,
            options: self.options,
            bounds: self.bounds,
            retry,
            ping_interval: self.ping_interval,
            sent,
            greeting: self.greeting,
            taken: Taken { received, request, resume, fruitless: 1 },
            leave: leaving,
            was_open: false,
        };
        let first = line.open(retry.attempts, None).await?;
        let attempts = self.retry.map_or(u32::MAX, |retry| retry.attempts);
        let task = tokio::spawn(line.run(first, attempts));
        Ok(Socket { receiver, sender: Sender { sender, channel: PhantomData }, leave, task })
    }
}

impl<C: Channel> IntoFuture for Connect<C> {
    type Output = Opened<C>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.open())
    }
}

/// A channel that is open on both sides. Dropping it closes it.
///
/// Messages that are on their way when a connection is cut off are lost, and are not sent again.
#[must_use = "dropping a socket closes it"]
pub struct Socket<C: Channel> {
    receiver: mpsc::Receiver<Item<C>>,
    sender: Sender<C>,
    leave: watch::Sender<Option<Leave>>,
    task: JoinHandle<()>,
}

impl<C: Channel> Socket<C> {
    /// The next message; nothing when the server is done. One that the contract of this SDK does
    /// not know yet is [`Open::Unknown`], with its text.
    ///
    /// # Errors
    /// When no connection is of use any more; nothing comes behind that.
    pub async fn try_next(&mut self) -> Result<Option<Open<C::Received>>, SocketError<C::Error>> {
        self.receiver.recv().await.transpose()
    }

    /// Sends a message: done when a connection has taken it.
    ///
    /// # Errors
    /// When it cannot be written, or no connection has taken it.
    pub async fn send(&self, message: &C::Sent) -> Result<(), SendError> {
        self.sender.send(message).await
    }

    /// What sends from elsewhere while this receives. It does not hold the socket open.
    pub fn sender(&self) -> Sender<C> {
        self.sender.clone()
    }

    /// Closes the socket, and waits for the server to agree. What came and was not taken is lost.
    pub async fn close(self) {
        self.close_with(CloseCode::DONE, "").await;
    }

    /// Closes it with a code of one's own, 3000 to 4999 (RFC 6455, 7.4.2), and a reason of at most
    /// 123 bytes; what is longer is cut.
    pub async fn close_with(self, code: CloseCode, reason: &str) {
        let end = reason.floor_char_boundary(123);
        let reason = reason[..end].to_owned();
        let Self { receiver, sender, leave, task } = self;
        drop((receiver, sender));
        leave.send_replace(Some(Leave { code, reason }));
        // It panics only where generated code does, and then is over as well.
        let _ = task.await;
    }
}

impl<C: Channel> Stream for Socket<C> {
    type Item = Item<C>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().receiver.poll_recv(context)
    }
}

impl<C: Channel> Debug for Socket<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Socket({})", C::INFO.id)
    }
}

impl<C: Channel> Debug for Connect<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Connect({})", C::INFO.id)
    }
}

/// What sends on a socket.
pub struct Sender<C: Channel> {
    sender: mpsc::Sender<Sending>,
    channel: PhantomData<fn(C)>,
}

impl<C: Channel> Sender<C> {
    /// Sends a message: done when a connection has taken it. Until there is one it waits.
    ///
    /// # Errors
    /// When it cannot be written, or no connection has taken it.
    pub async fn send(&self, message: &C::Sent) -> Result<(), SendError> {
        let frame = written(message)?;
        let (taken, took) = oneshot::channel();
        self.sender.send((frame, taken)).await.map_err(|_| SendError::Closed)?;
        took.await.map_err(|_| SendError::Closed)
    }
}

/// A message as it travels.
pub(crate) fn written(message: &impl Message) -> Result<Frame, EncodeError> {
    let media_type = || "application/json".to_owned();
    message.write().map_err(|_| EncodeError::Body { media_type: media_type() })
}

impl<C: Channel> Clone for Sender<C> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone(), channel: PhantomData }
    }
}

impl<C: Channel> Debug for Sender<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sender")
    }
}

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// It cannot be written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The socket is closed, or the connection broke while it was sent. Why, the one who receives
    /// is told.
    #[error("the socket is closed, or its connection broke")]
    Closed,
}

/// How a connection was closed.
#[derive(Clone, PartialEq, Eq)]
pub struct Close {
    code: CloseCode,
    reason: String,
}

impl Close {
    pub(crate) fn new(code: CloseCode, reason: &str) -> Self {
        Self { code, reason: reason.to_owned() }
    }

    /// Status code (RFC 6455, 7.4): 1006 if the connection broke, 1005 if it ended without one.
    pub fn code(&self) -> CloseCode {
        self.code
    }

    /// What the server said about it. Kept out of logs.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl Debug for Close {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Close").field("code", &self.code.0).finish_non_exhaustive()
    }
}

/// What ends a socket. `E` holds the errors that its handshake documents.
#[derive(Debug)]
pub enum SocketError<E> {
    /// No connection came about: what the contract documents, or why the server was not reached.
    Refused(Error<E>),
    /// A connection that was open was closed, and does not come back.
    Closed(Close),
    /// The server says that a message which was sent breaks the contract, and where.
    Problem(Box<Problem>),
    /// A message of the server is not as documented.
    Decode(DecodeError),
}

impl<E: Debug> Display for SocketError<E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => Display::fmt(error, formatter),
            Self::Closed(close) => write!(formatter, "the socket was closed: code {}", close.code),
            Self::Problem(problem) => {
                write!(formatter, "documented problem `{}`", problem.code)
            }
            Self::Decode(error) => Display::fmt(error, formatter),
        }
    }
}

impl<E: Debug> StdError for SocketError<E> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Refused(error) => error.source(),
            Self::Closed(_) | Self::Problem(_) | Self::Decode(_) => None,
        }
    }
}
