//! The methods an operation of a contract may have.

use std::fmt;

/// A method of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each is the method of its name (RFC 9110, RFC 5789)")]
pub enum Method {
    GET,
    HEAD,
    POST,
    PUT,
    DELETE,
    OPTIONS,
    TRACE,
    PATCH,
    /// A safe request with a body (OpenAPI 3.2).
    QUERY,
    /// Any other, as it stands in the request line (`additionalOperations` of OpenAPI 3.2).
    Other(&'static str),
}

impl Method {
    /// The method's name as it stands in a request line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GET => "GET",
            Self::HEAD => "HEAD",
            Self::POST => "POST",
            Self::PUT => "PUT",
            Self::DELETE => "DELETE",
            Self::OPTIONS => "OPTIONS",
            Self::TRACE => "TRACE",
            Self::PATCH => "PATCH",
            Self::QUERY => "QUERY",
            Self::Other(name) => name,
        }
    }

    /// Whether a second request does no more than the first (RFC 9110, 9.2.2).
    pub const fn is_idempotent(self) -> bool {
        match self {
            Self::GET
            | Self::HEAD
            | Self::PUT
            | Self::DELETE
            | Self::OPTIONS
            | Self::TRACE
            | Self::QUERY => true,
            Self::POST | Self::PATCH | Self::Other(_) => false,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
