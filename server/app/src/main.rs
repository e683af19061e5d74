//! The server binary: `symbolon-server serve`, the care of its database and of API keys, and, for
//! development, `symbolon-server token`.

mod callers;
mod configuration;
mod configuration_file;
mod configuration_report;
mod console;
mod gauges;
mod identity;
mod keys;
mod live;
mod logging;
mod maintenance;
mod rates;
mod serve;
mod systems;
mod token;
mod traces;

use std::process::ExitCode;

use configuration::{Command, ConfigurationCommand};
use configuration_file::{Configured, Unusable};
use symbolon_kernel::MigrationSet;

/// The tables of everything in this binary.
const MIGRATIONS: [MigrationSet; 2] = [symbolon_calls::MIGRATIONS, keys::TABLES];

/// The exit code for a command line or configuration that cannot be used, as clap's own.
const USAGE: u8 = 2;

/// What fails is said in one line: a mistake of whoever runs it needs no backtrace.
#[tokio::main]
async fn main() -> ExitCode {
    run().await.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

async fn run() -> anyhow::Result<ExitCode> {
    let arguments: Vec<_> = std::env::args_os().collect();
    let configured = match configuration_file::read(&arguments) {
        Ok(configured) => configured,
        Err(Unusable::CommandLine(error)) => error.exit(),
        Err(unusable @ (Unusable::Unread { .. } | Unusable::File(_))) => {
            eprintln!("{unusable}");
            return Ok(ExitCode::from(USAGE));
        }
    };
    let Configured { command_line, matches, entries } = configured;
    match command_line.command {
        Command::Config(ConfigurationCommand::Check(configuration)) => {
            match serve::Plan::of(*configuration) {
                Ok(_) => println!("the configuration can be used"),
                Err(error) => {
                    eprintln!("{error:#}");
                    return Ok(ExitCode::from(USAGE));
                }
            }
        }
        Command::Config(ConfigurationCommand::Print(_)) => {
            println!("{}", configuration_report::report(&matches, &entries));
        }
        Command::Serve(configuration) => serve::run(serve::Plan::of(*configuration)?).await?,
        Command::Migrate(database) => maintenance::migrate(&database).await?,
        Command::Backup(archive) => maintenance::backup(&archive).await?,
        Command::Restore(archive) => maintenance::restore(&archive).await?,
        Command::Audit(database) => return maintenance::audit(&database).await,
        Command::Key(command) => keys::run(command).await?,
        Command::Token(request) => token::run(&request)?,
    }
    Ok(ExitCode::SUCCESS)
}
