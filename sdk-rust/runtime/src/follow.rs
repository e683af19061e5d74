//! Streams of events that are taken up again where they broke off (HTML Standard, 9.2.3).

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::{BoxFuture, poll_fn};
use futures_util::stream::{self, Stream};
use symbolon_wire::{Event, Events, StreamError};
use tokio::time::sleep;

use crate::{DecodeError, Error};

/// How long to wait before coming back, where the server does not say.
const RETRY: Duration = Duration::from_secs(3);

type Opened<T, E> = Result<Option<Events<T>>, Error<E>>;
type Open<T, E> = Box<dyn FnMut(Option<String>) -> BoxFuture<'static, Opened<T, E>> + Send>;
type Item<T, E> = Result<Event<T>, Error<E>>;

/// Events across connections. Ends when the server answers with no stream.
#[must_use = "a stream does nothing until it is polled"]
pub struct Follow<T, E>(Pin<Box<dyn Stream<Item = Item<T, E>> + Send>>);

/// Where a stream of events stands.
struct Place<T, E> {
    open: Open<T, E>,
    events: Option<Events<T>>,
    last_id: Option<String>,
    retry: Duration,
    /// Whether a connection was open, so that the next one has to wait.
    waits: bool,
}

/// Follows a stream of events: opens it, and opens it again with the id of the last event that was
/// seen when its connection ends or breaks, or where the stream said it was. A server may end one
/// with the credentials it was opened with: they are asked for anew. `open` gets that id for
/// `Last-Event-ID`; it gives no events when the server has no more. Errors of the contract end it,
/// errors of the way do not.
///
/// ```ignore
/// let mut news = follow(move |last_event_id| {
///     let call = client.news().watch(watch::Request { last_event_id });
///     async move { Ok(Some(call.await?.into_body())) }
/// });
/// while let Some(event) = news.try_next().await? {}
/// ```
pub fn follow<T, E, F, R>(mut open: F) -> Follow<T, E>
where
    T: Send + 'static,
    E: Send + 'static,
    F: FnMut(Option<String>) -> R + Send + 'static,
    R: Future<Output = Opened<T, E>> + Send + 'static,
{
    let place = Place {
        open: Box::new(move |last_id| Box::pin(open(last_id))),
        events: None,
        last_id: None,
        retry: RETRY,
        waits: false,
    };
    Follow(Box::pin(stream::unfold(Some(place), next)))
}

async fn next<T, E>(place: Option<Place<T, E>>) -> Option<(Item<T, E>, Option<Place<T, E>>)> {
    let mut place = place?;
    loop {
        let Some(events) = &mut place.events else {
            if std::mem::replace(&mut place.waits, true) {
                sleep(place.retry).await;
            }
            match (place.open)(place.last_id.clone()).await {
                Ok(Some(events)) => place.events = Some(events),
                Ok(None) => return None,
                Err(Error::Transport(_) | Error::Timeout) => {}
                Err(error) => return Some((Err(error), None)),
            }
            continue;
        };
        match events.try_next().await {
            Ok(Some(event)) => {
                place.retry = event.retry.unwrap_or(place.retry);
                place.last_id = event.id.clone().or(place.last_id);
                return Some((Ok(event), Some(place)));
            }
            Ok(None) | Err(StreamError::Broken(_)) => {
                let bookmark = events.bookmark();
                place.retry = bookmark.retry().unwrap_or(place.retry);
                place.last_id = bookmark.last_id().or(place.last_id);
                place.events = None;
            }
            Err(StreamError::Item(refusal)) => {
                let error = Error::Decode(DecodeError::Body(refusal));
                return Some((Err(error), Some(place)));
            }
            Err(_) => return Some((Err(Error::Decode(DecodeError::TooLong)), None)),
        }
    }
}

impl<T, E> Follow<T, E> {
    /// The next event; nothing when the server has no more.
    ///
    /// # Errors
    /// When the server answers with an error of the contract, or an event is not as documented.
    pub async fn try_next(&mut self) -> Result<Option<Event<T>>, Error<E>> {
        poll_fn(|context| self.0.as_mut().poll_next(context)).await.transpose()
    }
}

impl<T, E> Stream for Follow<T, E> {
    type Item = Item<T, E>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().0.as_mut().poll_next(context)
    }
}

impl<T, E> fmt::Debug for Follow<T, E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Follow")
    }
}
