//! How spans of `tracing` hang in distributed traces. Libraries make spans and ask here; whoever
//! exports them has said how by [`install`]. Until then, and for a span that nobody wants, nothing
//! is done.

use std::fmt;
use std::sync::OnceLock;

use tracing::Span;

use crate::TraceParent;

/// The target of the spans that are parts of distributed traces, all at the level TRACE: whoever
/// exports them listens to this, and whoever logs does not.
pub const TARGET: &str = "symbolon::trace";

/// What knows of traces: an exporter's tie to `tracing`.
pub trait Traces: Send + Sync + 'static {
    /// Hangs a span that nobody has entered below a parent, another process's perhaps.
    fn hang(&self, span: &Span, parent: TraceParent);

    /// Where a span hangs: what its children have for a parent. None, if it is part of no trace.
    fn place(&self, span: &Span) -> Option<TraceParent>;

    /// Gives a span another name than it began with.
    fn name(&self, span: &Span, name: String);
}

impl fmt::Debug for dyn Traces {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Traces")
    }
}

static TRACES: OnceLock<Box<dyn Traces>> = OnceLock::new();

/// Has this process's spans hang in traces from now on; says whether it is the first to ask for it.
pub fn install(traces: impl Traces) -> bool {
    TRACES.set(Box::new(traces)).is_ok()
}

/// The span, below its parent.
#[must_use]
pub fn below(parent: Option<TraceParent>, span: Span) -> Span {
    if !span.is_disabled()
        && let (Some(traces), Some(parent)) = (TRACES.get(), parent)
    {
        traces.hang(&span, parent);
    }
    span
}

/// What hangs below a span: where that hangs, or what hangs below its parent, if the span is part
/// of no trace.
#[must_use]
pub fn place(span: &Span, parent: Option<TraceParent>) -> Option<TraceParent> {
    if span.is_disabled() {
        return parent;
    }
    TRACES.get().and_then(|traces| traces.place(span)).or(parent)
}

/// Gives a span its name once more is known.
pub fn name(span: &Span, name: impl FnOnce() -> String) {
    if !span.is_disabled()
        && let Some(traces) = TRACES.get()
    {
        traces.name(span, name());
    }
}

/// Tells a trace that what the span stands for has failed.
pub fn fail(span: &Span) {
    span.record("otel.status_code", "ERROR");
}
