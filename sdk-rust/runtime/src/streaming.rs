//! Bodies that are read while they arrive.

use std::fmt;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use symbolon_wire::parameter::Refusal;
use symbolon_wire::stream::{Bookmark, EventDecoder, LineDecoder, RawEvent};
use symbolon_wire::{Event, Events, Lines, StreamError};

use crate::TransportError;
use crate::incoming::read_json;

/// What many services send as the last event, in place of a payload.
const DONE: &str = "[DONE]";

type Bytewise = BoxStream<'static, Result<Bytes, StreamError>>;

/// A body as it arrives.
pub(crate) struct ByteStream(Bytewise);

impl ByteStream {
    /// A body that has arrived already.
    pub(crate) fn whole(body: Bytes) -> Self {
        Self(stream::iter([Ok(body)]).boxed())
    }

    /// The body of a response.
    pub(crate) fn of(response: reqwest::Response) -> Self {
        let broken = |error| StreamError::broken(TransportError::new(error));
        let chunks = response.bytes_stream();
        Self(chunks.map(move |chunk| chunk.map_err(broken)).boxed())
    }
}

impl fmt::Debug for ByteStream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ByteStream")
    }
}

/// Events with payloads as JSON.
pub(crate) fn events<T: DeserializeOwned + Send + 'static>(body: ByteStream) -> Events<T> {
    let (events, bookmark) = raw_events(body);
    let events = events.take_while(|event| {
        let is_done = matches!(event, Ok(event) if event.data.trim() == DONE);
        std::future::ready(!is_done)
    });
    let events = events.map(|event| {
        let event = event?;
        let data = read_json(event.data.as_bytes()).map_err(StreamError::Item)?;
        Ok(typed(event, |_| data))
    });
    Events::marked(events, bookmark)
}

/// Events that are described as wholes.
pub(crate) fn whole_events<T: DeserializeOwned + Send + 'static>(body: ByteStream) -> Events<T> {
    let (events, bookmark) = raw_events(body);
    let events = events.map(|event| {
        let event = event?;
        let data = whole(&event).map_err(StreamError::Item)?;
        Ok(typed(event, |_| data))
    });
    Events::marked(events, bookmark)
}

/// An event as an object: its `data` as text if that is what its type asks for, else as JSON.
fn whole<T: DeserializeOwned>(event: &RawEvent) -> Result<T, Refusal> {
    let read = |data: Value| {
        let mut members = Map::new();
        let retry = event.retry.map(|retry| Value::from(retry.as_millis() as u64));
        let said = [("event", event.event.as_deref()), ("id", event.id.as_deref())];
        let said = said.into_iter().filter_map(|(name, text)| Some((name, Value::from(text?))));
        let retry = retry.map(|retry| ("retry", retry));
        for (name, value) in said.chain(retry).chain([("data", data)]) {
            members.insert(name.to_owned(), value);
        }
        T::deserialize(Value::Object(members)).map_err(|error| Refusal::from_json(&error))
    };
    match (read(Value::from(event.data.as_str())), serde_json::from_str(&event.data)) {
        (Err(_), Ok(json)) => read(json),
        (found, _) => found,
    }
}

/// Events with payloads as text.
pub(crate) fn text_events(body: ByteStream) -> Events<String> {
    let (events, bookmark) = raw_events(body);
    Events::marked(events.map(|event| Ok(typed(event?, |data| data))), bookmark)
}

fn typed<T>(event: RawEvent, data: impl FnOnce(String) -> T) -> Event<T> {
    let RawEvent { id, event, retry, data: text } = event;
    Event { id, event, retry, data: data(text) }
}

type RawEvents = BoxStream<'static, Result<RawEvent, StreamError>>;

fn raw_events(body: ByteStream) -> (RawEvents, Bookmark) {
    let decoder = EventDecoder::default();
    let bookmark = decoder.bookmark();
    let begin = (body.0, decoder);
    let next = |(mut body, mut decoder): (Bytewise, EventDecoder)| async move {
        loop {
            if let Some(event) = decoder.next_event() {
                return Ok(Some((event, (body, decoder))));
            }
            match body.next().await {
                Some(chunk) => decoder.push(&chunk?)?,
                None => return Ok(None),
            }
        }
    };
    (stream::try_unfold(begin, next).boxed(), bookmark)
}

/// JSON documents.
pub(crate) fn lines<T: DeserializeOwned + Send + 'static>(body: ByteStream) -> Lines<T> {
    let begin = (body.0, LineDecoder::default());
    let next = |(mut body, mut decoder): (Bytewise, LineDecoder)| async move {
        loop {
            if let Some(line) = decoder.next_line() {
                return Ok(Some((line, (body, decoder))));
            }
            match body.next().await {
                Some(chunk) => decoder.push(&chunk?)?,
                None => return Ok(decoder.finish().map(|line| (line, (body, decoder)))),
            }
        }
    };
    let documents = stream::try_unfold(begin, next);
    Lines::new(documents.map(|line| read_json(&line?).map_err(StreamError::Item)))
}
