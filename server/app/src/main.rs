//! The server binary: `symbolon-server serve`, the care of its database and of API keys, and, for
//! development, `symbolon-server token`.

mod callers;
mod configuration;
mod console;
mod gauges;
mod identity;
mod keys;
mod live;
mod logging;
mod maintenance;
mod serve;
mod systems;
mod token;
mod traces;

use std::process::ExitCode;

use clap::Parser;

use configuration::{Command, CommandLine};
use symbolon_kernel::MigrationSet;

/// The tables of everything in this binary.
const MIGRATIONS: [MigrationSet; 2] = [symbolon_calls::MIGRATIONS, keys::TABLES];

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    match CommandLine::parse().command {
        Command::Serve(configuration) => serve::run(*configuration).await?,
        Command::Migrate(database) => maintenance::migrate(&database).await?,
        Command::Backup(archive) => maintenance::backup(&archive).await?,
        Command::Restore(archive) => maintenance::restore(&archive).await?,
        Command::Audit(database) => return maintenance::audit(&database).await,
        Command::Key(command) => keys::run(command).await?,
        Command::Token(request) => token::run(&request)?,
    }
    Ok(ExitCode::SUCCESS)
}
