//! Versions of resources, and requests that hold for one version only (RFC 9110, 13).

use std::fmt;

use http::header::{
    CACHE_CONTROL, CONTENT_LOCATION, ETAG, EXPIRES, HeaderMap, HeaderName, IF_MATCH, IF_NONE_MATCH,
    VARY,
};
use sha2::{Digest, Sha256};

use crate::{Method, Reply};

/// What stays in an answer of which the caller has the body (RFC 9110, 15.4.5).
const KEPT: [HeaderName; 5] = [CACHE_CONTROL, CONTENT_LOCATION, ETAG, EXPIRES, VARY];

/// The value of `ETag`: the version of a resource that an answer shows. Its text is what the header
/// says, with its quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityTag(String);

impl EntityTag {
    /// The tag of a resource whose every change counts its version up.
    pub fn version(number: u64) -> Self {
        Self(format!("\"{number}\""))
    }

    /// The tag of these very bytes, for what has no version.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        let hash = Sha256::digest(bytes);
        let digits: String = hash[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        Self(format!("\"{digits}\""))
    }

    /// The same as a weak one: what it stands for means the same, and may have other bytes. Nothing
    /// can be changed on condition of it.
    #[must_use]
    pub fn weak(self) -> Self {
        Self(format!("W/{}", self.0))
    }

    /// The header's value.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EntityTag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The resource is not as the request takes it to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the resource is not as the request takes it to be")]
pub struct PreconditionFailed;

/// What a request takes for granted of the resource: `If-Match` and `If-None-Match`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preconditions {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Tags {
    /// `*`: that there is something.
    Any,
    /// Each as it stands. What is no tag is like none.
    Listed(Vec<String>),
}

impl Preconditions {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let read = |name| headers.contains_key(&name).then(|| Tags::of(headers, &name));
        Self { if_match: read(IF_MATCH), if_none_match: read(IF_NONE_MATCH) }
    }

    /// Whether there are any.
    pub fn is_empty(&self) -> bool {
        self.if_match.is_none() && self.if_none_match.is_none()
    }

    /// Holds them against the version the resource has now, none if there is no such resource. For
    /// operations that change something, in the transaction that does; `?` in a handler makes a 412
    /// of the error.
    ///
    /// # Errors
    /// When the resource has another version, or there is one and there should be none.
    pub fn hold(&self, current: Option<&EntityTag>) -> Result<(), PreconditionFailed> {
        let current = current.map(EntityTag::as_str);
        let is_met = self.if_match.as_ref().is_none_or(|tags| tags.has(current, is_strongly));
        let is_new = self.if_none_match.as_ref().is_none_or(|tags| !tags.has(current, is_weakly));
        if is_met && is_new { Ok(()) } else { Err(PreconditionFailed) }
    }

    /// The answer to one who reads, and may have it already.
    pub(crate) fn spare(&self, method: Method, reply: Reply) -> Reply {
        let Some(tags) = &self.if_none_match else { return reply };
        let tag = reply.entity_tag().filter(|_| [Method::GET, Method::HEAD].contains(&method));
        match tag.is_some_and(|tag| tags.has(Some(tag), is_weakly)) {
            true => reply.not_modified(&KEPT),
            false => reply,
        }
    }
}

impl Tags {
    fn of(headers: &HeaderMap, name: &HeaderName) -> Self {
        let texts = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
        let tags: Vec<String> = texts.flat_map(split).collect();
        if tags.iter().any(|tag| tag == "*") { Self::Any } else { Self::Listed(tags) }
    }

    fn has(&self, current: Option<&str>, is_same: fn(&str, &str) -> bool) -> bool {
        match (self, current) {
            (_, None) => false,
            (Self::Any, Some(_)) => true,
            (Self::Listed(tags), Some(current)) => tags.iter().any(|tag| is_same(tag, current)),
        }
    }
}

/// The elements of a list of tags; a comma inside of quotes parts nothing.
fn split(line: &str) -> Vec<String> {
    let mut is_inside = false;
    let parts = line.split(|letter| {
        is_inside ^= letter == '"';
        letter == ',' && !is_inside
    });
    parts.map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

fn is_strongly(one: &str, other: &str) -> bool {
    one == other && !one.starts_with("W/")
}

fn is_weakly(one: &str, other: &str) -> bool {
    opaque(one) == opaque(other)
}

fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}
