//! Events: what the system tells without being asked.

use super::{Constraints, Name, Property, Type};

/// A channel of messages.
#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    /// Its key in the contract.
    pub id: String,
    /// The key as words.
    pub name: Name,
    /// Its address: a topic.
    pub address: String,
    /// Prose of the contract.
    pub description: Option<String>,
    /// Its messages, sorted by name.
    pub messages: Vec<Message>,
}

/// A message on a channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its name in the contract.
    pub wire: String,
    /// The name as words.
    pub name: Name,
    /// What it is called where it travels: the `type` in its envelope.
    pub event_type: String,
    /// The versions of its schema that it may be of, rising; at least one. The same type in another
    /// version may be another message.
    pub versions: Vec<u32>,
    /// Type of the payload.
    pub ty: Type,
    /// What the payload must keep to beyond its type.
    pub constraints: Constraints,
    /// The member of the payload that holds what the message says, where the payload is the
    /// envelope that every event of ours has; else all of the payload is what it says.
    pub data: Option<Property>,
    /// The payload's schema, self-contained.
    pub schema: serde_json::Value,
    /// Prose of the contract.
    pub description: Option<String>,
}
