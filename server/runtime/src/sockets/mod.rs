//! Sockets (RFC 6455): what a handler is given to talk to a caller with, once it has let it in.
//!
//! What opens a socket is an operation like any other; its success is a [`Session`].

pub(crate) mod handshake;
mod line;
mod pump;

use std::fmt;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use symbolon_wire::socket::{Frame, Held, Message, Refused};
use tokio::sync::mpsc;

pub(crate) use self::line::{Around, Ended, Limits, Opened, keep};
use crate::{Failure, Operation};

/// An operation that opens a socket; implemented by a generated marker type.
pub trait SocketOperation: Operation<Response = Session<Self>> + Sized {
    /// What callers send.
    type Received: Message;
    /// What the handler sends.
    type Sent: Message;
}

type Run<O> = Box<dyn FnOnce(Socket<O>) -> BoxFuture<'static, Result<(), Failure>> + Send>;

/// What happens on a socket once it is open: the success of the operation that opens it.
pub struct Session<O: SocketOperation>(Run<O>);

impl<O: SocketOperation> Session<O> {
    /// A session that is this future's. The socket is closed when it ends and all of its
    /// [`Sender`]s are gone: with 1000 where it ends well, with 1011 otherwise.
    ///
    /// When the caller is gone, or the server stops, [`Socket::receive`] says that there is
    /// nothing more; a future that goes on nevertheless is dropped five seconds later.
    pub fn new<F, R>(run: F) -> Self
    where
        F: FnOnce(Socket<O>) -> R + Send + 'static,
        R: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        Self(Box::new(move |socket| run(socket).boxed()))
    }

    /// What runs it, with its types erased.
    pub(crate) fn opened(self) -> Opened {
        Opened(Box::new(move |line| pump::pump(self.0, line).boxed()))
    }
}

impl<O: SocketOperation> fmt::Debug for Session<O> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Session({})", O::INFO.id)
    }
}

/// One end of an open socket.
pub struct Socket<O: SocketOperation> {
    incoming: mpsc::Receiver<O::Received>,
    sender: Sender<O>,
}

impl<O: SocketOperation> Socket<O> {
    /// The next message of the caller, which keeps to the contract; none when there will be no
    /// more. It may be dropped before it resolves, and nothing is lost.
    pub async fn receive(&mut self) -> Option<O::Received> {
        self.incoming.recv().await
    }

    /// Sends a message: see [`Sender::send`].
    ///
    /// # Errors
    /// As [`Sender::send`].
    pub async fn send(&self, message: O::Sent) -> Result<(), SendError> {
        self.sender.send(message).await
    }

    /// Another hand that sends, for tasks of their own.
    pub fn sender(&self) -> Sender<O> {
        self.sender.clone()
    }
}

impl<O: SocketOperation> fmt::Debug for Socket<O> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Socket({})", O::INFO.id)
    }
}

/// What sends on an open socket; it stays open until the last of these is gone.
pub struct Sender<O: SocketOperation> {
    outgoing: mpsc::Sender<Frame>,
    of: std::marker::PhantomData<fn() -> O>,
}

impl<O: SocketOperation> Sender<O> {
    /// Sends a message, held against its schema before it leaves. Waits while the caller takes
    /// nothing; where that lasts too long the socket is closed with 1013.
    ///
    /// # Errors
    /// [`SendError`] when the message breaks its schema, or the socket is closed.
    pub async fn send(&self, message: O::Sent) -> Result<(), SendError> {
        let frame = message.write()?;
        O::Sent::read(frame.clone(), Held::Wholly)?;
        self.outgoing.send(frame).await.map_err(|_| SendError::Closed)
    }

    /// Resolves when nothing can be sent any more.
    pub async fn closed(&self) {
        self.outgoing.closed().await;
    }
}

impl<O: SocketOperation> Clone for Sender<O> {
    fn clone(&self) -> Self {
        Self { outgoing: self.outgoing.clone(), of: self.of }
    }
}

impl<O: SocketOperation> fmt::Debug for Sender<O> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Sender({})", O::INFO.id)
    }
}

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The socket is closed: there is nobody to tell.
    #[error("the socket is closed")]
    Closed,
    /// The message breaks its schema; the socket is still open.
    #[error("the message is not sent")]
    Refused(#[from] Refused),
    /// JSON has no such value.
    #[error("the message cannot be written")]
    Unwritable(#[from] serde_json::Error),
}
