//! A target that counts the requests of each call.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use tokio::net::TcpListener;

#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) origin: String,
    hits: Arc<Mutex<BTreeMap<String, u32>>>,
}

impl Target {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let target = Self { origin, hits: Arc::default() };
        let router = Router::new().fallback(answer).with_state(target.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        target
    }

    /// How often each call has come.
    pub(crate) fn hits(&self) -> BTreeMap<String, u32> {
        self.hits.lock().unwrap().clone()
    }
}

/// Answers at once, under `/slow` after half a second.
async fn answer(State(target): State<Target>, uri: Uri, headers: HeaderMap) -> &'static str {
    let id = headers["x-scheduler-call-id"].to_str().unwrap().to_owned();
    *target.hits.lock().unwrap().entry(id).or_default() += 1;
    if uri.path() == "/slow" {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    "fine"
}
