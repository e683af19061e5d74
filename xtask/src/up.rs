//! `cargo xtask up`: from a clone to a running system that can be played with.

use std::net::SocketAddr;
use std::path::{Path, PathBuf, absolute};
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use crate::distributed::{Distributed, Numbers};
use crate::process::npm_install;
use crate::root::root;
use crate::server::{self, Profile, Server};
use crate::{gen_house, signals};

const SCOPES: [&str; 4] = ["calls:read", "calls:write", "calls:ops", "calls:platform"];
/// How often to look whether the server has ended.
const LOOK: Duration = Duration::from_millis(100);

/// Generates what is stale, builds the server and runs it, on an embedded database unless it is
/// said otherwise.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cargo xtask up\n  \
    cargo xtask up --listen 127.0.0.1:9000 --data ../calls-data\n  \
    cargo xtask up --distributed\n\n\
    The server lets calls reach this machine itself (loopback), so that the printed lines work.\n\
    Stop it with Ctrl-C; the data stays, but for what --distributed keeps in a PostgreSQL\n\
    server and a broker of its own, which end with it.\n\n\
    Exit codes: 0 stopped, 1 something did not build, start or stay")]
pub struct Up {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Where the database, the development keys and the log are kept [default: .symbolon].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Run two APIs, two workers and a relay, on PostgreSQL and a Kafka broker, which are found or
    /// installed as for `cargo xtask test`; the first API listens on the address above.
    #[arg(long)]
    pub distributed: bool,
}

/// Runs the command until the server ends.
///
/// # Errors
/// When something does not build or start.
pub fn run(options: &Up) -> anyhow::Result<ExitCode> {
    let root = root();
    let data = match &options.data {
        Some(data) => absolute(data)?,
        None if options.distributed => root.join(".symbolon/distributed"),
        None => root.join(".symbolon"),
    };
    server::check_free(options.listen)?;
    let generated = gen_house::run(&gen_house::Gen::default())?;
    if generated != ExitCode::SUCCESS {
        return Ok(generated);
    }
    println!("installing   the TypeScript compiler for the SDK line");
    if let Err(error) = npm_install(&root.join("sdk-ts")) {
        eprintln!("{error:#}; the TypeScript line will not work");
    }
    println!("building     the server (minutes the first time)");
    if options.distributed {
        return run_distributed(options, &root, &data);
    }
    let binary = server::build(&root)?;
    let stop = signals::stop()?;
    let mut server = Server::start(&binary, &data, options.listen)?;
    let token = server.token("demo", &SCOPES)?;
    let data = data.strip_prefix(&root).unwrap_or(&data).display();
    println!("database     {data}/ (embedded SQLite; the log is {data}/server.log)");
    println!("{}", greeting(&server, &token));
    loop {
        if let Some(status) = server.process.0.try_wait()? {
            println!("stopped      {status}; the log is {}", server.log.display());
            return Ok(ExitCode::from(u8::from(!status.success())));
        }
        if stop.is_asked() {
            server.stop()?;
        }
        sleep(LOOK);
    }
}

/// Runs several processes until one of them ends.
fn run_distributed(options: &Up, root: &Path, data: &Path) -> anyhow::Result<ExitCode> {
    let numbers = Numbers { apis: 2, workers: 2 };
    let stop = signals::stop()?;
    let binary = server::build_for_kafka(root, Profile::Debug)?;
    let mut site = Distributed::start(root, &binary, data, options.listen, numbers)?;
    let token = site.apis[0].token("demo", &SCOPES)?;
    for (name, servers) in [("api", &site.apis), ("worker", &site.workers)] {
        for server in servers {
            println!("{name:<12} {} (its log is {})", server.url, server.log.display());
        }
    }
    let relay = &site.relay;
    println!("relay        {} (its log is {})", relay.url, relay.log.display());
    println!("{}", greeting(&site.apis[0], &token));
    loop {
        let is_asked = stop.is_asked();
        let mut running = 0;
        for server in site.processes() {
            match server.process.0.try_wait()? {
                None if is_asked => server.stop()?,
                None => {}
                Some(status) if status.success() => continue,
                Some(status) => {
                    println!("stopped      {status}; the log is {}", server.log.display());
                    return Ok(ExitCode::FAILURE);
                }
            }
            running += 1;
        }
        if running == 0 {
            return Ok(ExitCode::SUCCESS);
        }
        sleep(LOOK);
    }
}

fn greeting(server: &Server, token: &str) -> String {
    let url = &server.url;
    format!(
        r#"listening    {url}
console      {url}/
docs         {url}/docs/
targets      calls may reach this machine itself (--allow-loopback)

try          curl -i {url}/v1/service-calls \
               -H 'Authorization: Bearer {token}' \
               -H 'Content-Type: application/json' -H "Idempotency-Key: $(date +%s%N)" \
               -d '{{"name":"hello","request":{{"method":"GET","url":"{url}/version"}}}}'

Rust         cargo run -q -p symbolon-sdk --example calls -- {url} {token}
TypeScript   npm --prefix sdk-ts run --silent example -- {url} {token}

stop         Ctrl-C"#
    )
}
