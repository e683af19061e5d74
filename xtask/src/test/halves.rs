//! The two halves held together: a freshly started server, judged and used.

use std::fs;
use std::path::{Path, PathBuf};

use super::programs::{Build, Programs};
use super::sdk_ts;
use crate::distributed::{Distributed, Numbers};
use crate::process::{npm_install, run as start};
use crate::server::{self, Server, free_address};
use crate::services::chromium::Chromium;

pub(super) const ALL: [&str; 4] = ["calls:read", "calls:write", "calls:ops", "calls:platform"];

/// A server on no data, of the default build.
pub(super) fn fresh(root: &Path, programs: &Programs, name: &str) -> anyhow::Result<Server> {
    let binary = programs.program("symbolon-server")?;
    Server::start(&binary, &empty(root, name)?, free_address()?)
}

/// A folder for the data of a fresh server, which has nothing in it.
fn empty(root: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let data = server::target(root)?.join("fresh").join(name);
    if data.exists() {
        fs::remove_dir_all(&data)?;
    }
    Ok(data)
}

/// The runner replays the whole contract; every documented status must be seen.
pub(super) fn conformance(root: &Path) -> anyhow::Result<()> {
    let programs = Programs::build(root, Build::Default)?;
    judge(root, &programs, &fresh(root, &programs, "conformance")?)
}

/// The same, of several processes on PostgreSQL and Kafka: what one of its APIs answers.
pub(super) fn distributed_conformance(root: &Path) -> anyhow::Result<()> {
    let programs = Programs::build(root, Build::Breakable)?;
    let binary = programs.program("symbolon-server")?;
    let data = empty(root, "distributed")?;
    let numbers = Numbers { apis: 1, workers: 1 };
    let site = Distributed::start(root, &binary, &data, free_address()?, numbers)?;
    judge(root, &programs, &site.apis[0])
}

fn judge(root: &Path, programs: &Programs, server: &Server) -> anyhow::Result<()> {
    let bearer = |tenant: &str, scopes: &[&str]| -> anyhow::Result<String> {
        Ok(format!("Authorization: Bearer {}", server.token(tenant, scopes)?))
    };
    let owner = bearer("demo", &ALL)?;
    let read_only = format!("read-only={}", bearer("demo", &["calls:read"])?);
    let write_only = format!("write-only={}", bearer("demo", &["calls:write"])?);
    let tenant_operator = format!("tenant-operator={}", bearer("demo", &["calls:ops"])?);
    let other_tenant = format!("other-tenant={}", bearer("other", &ALL)?);
    let arguments = [
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
        &tenant_operator,
        "--credential",
        &other_tenant,
    ];
    start(root, &programs.program("symbolon")?.to_string_lossy(), &arguments)
}

/// A client that progenitor made, which nobody here wrote, must fit the server too.
pub(super) fn independent_client(root: &Path) -> anyhow::Result<()> {
    let programs = Programs::build(root, Build::Default)?;
    let server = fresh(root, &programs, "independent")?;
    let token = server.token("demo", &ALL)?;
    let client = programs.program("symbolon-independent")?;
    start(root, &client.to_string_lossy(), &["--url", &server.url, "--token", &token])
}

/// The example programs of both SDKs, as a reader of README would run them.
pub(super) fn sdk_examples(root: &Path) -> anyhow::Result<()> {
    let programs = Programs::build(root, Build::Default)?;
    let server = fresh(root, &programs, "examples")?;
    let token = server.token("demo", &ALL)?;
    let folder = sdk_ts(root)?;
    for (example, script) in [("calls", "example"), ("live", "live")] {
        let rust = programs.program(example)?;
        start(root, &rust.to_string_lossy(), &[&server.url, &token])?;
        start(&folder, "npm", &["run", "--silent", script, "--", &server.url, &token])?;
    }
    Ok(())
}

/// OpenID Connect of others: a client of our development issuer, and an issuer whose keys our edge
/// follows.
pub(super) fn openid_peers(root: &Path) -> anyhow::Result<()> {
    let folder = root.join("conformance/openid");
    npm_install(&folder)?;
    let programs = Programs::build(root, Build::Default)?;
    let server = fresh(root, &programs, "openid-client")?;
    start(&folder, "node", &["client.mjs", &server.url])?;
    let binary = programs.program("symbolon-server")?;
    let data = empty(root, "openid-provider")?;
    start(&folder, "node", &["provider.mjs", &binary.to_string_lossy(), &data.to_string_lossy()])
}

/// The console in a real browser; pictures of it stay in target/.
pub(super) fn console(root: &Path) -> anyhow::Result<()> {
    let browser = Chromium::find(root)?;
    let folder = root.join("conformance/console");
    npm_install(&folder)?;
    let programs = Programs::build(root, Build::Default)?;
    let server = fresh(root, &programs, "console")?;
    let pictures = server::target(root)?.join("console");
    let program = browser.program.to_string_lossy();
    let arguments = ["console.mjs", &server.url, &program, &pictures.to_string_lossy()];
    browser.run(&folder, "node", &arguments)
}
