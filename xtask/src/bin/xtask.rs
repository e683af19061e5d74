//! The project's own tasks: `cargo xtask <task>`.

use std::process::ExitCode;

use clap::Parser;
use xtask::services::postgres;
use xtask::{bench, corpus, faults, fuzz, gen_house, test, tidy, up};

/// Tasks of this project.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", version, subcommand_required = true)]
enum Task {
    /// Measure what generation and generated code cost.
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Generate public contracts and hold what comes out against the bars.
    Corpus(corpus::Corpus),
    /// Break the kernel under load, and audit what is left.
    Faults(faults::Faults),
    /// Generate from mutated contracts: nothing may break.
    Fuzz(fuzz::Fuzz),
    /// Write (or check) everything that is generated from contracts/.
    Gen(gen_house::Gen),
    /// Run a PostgreSQL server for tests, until it is stopped.
    Postgres(postgres::Postgres),
    /// Run every check.
    Test(test::Test),
    /// Check floors, names, rooms and size budgets.
    Tidy(tidy::Tidy),
    /// Build and run the reference server on an embedded database.
    Up(up::Up),
}

fn main() -> ExitCode {
    xtask::outcome(run(Task::parse()))
}

fn run(task: Task) -> anyhow::Result<ExitCode> {
    match task {
        Task::Bench(options) => bench::run(&options),
        Task::Corpus(options) => corpus::run(&options),
        Task::Faults(options) => faults::run(&options),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::Gen(options) => gen_house::run(&options),
        Task::Postgres(options) => postgres::run(&options),
        Task::Test(options) => test::run(&options),
        Task::Tidy(options) => tidy::run(&options),
        Task::Up(options) => up::run(&options),
    }
}
