//! A loopback server that answers from a script and keeps what it was asked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;

#[derive(Clone, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) body: &'static str,
    pub(crate) delay: Duration,
}

#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

pub(crate) struct Server {
    pub(crate) base_url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

pub(crate) fn answer(status: u16, body: &'static str) -> Answer {
    Answer { status, body, ..Answer::default() }
}

/// Answers with the next of the script; the last answer holds for ever.
pub(crate) async fn serve(script: impl IntoIterator<Item = Answer>) -> Server {
    let script: Vec<_> = script.into_iter().collect();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let app = Router::new().fallback(move |request: Request| {
        let (script, log) = (script.clone(), Arc::clone(&log));
        async move {
            let (head, body) = request.into_parts();
            let count = {
                let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
                let mut log = log.lock().unwrap();
                let (method, uri) = (head.method.to_string(), head.uri.to_string());
                log.push(Asked { method, uri, headers: head.headers, body });
                log.len()
            };
            respond(script[count.min(script.len()) - 1].clone()).await
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    Server { base_url, asked }
}

async fn respond(answer: Answer) -> Response {
    tokio::time::sleep(answer.delay).await;
    let mut response = Response::builder().status(StatusCode::from_u16(answer.status).unwrap());
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    if answer.body.starts_with(['{', '[']) {
        response = response.header(header::CONTENT_TYPE, "application/json");
    }
    response.body(Body::from(answer.body)).unwrap().into_response()
}
