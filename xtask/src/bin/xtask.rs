//! The project's own tasks: `cargo xtask <task>`.

use std::process::ExitCode;

use clap::Parser;
use xtask::{gen_house, tidy};

/// Tasks of this project.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", version, subcommand_required = true)]
enum Task {
    /// Write (or check) everything that is generated from contracts/.
    Gen(gen_house::Gen),
    /// Check floors, names, rooms and size budgets.
    Tidy(tidy::Tidy),
}

fn main() -> anyhow::Result<ExitCode> {
    match Task::parse() {
        Task::Gen(options) => gen_house::run(&options),
        Task::Tidy(options) => tidy::run(&options),
    }
}
