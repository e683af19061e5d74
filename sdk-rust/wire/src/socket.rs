//! Messages on WebSockets (RFC 6455): what both halves call the frames they are, how they are read,
//! held against their contract and written, and how a page says who it is.
//!
//! It must never know a connection: whoever has one moves the frames.

use std::error::Error;
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::base64::Base64;
use crate::collect::read_value;
use crate::{In, Problem, Violation, Violations};

/// What a page offers to speak where the contract names nothing: a server has to choose one of what
/// is offered, and must not choose the one that is a token.
pub const SUBPROTOCOL: &str = "symbolon";

/// What stands before a token that is offered as a subprotocol.
const BEARER: &str = "symbolon.bearer.";

/// The code of the problem that tells a caller how its message breaks the contract.
pub const INVALID_MESSAGE: &str = "invalid-message";

/// A whole message as it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// UTF-8: JSON, or text as it is.
    Text(String),
    /// Bytes as they are.
    Binary(Vec<u8>),
}

/// Why a socket was closed (RFC 6455, 7.4, and IANA's registry of close codes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(pub u16);

impl CloseCode {
    /// Either side is done.
    pub const DONE: Self = Self(1000);
    /// The server stops; another may be there.
    pub const GOING_AWAY: Self = Self(1001);
    /// A frame of a kind that the socket does not take this way.
    pub const UNSUPPORTED: Self = Self(1003);
    /// No message of the contract, or one that breaks its schema.
    pub const INVALID: Self = Self(1007);
    /// A message larger than the other side takes.
    pub const TOO_LARGE: Self = Self(1009);
    /// The handler failed.
    pub const FAILED: Self = Self(1011);
    /// The caller took too little too slowly; it may come back.
    pub const TRY_AGAIN: Self = Self(1013);
    /// The credentials it was opened with are good no more.
    pub const UNAUTHORIZED: Self = Self(3000);
    /// Nothing came for too long, no answer to a ping either.
    pub const TIMEOUT: Self = Self(3008);

    /// Whether a caller who comes back may be served.
    pub fn passes(self) -> bool {
        [Self::GOING_AWAY, Self::FAILED, Self::TRY_AGAIN, Self::TIMEOUT].contains(&self)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// How much of the contract a message is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// Its schema, as servers do with all they receive and send.
    Wholly,
    /// Its type: who sent it may know a newer contract.
    ByType,
}

/// The messages that go one way on a socket; generated as an enum with a variant each.
pub trait Message: Sized + Send + Sync + 'static {
    /// Whether some of them are JSON.
    const HAS_JSON: bool;

    /// What the contract calls this message.
    fn name(&self) -> &'static str;

    /// The message as it travels.
    ///
    /// # Errors
    /// When JSON has no such value.
    fn write(&self) -> Result<Frame, serde_json::Error>;

    /// Reads what travels.
    ///
    /// # Errors
    /// [`Refused`] when it is no message that goes this way, or breaks its contract.
    fn read(frame: Frame, held: Held) -> Result<Self, Refused>;
}

/// Why a message is refused. It never quotes the message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// No text goes this way.
    Text,
    /// No bytes go this way.
    Binary,
    /// The text is no JSON.
    NoJson,
    /// Its tag is none of those that messages have.
    Unknown {
        /// The member that says which message it is.
        tag: &'static str,
    },
    /// It breaks its schema.
    Broken {
        /// What the contract calls the message.
        message: &'static str,
        /// Every place, as pointers into the message.
        violations: Vec<Violation>,
    },
}

impl Refused {
    /// What a socket is closed with that brought it.
    pub fn close_code(&self) -> CloseCode {
        match self {
            Self::Text | Self::Binary => CloseCode::UNSUPPORTED,
            Self::NoJson | Self::Unknown { .. } | Self::Broken { .. } => CloseCode::INVALID,
        }
    }

