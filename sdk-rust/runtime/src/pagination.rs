//! Operations that answer in pages (`x-pagination`), walked as streams.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::future::poll_fn;
use futures_util::stream::{self, Stream};

use crate::{Call, DecodeError, Error, Operation};

/// An operation that answers in pages. Generated.
pub trait Paged: Operation {
    /// What the pages are made of.
    type Item: Send + 'static;
    /// Where a page starts.
    type Cursor: Clone + PartialEq + Send + 'static;

    /// Takes a page apart into its items and the cursor of the next page.
    fn split(response: Self::Response) -> (Vec<Self::Item>, Option<Self::Cursor>);

    /// Makes a request ask for the page at a cursor.
    fn resume(request: &mut Self::Request, cursor: Self::Cursor);
}

type Boxed<O, T> = Pin<Box<dyn Stream<Item = Result<T, Error<<O as Operation>::Error>>> + Send>>;

/// The pages of a call, each the items of one response. A page is fetched when it is asked for.
#[must_use = "a stream does nothing until it is polled"]
pub struct Pages<O: Paged> {
    stream: Boxed<O, Vec<O::Item>>,
}

/// The items of all pages of a call, in order.
#[must_use = "a stream does nothing until it is polled"]
pub struct Items<O: Paged> {
    pages: Pages<O>,
    waiting: VecDeque<O::Item>,
}

impl<O: Paged> Pages<O> {
    pub(crate) fn new(call: Call<O>) -> Self {
        let first = Some((call, None::<O::Cursor>));
        Self { stream: Box::pin(stream::try_unfold(first, next_page)) }
    }

    /// The next page.
    ///
    /// # Errors
    /// When its request failed.
    pub async fn try_next(&mut self) -> Result<Option<Vec<O::Item>>, Error<O::Error>> {
        poll_fn(|context| self.stream.as_mut().poll_next(context)).await.transpose()
    }
}

impl<O: Paged> Items<O> {
    pub(crate) fn new(call: Call<O>) -> Self {
        Self { pages: Pages::new(call), waiting: VecDeque::new() }
    }

    /// The next item.
    ///
    /// # Errors
    /// When the request of its page failed.
    pub async fn try_next(&mut self) -> Result<Option<O::Item>, Error<O::Error>> {
        loop {
            if let Some(item) = self.waiting.pop_front() {
                return Ok(Some(item));
            }
            match self.pages.try_next().await? {
                Some(page) => self.waiting = page.into(),
                None => return Ok(None),
            }
        }
    }
}

type Place<O> = Option<(Call<O>, Option<<O as Paged>::Cursor>)>;
type Step<O> = Option<(Vec<<O as Paged>::Item>, Place<O>)>;

async fn next_page<O: Paged>(place: Place<O>) -> Result<Step<O>, Error<O::Error>> {
    let Some((mut call, asked)) = place else {
        return Ok(None);
    };
    let (items, next) = O::split(call.send().await?);
    if next.is_some() && next == asked {
        return Err(Error::Decode(DecodeError::RepeatedCursor));
    }
    let place = next.map(|cursor| {
        O::resume(&mut call.request, cursor.clone());
        (call, Some(cursor))
    });
    Ok(Some((items, place)))
}

impl<O: Paged> Stream for Pages<O> {
    type Item = Result<Vec<O::Item>, Error<O::Error>>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().stream.as_mut().poll_next(context)
    }
}

/// Nothing here is pinned in place: items move out of the queue as they are.
impl<O: Paged> Unpin for Items<O> {}

impl<O: Paged> Stream for Items<O> {
    type Item = Result<O::Item, Error<O::Error>>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let items = self.get_mut();
        loop {
            if let Some(item) = items.waiting.pop_front() {
                return Poll::Ready(Some(Ok(item)));
            }
            match items.pages.stream.as_mut().poll_next(context) {
                Poll::Ready(Some(Ok(page))) => items.waiting = page.into(),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl<O: Paged> fmt::Debug for Pages<O> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Pages({})", O::INFO.id)
    }
}

impl<O: Paged> fmt::Debug for Items<O> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Items({})", O::INFO.id)
    }
}
