//! What an operation answers, before the edge renders it.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use symbolon_wire::idempotency::Answer;
use symbolon_wire::{Binary, Events, Lines, Parameter, Problem};

use crate::answers::problem;
use crate::answers::problem::{Wording, Words};
use crate::answers::streaming::{self, ByteStream};
use crate::limits::long_lived::Stay;
use crate::observation::Occurrence;
use crate::sockets::Opened;
use crate::{Failure, ProblemKind, Session, SocketOperation};

/// Status, headers and body of an answer. Whatever cannot be written becomes an opaque 500.
#[derive(Debug)]
pub struct Reply {
    status: u16,
    headers: HeaderMap,
    content: Content,
    failure: Option<Failure>,
}

#[derive(Debug)]
enum Content {
    Empty,
    Bytes {
        media: String,
        bytes: Bytes,
    },
    Stream {
        media: String,
        bytes: ByteStream,
    },
    Problem {
        kind: ProblemKind,
        words: Words,
        problem: Box<Problem>,
    },
    /// What happens on a socket once it is open.
    Session(Opened),
}

impl Reply {
    fn new(status: u16, content: Content) -> Self {
        Self { status, headers: HeaderMap::new(), content, failure: None }
    }

    /// The socket that was asked for, and what happens on it.
    pub fn session<O: SocketOperation>(session: Session<O>) -> Self {
        Self::new(101, Content::Session(session.opened()))
    }

    /// What happens on the socket that this opens; any other answer as it is.
    pub(crate) fn into_session(self) -> Result<Opened, Box<Self>> {
        match self.content {
            Content::Session(opened) => Ok(opened),
            content => Err(Box::new(Self { content, ..self })),
        }
    }

    /// A response without a body.
    pub fn empty(status: u16) -> Self {
        Self::new(status, Content::Empty)
    }

    /// A JSON body.
    pub fn json<T: Serialize + ?Sized>(status: u16, body: &T) -> Self {
        Self::json_as(status, "application/json", body)
    }

    /// A JSON body under another media type, such as `application/vnd.example+json`.
    pub fn json_as<T: Serialize + ?Sized>(status: u16, media: &str, body: &T) -> Self {
        match serde_json::to_vec(body) {
            Ok(bytes) => Self::bytes(status, media, bytes),
            Err(error) => Self { failure: Some(error.into()), ..Self::empty(status) },
        }
    }

