//! The server binary: `symbolon-server serve` and, for development, `symbolon-server token`.

mod configuration;
mod gauges;
mod live;
mod logging;
mod serve;
mod token;

use clap::Parser;

use configuration::{Command, CommandLine};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match CommandLine::parse().command {
        Command::Serve(configuration) => serve::run(configuration).await,
        Command::Token(request) => token::run(&request),
    }
}
