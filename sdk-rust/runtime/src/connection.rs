//! The handshake of a WebSocket over the client's own HTTP connections (RFC 6455, 4).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use reqwest::Upgraded;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use uuid::Uuid;

use crate::auth::Credential;
use crate::call::Options;
use crate::error::Failure;
use crate::{Channel, Client, EncodeError, Error, Incoming, Outgoing, TransportError, retry};

/// An open connection, and what proved whose it is.
pub(crate) struct Connection {
    pub(crate) stream: WebSocketStream<Upgraded>,
    pub(crate) proof: Vec<Credential>,
}

/// Why there is no connection.
pub(crate) struct Refused<E> {
    pub(crate) error: Error<E>,
    /// Whether another attempt may fare better.
    pub(crate) passes: bool,
    /// How long the server asks to wait before it.
    pub(crate) wait: Option<Duration>,
}

/// What bounds a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Time for its handshake.
    pub(crate) timeout: Duration,
    /// Bytes of a message that is taken.
    pub(crate) message: usize,
}

/// Opens a connection; not with credentials that are `stale`.
pub(crate) async fn open<C: Channel>(
    client: &Client,
    request: &C::Request,
    options: &Options,
    bounds: Bounds,
    stale: Option<&[Credential]>,
) -> Result<Option<Connection>, Refused<C::Error>> {
    let opening = timeout(bounds.timeout, handshake::<C>(client, request, options, stale));
    let opened = opening.await.unwrap_or(Err(Failure::Timeout)).map_err(Refused::from)?;
    let (upgraded, proof) = match opened {
        Opened::Stale => return Ok(None),
        Opened::Answered(incoming) => return Err(Refused::of::<C>(incoming)),
        Opened::Switched(upgraded, proof) => (upgraded, proof),
    };
    let config = WebSocketConfig::default()
        .max_message_size(Some(bounds.message))
        .max_frame_size(Some(bounds.message));
    let stream = WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(config)).await;
    Ok(Some(Connection { stream, proof }))
}

/// What became of a handshake.
enum Opened {
    Switched(Upgraded, Vec<Credential>),
    Answered(Incoming),
    /// There are no other credentials than those that are stale.
    Stale,
}

async fn handshake<C: Channel>(
    client: &Client,
    request: &C::Request,
    options: &Options,
    stale: Option<&[Credential]>,
) -> Result<Opened, Failure> {
    let mut out = Outgoing::new(&C::INFO);
    C::encode(request, &mut out);
    let mut written = out.finish().map_err(Failure::Encode)?;
    let key = STANDARD.encode(Uuid::new_v4().as_bytes());
    written.headers.extend(offer(&key, C::PROTOCOLS).map_err(Failure::Encode)?);
    let proof = client.credentials(&C::INFO).await.map_err(Failure::Encode)?;
    if stale == Some(proof.as_slice()) {
        return Ok(Opened::Stale);
    }
    let request =
        client.request(&C::INFO, &written, options, proof.clone()).map_err(Failure::Encode)?;
    let broken = |error| Failure::Transport(TransportError::new(error));
    let response = client.upgradable()?.execute(request).await.map_err(broken)?;
    let (status, headers) = (response.status(), response.headers().clone());
    if status != StatusCode::SWITCHING_PROTOCOLS || !is_accepted(&headers, &key, C::PROTOCOLS) {
        // A broken upgrade has no body that would end.
        let is_over = status == StatusCode::SWITCHING_PROTOCOLS;
        let body =
            if is_over { bytes::Bytes::new() } else { response.bytes().await.map_err(broken)? };
        return Ok(Opened::Answered(Incoming::new(status, headers, body)));
    }
    let upgraded = response.upgrade().await.map_err(broken)?;
    Ok(Opened::Switched(upgraded, proof))
}

/// The headers that ask for a WebSocket.
fn offer(key: &str, protocols: &[&str]) -> Result<Vec<(HeaderName, HeaderValue)>, EncodeError> {
    let header = |name: HeaderName, value: &str| {
        crate::client::header_value(name.as_str(), value).map(|value| (name, value))
    };
    let mut headers = vec![
        header(CONNECTION, "Upgrade")?,
        header(UPGRADE, "websocket")?,
        header(SEC_WEBSOCKET_VERSION, "13")?,
        header(SEC_WEBSOCKET_KEY, key)?,
    ];
    if !protocols.is_empty() {
        headers.push(header(SEC_WEBSOCKET_PROTOCOL, &protocols.join(", "))?);
    }
    Ok(headers)
}

/// Whether the server has read the handshake, and speaks what was offered.
fn is_accepted(headers: &HeaderMap, key: &str, protocols: &[&str]) -> bool {
    let text =
        |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or_default());
    let is =
        |name, wanted: &str| text(name).is_some_and(|found| found.eq_ignore_ascii_case(wanted));
    let speaks = text(SEC_WEBSOCKET_PROTOCOL).is_none_or(|found| protocols.contains(&found));
    is(UPGRADE, "websocket")
        && text(SEC_WEBSOCKET_ACCEPT) == Some(derive_accept_key(key.as_bytes()).as_str())
        && speaks
}

impl<E> From<Failure> for Refused<E> {
    fn from(failure: Failure) -> Self {
        let passes = match failure {
            Failure::Transport(_) | Failure::Timeout => true,
            Failure::Encode(_) => false,
        };
        Self { error: failure.into(), passes, wait: None }
    }
}

impl<E> Refused<E> {
    fn of<C: Channel<Error = E>>(incoming: Incoming) -> Self {
        let status = incoming.status();
        let passes = matches!(status, 429 | 500 | 502 | 503 | 504);
        let wait = retry::retry_after(incoming.headers());
        let error = match C::decode(&incoming) {
            Ok(problem) => Error::Problem(problem),
            Err(_) => Error::Unexpected { status, body: incoming.into_body() },
        };
        Self { error, passes, wait }
    }
}
