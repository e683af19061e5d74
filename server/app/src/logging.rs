//! Structured logs: one JSON object a line, on standard output.

use anyhow::Context;
use tracing_subscriber::EnvFilter;

/// Logs from now on; `directives` are those of `tracing_subscriber::EnvFilter`.
pub(crate) fn start(directives: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(directives).context("the log level cannot be read")?;
    let layer = tracing_subscriber::fmt().json().flatten_event(true).with_current_span(false);
    let layer = layer.with_span_list(false).with_env_filter(filter);
    layer.try_init().map_err(|error| anyhow::anyhow!(error))
}
