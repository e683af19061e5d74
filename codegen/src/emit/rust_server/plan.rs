//! What the templates of server crates say, every string final.

use serde::Serialize;

use crate::emit::rust::{Heading, Manifest as Package};

#[derive(Debug, Serialize)]
pub(super) struct Manifest {
    #[serde(flatten)]
    pub(super) package: Package,
    pub(super) wire: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Library {
    #[serde(flatten)]
    pub(super) heading: Heading,
    pub(super) modules: Vec<String>,
    pub(super) has_problems: bool,
    pub(super) has_asyncapi: bool,
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
    pub(super) tag: String,
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
