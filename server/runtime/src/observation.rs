//! What a request leaves behind: one log line and its metrics.

use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use symbolon_wire::TraceParent;

const REQUESTS: &str = "http_server_requests_total";
const DURATION: &str = "http_server_request_duration_seconds";
const BUCKETS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// The process's recorder. Installed once, so that other crates' metrics are exported with ours.
pub(crate) fn recorder() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let builder = PrometheusBuilder::new();
        let builder = builder
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS)
            .unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another metrics recorder is installed; /metrics stays empty");
        }
        metrics::describe_counter!(REQUESTS, "Requests answered, by operation and status");
        metrics::describe_histogram!(
            DURATION,
            metrics::Unit::Seconds,
            "Time from a request's head to its answer's head"
        );
        handle
    })
}

/// What is known of a request once it is answered.
#[derive(Debug)]
pub(crate) struct Observed<'a> {
    pub(crate) operation: &'static str,
    pub(crate) method: &'a str,
    pub(crate) status: u16,
    pub(crate) elapsed: Duration,
    pub(crate) correlation_id: &'a str,
    pub(crate) traceparent: Option<TraceParent>,
    pub(crate) tenant: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) problem: Option<&'a str>,
}

impl Observed<'_> {
    pub(crate) fn record(&self) {
        let status = self.status.to_string();
        let operation = self.operation;
        metrics::counter!(REQUESTS, "operation" => operation, "status" => status.clone())
            .increment(1);
        metrics::histogram!(DURATION, "operation" => operation, "status" => status)
            .record(self.elapsed.as_secs_f64());
        tracing::info!(
            operation,
            method = self.method,
            status = self.status,
            elapsed_ms = self.elapsed.as_secs_f64() * 1e3,
            correlation_id = self.correlation_id,
            trace_id = self.traceparent.map(|it| it.trace_id()),
            tenant = self.tenant,
            user = self.subject,
            problem = self.problem,
            "request answered"
        );
    }
}
