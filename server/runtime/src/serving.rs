//! Serving a router until it is told to stop, and stopping without dropping anybody.

mod seats;
mod socket;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::{Extension, Router};
use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceExt;

use crate::observation;
use crate::serving::seats::{Busy, Place, Seat, Seats};
use crate::serving::socket::Socket;

/// How long requests may take to finish once the server is told to stop.
const GRACE: Duration = Duration::from_secs(20);
/// What of a request's head is not there so long after that does not come.
const LAST_HEAD: Duration = Duration::from_secs(2);
const UPKEEP: Duration = Duration::from_secs(5);
/// A machine that has no more sockets may have some again after this.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// No buffer of a connection can be smaller.
const LEAST_BUFFER: usize = 8 << 10;

/// Tells requests that the server is stopping: event streams end, readiness ends.
#[derive(Debug, Clone)]
pub(crate) struct Drain {
    begun: watch::Receiver<bool>,
    connections: usize,
}

impl Drain {
    pub(crate) fn has_begun(&self) -> bool {
        *self.begun.borrow()
    }

    /// Resolves when the server begins to stop.
    pub(crate) async fn begun(mut self) {
        let _ = self.begun.wait_for(|begun| *begun).await;
    }

    /// How many of the server's connections may be held for long: the rest is for requests.
    pub(crate) fn room(&self) -> usize {
        (self.connections / 5 * 4).max(1)
    }
}

/// Lets a request keep its connection, and the seat of that, for something else than HTTP.
#[derive(Debug, Clone)]
pub(crate) struct Keep(Arc<Place>);

impl Keep {
    /// From now on the connection is no more one of requests.
    pub(crate) fn upgraded(self) {
        self.0.note_upgraded();
    }
}

/// How connections are served, and how much of this machine they may hold.
#[derive(Debug, Clone)]
pub struct Server {
    connections: usize,
    head_timeout: Duration,
    head_limit: usize,
    stall_timeout: Duration,
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

impl Server {
    /// A server of at most 10,000 connections, each with 30 seconds for the next request's head, of
    /// 64 KiB at most, and for taking something of what is sent to it.
    pub fn new() -> Self {
        Self {
            connections: 10_000,
            head_timeout: Duration::from_secs(30),
            head_limit: 64 << 10,
            stall_timeout: Duration::from_secs(30),
        }
    }

    /// How many connections there are at once, at most. When a further one comes, those are closed
    /// that have waited longest for a request, or for the rest of its head; while all have a
    /// request under way, it waits.
    #[must_use]
    pub fn connections(self, limit: usize) -> Self {
        Self { connections: limit, ..self }
    }

    /// How long a connection may wait for the whole head of its next request.
    #[must_use]
    pub fn head_timeout(self, limit: Duration) -> Self {
        Self { head_timeout: limit, ..self }
    }

    /// The largest head of a request, in bytes, 8 KiB at least; a larger one is answered with 431.
    #[must_use]
    pub fn head_limit(self, bytes: usize) -> Self {
        Self { head_limit: bytes.max(LEAST_BUFFER), ..self }
    }

    /// How long a caller may take nothing of an answer before the connection breaks.
    #[must_use]
    pub fn stall_timeout(self, limit: Duration) -> Self {
        Self { stall_timeout: limit, ..self }
    }

    /// Serves until `shutdown` resolves, then lets running requests finish for up to 20 seconds.
    ///
    /// # Errors
    /// None so far: what is wrong with a connection ends that connection, and a machine without
    /// free sockets is waited for.
    pub async fn serve(
        self,
        listener: TcpListener,
        router: Router,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let (begin, begun) = watch::channel(false);
        let drain = Drain { begun, connections: self.connections };
        let router = router.layer(Extension(drain.clone()));
        let signal = async move {
            shutdown.await;
            tracing::info!("stopping: no new requests");
            let _ = begin.send(true);
            begin
        };
        let accepting = self.accept(listener, router, drain.clone());
        let served = async { tokio::join!(signal, accepting) };
        let overdue = async move {
            drain.begun().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            _ = served => {}
            () = overdue => tracing::warn!("stopping with requests unanswered"),
            () = upkeep() => {}
        }
        Ok(())
    }

    /// Accepts connections until the server begins to stop, and ends when the last one has.
    async fn accept(&self, listener: TcpListener, router: Router, drain: Drain) {
        let seats = Seats::new(self.connections);
        let mut open = JoinSet::new();
        let mut stopping = pin!(drain.clone().begun());
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut stopping => break,
                Some(_) = open.join_next() => continue,
                accepted = listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) if is_the_peer_s(&error) => continue,
                Err(error) => {
                    tracing::warn!(%error, "no connection can be accepted");
                    seats.make_room();
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let seat = tokio::select! {
                biased;
                () = &mut stopping => break,
                seat = seats.take() => seat,
            };
            let (server, router, drain) = (self.clone(), router.clone(), drain.clone());
            open.spawn(async move { server.attend(stream, peer, seat, router, drain).await });
        }
        drop(listener);
        while open.join_next().await.is_some() {}
    }

    /// Serves one connection to its end.
    async fn attend(
        self,
        stream: TcpStream,
        peer: SocketAddr,
        seat: Seat,
        router: Router,
        drain: Drain,
    ) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "connection keeps Nagle's algorithm");
        }
        let place = seat.place();
        let io = TokioIo::new(Socket::new(stream, seat.place(), self.stall_timeout));
        let service = service_fn(move |request: Request<Incoming>| {
            let busy = Busy::at(place.clone());
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            request.extensions_mut().insert(Keep(place.clone()));
            let answer = router.clone().oneshot(request);
            async move {
                let answer: Result<Response<Body>, Infallible> = answer.await;
                answer.map(|response| response.map(|body| Sending { body, _busy: busy }))
            }
        });
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(self.head_timeout);
        builder.max_header_size(self.head_limit).max_buf_size(self.head_limit);
        let mut connection = pin!(builder.serve_connection(io, service).with_upgrades());
        let mut stopping = pin!(drain.clone().begun());
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                log(ended);
                return seat.given_up().await;
            }
            () = seat.asked_to_leave() => return,
            () = &mut stopping => connection.as_mut().graceful_shutdown(),
        }
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                log(ended);
                return seat.given_up().await;
            }
            () = tokio::time::sleep(LAST_HEAD) => {}
        }
        if !seat.is_waiting() {
            log(connection.await);
            seat.given_up().await;
        }
    }
}

/// Serves as [`Server::new`] does, until `shutdown` resolves; then running requests may finish for
/// up to 20 seconds.
///
/// # Errors
/// As [`Server::serve`].
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    Server::new().serve(listener, router, shutdown).await
}

/// The body of an answer; its connection waits for the next request when this is gone.
#[derive(Debug)]
struct Sending {
    body: Body,
    _busy: Busy,
}

impl HttpBody for Sending {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A connection that breaks is its caller's concern.
fn log(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

/// Whether a connection was gone before it was accepted.
fn is_the_peer_s(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Keeps histograms small when nobody reads the metrics.
async fn upkeep() {
    let mut interval = tokio::time::interval(UPKEEP);
    loop {
        interval.tick().await;
        observation::recorder().run_upkeep();
    }
}
