//! What the templates of TypeScript clients say, every string final.

use serde::{Serialize, Serializer};

use crate::emit::render::joined;

fn lines<S: Serializer>(lines: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    joined("", lines, serializer)
}

fn members<S: Serializer>(lines: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    joined("  ", lines, serializer)
}

fn alternatives<S: Serializer>(lines: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    joined("  | ", lines, serializer)
}

/// First line of every generated file.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Heading {
    pub(super) command: &'static str,
    pub(super) contract: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Types {
    #[serde(flatten)]
    pub(super) heading: Heading,
    pub(super) imports: String,
    pub(super) declarations: Vec<Declaration>,
    /// Whether nothing is declared, and the file must say that it is a module all the same.
    pub(super) empty: bool,
}

/// An exported type: exactly one of members, `inline` and `lines` says what it is.
#[derive(Debug, Default, Serialize)]
pub(super) struct Declaration {
    #[serde(serialize_with = "lines")]
    pub(super) docs: Vec<String>,
    pub(super) ident: String,
    pub(super) members: Vec<Member>,
    pub(super) inline: Option<String>,
    /// The alternatives of a union too long for one line; the last ends the statement.
    #[serde(serialize_with = "alternatives")]
    pub(super) lines: Vec<String>,
}

/// A member of an interface; its key says whether it may be left out.
#[derive(Debug, Serialize)]
pub(super) struct Member {
    #[serde(serialize_with = "members")]
    pub(super) docs: Vec<String>,
    pub(super) key: String,
    pub(super) ty: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Context {
    #[serde(flatten)]
    pub(super) heading: Heading,
    pub(super) imports: String,
    pub(super) names_types: bool,
    pub(super) has_links: bool,
    pub(super) operations: Vec<Operation>,
    pub(super) links: Vec<Link>,
}

#[derive(Debug, Serialize)]
pub(super) struct Operation {
    #[serde(serialize_with = "lines")]
    pub(super) docs: Vec<String>,
    pub(super) function: String,
    pub(super) declarations: Vec<Declaration>,
    pub(super) problems: Option<Problems>,
    pub(super) descriptor: Descriptor,
    /// How the request is declared as a parameter, with its default if it has one.
    pub(super) request: String,
    pub(super) returns: String,
    /// The method of the runtime that does it.
    pub(super) runs: &'static str,
}

/// The constant that lists the codes of an operation's problems.
#[derive(Debug, Serialize)]
pub(super) struct Problems {
    pub(super) constant: String,
    pub(super) codes: Vec<String>,
}

/// The constant that tells the runtime what an operation is.
#[derive(Debug, Serialize)]
pub(super) struct Descriptor {
    pub(super) constant: String,
    pub(super) ty: &'static str,
    /// Its type arguments, each with the comma behind it.
    #[serde(serialize_with = "members")]
    pub(super) arguments: Vec<String>,
    pub(super) id: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) accept: Option<String>,
    pub(super) idempotency: Option<String>,
    pub(super) server: Option<String>,
    pub(super) security: Option<String>,
    pub(super) parameters: Vec<Parameter>,
    /// How the body is written, as an expression.
    pub(super) body: Option<String>,
    pub(super) responses: Vec<Answer>,
    pub(super) errors: Vec<Answer>,
    pub(super) problems: Option<String>,
    pub(super) paging: Option<Paging>,
}

#[derive(Debug, Serialize)]
pub(super) struct Parameter {
    pub(super) location: &'static str,
    pub(super) wire: String,
    pub(super) key: String,
    pub(super) style: Option<&'static str>,
    pub(super) explode: Option<&'static str>,
    pub(super) reserved: bool,
}

/// An answer by status; `bare` stands for one without headers.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    pub(super) status: String,
    pub(super) bare: Option<String>,
    /// How its body is read, as an expression.
    pub(super) body: Option<String>,
    pub(super) headers: Vec<Header>,
}

#[derive(Debug, Serialize)]
pub(super) struct Header {
    pub(super) wire: String,
    pub(super) key: String,
    pub(super) ty: Option<&'static str>,
    pub(super) required: bool,
    /// What parts it from the next one.
    pub(super) comma: &'static str,
}

/// How pages are taken apart.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Paging {
    pub(super) items: String,
    pub(super) next: String,
    pub(super) resume: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Client {
    #[serde(flatten)]
    pub(super) heading: Heading,
    pub(super) docs: Vec<String>,
    pub(super) ident: String,
    pub(super) imports: String,
    pub(super) names_types: bool,
    /// The files that its methods are in.
    pub(super) modules: Vec<Namespace>,
    pub(super) contexts: Vec<ContextClass>,
}

