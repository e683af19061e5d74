//! What the execution of calls leaves behind in metrics. No tenant and no call is in a label.

use std::time::Duration;

use calls_wire::types::FailureKind;
use symbolon_kernel::{BoxError, Envelope, Kernel, TenantId};
use symbolon_wire::spans;
use tokio::time::MissedTickBehavior;
use tracing::Span;
use tracing::field::Empty;
use url::Url;

use super::rules::{Call, Ending};
use super::store;

const ATTEMPTS: &str = "calls_attempts_total";
const DURATION: &str = "calls_attempt_duration_seconds";
const ACTIVE: &str = "calls_active_attempts";
const QUEUED: &str = "calls_queued";
const SKIPPED: &str = "calls_skipped_total";
/// The outcome of an attempt that did not fail.
pub(crate) const SUCCEEDED: &str = "succeeded";
/// How often the queue is measured.
const INTERVAL: Duration = Duration::from_secs(1);

/// Says what the metrics mean, and begins each at nothing.
pub(crate) fn describe() {
    metrics::describe_counter!(ATTEMPTS, "Attempts of service calls that ended, by outcome");
    metrics::describe_histogram!(
        DURATION,
        metrics::Unit::Seconds,
        "Time from sending a request to the end of its response"
    );
    metrics::describe_counter!(SKIPPED, "Service calls that were too late and were not sent");
    metrics::describe_gauge!(ACTIVE, "Requests of service calls that are out");
    metrics::describe_gauge!(QUEUED, "Service calls whose turn it is and that have not started");
    let failures = FailureKind::ALL.iter().map(|kind| kind.as_str());
    for outcome in failures.chain([SUCCEEDED]) {
        metrics::counter!(ATTEMPTS, "outcome" => outcome).increment(0);
    }
    metrics::counter!(SKIPPED).increment(0);
    metrics::gauge!(ACTIVE).increment(0.0);
}

/// Counts a call that was too late.
pub(crate) fn count_skipped() {
    metrics::counter!(SKIPPED).increment(1);
}

/// Counts an attempt that has ended.
pub(crate) fn count(outcome: &'static str, latency_ms: Option<i64>) {
    metrics::counter!(ATTEMPTS, "outcome" => outcome).increment(1);
    if let Some(latency_ms) = latency_ms {
        let seconds = metrics::histogram!(DURATION, "outcome" => outcome);
        seconds.record(latency_ms as f64 / 1e3);
    }
}

/// A request that is out, until it is dropped.
pub(crate) struct Out(metrics::Gauge);

impl Out {
    pub(crate) fn begin() -> Self {
        let gauge = metrics::gauge!(ACTIVE);
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// The attempt as a part of its trace, named and described as HTTP client spans are in the semantic
/// conventions of OpenTelemetry. Path and query of a target may be secrets, and are not in it.
pub(crate) fn trace(call: &Call, started: &Envelope) -> Span {
    let target = || Url::parse(&call.request.url).ok();
    let method = || call.request.method.known().map_or("", |method| method.as_str());
    let span = tracing::trace_span!(
        target: spans::TARGET,
        "attempt",
        otel.name = method(),
        otel.kind = "client",
        otel.status_code = Empty,
        http.request.method = method(),
        http.response.status_code = Empty,
        server.address = target().and_then(|url| url.host_str().map(str::to_owned)),
        server.port = target().and_then(|url| url.port_or_known_default()),
        error.type = Empty,
        symbolon.tenant = %started.tenant_id,
        symbolon.call_id = started.aggregate_id,
    );
    spans::below(started.traceparent, span)
}

/// Tells the trace how an attempt ended.
pub(crate) fn end_trace(span: &Span, ending: &Ending) {
    let (status, kind) = match ending {
        Ok(data) => (Some(data.status), None),
        Err(data) => (data.status, data.kind.known().map(|kind| kind.as_str())),
    };
    span.record("http.response.status_code", status);
    if let Some(kind) = kind {
        span.record("error.type", kind);
        spans::fail(span);
    }
}

/// Keeps the gauge of the queue fresh until the kernel closes.
pub(crate) async fn watch(kernel: Kernel, operator: TenantId) {
    let closing = kernel.closing();
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = closing.cancelled() => return,
            _ = interval.tick() => {}
        }
        match measure(&kernel, &operator).await {
            Ok(queued) => metrics::gauge!(QUEUED).set(queued as f64),
            Err(error) => tracing::warn!(error, "the queue could not be measured"),
        }
    }
}

async fn measure(kernel: &Kernel, operator: &TenantId) -> Result<i64, BoxError> {
    let mut view = kernel.read(operator).await?;
    Ok(store::count_waiting(view.sql().1, kernel.now()).await?)
}