    /// The places that are wrong, as a problem names them.
    pub fn violations(&self) -> Vec<Violation> {
        let whole = |pointer: String, code: &str, detail: &str| {
            let (code, detail) = (code.to_owned(), detail.to_owned());
            vec![Violation { location: In::Body, pointer, code, detail }]
        };
        match self {
            Self::Text => whole(String::new(), "frame", "must be a binary frame"),
            Self::Binary => whole(String::new(), "frame", "must be a text frame"),
            Self::NoJson => whole(String::new(), "json", "must be JSON"),
            Self::Unknown { tag } => {
                whole(format!("/{tag}"), "tag", "must name a message of this socket")
            }
            Self::Broken { violations, .. } => violations.clone(),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken { message, .. } => write!(formatter, "`{message}` breaks its schema")?,
            Self::Text | Self::Binary | Self::NoJson | Self::Unknown { .. } => {
                formatter.write_str("no message of this socket")?;
            }
        }
        for (index, violation) in self.violations().iter().enumerate() {
            formatter.write_str(if index == 0 { ": " } else { "; " })?;
            match violation.pointer.as_str() {
                "" => write!(formatter, "it {}", violation.detail)?,
                pointer => write!(formatter, "`{pointer}` {}", violation.detail)?,
            }
        }
        Ok(())
    }
}

impl Error for Refused {}

/// A text frame that holds JSON, read but not yet as a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    tag: String,
    value: Value,
}

impl Said {
    /// Reads JSON, whose member `tag` says which message it is.
    ///
    /// # Errors
    /// [`Refused::NoJson`], or [`Refused::Unknown`] where no text stands under the tag.
    pub fn tagged(text: &str, tag: &'static str) -> Result<Self, Refused> {
        let said = Self::untagged(text)?;
        let found = said.value.get(tag).and_then(Value::as_str);
        let found = found.ok_or(Refused::Unknown { tag })?.to_owned();
        Ok(Self { tag: found, ..said })
    }

    /// Reads JSON that can be one message only.
    ///
    /// # Errors
    /// [`Refused::NoJson`].
    pub fn untagged(text: &str) -> Result<Self, Refused> {
        let value = serde_json::from_str(text).map_err(|_| Refused::NoJson)?;
        Ok(Self { tag: String::new(), value })
    }

    /// What stands under the tag.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// Reads it as the payload of a message of this name.
    ///
    /// # Errors
    /// [`Refused::Broken`] with all that is wrong.
    pub fn read<T: DeserializeOwned>(
        self,
        message: &'static str,
        held: Held,
        check: impl FnOnce(&T, &mut Violations),
    ) -> Result<T, Refused> {
        let read: T = read_value(&self.value).map_err(|refusals| {
            let violations = refusals.into_iter().map(|it| it.into_violation(In::Body));
            Refused::Broken { message, violations: violations.collect() }
        })?;
        if held == Held::ByType {
            return Ok(read);
        }
        // Rules look at what came: what was read lacks members that its type does not know.
        let value = self.value;
        let mut violations = Violations::of(move || Some(value));
        check(&read, &mut violations);
        match violations.is_empty() {
            true => Ok(read),
            false => Err(Refused::Broken { message, violations: violations.into_found() }),
        }
    }
}

/// A JSON message as it travels.
///
/// # Errors
/// When JSON has no such value.
pub fn json<T: Serialize>(said: &T) -> Result<Frame, serde_json::Error> {
    serde_json::to_string(said).map(Frame::Text)
}

/// The problem that a server sends before it closes a socket whose caller broke the contract, if
/// that is what this frame holds.
pub fn problem(frame: &Frame) -> Option<Problem> {
    let Frame::Text(text) = frame else { return None };
    if !text.contains(INVALID_MESSAGE) {
        return None;
    }
    let problem: Problem = serde_json::from_str(text).ok()?;
    (problem.code == INVALID_MESSAGE && problem.status == 400).then_some(problem)
}

/// The subprotocol by which a page that cannot set headers sends a bearer token: it is offered
/// beside what is to be spoken, and never chosen.
pub fn bearer_subprotocol(token: &str) -> String {
    let text = Base64(token.as_bytes().to_vec()).to_string();
    let text = text.trim_end_matches('=').replace('+', "-").replace('/', "_");
    format!("{BEARER}{text}")
}

/// The token in an offered subprotocol, if it holds one; an empty one if that cannot be read.
pub fn bearer_token(subprotocol: &str) -> Option<String> {
    let text = subprotocol.strip_prefix(BEARER)?;
    let bytes = text.parse::<Base64>().ok().map(|read| read.0);
    Some(bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default())
}
