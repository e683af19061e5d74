//! What a server answers.

use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::Value;

use crate::contract::is_json;
use crate::request::Request;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a stream of events may say nothing before it has said what it had to say.
const PAUSE: Duration = Duration::from_millis(500);

/// A response, read to its end; a stream of events, to its first pause.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// The body, if its media type is JSON and it can be parsed.
    pub(crate) json: Option<Value>,
}

impl Answer {
    /// The first header of this name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The text of a member of the JSON body.
    pub(crate) fn text(&self, member: &str) -> Option<&str> {
        self.json.as_ref()?.get(member)?.as_str()
    }

    /// Whether it is a success.
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The status, and the problem's code if there is one.
    pub(crate) fn summary(&self) -> String {
        match self.text("code") {
            Some(code) => format!("{} {code}", self.status),
            None => self.status.to_string(),
        }
    }
}

/// Sends a request and reads its answer.
///
/// # Errors
/// What the connection came to, in words.
pub(crate) async fn exchange(
    client: &Client,
    url: &str,
    request: &Request,
) -> Result<Answer, String> {
    let method =
        Method::from_bytes(request.method.as_bytes()).map_err(|error| error.to_string())?;
    let mut outgoing = client.request(method, format!("{url}{}", request.target)).timeout(PATIENCE);
    for (name, value) in &request.headers {
        outgoing = outgoing.header(name, value);
    }
    if let Some(body) = &request.body {
        outgoing = outgoing.body(body.clone());
    }
    let response = outgoing.send().await.map_err(|error| in_words(&error))?;
    let status = response.status().as_u16();
    let text = |value: &reqwest::header::HeaderValue| {
        String::from_utf8_lossy(value.as_bytes()).into_owned()
    };
    let headers: Vec<(String, String)> = response
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), text(value)))
        .collect();
    let is_endless = headers.iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("content-type") && value.starts_with("text/event-stream")
    });
    let body = match is_endless {
        true => beginning(response).await?,
        false => response.bytes().await.map_err(|error| in_words(&error))?.to_vec(),
    };
    let mut answer = Answer { status, headers, body, json: None };
    if answer.header("content-type").is_some_and(is_json) {
        answer.json = serde_json::from_slice(&answer.body).ok();
    }
    Ok(answer)
}

/// What a stream of events has to say at once: it need not ever end.
async fn beginning(mut response: reqwest::Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Ok(chunk) = tokio::time::timeout(PAUSE, response.chunk()).await {
        match chunk.map_err(|error| in_words(&error))? {
            Some(chunk) => body.extend_from_slice(&chunk),
            None => break,
        }
    }
    Ok(body)
}

/// An error with its causes.
pub(crate) fn in_words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        words = format!("{words}: {inner}");
        cause = inner.source();
    }
    words
}