/// The class of a context: its operations as methods.
#[derive(Debug, Serialize)]
pub(super) struct ContextClass {
    pub(super) docs: Vec<String>,
    pub(super) ident: String,
    pub(super) member: String,
    pub(super) methods: Vec<Method>,
}

#[derive(Debug, Serialize)]
pub(super) struct Method {
    #[serde(serialize_with = "members")]
    pub(super) docs: Vec<String>,
    pub(super) ident: String,
    /// The name that the module of its function is imported by.
    pub(super) module: String,
    pub(super) function: String,
    pub(super) request: String,
    /// The type of its options.
    pub(super) options: String,
    pub(super) returns: String,
}

/// Channels over WebSocket.
#[derive(Debug, Serialize)]
pub(super) struct Sockets {
    #[serde(flatten)]
    pub(super) heading: Heading,
    pub(super) imports: String,
    pub(super) names_types: bool,
    pub(super) sockets: Vec<Socket>,
}

#[derive(Debug, Serialize)]
pub(super) struct Socket {
    #[serde(serialize_with = "lines")]
    pub(super) docs: Vec<String>,
    pub(super) declarations: Vec<Declaration>,
    pub(super) function: String,
    /// The constant that tells the runtime what it is.
    pub(super) constant: String,
    /// What the names of its types begin with.
    pub(super) stem: String,
    pub(super) id: String,
    pub(super) path: String,
    pub(super) security: Option<String>,
    pub(super) parameters: Vec<Parameter>,
    pub(super) protocols: String,
    pub(super) sends: String,
    pub(super) receives: String,
    /// How the request is declared as a parameter, with its default if it has one.
    pub(super) request: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Index {
    #[serde(flatten)]
    pub(super) heading: Heading,
    pub(super) client: String,
    pub(super) has_schemes: bool,
    pub(super) has_servers: bool,
    pub(super) files: Vec<String>,
    pub(super) namespaces: Vec<Namespace>,
}

/// The credentials a client may have, by security scheme.
#[derive(Debug, Serialize)]
pub(super) struct Credentials {
    #[serde(flatten)]
    pub(super) heading: Heading,
    /// What the file takes from the runtime, types and functions.
    pub(super) types: String,
    pub(super) functions: String,
    pub(super) members: Vec<Member>,
    /// Each scheme and its source.
    pub(super) sources: Vec<String>,
}

/// The servers of the contract.
#[derive(Debug, Serialize)]
pub(super) struct Servers {
    #[serde(flatten)]
    pub(super) heading: Heading,
    pub(super) servers: Vec<Server>,
}

#[derive(Debug, Serialize)]
pub(super) struct Server {
    pub(super) docs: Vec<String>,
    pub(super) key: String,
    pub(super) url: String,
    pub(super) plain: bool,
    pub(super) variables: Vec<Variable>,
    /// What lets the variables be left out.
    pub(super) optional: &'static str,
    pub(super) given: String,
}

/// A variable of a server; its key says whether it may be left out.
#[derive(Debug, Serialize)]
pub(super) struct Variable {
    pub(super) docs: Vec<String>,
    pub(super) key: String,
    pub(super) ty: String,
}

/// The function that makes the request a link leads to.
#[derive(Debug, Serialize)]
pub(super) struct Link {
    #[serde(serialize_with = "lines")]
    pub(super) docs: Vec<String>,
    pub(super) function: String,
    pub(super) request: String,
    pub(super) response: String,
    /// What callers bring, with its default if that is nothing.
    pub(super) rest: String,
    /// The type of the request it makes.
    pub(super) asked: String,
    pub(super) status: String,
    pub(super) needed: String,
    pub(super) wanted: String,
}

/// What callers are told.
#[derive(Debug, Serialize)]
pub(super) struct Webhooks {
    #[serde(flatten)]
    pub(super) heading: Heading,
    pub(super) webhooks: Vec<Webhook>,
    pub(super) imports: String,
    pub(super) names_types: bool,
}

/// The constant that tells the runtime how a webhook is read.
#[derive(Debug, Serialize)]
pub(super) struct Webhook {
    #[serde(serialize_with = "lines")]
    pub(super) docs: Vec<String>,
    pub(super) declarations: Vec<Declaration>,
    pub(super) constant: String,
    pub(super) stem: String,
    pub(super) id: String,
    /// How its body is read, as an expression.
    pub(super) body: Option<String>,
    /// Whether the body may be absent.
    pub(super) optional: bool,
    pub(super) headers: String,
    pub(super) query: String,
}

/// A file, and the name its exports go by.
#[derive(Debug, Serialize)]
pub(super) struct Namespace {
    pub(super) name: String,
    pub(super) file: String,
}
