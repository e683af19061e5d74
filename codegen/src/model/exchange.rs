//! Exchanges: requests that a contract shows, and the answers to them.

use serde_json::Value;

use super::{Location, Status};

/// A request and its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// What the contract calls it; none for the answer to every other request.
    pub name: Option<String>,
    /// Values of parameters: where each travels, its name on the wire, what it is.
    pub parameters: Vec<(Location, String, Value)>,
    /// The media type and value of the request's body.
    pub body: Option<(String, Value)>,
    /// The response that documents the answer.
    pub status: Status,
    /// The status sent.
    pub code: u16,
    /// Headers by name on the wire.
    pub headers: Vec<(String, Value)>,
    /// The media type of the answer and what it holds: of a stream every item, else one value.
    pub answer: Option<(String, Vec<Value>)>,
    /// Where the answer comes from.
    pub origin: Origin,
}

/// Where an answer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The contract shows it.
    Shown,
    /// It was made from the schema.
    Made,
    /// It was made from the schema, which accepts nothing that can be made up.
    Unfit,
}
