//! Prometheus' own tool, which judges its configuration and its rules: Debian's, unpacked below
//! target/ by root, too, since the package would start a server of the system's.

use std::path::{Path, PathBuf};

use super::debian::Package;
use super::{folder, on_path};

const PACKAGE: Package = Package { title: "Prometheus", name: "prometheus" };
const TOOL: &str = "promtool";

/// Finds `promtool`, or unpacks it.
///
/// # Errors
/// [`super::Absent`] when it cannot be had.
pub fn promtool(root: &Path) -> anyhow::Result<PathBuf> {
    if let Some(found) = on_path(TOOL) {
        return Ok(found);
    }
    let unpacked = folder(root)?.join("prometheus");
    let tool = unpacked.join("usr/bin").join(TOOL);
    if !tool.is_file() {
        PACKAGE.unpack(&unpacked)?;
    }
    Ok(tool)
}
