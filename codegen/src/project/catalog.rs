//! `contracts/catalog.toml`: the only list of this project's systems.

use std::fs;
use std::path::Path;

use serde::Deserialize;

/// The systems of the project.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    /// Sorted as written.
    #[serde(default, rename = "system")]
    pub systems: Vec<SystemEntry>,
}

/// A system and where its documents are, relative to the catalogue.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SystemEntry {
    /// Its name: `calls`.
    pub name: String,
    /// The OpenAPI document.
    pub openapi: String,
    /// The AsyncAPI document.
    pub asyncapi: Option<String>,
    /// Overlays, in the order they are laid over the documents.
    #[serde(default)]
    pub overlays: Vec<String>,
    /// The Arazzo document.
    pub workflows: Option<String>,
}

/// Why there is no catalogue.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// It cannot be read.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// Its path.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is no catalogue.
    #[error("{path} is no catalogue: {source}")]
    Malformed {
        /// Its path.
        path: String,
        /// What the parser said.
        source: toml::de::Error,
    },
}

impl Catalog {
    /// Reads `contracts/catalog.toml` below the root of the project.
    ///
    /// # Errors
    /// When it cannot be read or is no catalogue.
    pub fn read(root: &Path) -> Result<Self, CatalogError> {
        let path = root.join("contracts/catalog.toml");
        let shown = path.display().to_string();
        let text = fs::read_to_string(&path)
            .map_err(|source| CatalogError::Unreadable { path: shown.clone(), source })?;
        toml::from_str(&text).map_err(|source| CatalogError::Malformed { path: shown, source })
    }
}
