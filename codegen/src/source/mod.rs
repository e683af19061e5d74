//! Bytes of contract files to documents whose every place can be named, and found in the text.
//!
//! Documents are parsed fast, without spans; a place is a file and a JSON pointer (RFC 6901), and
//! [`locate`] finds it in the text only when a problem points there.

mod cursor;
mod json_pointer;
mod load;
mod locate;
mod members;
mod yaml;

pub mod bundle;

pub use cursor::{Cursor, RefError};
pub use json_pointer::Pointer;
pub use load::{LoadError, Reader, Sources, file_stem, normal};
pub use locate::{Located, locate, locate_all};
pub use yaml::{Located as ParseError, parse};

use serde_json::Value;

/// One file of a contract, parsed.
#[derive(Debug)]
pub struct File {
    /// Path as given on the command line, or relative to the file that refers to it.
    pub path: String,
    /// The text that was read.
    pub text: String,
    /// The parsed content.
    pub value: Value,
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
