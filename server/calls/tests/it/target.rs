//! A target that counts requests by call, and can be slow, large, broken or curious.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use tokio::net::TcpListener;

#[derive(Debug, Clone, Default)]
pub(crate) struct Target {
    hits: Arc<Mutex<BTreeMap<String, Vec<HeaderMap>>>>,
    pub(crate) origin: String,
}

impl Target {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let target = Self { origin, ..Self::default() };
        let router = Router::new().route("/{what}", any(answer)).with_state(target.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        target
    }

    pub(crate) fn url(&self, what: &str) -> String {
        format!("{}/{what}", self.origin)
    }

    /// The requests of a call.
    pub(crate) fn hits(&self, id: &str) -> Vec<HeaderMap> {
        self.hits.lock().unwrap().get(id).cloned().unwrap_or_default()
    }

    pub(crate) fn all_hits(&self) -> usize {
        self.hits.lock().unwrap().values().map(Vec::len).sum()
    }
}

async fn answer(
    State(target): State<Target>,
    Path(what): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let id = headers.get("x-scheduler-call-id").map_or("", |id| id.to_str().unwrap()).to_owned();
    target.hits.lock().unwrap().entry(id).or_default().push(headers.clone());
    match what.as_str() {
        "ok" => "fine".into_response(),
        "echo" => {
            let text = format!("{headers:?}\n{}", String::from_utf8_lossy(&body));
            ([("x-private", "of the target"), ("etag", "\"1\"")], text).into_response()
        }
        "missing" => StatusCode::NOT_FOUND.into_response(),
        "odd" => StatusCode::from_u16(799).unwrap().into_response(),
        "elsewhere" => (StatusCode::FOUND, [("location", "/ok")]).into_response(),
        "slow" => {
            tokio::time::sleep(Duration::from_secs(30)).await;
            "late".into_response()
        }
        "huge" => "€".repeat(4_000_000).into_response(),
        "binary" => vec![0xff_u8; 20_000].into_response(),
        "endless" => {
            let drops = futures_util::stream::unfold((), |()| async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Some((Ok::<_, std::io::Error>(Bytes::from_static(b"drop ")), ()))
            });
            Body::from_stream(drops).into_response()
        }
        _ => StatusCode::BAD_REQUEST.into_response(),
    }
}
