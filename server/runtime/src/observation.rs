//! What a request leaves behind: one log line and its metrics.

use std::sync::OnceLock;
use std::time::Duration;

use axum::extract::Request;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use symbolon_wire::{TraceParent, spans};
use tracing::Span;
use tracing::field::Empty;
use uuid::Uuid;

use crate::dispatch::Seen;
use crate::sockets::Ended;

const REQUESTS: &str = "http_server_requests_total";
const DURATION: &str = "http_server_request_duration_seconds";
const PROBLEMS: &str = "http_server_problems_total";
const ACTIVE: &str = "http_server_active_requests";
pub(crate) const EVENT_STREAMS: &str = "http_server_event_streams";
const SOCKETS: &str = "http_server_sockets";
const MESSAGES: &str = "http_server_socket_messages_total";
const CLOSES: &str = "http_server_socket_closes_total";
/// Seconds.
const BUCKETS: [f64; 13] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

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
        describe();
        handle
    })
}

/// Says what the edge's metrics mean, and begins those that stand at nothing.
fn describe() {
    metrics::describe_counter!(REQUESTS, "Requests answered");
    metrics::describe_histogram!(
        DURATION,
        metrics::Unit::Seconds,
        "Time from a request's head to its answer's head"
    );
    metrics::describe_counter!(PROBLEMS, "Problems answered, by their code");
    metrics::describe_gauge!(ACTIVE, "Requests that are not answered yet");
    metrics::describe_gauge!(EVENT_STREAMS, "Streams of events that are open");
    metrics::gauge!(EVENT_STREAMS).increment(0.0);
    metrics::describe_gauge!(SOCKETS, "WebSockets that are open");
    metrics::gauge!(SOCKETS).increment(0.0);
    metrics::describe_counter!(MESSAGES, "Messages on WebSockets, by their direction");
    metrics::describe_counter!(CLOSES, "WebSockets that were closed, by close code");
}

/// What every line says that is logged on a request's way. It is there whatever is logged at all.
pub(crate) fn span(seen: &Seen) -> Span {
    tracing::error_span!(
        "request",
        request_id = %Uuid::now_v7(),
        correlation_id = seen.correlation_id,
        trace_id = seen.traceparent.map(|it| it.trace_id()),
        parent_id = seen.traceparent.map(|it| it.parent_id()),
        tenant = Empty,
        user = Empty,
    )
}

/// The request as a part of its distributed trace, named and described as HTTP server spans are in
/// the semantic conventions of OpenTelemetry. It holds no query and no header.
pub(crate) fn trace(request: &Request, traceparent: Option<TraceParent>) -> Span {
    let method = request.method().as_str();
    let span = tracing::trace_span!(
        target: spans::TARGET,
        "request",
        otel.name = method,
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = Empty,
        http.response.status_code = Empty,
        url.scheme = "http",
        url.path = request.uri().path(),
        error.type = Empty,
        symbolon.tenant = Empty,
        symbolon.operation = Empty,
    );
    spans::below(traceparent, span)
}

/// Tells the trace how a request was answered.
pub(crate) fn end_trace(span: &Span, seen: &Seen, observed: &Observed<'_>) {
    if span.is_disabled() {
        return;
    }
    if let Some(route) = seen.route {
        spans::name(span, || format!("{} {route}", observed.method));
        span.record("http.route", route);
    }
    span.record("http.response.status_code", observed.status);
    span.record("symbolon.operation", observed.operation);
    span.record("symbolon.tenant", seen.principal.tenant.as_str());
    if let Some(problem) = observed.problem {
        span.record("error.type", problem.code);
    }
    if observed.status >= 500 {
        spans::fail(span);
    }
}

/// Counts a request as active until it is dropped: answered, or its caller gone.
pub(crate) struct Active(metrics::Gauge);

impl Active {
    pub(crate) fn begin() -> Self {
        let gauge = metrics::gauge!(ACTIVE);
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// The problem that was answered.
#[derive(Debug)]
pub(crate) struct Occurrence {
    /// Its code in the catalogue.
    pub(crate) code: &'static str,
    /// The URI of this one occurrence.
    pub(crate) uri: Option<String>,
}

/// What is known of a request once it is answered.
#[derive(Debug)]
pub(crate) struct Observed<'a> {
    pub(crate) operation: &'static str,
    pub(crate) method: &'a str,
    pub(crate) status: u16,
    pub(crate) elapsed: Duration,
    pub(crate) problem: Option<&'a Occurrence>,
}

impl Observed<'_> {
    pub(crate) fn record(&self) {
        let status = self.status.to_string();
        let operation = self.operation;
        metrics::counter!(REQUESTS, "operation" => operation, "status" => status.clone())
            .increment(1);
        metrics::histogram!(DURATION, "operation" => operation, "status" => status)
            .record(self.elapsed.as_secs_f64());
        if let Some(problem) = self.problem {
            let code = problem.code;
            metrics::counter!(PROBLEMS, "operation" => operation, "code" => code).increment(1);
        }
        tracing::info!(
            operation,
            method = self.method,
            status = self.status,
            elapsed_ms = self.elapsed.as_secs_f64() * 1e3,
            code = self.problem.map(|it| it.code),
            problem = self.problem.and_then(|it| it.uri.as_deref()),
            "request answered"
        );
    }
}

/// Counts a socket as open until it is dropped.
pub(crate) struct OpenSocket(metrics::Gauge);

impl OpenSocket {
    pub(crate) fn begin() -> Self {
        let gauge = metrics::gauge!(SOCKETS);
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for OpenSocket {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    In,
    Out,
}

/// Counts a message on a socket.
pub(crate) fn message(operation: &'static str, way: Way) {
    let direction = match way {
        Way::In => "in",
        Way::Out => "out",
    };
    metrics::counter!(MESSAGES, "operation" => operation, "direction" => direction).increment(1);
}

/// Counts a message that broke the contract.
pub(crate) fn message_refused(operation: &'static str, code: &'static str) {
    metrics::counter!(PROBLEMS, "operation" => operation, "code" => code).increment(1);
}

/// Records that a socket is closed.
pub(crate) fn socket_closed(operation: &'static str, ended: &Ended, elapsed: Duration) {
    // A caller may say any code: those that it made up are one.
    let code = match ended.code {
        Some(code) if code.0 <= 1015 || [3000, 3003, 3008].contains(&code.0) => code.to_string(),
        Some(_) => "other".to_owned(),
        None => "none".to_owned(),
    };
    metrics::counter!(CLOSES, "operation" => operation, "code" => code).increment(1);
    tracing::info!(
        operation,
        close_code = ended.code.map(|code| code.0),
        elapsed_ms = elapsed.as_secs_f64() * 1e3,
        received = ended.received,
        sent = ended.sent,
        "socket closed"
    );
}
