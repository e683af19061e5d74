//! Where the project is.

use std::path::{Path, PathBuf};

/// The root of the project this was built from.
pub fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_owned()
}
