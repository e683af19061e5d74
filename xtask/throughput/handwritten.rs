//! The operations in plain axum behind what the generated server's edge does too, by the usual
//! layers: limits, correlation ids, security headers, metrics, one log line, no panic passed on.

use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use metrics_exporter_prometheus::PrometheusBuilder;
use symbolon_server::DevelopmentIdentity;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{
    MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer,
};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::{DefaultMakeSpan, DefaultOnResponse, TraceLayer};
use tracing::Level;

const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");

#[derive(Clone, Copy)]
struct Fresh;

impl MakeRequestId for Fresh {
    fn make_request_id<B>(&mut self, _: &axum::http::Request<B>) -> Option<RequestId> {
        HeaderValue::try_from(uuid::Uuid::now_v7().to_string()).ok().map(RequestId::new)
    }
}

pub fn router(identity: &DevelopmentIdentity) -> Result<Router, crate::Error> {
    PrometheusBuilder::new().install_recorder()?;
    let always =
        |name, value| SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value));
    let policy = "default-src 'none'; frame-ancestors 'none'";
    let headers = ServiceBuilder::new()
        .layer(always(header::CACHE_CONTROL, "no-store"))
        .layer(always(header::CONTENT_SECURITY_POLICY, policy))
        .layer(always(header::REFERRER_POLICY, "no-referrer"))
        .layer(always(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(always(header::X_FRAME_OPTIONS, "DENY"))
        .layer(always(HeaderName::from_static("cross-origin-resource-policy"), "same-origin"));
    let trace = TraceLayer::new_for_http()
        .make_span_with(DefaultMakeSpan::new().level(Level::INFO))
        .on_response(DefaultOnResponse::new().level(Level::INFO));
    let late = StatusCode::SERVICE_UNAVAILABLE;
    let inner = ServiceBuilder::new()
        .layer(PropagateRequestIdLayer::new(CORRELATION_ID))
        .layer(headers)
        .layer(CatchPanicLayer::new())
        .layer(TimeoutLayer::with_status_code(late, Duration::from_secs(30)));
    let outer =
        ServiceBuilder::new().layer(SetRequestIdLayer::new(CORRELATION_ID, Fresh)).layer(trace);
    let limited = super::bare::router(identity)?.layer(RequestBodyLimitLayer::new(1 << 20));
    Ok(limited.layer(inner).layer(from_fn(measured)).layer(outer))
}

async fn measured(request: Request, next: Next) -> Response {
    let started_at = Instant::now();
    let operation = request.uri().path().to_owned();
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    let labels = [("operation", operation), ("status", status)];
    metrics::counter!("http_server_requests_total", &labels).increment(1);
    metrics::histogram!("http_server_request_duration_seconds", &labels)
        .record(started_at.elapsed().as_secs_f64());
    response
}
