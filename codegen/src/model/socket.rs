//! Sockets: channels that a caller opens and on which both sides send messages (RFC 6455).

use super::{Constraints, Name, Operation, Rule, Type};

/// A channel that callers open by a request of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Socket {
    /// Its key in the contract.
    pub id: String,
    /// The context that its tag stands for, or that of its operations; none if none does.
    pub context: Option<Name>,
    /// The request that opens it: a GET, called as the socket is, with the one success 101. Its
    /// name is unique among all operations of the system.
    pub handshake: Operation,
    /// What may be spoken on it (`Sec-WebSocket-Protocol`), the preferred first; empty where the
    /// contract names nothing.
    pub subprotocols: Vec<String>,
    /// Whether a caller must offer one of them.
    pub needs_subprotocol: bool,
    /// What the system sends.
    pub sent: Traffic,
    /// What callers send.
    pub received: Traffic,
}

impl Socket {
    /// The messages of both sides.
    pub fn every_frame(&self) -> impl Iterator<Item = &Frame> {
        self.received.messages.iter().chain(&self.sent.messages)
    }

    /// Calls `visit` for every rule that a handshake or a message is held against, but for those
    /// of their types.
    pub fn each_rule<'s>(&'s self, visit: &mut dyn FnMut(&'s Rule)) {
        self.handshake.each_rule(visit);
        self.every_frame().for_each(|frame| frame.constraints.each_rule(visit));
    }
}

/// What goes one way on a socket.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Traffic {
    /// The member whose text says which of several JSON messages one is; none where there is at
    /// most one.
    pub tag: Option<String>,
    /// The messages, sorted by name. At most one is binary, at most one is text, and none is text
    /// where another is JSON.
    pub messages: Vec<Frame>,
}

impl Traffic {
    /// The messages of one kind.
    pub fn of(&self, kind: FrameKind) -> impl Iterator<Item = &Frame> {
        self.messages.iter().filter(move |frame| frame.kind == kind)
    }
}

/// A message on a socket.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Its name in the contract.
    pub wire: String,
    /// The name as words, unique in its channel.
    pub name: Name,
    /// How it is encoded.
    pub kind: FrameKind,
    /// The texts of the tag that stand for it; empty where there is no tag.
    pub tags: Vec<String>,
    /// Type of the payload; text or bytes where it is no JSON.
    pub ty: Type,
    /// What the payload must keep to beyond its type.
    pub constraints: Constraints,
    /// Prose of the contract.
    pub description: Option<String>,
}

/// How a message on a socket is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FrameKind {
    /// A text frame that holds JSON.
    Json,
    /// A text frame as it is.
    Text,
    /// A binary frame as it is.
    Binary,
}
