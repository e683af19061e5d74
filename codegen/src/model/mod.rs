//! What a contract means, in no language's words: the only thing emitters see.

pub mod form;

mod constraint;
mod event;
mod exchange;
mod link;
mod name;
mod operation;
mod rule;
mod schema;
mod security;
mod server;
mod socket;
mod walk;

pub use constraint::{Bound, Constraints, Format, Number};
pub use event::{Channel, Message};
pub use exchange::{Exchange, Origin};
pub use link::{Destination, Link, Piece, Source};
pub use name::{Name, Words, unique_names};
pub use operation::{
    Answer, Body, BodyKind, Context, Direction, Errors, Header, Idempotency, Location, Offer,
    Operation, Pagination, Parameter, Part, ProblemKind, RateLimit, Replay, Status, Stream, Style,
};
pub use rule::{JsonKind, Known, KnownItems, Predicate, Rule};
pub use schema::{
    Additional, Definition, Enumeration, EnumerationValue, Lifecycle, Object, Property, Scalar,
    Shape, Tag, Type, TypeId, Union, Variant,
};
pub use security::{Callers, Flow, Requirement, Scheme, SchemeKind};
pub use server::{Server, ServerVariable};
pub use socket::{Frame, FrameKind, Socket, Traffic};
pub use walk::Walk;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

/// Everything one system's contract says.
#[derive(Debug, Clone, Default)]
pub struct System {
    /// Name of the system, as its crates and packages are called: `calls`.
    pub name: Name,
    /// `info.title`.
    pub title: String,
    /// `info.version`.
    pub version: String,
    /// `info.description`.
    pub description: Option<String>,
    /// The file this was read from, for the first line of generated files.
    pub contract: String,
    /// The command that generates, for the same line.
    pub command: &'static str,
    /// Operations grouped by tag, sorted by name.
    pub contexts: Vec<Context>,
    /// What the system asks of its callers: webhooks, and callbacks of operations. Types of what
    /// is asked here travel as those of answers do, and the other way round.
    pub webhooks: Vec<Context>,
    /// The type of whatever may arrive where all webhooks arrive, if they bring different things.
    pub webhook_payload: Option<TypeId>,
    /// Every named type.
    pub types: BTreeMap<TypeId, Definition>,
    /// Types that say the same as another, and which: a language may define that one alone.
    pub same: BTreeMap<TypeId, TypeId>,
    /// What rules say by name: schemas that they mention, each as one predicate.
    pub predicates: BTreeMap<TypeId, Predicate>,
    /// Where it is served, the usual server first; none if the contract does not say.
    pub servers: Vec<Server>,
    /// Security schemes, by name.
    pub schemes: BTreeMap<String, Scheme>,
    /// The problem catalogue, by code.
    pub problems: BTreeMap<String, ProblemKind>,
    /// Event channels, sorted by address.
    pub channels: Vec<Channel>,
    /// Channels that callers open as WebSockets, sorted by path.
    pub sockets: Vec<Socket>,
    /// The whole contract as single self-contained documents.
    pub documents: Documents,
}

/// The contract's documents with every other file folded in.
#[derive(Debug, Clone, Default)]
pub struct Documents {
    /// The OpenAPI document; null if the contract is events and nothing else.
    pub openapi: Arc<Value>,
    /// The AsyncAPI document, if the contract has one.
    pub asyncapi: Option<Arc<Value>>,
}

impl System {
    /// The definition behind a type name.
    ///
    /// # Panics
    /// Never for ids of this system: `resolve` defines every name it hands out.
    pub fn definition(&self, id: &TypeId) -> &Definition {
        self.types.get(id).expect("resolve defines every type it names")
    }

    /// The type that stands for all that say the same.
    pub fn stands_for<'s>(&'s self, id: &'s TypeId) -> &'s TypeId {
        self.same.get(id).unwrap_or(id)
    }

    /// Whether two types are the same, be it under two names.
    pub fn are_same(&self, one: &Type, other: &Type) -> bool {
        match (one, other) {
            (Type::Named(one), Type::Named(other)) => {
                self.stands_for(one) == self.stands_for(other)
            }
            (one, other) => one == other,
        }
    }

    /// Everything that is asked, of the system and by it.
    pub fn everything_asked(&self) -> impl Iterator<Item = &Operation> {
        let contexts = self.contexts.iter().chain(&self.webhooks);
        contexts.flat_map(|context| &context.operations).chain(self.handshakes())
    }

    /// The requests that open sockets.
    pub fn handshakes(&self) -> impl Iterator<Item = &Operation> {
        self.sockets.iter().map(|socket| &socket.handshake)
    }

    /// All operations that the system answers, context by context.
    pub fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.contexts.iter().flat_map(|context| &context.operations)
    }
}
