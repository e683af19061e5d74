//! The contract-first toolchain, for anyone's contract.

use std::process::ExitCode;

use clap::Parser;
use xtask::{conformance, gen_standalone, mock, new};

/// One contract, cut into both halves: a server and its SDKs.
#[derive(Debug, Parser)]
#[command(name = "symbolon", version, subcommand_required = true)]
#[command(after_help = "Examples:\n  symbolon gen --contract petstore.yaml --out petstore\n  \
    symbolon mock --contract petstore.yaml\n  \
    symbolon conformance --contract petstore.yaml --url http://127.0.0.1:8080")]
enum Command {
    /// Judge a running server by its contract.
    Conformance(conformance::Arguments),
    /// Generate a server, SDKs and schemas from a contract.
    Gen(gen_standalone::Gen),
    /// Serve what a contract shows, with no code at all.
    Mock(mock::Arguments),
    /// Make a workspace for a contract, to be written on.
    New(new::Arguments),
}

fn main() -> ExitCode {
    xtask::outcome(run(Command::parse()))
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Conformance(options) => conformance::run(options),
        Command::Gen(options) => gen_standalone::run(&options),
        Command::Mock(options) => mock::run(&options),
        Command::New(options) => new::run(&options),
    }
}
