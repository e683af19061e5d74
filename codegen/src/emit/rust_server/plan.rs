//! What the templates of server crates say, every string final.

use serde::Serialize;

use crate::emit::rust::{Heading, Manifest as Package, Module};

#[derive(Debug, Serialize)]
pub(super) struct Manifest {
    #[serde(flatten)]
    pub(super) package: Package,
    pub(super) wire: String,
    /// The features of tags, as lines.
    pub(super) features: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Library {
    #[serde(flatten)]
    pub(super) heading: Heading,
    /// Whether tags have features.
    pub(super) is_split: bool,
    pub(super) modules: Vec<Module>,
    pub(super) has_access: bool,
    pub(super) has_problems: bool,
    pub(super) has_openapi: bool,
    pub(super) has_asyncapi: bool,
    pub(super) has_sockets: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Problems {
    #[serde(flatten)]
    pub(super) heading: Heading,
    pub(super) problems: Vec<Problem>,
}

#[derive(Debug, Serialize)]
pub(super) struct Problem {
    pub(super) ident: String,
    pub(super) docs: Vec<String>,
    pub(super) code: String,
    pub(super) status: u16,
    pub(super) title: String,
    pub(super) type_uri: String,
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
    pub(super) routes: String,
    pub(super) has_problems: bool,
    pub(super) docs: Vec<String>,
    pub(super) ident: String,
    pub(super) operations: Vec<Operation>,
}

#[derive(Debug, Serialize)]
pub(super) struct Operation {
    pub(super) ident: String,
    /// The type of its callers.
    pub(super) principal: String,
    /// Its method in the trait.
    pub(super) signature: String,
    pub(super) module: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) summary: String,
    /// The constant that says what it is.
    pub(super) info: String,
    pub(super) input: &'static str,
    pub(super) reads: Vec<String>,
    /// The request, built of what was read.
    pub(super) built: String,
    /// The arms that write successes, then errors.
    pub(super) answers: Vec<String>,
}

/// The module of sockets.
#[derive(Debug, Serialize)]
pub(super) struct Sockets {
    #[serde(flatten)]
    pub(super) heading: Heading,
    pub(super) wire: String,
    pub(super) imports: String,
    pub(super) wire_imports: String,
    pub(super) markers: String,
    pub(super) has_problems: bool,
    pub(super) sockets: Vec<Socket>,
}

/// A socket: what opens it, and the trait of who serves it.
#[derive(Debug, Serialize)]
pub(super) struct Socket {
    pub(super) ident: String,
    /// The trait.
    pub(super) served: String,
    /// Its method, and the function of its route.
    pub(super) function: String,
    pub(super) signature: String,
    pub(super) module: String,
    /// The type of its callers.
    pub(super) principal: String,
    pub(super) path: String,
    pub(super) summary: String,
    pub(super) info: String,
    pub(super) input: &'static str,
    pub(super) reads: Vec<String>,
    pub(super) built: String,
    /// The arms that write errors.
    pub(super) errors: Vec<String>,
}

/// The module of security schemes and callers.
#[derive(Debug, Serialize)]
pub(super) struct AccessModule {
    #[serde(flatten)]
    pub(super) heading: Heading,
    pub(super) constants: Vec<Constant>,
    /// The constant that lists the others.
    pub(super) all: String,
    pub(super) imports: &'static str,
    pub(super) together: Vec<Together>,
    pub(super) either: Vec<Either>,
}

/// A security scheme.
#[derive(Debug, Serialize)]
pub(super) struct Constant {
    pub(super) docs: Vec<String>,
    pub(super) ident: String,
    pub(super) value: String,
}

/// A caller by several schemes at once.
#[derive(Debug, Serialize)]
pub(super) struct Together {
    pub(super) doc: String,
    pub(super) ident: String,
    pub(super) fields: Vec<Holder>,
    pub(super) first: String,
    /// The schemes as a slice pattern.
    pub(super) guard: String,
}

/// The place of one scheme's principal.
#[derive(Debug, Serialize)]
pub(super) struct Holder {
    pub(super) doc: String,
    pub(super) ident: String,
}

/// A caller by one of several alternatives.
#[derive(Debug, Serialize)]
pub(super) struct Either {
    pub(super) doc: String,
    pub(super) ident: String,
    pub(super) variants: Vec<Alternative>,
}

#[derive(Debug, Serialize)]
pub(super) struct Alternative {
    pub(super) doc: String,
    pub(super) ident: String,
    pub(super) ty: String,
    pub(super) guard: String,
    /// The one principal that stands for the caller.
    pub(super) principal: &'static str,
}
