//! Traces by OpenTelemetry: what libraries do in spans goes to a collector, in batches and from a
//! thread of its own. A collector that is slow or gone costs spans, never a request.

use std::time::Duration;

use anyhow::ensure;
use async_trait::async_trait;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use symbolon_kernel::TraceParent;
use symbolon_wire::spans;
use tokio::runtime::Handle;
use tracing::{Level, Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;
use url::Url;

use crate::configuration::Telemetry;

const SERVICE: &str = env!("CARGO_BIN_NAME");
/// How long a collector may take for a batch.
const EXPORT: Duration = Duration::from_secs(10);
/// How long the last spans may take when the server stops.
const FLUSH: Duration = Duration::from_secs(5);

/// Spans on their way to a collector.
#[derive(Debug)]
pub(crate) struct Traces(SdkTracerProvider);

impl Traces {
    /// Begins to export, if there is a collector to export to.
    pub(crate) fn begin(options: &Telemetry) -> anyhow::Result<Option<Self>> {
        let Some(endpoint) = endpoint(options)? else { return Ok(None) };
        let client = Client {
            http: reqwest::Client::builder().timeout(EXPORT).build()?,
            runtime: Handle::try_current()?,
        };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint)
            .build()?;
        // Who is part of a trace goes by what its beginning has decided.
        let sampler = Sampler::TraceIdRatioBased(options.trace_ratio);
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(Sampler::ParentBased(Box::new(sampler)))
            .with_resource(resource())
            .build();
        spans::install(Tie);
        Ok(Some(Self(provider)))
    }

    /// What takes the spans that are parts of traces, and nothing else.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer(SERVICE))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(Targets::new().with_target(spans::TARGET, Level::TRACE))
    }

    /// Exports what is left.
    pub(crate) async fn end(self) {
        // It waits for a thread, which waits for this runtime.
        let ended = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(FLUSH)).await;
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last spans were not exported"),
            Err(error) => tracing::warn!(%error, "the export of spans has panicked"),
        }
    }
}

/// Where traces go, if they go anywhere.
///
/// # Errors
/// When it is no http or https URL.
pub(crate) fn endpoint(options: &Telemetry) -> anyhow::Result<Option<String>> {
    let Some(collector) = &options.otlp_endpoint else { return Ok(None) };
    let is_http = |url: &Url| ["http", "https"].contains(&url.scheme()) && url.has_host();
    // Not as it was typed: it may hold a password.
    let known = Url::parse(collector).is_ok_and(|url| is_http(&url));
    ensure!(known, "the collector of --otlp-endpoint has a URL http://.. or https://..");
    Ok(Some(format!("{}/v1/traces", collector.trim_end_matches('/'))))
}

/// Who exports, unless `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` say it otherwise.
fn resource() -> Resource {
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder().with_attribute(version);
    match std::env::var_os("OTEL_SERVICE_NAME") {
        Some(_) => resource.build(),
        None => resource.with_service_name(SERVICE).build(),
    }
}

/// Sends batches. The thread of the exporter has no runtime: it waits while this one works.
#[derive(Debug)]
struct Client {
    http: reqwest::Client,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let http = self.http.clone();
        self.runtime.spawn(async move { http.send_bytes(request).await }).await?
    }
}

/// How `tracing` and OpenTelemetry know each other's spans.
struct Tie;

impl spans::Traces for Tie {
    fn hang(&self, span: &Span, parent: TraceParent) {
        let ids = (TraceId::from_hex(&parent.trace_id()), SpanId::from_hex(&parent.parent_id()));
        let (Ok(trace_id), Ok(span_id)) = ids else { return };
        let flags = if parent.is_sampled() { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED };
        let parent = SpanContext::new(trace_id, span_id, flags, true, TraceState::NONE);
        // A span that nobody exports has no parent.
        let _ = span.set_parent(Context::new().with_remote_span_context(parent));
    }

    fn name(&self, span: &Span, name: String) {
        span.context().span().update_name(name);
    }

    fn place(&self, span: &Span) -> Option<TraceParent> {
        let context = span.context();
        let place = context.span().span_context().clone();
        let flags = place.trace_flags().to_u8();
        format!("00-{}-{}-{flags:02x}", place.trace_id(), place.span_id()).parse().ok()
    }
}
