//! A connection that has become a socket, and what is known of it: what runs a session gets this.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use symbolon_wire::socket::CloseCode;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use crate::answers::problem::Wording;
use crate::limits::long_lived::Stay;
use crate::observation;

/// What is read of a connection at once, and written to it: each socket has as much of memory.
const BUFFER: usize = 4 << 10;

/// How much of this machine a socket may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The largest message that is received, in bytes.
    pub(crate) message: usize,
    /// How long the caller may take nothing of what is sent.
    pub(crate) patience: Duration,
    /// How long a caller may be silent before it is asked whether it is there, and how long it may
    /// take to answer.
    pub(crate) silence: Duration,
}

/// A socket, before anything is said on it.
pub(crate) struct Line {
    pub(crate) stream: WebSocketStream<TokioIo<Upgraded>>,
    pub(crate) stay: Stay,
    pub(crate) limits: Limits,
    pub(crate) wording: Arc<Wording>,
    pub(crate) correlation_id: String,
    pub(crate) operation: &'static str,
}

/// How a socket ended, and what was said on it.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The close code that was sent, or that the caller sent; none where the connection broke.
    pub(crate) code: Option<CloseCode>,
    pub(crate) received: u64,
    pub(crate) sent: u64,
}

type Talk = Box<dyn FnOnce(Line) -> BoxFuture<'static, Ended> + Send>;

/// A session that waits for its socket.
pub(crate) struct Opened(pub(crate) Talk);

impl fmt::Debug for Opened {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Opened")
    }
}

/// What a session needs beside its socket.
pub(crate) struct Around {
    pub(crate) stay: Stay,
    pub(crate) limits: Limits,
    pub(crate) wording: Arc<Wording>,
    pub(crate) correlation_id: String,
    pub(crate) operation: &'static str,
}

/// Runs a session from the moment its connection is a socket until that is closed.
pub(crate) async fn keep(opened: Opened, upgrade: OnUpgrade, around: Around) {
    let Around { stay, limits, wording, correlation_id, operation } = around;
    let upgraded = match upgrade.await {
        Ok(upgraded) => upgraded,
        Err(error) => {
            tracing::debug!(%error, "a connection broke before it was a socket");
            return;
        }
    };
    let _gauged = observation::OpenSocket::begin();
    let started_at = Instant::now();
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER)
        .max_message_size(Some(limits.message))
        .max_frame_size(Some(limits.message));
    let io = TokioIo::new(upgraded);
    let stream = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
    let line = Line { stream, stay, limits, wording, correlation_id, operation };
    let ended = (opened.0)(line).await;
    observation::socket_closed(operation, &ended, started_at.elapsed());
}
