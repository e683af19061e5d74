//! The functions behind both binaries, one file a subcommand: `xtask` for this project,
//! `symbolon` for anyone's contract.

use std::process::ExitCode;

pub mod bench;
pub mod conformance;
pub mod corpus;
pub mod cost;
pub mod dice;
pub mod distributed;
pub mod faults;
mod fetch;
pub mod fuzz;
pub mod gen_house;
pub mod gen_standalone;
pub mod mock;
pub mod new;
pub mod process;
pub mod reach;
pub mod root;
pub mod server;
pub mod services;
pub mod signals;
pub mod test;
pub mod throughput;
pub mod tidy;
pub mod up;

/// How a command ended; what failed is said in one line, since a mistake of whoever runs it needs
/// no backtrace.
pub fn outcome(result: anyhow::Result<ExitCode>) -> ExitCode {
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

/// Generation is many small pieces of text: the system's allocator took a third of its time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
