//! `cargo xtask up`: from a clone to a running system that can be played with.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use crate::gen_house;
use crate::root::root;
use crate::server::{self, Server};

/// Generates what is stale, builds the server and runs it on an embedded database.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cargo xtask up\n  \
    cargo xtask up --listen 127.0.0.1:9000 --data /tmp/calls\n\n\
    The server lets calls reach this machine itself (loopback), so that the printed lines work.\n\
    Stop it with Ctrl-C; the data stays.")]
pub struct Up {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Where the database, the development keys and the log are kept.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// Runs the command until the server ends.
///
/// # Errors
/// When something does not build or start.
pub fn run(options: &Up) -> anyhow::Result<ExitCode> {
    let root = root();
    let generated = gen_house::run(&gen_house::Gen { check: false })?;
    if generated != ExitCode::SUCCESS {
        return Ok(generated);
    }
    println!("building     the server");
    let binary = server::build(&root)?;
    let data = options.data.clone().unwrap_or_else(|| root.join(".symbolon"));
    let mut server = Server::start(&binary, &data, options.listen)?;
    let token = server.token("demo", &["calls:read", "calls:write"])?;
    println!("{}", greeting(&server, &data, &token));
    let status = server.process.0.wait().context("the server ends")?;
    println!("stopped      {status}");
    Ok(ExitCode::SUCCESS)
}

fn greeting(server: &Server, data: &std::path::Path, token: &str) -> String {
    let url = &server.url;
    let data = data.strip_prefix(root()).unwrap_or(data).display();
    format!(
        r#"database     {data}/ (embedded SQLite; the log is {data}/server.log)
listening    {url}
docs         {url}/docs
targets      calls may reach this machine itself (--allow-loopback)

try          curl -i {url}/v1/service-calls \
               -H 'Authorization: Bearer {token}' \
               -H 'Content-Type: application/json' -H "Idempotency-Key: $RANDOM$RANDOM" \
               -d '{{"name":"hello","request":{{"method":"GET","url":"{url}/version"}}}}'

Rust         cargo run -q -p symbolon-sdk --example calls -- {url} {token}
TypeScript   npm --prefix sdk-ts run --silent example -- {url} {token}

stop         Ctrl-C"#
    )
}
