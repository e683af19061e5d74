//! What a run is told: the documents, the server, and whom to appear as.

use std::path::PathBuf;
use std::time::Duration;

/// Options of a run.
#[derive(Debug, Clone)]
pub struct Options {
    /// The OpenAPI document.
    pub contract: PathBuf,
    /// Overlays, in the order they are laid over the document they extend, else over the contract.
    pub overlays: Vec<PathBuf>,
    /// The AsyncAPI document; without it no event is judged.
    pub asyncapi: Option<PathBuf>,
    /// The Arazzo document; without it no workflow runs.
    pub workflows: Option<PathBuf>,
    /// Where the server answers, with whatever path stands before those of the contract.
    pub url: String,
    /// Sent with every request; the default credential is among them.
    pub headers: Vec<(String, String)>,
    /// Other credentials, by the names that `x-credential` uses.
    pub credentials: Vec<Credential>,
    /// Makes fresh values reproducible; each run on the same data needs another.
    pub seed: u64,
    /// How much of the contract is judged.
    pub extent: Extent,
    /// How long to wait for an event the contract promises.
    pub event_patience: Duration,
}

/// How much of the contract is judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Extent {
    /// All that it says.
    #[default]
    Everything,
    /// The requests that it shows, and their answers: what it does not show is no failure.
    Examples,
}

/// A credential that examples and steps name by `x-credential`.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Its name.
    pub name: String,
    /// The header that carries it, in place of the default header of that name.
    pub header: (String, String),
}

/// An option whose text cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {wanted}")]
pub struct InvalidOption {
    /// What was wanted.
    pub wanted: &'static str,
    /// What was given, or its part before a secret.
    pub text: String,
}

impl Options {
    /// Options with a seed taken from the clock and ten seconds of patience.
    pub fn new(contract: impl Into<PathBuf>, url: impl Into<String>) -> Self {
        Self {
            contract: contract.into(),
            overlays: Vec::new(),
            asyncapi: None,
            workflows: None,
            url: url.into(),
            headers: Vec::new(),
            credentials: Vec::new(),
            seed: jiff::Timestamp::now().as_microsecond().unsigned_abs(),
            extent: Extent::Everything,
            event_patience: Duration::from_secs(10),
        }
    }
}

/// Reads `Name: value`.
///
/// # Errors
/// When there is no colon or no name.
pub fn header(text: &str) -> Result<(String, String), InvalidOption> {
    match text.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err(InvalidOption { wanted: "a header, as `Name: value`", text: first_word(text) }),
    }
}

impl std::str::FromStr for Credential {
    type Err = InvalidOption;

    /// Reads `name=Header: value`.
    fn from_str(text: &str) -> Result<Self, InvalidOption> {
        let wanted = "a credential, as `name=Header: value`";
        let invalid = || InvalidOption { wanted, text: first_word(text) };
        let (name, rest) = text.split_once('=').ok_or_else(invalid)?;
        let header = header(rest).map_err(|_| invalid())?;
        Ok(Self { name: name.trim().to_owned(), header })
    }
}

fn first_word(text: &str) -> String {
    text.split_whitespace().next().unwrap_or_default().chars().take(32).collect()
}
