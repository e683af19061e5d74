//! Bytes of contract files to documents whose every place can be named, and found in the text.
//!
//! Documents are parsed fast, without spans; a place is a file and a JSON pointer (RFC 6901), and
//! [`locate`] finds it in the text only when a problem points there.

mod bindings;
mod cursor;
mod dialect;
mod json;
mod json_pointer;
mod load;
mod locate;
mod locate_json;
mod members;
mod origins;
mod overlay;
mod resources;
mod yaml;

pub mod bundle;

pub use cursor::{Cursor, RefError, ValueId};
pub use dialect::modern;
pub use json_pointer::Pointer;
pub use load::{LoadError, NameMistake, Reader, Sources, Unread, file_stem, is_remote, normal};
pub use locate::{Located, locate, locate_all};
pub use overlay::OverlayMistake;
pub use yaml::Located as ParseError;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

/// Parses the text of the file of this path: JSON where its ending or its first signs say so,
/// else YAML, of which JSON is a part.
///
/// # Errors
/// The first mistake, with its place.
pub fn parse(path: &str, text: &str) -> Result<Value, ParseError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let ending = path.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    let Some(inside) = text.trim_start().strip_prefix('{') else {
        return if ending.as_deref() == Some("json") {
            json::parse(text)
        } else {
            yaml::parse(text)
        };
    };
    // Where YAML is expected, what no JSON parser takes may still be YAML.
    match (json::parse(text), ending.as_deref()) {
        (Err(_), Some("yaml" | "yml")) => yaml::parse(text),
        (Err(_), ending) if ending != Some("json") && !inside.trim_start().starts_with('"') => {
            yaml::parse(text)
        }
        (parsed, _) => parsed,
    }
}

/// One file of a contract, parsed.
#[derive(Debug)]
pub struct File {
    /// Path as given on the command line, or relative to the file that refers to it.
    pub path: String,
    /// The text that was read.
    pub text: String,
    /// The parsed content.
    pub value: Arc<Value>,
    /// Where the schemas stand that name themselves, once somebody asks for one.
    anchors: OnceLock<BTreeMap<String, Pointer>>,
    /// The schemas in it that have an address, outermost first.
    resources: Vec<resources::Resource>,
    /// Whether it has a `$dynamicRef`.
    is_dynamic: bool,
}

impl File {
    fn new(path: String, text: String, value: Value) -> Self {
        let (anchors, resources) = (OnceLock::new(), Vec::new());
        Self { path, text, value: Arc::new(value), anchors, resources, is_dynamic: false }
    }
}

/// A place in a contract: a file and a JSON pointer into it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Path of the file.
    pub file: String,
    /// Pointer into its content.
    pub pointer: Pointer,
}

impl Place {
    /// The place at this pointer of that file.
    pub fn new(file: impl Into<String>, pointer: Pointer) -> Self {
        Self { file: file.into(), pointer }
    }

    /// The place of a member of this place.
    #[must_use]
    pub fn child(&self, token: &str) -> Self {
        Self { file: self.file.clone(), pointer: self.pointer.child(token) }
    }
}
