//! Servers: where a contract is served.

use super::Name;

/// A server of the contract.
#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    /// Its `name` (OpenAPI 3.2), else its URL, as words; unique among the servers of its contract.
    pub name: Name,
    /// Its URL without a slash at its end, with `{variables}`. What is relative begins with
    /// `{origin}`, which only callers know.
    pub url: String,
    /// The variables of the URL, in its order, each once.
    pub variables: Vec<ServerVariable>,
    /// Prose of the contract.
    pub description: Option<String>,
}

/// A variable of a server's URL.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerVariable {
    /// Its name between the braces.
    pub wire: String,
    /// The name as words.
    pub name: Name,
    /// What it stands for unless somebody says otherwise; nothing if it must be said.
    pub default: Option<String>,
    /// The values it may have; empty if any text will do.
    pub values: Vec<String>,
    /// Prose of the contract.
    pub description: Option<String>,
}

impl Server {
    /// Whether it can be reached without being told anything.
    pub fn is_complete(&self) -> bool {
        self.variables.iter().all(|variable| variable.default.is_some())
    }
}
