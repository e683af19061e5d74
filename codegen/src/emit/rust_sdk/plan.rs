//! What the templates of Rust SDKs say, every string final.

use serde::Serialize;

use crate::emit::rust::{Heading, Manifest as Package};

#[derive(Debug, Serialize)]
pub(super) struct Manifest {
    #[serde(flatten)]
    pub(super) package: Package,
    pub(super) wire: String,
    /// The line of the runtime.
    pub(super) client: &'static str,
    /// The features of tags, as lines.
    pub(super) features: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Library {
    #[serde(flatten)]
    pub(super) heading: Heading,
    pub(super) wire: String,
    /// Whether tags have features.
    pub(super) is_split: bool,
    pub(super) has_schemes: bool,
    pub(super) has_servers: bool,
    pub(super) has_sockets: bool,
    /// Whether sockets have a client of their own, and the method that gives it.
    pub(super) opens_sockets: bool,
    pub(super) sockets_function: &'static str,
    pub(super) contexts: Vec<Group>,
}

#[derive(Debug, Serialize)]
pub(super) struct Group {
    /// The attribute that leaves it out with its feature.
    pub(super) gate: Option<String>,
    pub(super) module: String,
    pub(super) function: String,
    pub(super) ident: String,
    pub(super) docs: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Context {
    #[serde(flatten)]
    pub(super) heading: Heading,
    pub(super) which: String,
    pub(super) wire: String,
    pub(super) module: String,
    pub(super) imports: String,
    pub(super) wire_imports: String,
    pub(super) markers: String,
    pub(super) docs: Vec<String>,
    pub(super) ident: String,
    pub(super) operations: Vec<Operation>,
    /// The sockets that its client opens.
    pub(super) openings: Vec<Opening>,
}

/// The method that opens a socket.
#[derive(Debug, Serialize)]
pub(super) struct Opening {
    pub(super) place: String,
    pub(super) deprecated: bool,
    pub(super) method: String,
}

/// Channels over WebSocket.
#[derive(Debug, Serialize)]
pub(super) struct Sockets {
    #[serde(flatten)]
    pub(super) heading: Heading,
    pub(super) wire: String,
    pub(super) imports: String,
    pub(super) wire_imports: String,
    pub(super) markers: String,
    /// Whether there is a client for those of no tag, which are the openings.
    pub(super) has_client: bool,
    pub(super) openings: Vec<Opening>,
    pub(super) sockets: Vec<Socket>,
}

#[derive(Debug, Serialize)]
pub(super) struct Socket {
    pub(super) ident: String,
    pub(super) module: String,
    /// Where it is opened, and what it is for.
    pub(super) place: String,
    /// The constant that says what its handshake is.
    pub(super) info: String,
    /// The constant that says what may be spoken.
    pub(super) protocols: Option<String>,
    pub(super) plain: bool,
    pub(super) writes: Vec<String>,
    pub(super) problems: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Operation {
    pub(super) ident: String,
    /// Its method.
    pub(super) call: String,
    pub(super) module: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) summary: String,
    pub(super) deprecated: bool,
    /// The constant that says what it is.
    pub(super) info: String,
    pub(super) plain: bool,
    pub(super) writes: Vec<String>,
    pub(super) answers: Vec<String>,
    pub(super) by_code: bool,
    pub(super) is_open: bool,
    pub(super) problems: Vec<String>,
    pub(super) paged: Option<Paged>,
}

#[derive(Debug, Serialize)]
pub(super) struct Paged {
    pub(super) item: String,
    pub(super) cursor: String,
    pub(super) items: String,
    pub(super) next: String,
    pub(super) parameter: String,
}

/// The builder of credentials.
#[derive(Debug, Serialize)]
pub(super) struct Keyring {
    #[serde(flatten)]
    pub(super) heading: Heading,
    pub(super) imports: String,
    pub(super) methods: Vec<Credential>,
}

/// The method that takes a scheme's credentials.
#[derive(Debug, Serialize)]
pub(super) struct Credential {
    pub(super) docs: Vec<String>,
    pub(super) text: String,
}

/// The servers of the contract.
#[derive(Debug, Serialize)]
pub(super) struct Serving {
    #[serde(flatten)]
    pub(super) heading: Heading,
    /// Whether a variable has listed values.
    pub(super) is_chosen: bool,
    pub(super) servers: Vec<Server>,
    /// Whether the first one has no variables.
    pub(super) derives_usual: bool,
    /// The first one with its defaults, if it has variables, and these all have one.
    pub(super) usual: Option<String>,
    pub(super) choices: Vec<Choice>,
}

#[derive(Debug, Serialize)]
pub(super) struct Server {
    pub(super) docs: String,
    pub(super) ident: String,
    pub(super) plain: bool,
    /// Whether it is the default value.
    pub(super) usual: bool,
    pub(super) fields: Vec<Field>,
    /// The arm that makes a base URL of it.
    pub(super) arm: String,
}

/// A variable of a server.
#[derive(Debug, Serialize)]
pub(super) struct Field {
    pub(super) docs: Vec<String>,
    pub(super) ident: String,
    pub(super) ty: String,
}

/// The listed values of a variable.
#[derive(Debug, Serialize)]
pub(super) struct Choice {
    pub(super) docs: Vec<String>,
    pub(super) ident: String,
    pub(super) has_usual: bool,
    pub(super) values: Vec<Value>,
    /// The statement that says how values are spelled.
    pub(super) codec: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Value {
    pub(super) docs: String,
    pub(super) ident: String,
    pub(super) usual: bool,
}
