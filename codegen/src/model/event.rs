//! Events: what the system tells without being asked.

use super::{Name, Type};

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
    /// Its name, which is also the `type` in its envelope.
    pub wire: String,
    /// The name as words.
    pub name: Name,
    /// Type of the payload.
    pub ty: Type,
    /// The payload's schema, self-contained.
    pub schema: serde_json::Value,
    /// Prose of the contract.
    pub description: Option<String>,
}
