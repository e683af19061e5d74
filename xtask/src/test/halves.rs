//! The two halves held together: a freshly started server, judged and used.

use std::fs;
use std::path::Path;

use super::sdk_ts;
use crate::distributed::{Distributed, Numbers};
use crate::process::{npm_install, run as start};
use crate::server::{self, Profile, Server, free_address};
use crate::services::chromium::Chromium;

pub(super) const ALL: [&str; 3] = ["calls:read", "calls:write", "calls:ops"];

pub(super) fn fresh(root: &Path, name: &str) -> anyhow::Result<Server> {
    let binary = server::build(root)?;
    let data = server::target(root)?.join("fresh").join(name);
    if data.exists() {
        fs::remove_dir_all(&data)?;
    }
    Server::start(&binary, &data, free_address()?)
}

/// The runner replays the whole contract; every documented status must be seen.
pub(super) fn conformance(root: &Path) -> anyhow::Result<()> {
    judge(root, &fresh(root, "conformance")?)
}

/// The same, of several processes on PostgreSQL and Kafka: what one of its APIs answers.
pub(super) fn distributed_conformance(root: &Path) -> anyhow::Result<()> {
    let data = server::target(root)?.join("fresh/distributed");
    if data.exists() {
        fs::remove_dir_all(&data)?;
    }
    let numbers = Numbers { apis: 1, workers: 1 };
    let binary = server::build_for_kafka(root, Profile::Debug)?;
    let site = Distributed::start(root, &binary, &data, free_address()?, numbers)?;
    judge(root, &site.apis[0])
}

fn judge(root: &Path, server: &Server) -> anyhow::Result<()> {
    let bearer = |tenant: &str, scopes: &[&str]| -> anyhow::Result<String> {
        Ok(format!("Authorization: Bearer {}", server.token(tenant, scopes)?))
    };
    let owner = bearer("demo", &ALL)?;
    let read_only = format!("read-only={}", bearer("demo", &["calls:read"])?);
    let write_only = format!("write-only={}", bearer("demo", &["calls:write"])?);
    let other_tenant = format!("other-tenant={}", bearer("other", &ALL)?);
    let arguments = [
        "run",
        "--quiet",
        "--package",
        "xtask",
        "--bin",
        "symbolon",
        "--",
        "conformance",
        "--contract",
        "contracts/calls/openapi.yaml",
        "--asyncapi",
        "contracts/calls/asyncapi.yaml",
        "--workflows",
        "contracts/calls/workflows.arazzo.yaml",
        "--url",
        &server.url,
        "--header",
        &owner,
        "--credential",
        &read_only,
        "--credential",
        &write_only,
        "--credential",
        &other_tenant,
    ];
    start(root, "cargo", &arguments)
}

/// A client that progenitor made, which nobody here wrote, must fit the server too.
pub(super) fn independent_client(root: &Path) -> anyhow::Result<()> {
    let server = fresh(root, "independent")?;
    let token = server.token("demo", &ALL)?;
    let arguments = [
        "run",
        "--quiet",
        "--package",
        "symbolon-independent",
        "--",
        "--url",
        &server.url,
        "--token",
        &token,
    ];
    start(root, "cargo", &arguments)
}

/// The example programs of both SDKs, as a reader of README would run them.
pub(super) fn sdk_examples(root: &Path) -> anyhow::Result<()> {
    let server = fresh(root, "examples")?;
    let token = server.token("demo", &ALL)?;
    let rust =
        ["run", "--quiet", "-p", "symbolon-sdk", "--example", "calls", "--", &server.url, &token];
    start(root, "cargo", &rust)?;
    let folder = sdk_ts(root)?;
    start(&folder, "npm", &["run", "--silent", "example", "--", &server.url, &token])
}

/// OpenID Connect of others: a client of our development issuer, and an issuer whose keys our edge
/// follows.
pub(super) fn openid_peers(root: &Path) -> anyhow::Result<()> {
    let folder = root.join("conformance/openid");
    npm_install(&folder)?;
    let server = fresh(root, "openid-client")?;
    start(&folder, "node", &["client.mjs", &server.url])?;
    let data = server::target(root)?.join("fresh/openid-provider");
    if data.exists() {
        fs::remove_dir_all(&data)?;
    }
    let binary = server::build(root)?;
    start(&folder, "node", &["provider.mjs", &binary.to_string_lossy(), &data.to_string_lossy()])
}

/// The console in a real browser; pictures of it stay in target/.
pub(super) fn console(root: &Path) -> anyhow::Result<()> {
    let browser = Chromium::find(root)?;
    let folder = root.join("conformance/console");
    npm_install(&folder)?;
    let server = fresh(root, "console")?;
    let pictures = server::target(root)?.join("console");
    let program = browser.program.to_string_lossy();
    let arguments = ["console.mjs", &server.url, &program, &pictures.to_string_lossy()];
    browser.run(&folder, "node", &arguments)
}
