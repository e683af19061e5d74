//! Logs on standard output: lines of JSON for machines, text for people, and no secret in either.

mod json;
mod redaction;

use std::io::{self, IsTerminal};

use anyhow::Context;
use clap::ValueEnum;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use crate::configuration::Telemetry;
use crate::traces::Traces;
use json::JsonLines;
use redaction::Redacted;

/// How a log line reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For a person's eyes.
    Text,
}

impl LogFormat {
    /// Text on a terminal, JSON anywhere else.
    fn for_output(output: &impl IsTerminal) -> Self {
        if output.is_terminal() { Self::Text } else { Self::Json }
    }
}

/// Logs from now on, and lets traces have their spans.
pub(crate) fn start(options: &Telemetry, traces: Option<&Traces>) -> anyhow::Result<()> {
    let filter = filter(options)?;
    let format = options.log_format.unwrap_or_else(|| LogFormat::for_output(&io::stdout()));
    let lines = lines(format).with_filter(filter);
    let registry = tracing_subscriber::registry().with(lines).with(traces.map(Traces::layer));
    registry.try_init().context("logs are set up already")
}

/// What is logged.
///
/// # Errors
/// When that cannot be read.
pub(crate) fn filter(options: &Telemetry) -> anyhow::Result<EnvFilter> {
    let level = &options.log_level;
    // What PostgreSQL remarks on tables that are there is no news.
    let told = format!("sqlx::postgres::notice=warn,{level}");
    EnvFilter::try_new(told).with_context(|| format!("the log level {level} cannot be read"))
}

fn lines(format: LogFormat) -> Box<dyn Layer<Registry> + Send + Sync> {
    match format {
        LogFormat::Json => Box::new(JsonLines::new(io::stdout)),
        LogFormat::Text => {
            let has_colours = io::stdout().is_terminal();
            let text = tracing_subscriber::fmt::layer().with_ansi(has_colours);
            Box::new(text.with_writer(|| Redacted(io::stdout())))
        }
    }
}
