//! Bodies that come item by item: server-sent events and JSON lines.
//!
//! Both halves hold the same types: a server makes them of what it produces, a client of what
//! arrives. Nothing is collected on either side.

mod bookmark;
mod decode;
mod encode;

pub use bookmark::Bookmark;
pub use decode::{EventDecoder, LineDecoder, RawEvent};
pub use encode::{encode_event, encode_line, encode_text_event, encode_whole_event};

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;

use crate::parameter::Refusal;

/// One event of a `text/event-stream` (HTML Standard, 9.2).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Event<T> {
    /// `id`: what a client sends as `Last-Event-ID` when it comes back.
    pub id: Option<String>,
    /// `event`: the kind of the event; `message` where it is left out.
    pub event: Option<String>,
    /// `retry`: how long to wait before coming back.
    pub retry: Option<Duration>,
    /// The payload.
    pub data: T,
}

impl<T> Event<T> {
    /// An event that is only its payload.
    pub const fn new(data: T) -> Self {
        Self { id: None, event: None, retry: None, data }
    }

    /// The same event with an id.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// The same event with a kind.
    #[must_use]
    pub fn event(mut self, event: impl Into<String>) -> Self {
        self.event = Some(event.into());
        self
    }
}

/// Why a stream broke off.
#[derive(Debug)]
#[non_exhaustive]
pub enum StreamError {
    /// The connection broke, or whoever produces the items failed.
    Broken(Box<dyn Error + Send + Sync>),
    /// An item is not as documented; the refusal says where, and never holds the value.
    Item(Refusal),
    /// An item is longer than anybody should keep in memory.
    TooLong,
}

impl StreamError {
    /// A stream that its producer broke off.
    pub fn broken(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Broken(cause.into())
    }
}

impl fmt::Display for StreamError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(_) => formatter.write_str("the stream broke off"),
            Self::Item(refusal) => write!(formatter, "an item is not as documented: {refusal}"),
            Self::TooLong => formatter.write_str("an item of the stream is too long"),
        }
    }
}

impl Error for StreamError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Broken(cause) => Some(cause.as_ref()),
            Self::Item(refusal) => Some(refusal),
            Self::TooLong => None,
        }
    }
}

type Boxed<T> = Pin<Box<dyn Stream<Item = Result<T, StreamError>> + Send>>;

/// Server-sent events with payloads of one type.
#[must_use = "a stream does nothing until it is polled"]
pub struct Events<T> {
    events: Boxed<Event<T>>,
    bookmark: Bookmark,
}

/// JSON documents of one type, one a line (or after a record separator, RFC 7464).
#[must_use = "a stream does nothing until it is polled"]
pub struct Lines<T>(Boxed<T>);

impl<T> Events<T> {
    /// The events of a stream. An error breaks the response off, so that the client knows.
    pub fn new(events: impl Stream<Item = Result<Event<T>, StreamError>> + Send + 'static) -> Self {
        Self::marked(events, Bookmark::default())
    }

    /// The events of a stream that keeps this bookmark.
    pub fn marked(
        events: impl Stream<Item = Result<Event<T>, StreamError>> + Send + 'static,
        bookmark: Bookmark,
    ) -> Self {
        Self { events: Box::pin(events), bookmark }
    }

    /// Where the stream was when it ended, besides what its events say.
    pub fn bookmark(&self) -> &Bookmark {
        &self.bookmark
    }

    /// Events that are only their payloads, from a stream that does not fail.
    pub fn of(items: impl Stream<Item = T> + Send + 'static) -> Self
    where
        T: 'static,
    {
        Self::new(Mapped { items: Box::pin(items), map: |item| Ok(Event::new(item)) })
    }

    /// The next event; nothing at the end.
    ///
    /// # Errors
    /// When the stream breaks off, or an event is not as documented.
    pub async fn try_next(&mut self) -> Result<Option<Event<T>>, StreamError> {
        poll_fn(|context| self.events.as_mut().poll_next(context)).await.transpose()
    }
}

impl<T> Lines<T> {
    /// The items of a stream. An error breaks the response off, so that the client knows.
    pub fn new(items: impl Stream<Item = Result<T, StreamError>> + Send + 'static) -> Self {
        Self(Box::pin(items))
    }

    /// The items of a stream that does not fail.
    pub fn of(items: impl Stream<Item = T> + Send + 'static) -> Self
    where
        T: 'static,
    {
        Self(Box::pin(Mapped { items: Box::pin(items), map: Ok }))
    }

    /// The next item; nothing at the end.
    ///
    /// # Errors
    /// When the stream breaks off, or an item is not as documented.
    pub async fn try_next(&mut self) -> Result<Option<T>, StreamError> {
        poll_fn(|context| self.0.as_mut().poll_next(context)).await.transpose()
    }
}

/// A stream whose items become something else.
struct Mapped<T, U> {
    items: Pin<Box<dyn Stream<Item = T> + Send>>,
    map: fn(T) -> Result<U, StreamError>,
}

impl<T, U> Stream for Mapped<T, U> {
    type Item = Result<U, StreamError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mapped = self.get_mut();
        let map = mapped.map;
        mapped.items.as_mut().poll_next(context).map(|item| item.map(map))
    }
}

impl<T> Stream for Events<T> {
    type Item = Result<Event<T>, StreamError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().events.as_mut().poll_next(context)
    }
}

impl<T> Stream for Lines<T> {
    type Item = Result<T, StreamError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().0.as_mut().poll_next(context)
    }
}

impl<T> fmt::Debug for Events<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Events")
    }
}

impl<T> fmt::Debug for Lines<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Lines")
    }
}
