//! Everything that can end a call. No message here ever holds a secret, a URL or a body.

use std::error::Error as StdError;
use std::fmt::{self, Debug, Display};

use bytes::Bytes;
use symbolon_wire::parameter::Refusal;

use crate::AuthError;

/// Why a call did not succeed. `E` holds the errors the operation documents.
pub enum Error<E> {
    /// An error the contract documents for this operation.
    Problem(E),
    /// The request cannot be written, so nothing was sent.
    Encode(EncodeError),
    /// The request may or may not have arrived: no whole response came back.
    Transport(TransportError),
    /// No whole response came back in time.
    Timeout,
    /// A documented status came with content that is not as documented.
    Decode(DecodeError),
    /// A response the contract does not document for this operation.
    Unexpected {
        /// HTTP status code.
        status: u16,
        /// The body, whatever it is.
        body: Bytes,
    },
}

impl<E> Error<E> {
    /// The documented error, if it is one.
    pub fn problem(&self) -> Option<&E> {
        match self {
            Self::Problem(problem) => Some(problem),
            Self::Encode(_)
            | Self::Transport(_)
            | Self::Timeout
            | Self::Decode(_)
            | Self::Unexpected { .. } => None,
        }
    }
}

impl<E: Debug> Display for Error<E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Problem(problem) => {
                write!(formatter, "documented problem `{}`", variant(problem))
            }
            Self::Encode(error) => Display::fmt(error, formatter),
            Self::Transport(error) => Display::fmt(error, formatter),
            Self::Timeout => formatter.write_str("no response in time"),
            Self::Decode(error) => Display::fmt(error, formatter),
            Self::Unexpected { status, .. } => {
                write!(formatter, "the contract does not document this response: status {status}")
            }
        }
    }
}

impl<E: Debug> Debug for Error<E> {
    /// Like a derived one, except that an unexpected body is only counted.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Problem(problem) => formatter.debug_tuple("Problem").field(problem).finish(),
            Self::Encode(error) => formatter.debug_tuple("Encode").field(error).finish(),
            Self::Transport(error) => formatter.debug_tuple("Transport").field(error).finish(),
            Self::Timeout => formatter.write_str("Timeout"),
            Self::Decode(error) => formatter.debug_tuple("Decode").field(error).finish(),
            Self::Unexpected { status, body } => formatter
                .debug_struct("Unexpected")
                .field("status", status)
                .field("body_bytes", &body.len())
                .finish(),
        }
    }
}

impl<E: Debug> StdError for Error<E> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Transport(error) => error.source(),
            Self::Problem(_)
            | Self::Encode(_)
            | Self::Timeout
            | Self::Decode(_)
            | Self::Unexpected { .. } => None,
        }
    }
}

impl<E> From<Failure> for Error<E> {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Encode(error) => Self::Encode(error),
            Failure::Transport(error) => Self::Transport(error),
            Failure::Timeout => Self::Timeout,
        }
    }
}

/// Why there is no response, before any operation's types matter.
#[derive(Debug)]
pub(crate) enum Failure {
    Encode(EncodeError),
    Transport(TransportError),
    Timeout,
}

/// Why a request cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A parameter has a value its place on the request cannot carry.
    #[error("parameter `{name}` cannot be sent: {reason}")]
    Parameter {
        /// Name of the parameter.
        name: String,
        /// Why, without the value.
        reason: String,
    },
    /// The body cannot be written in its media type.
    #[error("the body cannot be written as `{media_type}`")]
    Body {
        /// The media type.
        media_type: String,
    },
    /// There are no credentials to send.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// Base URL, path and query string do not make a URL.
    #[error("base URL, path and query string do not make a URL")]
    Url,
}

/// Why no whole response came back.
#[derive(Debug)]
pub struct TransportError(reqwest::Error);

impl TransportError {
    /// Keeps the cause, without the URL: its query string may hold a secret.
    pub(crate) fn new(cause: reqwest::Error) -> Self {
        Self(cause.without_url())
    }
}

impl Display for TransportError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.0.is_connect() {
            "the server cannot be reached"
        } else {
            "the connection broke before a whole response came back"
        })
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.0)
    }
}

/// Why a response is not one the contract documents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The operation documents no such response.
    #[error("the contract does not document this response")]
    Undocumented,
    /// A documented header is missing.
    #[error("header `{name}` is missing from the response")]
    MissingHeader {
        /// Name of the header.
        name: &'static str,
    },
    /// A documented header has a value of another type.
    #[error("header `{name}` of the response does not have the documented type")]
    Header {
        /// Name of the header.
        name: &'static str,
    },
    /// The body is not as documented; the refusal says where, and never holds the value.
    #[error("the body of the response is not as documented: {0}")]
    Body(Refusal),
    /// An item of a stream is longer than anybody should keep in memory.
    #[error("an item of the stream is too long")]
    TooLong,
    /// A message of a socket is not as documented; the refusal says where, and never holds the
    /// value.
    #[error("a message of the server is not as documented: {0}")]
    Message(symbolon_wire::socket::Refused),
    /// The server answered with the cursor it was asked for, so the pages would never end.
    #[error("the server repeats the cursor of a page")]
    RepeatedCursor,
}

/// The name of an enum's variant, which is all of a documented error that a message shows.
fn variant(problem: &impl Debug) -> String {
    let text = format!("{problem:?}");
    let end = text.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
    text[..end.unwrap_or(text.len())].to_owned()
}
