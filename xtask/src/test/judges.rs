//! Judges of a running server that nobody here wrote: Redocly Respect, which runs the workflows,
//! and Newman, which sends the examples.

use std::path::Path;

use anyhow::bail;

use super::halves::{ALL, fresh};
use super::programs::{Build, Programs};
use crate::process::{command, npm_install};

/// Has both judge one fresh server: what workflows leave, examples take up.
pub(super) fn check(root: &Path) -> anyhow::Result<()> {
    let folder = root.join("conformance/judges");
    npm_install(&folder)?;
    let programs = Programs::build(root, Build::Default)?;
    let server = fresh(root, &programs, "judges")?;
    let credentials = serde_json::json!({
        "default": server.token("demo", &ALL)?,
        "read-only": server.token("demo", &["calls:read"])?,
        "write-only": server.token("demo", &["calls:write"])?,
        "tenant-operator": server.token("demo", &["calls:ops"])?,
        "other-tenant": server.token("other", &ALL)?,
    });
    let left = crate::server::target(root)?.join("fresh/judges/workflows");
    let contracts = root.join("contracts/calls");
    let contract = root.join("generated/calls-server/src/openapi.json");
    for (judge, document) in [("respect.mjs", &contracts), ("newman.mjs", &contract)] {
        let (document, left) = (document.to_string_lossy(), left.to_string_lossy());
        let mut node = command(&folder, "node", &[judge, &document, &server.url, &left]);
        if !node.env("CREDENTIALS", credentials.to_string()).status()?.success() {
            bail!("{judge} found something");
        }
    }
    Ok(())
}