    /// A `text/plain` body.
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self::bytes(status, "text/plain; charset=utf-8", body.into())
    }

    /// A body of any media type.
    pub fn bytes(status: u16, media: &str, body: impl Into<Bytes>) -> Self {
        Self::new(status, Content::Bytes { media: media.to_owned(), bytes: body.into() })
    }

    /// Raw bytes, under the media type they name where the contract leaves it open.
    pub fn binary(status: u16, media: &str, body: Binary) -> Self {
        let media = body.media_type.as_deref().unwrap_or(media);
        Self::bytes(status, media, body.bytes)
    }

    /// Parts in order, such as `multipart/mixed`.
    pub fn parts(status: u16, media: &str, body: &[Binary]) -> Self {
        match symbolon_wire::encode_parts(media, body) {
            Ok((media, bytes)) => Self::bytes(status, &media, bytes),
            Err(error) => Self::empty(status).failed(error),
        }
    }

    /// An `application/x-www-form-urlencoded` form.
    pub fn form<T: Serialize + ?Sized>(status: u16, body: &T) -> Self {
        Self::form_as(status, &[], body)
    }

    /// The same with members that are written as parameters (`encoding` of OpenAPI).
    pub fn form_as<T: Serialize + ?Sized>(status: u16, parts: &[Parameter], body: &T) -> Self {
        match symbolon_wire::parameter::encode_form_as(parts, body) {
            Ok(text) => Self::bytes(status, "application/x-www-form-urlencoded", text),
            Err(error) => Self::empty(status).failed(error),
        }
    }

    /// A `multipart/form-data` form: a part a member, files as they are. Members that are `spread`
    /// have parts of their own; `media_types` are those the contract says.
    pub fn multipart<T: Serialize + ?Sized>(
        status: u16,
        spread: &[&str],
        media_types: &[(&str, &str)],
        body: &T,
    ) -> Self {
        match symbolon_wire::encode_multipart(spread, media_types, body) {
            Ok((media, bytes)) => Self::bytes(status, &media, bytes),
            Err(error) => Self::empty(status).failed(error),
        }
    }

    /// Server-sent events with payloads as JSON. Each is sent when it is there, a comment when
    /// there is none for long.
    pub fn events<T: Serialize + Send + 'static>(status: u16, body: Events<T>) -> Self {
        let media = "text/event-stream".to_owned();
        Self::new(status, Content::Stream { media, bytes: streaming::events(body) })
    }

    /// Server-sent events whose payloads describe them as wholes.
    pub fn whole_events<T: Serialize + Send + 'static>(status: u16, body: Events<T>) -> Self {
        let media = "text/event-stream".to_owned();
        Self::new(status, Content::Stream { media, bytes: streaming::whole_events(body) })
    }

    /// Server-sent events with payloads as text.
    pub fn text_events(status: u16, body: Events<String>) -> Self {
        let media = "text/event-stream".to_owned();
        Self::new(status, Content::Stream { media, bytes: streaming::text_events(body) })
    }

    /// JSON documents, each sent when it is there.
    pub fn lines<T: Serialize + Send + 'static>(
        status: u16,
        media: &'static str,
        body: Lines<T>,
    ) -> Self {
        let bytes = streaming::lines(media, body);
        Self::new(status, Content::Stream { media: media.to_owned(), bytes })
    }

    /// Has a stream of events say something when it is silent for so long.
    #[must_use]
    pub(crate) fn beating(mut self, silence: Duration) -> Self {
        if let Content::Stream { bytes, .. } = &mut self.content {
            bytes.beat(silence);
        }
        self
    }

    /// Whether it stays open: items come for as long as there are any, or both sides talk.
    pub(crate) fn stays(&self) -> bool {
        matches!(self.content, Content::Stream { .. } | Content::Session(_))
    }

    /// Lets a stream stay open as long as it may.
    #[must_use]
    pub(crate) fn staying(mut self, stay: Stay) -> Self {
        if let Content::Stream { bytes, .. } = &mut self.content {
            bytes.stay(stay);
        }
        self
    }

    /// An answer that was given before.
    pub(crate) fn replayed(answer: Answer) -> Self {
        let Answer { status, media_type, headers, body } = answer;
        let reply = match media_type {
            Some(media) => Self::bytes(status, &media, body),
            None => Self::empty(status),
        };
        headers.into_iter().fold(reply, |mut reply, (name, value)| {
            match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                (Ok(name), Ok(value)) => {
                    reply.headers.append(name, value);
                    reply
                }
                (Err(error), _) => reply.failed(error),
                (_, Err(error)) => reply.failed(error),
            }
        })
    }

    /// A success as it can be given again; none of a problem, or a stream.
    pub(crate) fn recorded(&self) -> Option<Answer> {
        let (media_type, body) = match &self.content {
            _ if self.failure.is_some() => return None,
            Content::Empty => (None, Vec::new()),
            Content::Bytes { media, bytes } => (Some(media.clone()), bytes.to_vec()),
            Content::Stream { .. } | Content::Problem { .. } | Content::Session(_) => return None,
        };
        let headers = self.headers.iter().map(|(name, value)| {
            let value = value.to_str().ok()?;
            Some((name.as_str().to_owned(), value.to_owned()))
        });
        let headers = headers.collect::<Option<_>>()?;
        Some(Answer { status: self.status, media_type, headers, body })
    }

    /// The version of the resource that a success shows, if it says one.
    pub(crate) fn entity_tag(&self) -> Option<&str> {
        let tag = self.headers.get(ETAG).filter(|_| self.status == 200 && self.failure.is_none());
        tag.and_then(|tag| tag.to_str().ok())
    }

    /// The answer to one who has its body: the headers that may stay.
    pub(crate) fn not_modified(mut self, kept: &[HeaderName]) -> Self {
        let mut headers = HeaderMap::new();
        for (name, value) in self.headers.drain() {
            if let Some(name) = name.filter(|name| kept.contains(name)) {
                headers.insert(name, value);
            }
        }
        Self { headers, ..Self::empty(304) }
    }

    /// Whether it says that nothing was done.
    pub(crate) fn is_problem(&self) -> bool {
        matches!(self.content, Content::Problem { .. })
    }

    /// A problem of the contract's catalogue. The edge fills in what `problem` leaves open.
    pub fn problem(kind: &ProblemKind, problem: Problem) -> Self {
        let (words, problem) = (Words::Catalogue, Box::new(problem));
        Self::new(kind.status, Content::Problem { kind: *kind, words, problem })
    }

    /// Says whose words a problem takes.
    #[must_use]
    pub(crate) fn worded(mut self, by: Words) -> Self {
        if let Content::Problem { words, .. } = &mut self.content {
            *words = by;
        }
        self
    }

    /// Adds a header in OpenAPI's `simple` style.
    #[must_use]
    pub fn header<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Self {
        self.header_as(Parameter::header(name), value)
    }

    /// Adds a header that may be absent.
    #[must_use]
    pub fn optional_header<T: Serialize>(self, name: &'static str, value: &Option<T>) -> Self {
        self.optional_header_as(Parameter::header(name), value)
    }

    /// Adds a header that is spelled in another way.
    #[must_use]
    pub fn header_as<T: Serialize + ?Sized>(mut self, header: Parameter, value: &T) -> Self {
        let name = header.name;
        let text = match header.encode_text(value) {
            Ok(Some(text)) => text,
            Ok(None) => return self,
            Err(error) => return self.failed(error),
        };
        match (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(&text)) {
            (Ok(name), Ok(value)) => {
                self.headers.append(name, value);
                self
            }
            (Err(error), _) => self.failed(error),
            (_, Err(error)) => self.failed(error),
        }
    }

    /// The same, if there is one.
    #[must_use]
    pub fn optional_header_as<T: Serialize>(self, header: Parameter, value: &Option<T>) -> Self {
        match value {
            Some(value) => self.header_as(header, value),
            None => self,
        }
    }

    /// Sets a header as it stands: its commas separate no elements of ours.
    #[must_use]
    pub fn literal(mut self, name: HeaderName, value: &str) -> Self {
        match HeaderValue::from_str(value) {
            Ok(value) => {
                self.headers.insert(name, value);
                self
            }
            Err(error) => self.failed(error),
        }
    }

    fn failed(self, error: impl Into<Failure>) -> Self {
        Self { failure: Some(error.into()), ..self }
    }

    /// The HTTP response and, for problems, which one it was.
    ///
    /// # Errors
    /// When status, header or body cannot be written.
    pub(crate) fn render(
        self,
        wording: &Wording,
        correlation_id: &str,
    ) -> Result<(Response, Option<Occurrence>), Failure> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let mut occurrence = None;
        let (media, body) = match self.content {
            Content::Session(_) => return Err(Failure::message("nobody asked for a socket")),
            Content::Empty => (None, Body::empty()),
            Content::Bytes { media, bytes } => (Some(media), Body::from(bytes)),
            Content::Stream { media, bytes } => (Some(media), bytes.into_body()),
            Content::Problem { kind, words, mut problem } => {
                problem::complete(&mut problem, &kind, words, wording, correlation_id);
                occurrence = Some(Occurrence { code: kind.code, uri: problem.instance.clone() });
                let bytes = serde_json::to_vec(&problem)?;
                (Some("application/problem+json".to_owned()), Body::from(bytes))
            }
        };
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(self.status)?;
        *response.headers_mut() = self.headers;
        if let Some(media) = media {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_str(&media)?);
        }
        Ok((response, occurrence))
    }
}
