//! What the templates of webhooks say, every string final.

use serde::Serialize;

use crate::emit::rust::{Heading, Manifest as Package};

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
    pub(super) wire: String,
    pub(super) has_access: bool,
    pub(super) has_problems: bool,
    /// The type of whatever may arrive where all webhooks arrive.
    pub(super) payload: Option<String>,
    pub(super) contexts: Vec<Group>,
}

#[derive(Debug, Serialize)]
pub(super) struct Group {
    pub(super) module: String,
    pub(super) function: String,
    pub(super) ident: String,
    pub(super) docs: Vec<String>,
}
