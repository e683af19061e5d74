//! What the template of events says, every string final.

use serde::Serialize;

use crate::emit::rust::Heading;

#[derive(Debug, Serialize)]
pub(super) struct Events {
    #[serde(flatten)]
    pub(super) heading: Heading,
    pub(super) imports: Vec<Vec<String>>,
    pub(super) channels: Vec<Channel>,
}

#[derive(Debug, Serialize)]
pub(super) struct Channel {
    pub(super) ident: String,
    /// The trait of those who handle every message.
    pub(super) every: String,
    /// The trait of those who handle some.
    pub(super) some: String,
    pub(super) constant: String,
    pub(super) address: String,
    pub(super) docs: Vec<String>,
    pub(super) messages: Vec<Message>,
}

#[derive(Debug, Serialize)]
pub(super) struct Message {
    pub(super) ident: String,
    pub(super) method: String,
    pub(super) event_type: String,
    pub(super) latest: String,
    /// Versions as a pattern.
    pub(super) alternatives: String,
    pub(super) versions: String,
    pub(super) ty: String,
    pub(super) docs: Vec<String>,
    /// The function that holds it against its schema.
    pub(super) hold: String,
    /// Whether `check` says how it is checked; else the lines do.
    pub(super) is_plain: bool,
    pub(super) check: &'static str,
    pub(super) checks: Vec<String>,
    pub(super) from: bool,
}
