//! The alerts of deploy/, as Prometheus itself reads them: whether they can be read, fire when they
//! should, and do not when they should not.

use std::fs;
use std::path::Path;

use crate::process;
use crate::services::prometheus::promtool;

/// Checks the configuration with its rules, and plays the tests of these.
pub(super) fn check(root: &Path) -> anyhow::Result<()> {
    let tool = promtool(root)?;
    let (tool, place) = (tool.to_string_lossy(), root.join("deploy/prometheus"));
    process::run(&place, &tool, &["check", "config", "prometheus.yml"])?;
    for entry in fs::read_dir(place.join("tests"))? {
        process::run(&place, &tool, &["test", "rules", &entry?.path().to_string_lossy()])?;
    }
    Ok(())
}
