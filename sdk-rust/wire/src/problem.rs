//! Problem details for HTTP APIs (RFC 9457) with the members every Symbolon system adds.

use serde::{Deserialize, Deserializer, Serialize};

/// Implemented by the generated error enum of every operation: the errors its contract documents.
pub trait Documented {}

/// A problem document, media type `application/problem+json` (RFC 9457).
///
/// `code` is stable and meant for programs; `title` and `detail` are for people and may change.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// URI that identifies the kind of problem.
    #[serde(rename = "type", default = "about_blank")]
    pub type_: String,
    /// Short summary of the kind of problem; the same for every occurrence.
    #[serde(default)]
    pub title: String,
    /// HTTP status code of the response that carried this problem.
    #[serde(default)]
    pub status: u16,
    /// What went wrong this time. Never holds a submitted value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// URI of this occurrence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Stable code from the contract's problem catalogue, such as `not-found`.
    #[serde(default)]
    pub code: String,
    /// Correlation id of the request, to quote to support.
    #[serde(default)]
    pub correlation_id: String,
    /// The places of the request that violate the contract.
    #[serde(default, deserialize_with = "empty", skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<Vec<Violation>>"))]
    pub errors: Vec<Violation>,
}

impl Problem {
    /// A problem with this detail; the edge fills in kind, status and correlation id.
    pub fn new(detail: impl Into<String>) -> Self {
        Self { type_: about_blank(), detail: Some(detail.into()), ..Self::default() }
    }

    /// Adds a place of the request to blame.
    #[must_use]
    pub fn at(mut self, violation: Violation) -> Self {
        self.errors.push(violation);
        self
    }
}

fn about_blank() -> String {
    "about:blank".to_owned()
}

/// Reads a member that may be absent, and so also as `null`: some servers spell it like that.
fn empty<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Default + Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// One place of a request that violates the contract. It never holds the submitted value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Violation {
    /// The part of the request that `pointer` is relative to.
    #[serde(rename = "in")]
    pub location: In,
    /// JSON pointer (RFC 6901) into that part; for parameters the first token is the name.
    pub pointer: String,
    /// The violated rule: a JSON Schema keyword such as `maxLength`, or `type`, or `syntax`.
    pub code: String,
    /// The rule in words.
    #[serde(default, deserialize_with = "empty", skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<String>"))]
    pub detail: String,
}

/// A part of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum In {
    /// The request body.
    Body,
    /// The query string.
    Query,
    /// The path.
    Path,
    /// The headers.
    Header,
    /// The cookies.
    Cookie,
}
