//! The contracts that mutants are made from: small, so that many fit into a minute.

use std::fs;
use std::path::Path;

use serde_json::Value;
use symbolon_codegen::source::parse;

use crate::corpus::documents::Document;

/// Bytes a public document may have.
const SMALL: u64 = 24 << 10;

/// A contract before it is mutated.
#[derive(Debug, Clone)]
pub(super) struct Seed {
    /// The OpenAPI document.
    pub(super) path: String,
    /// The AsyncAPI document that goes with it.
    pub(super) asyncapi: Option<String>,
    /// The one of them that mutates.
    pub(super) changed: String,
    /// Its text.
    pub(super) text: String,
    /// Its content; null where it is malformed already.
    pub(super) value: Value,
}

/// The contracts of the generator's own tests.
///
/// # Errors
/// When they cannot be read.
pub(super) fn cases(root: &Path) -> anyhow::Result<Vec<Seed>> {
    let entries = fs::read_dir(root.join("codegen/tests/cases"))?;
    let mut folders: Vec<_> =
        entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    folders.sort();
    let mut seeds = Vec::new();
    for folder in folders {
        let Some(path) = ["openapi.yaml", "openapi.json"]
            .map(|name| folder.join(name))
            .into_iter()
            .find(|path| path.exists())
        else {
            continue;
        };
        let events = folder.join("asyncapi.yaml");
        let asyncapi = events.exists().then_some(events);
        let documents = [Some(&path), asyncapi.as_ref()];
        for changed in documents.into_iter().flatten() {
            seeds.push(seed(&path, asyncapi.as_deref(), changed)?);
        }
    }
    Ok(seeds)
}

/// The small ones of these documents.
///
/// # Errors
/// When one cannot be read.
pub(super) fn small(documents: Vec<Document>) -> anyhow::Result<Vec<Seed>> {
    let mut seeds = Vec::new();
    for document in documents {
        if fs::metadata(&document.path)?.len() <= SMALL {
            seeds.push(seed(&document.path, None, &document.path)?);
        }
    }
    Ok(seeds)
}

fn seed(path: &Path, asyncapi: Option<&Path>, changed: &Path) -> anyhow::Result<Seed> {
    let shown = |path: &Path| path.to_string_lossy().into_owned();
    let text = String::from_utf8_lossy(&fs::read(changed)?).into_owned();
    Ok(Seed {
        path: shown(path),
        asyncapi: asyncapi.map(shown),
        value: parse(&shown(changed), &text).unwrap_or(Value::Null),
        changed: shown(changed),
        text,
    })
}
