//! Typed streams as bodies: every item is sent at once, and nothing is collected.

use std::fmt;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, Stream};
use futures_util::{StreamExt, TryStreamExt};
use serde::Serialize;
use symbolon_wire::stream::{encode_event, encode_line, encode_text_event, encode_whole_event};
use symbolon_wire::{Events, Lines, StreamError};

use crate::limits::long_lived::{Over, Stay};

const COMMENT: &[u8] = b": keep-alive\n\n";

/// A body that is still being made.
pub(crate) struct ByteStream {
    bytes: BoxStream<'static, Result<Bytes, StreamError>>,
    /// Whether comments may stand in it.
    has_comments: bool,
}

impl ByteStream {
    /// Stays open as long as it may. Events then end, and whoever reads is to come back; the end of
    /// other items would look like that of them all, and with their caller's credentials they break
    /// off.
    pub(crate) fn stay(&mut self, stay: Stay) {
        let bytes = std::mem::replace(&mut self.bytes, stream::empty().boxed());
        let (ends, over) = (self.has_comments, Box::pin(stay.over()));
        let staying = stream::unfold((bytes, Some(over)), move |(mut bytes, over)| async move {
            let mut over = over?;
            tokio::select! {
                biased;
                why = &mut over => match why {
                    Over::Expired if !ends => {
                        Some((Err(StreamError::broken(Expired)), (bytes, None)))
                    }
                    Over::Expired | Over::Stopping => None,
                },
                next = bytes.next() => Some((next?, (bytes, Some(over)))),
            }
        });
        self.bytes = staying.boxed();
    }

    /// Says something at once and when it is silent for so long, if it has a way to.
    pub(crate) fn beat(&mut self, silence: Duration) {
        if self.has_comments {
            let bytes = std::mem::replace(&mut self.bytes, stream::empty().boxed());
            self.bytes = kept_alive(bytes, silence);
        }
    }

    fn commented(bytes: impl Stream<Item = Result<Bytes, StreamError>> + Send + 'static) -> Self {
        Self { bytes: bytes.boxed(), has_comments: true }
    }

    /// The body. A stream that breaks off is logged, and breaks the connection off: its end would
    /// look like the end of the items.
    pub(crate) fn into_body(self) -> Body {
        let log = |error: &StreamError| tracing::error!(%error, "stream broke off");
        Body::from_stream(self.bytes.inspect_err(log))
    }
}

/// The credentials of a stream's caller are good no more.
#[derive(Debug, thiserror::Error)]
#[error("the credentials of the caller have expired")]
struct Expired;

impl fmt::Debug for ByteStream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ByteStream")
    }
}

/// Events with payloads as JSON.
pub(crate) fn events<T: Serialize + Send + 'static>(events: Events<T>) -> ByteStream {
    ByteStream::commented(events.map(|event| encode_event(&event?).map(Bytes::from)))
}

/// Events whose payloads describe them as wholes.
pub(crate) fn whole_events<T: Serialize + Send + 'static>(events: Events<T>) -> ByteStream {
    ByteStream::commented(events.map(|event| encode_whole_event(&event?).map(Bytes::from)))
}

/// Events with payloads as text.
pub(crate) fn text_events(events: Events<String>) -> ByteStream {
    ByteStream::commented(events.map(|event| Ok(Bytes::from(encode_text_event(&event?)))))
}

/// JSON documents.
pub(crate) fn lines<T: Serialize + Send + 'static>(
    media_type: &'static str,
    lines: Lines<T>,
) -> ByteStream {
    let bytes = lines.map(move |item| encode_line(media_type, &item?).map(Bytes::from));
    ByteStream { bytes: bytes.boxed(), has_comments: false }
}

/// The stream with comments where it is silent for long, and one at once: it shows that it is open.
fn kept_alive(
    bytes: BoxStream<'static, Result<Bytes, StreamError>>,
    silence: Duration,
) -> BoxStream<'static, Result<Bytes, StreamError>> {
    let comment = Bytes::from_static(COMMENT);
    let opened = stream::iter([Ok(comment.clone())]);
    let beaten = stream::unfold(bytes, move |mut bytes| {
        let comment = comment.clone();
        async move {
            let next = match tokio::time::timeout(silence, bytes.next()).await {
                Ok(next) => next?,
                Err(_) => Ok(comment),
            };
            Some((next, bytes))
        }
    });
    opened.chain(beaten).boxed()
}
