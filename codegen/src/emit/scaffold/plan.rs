//! What the templates of scaffolds say, every string final.

use serde::Serialize;

#[derive(Debug, Serialize)]
pub(super) struct Project {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) title_literal: String,
    pub(super) version_literal: String,
    pub(super) service: String,
    pub(super) service_crate: String,
    pub(super) server: String,
    pub(super) server_crate: String,
    pub(super) wire: String,
    pub(super) wire_crate: String,
    pub(super) app: String,
    pub(super) document: String,
    pub(super) overlays: Vec<String>,
    pub(super) has_problems: bool,
    pub(super) has_asyncapi: bool,
    /// As string literals.
    pub(super) scopes: Vec<String>,
    pub(super) tags: Vec<Tag>,
}

#[derive(Debug, Serialize)]
pub(super) struct Tag {
    pub(super) module: String,
    pub(super) tag: String,
    pub(super) ident: String,
    pub(super) operations: Vec<Operation>,
}

#[derive(Debug, Serialize)]
pub(super) struct Operation {
    pub(super) module: String,
    pub(super) method: String,
    pub(super) marker: String,
    pub(super) handler: Handler,
}

#[derive(Debug, Serialize)]
pub(super) struct InTag<'p> {
    #[serde(flatten)]
    pub(super) project: &'p Project,
    pub(super) tag: &'p Tag,
}

#[derive(Debug, Serialize)]
pub(super) struct InOperation<'p> {
    #[serde(flatten)]
    pub(super) in_tag: &'p InTag<'p>,
    pub(super) operation: &'p Operation,
}

/// How an operation answers until somebody writes it.
#[derive(Debug, Serialize)]
pub(super) struct Handler {
    pub(super) doc: String,
    pub(super) imports: Vec<String>,
    pub(super) call: &'static str,
    pub(super) cases: Vec<Case>,
    pub(super) otherwise: Answer,
    pub(super) texts: Vec<Text>,
}

/// An answer to one request.
#[derive(Debug, Serialize)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) condition: String,
    pub(super) answer: Answer,
}

/// The statements that answer.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    pub(super) comment: String,
    pub(super) value: String,
    pub(super) is_success: bool,
}

/// A long text as a constant.
#[derive(Debug, Serialize)]
pub(super) struct Text {
    pub(super) ident: String,
    pub(super) literal: String,
}
