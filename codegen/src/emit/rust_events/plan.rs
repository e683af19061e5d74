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
    pub(super) constant: String,
    pub(super) address: String,
    pub(super) docs: Vec<String>,
    pub(super) known: String,
    pub(super) messages: Vec<Message>,
}

#[derive(Debug, Serialize)]
pub(super) struct Message {
    pub(super) ident: String,
    pub(super) wire: String,
    pub(super) ty: String,
    pub(super) docs: Vec<String>,
    pub(super) from: bool,
}
