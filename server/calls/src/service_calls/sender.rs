//! Sends the HTTP request of a call, once, to no address that is not allowed, and reads a bounded
//! part of what comes back.

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use calls_wire::types::{AttemptSucceededData, FailureKind, HttpMethod};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url, redirect};

use symbolon_wire::TraceParent;

use super::redaction::{Extent, Redactor, is_sensitive};
use super::rules::{ATTEMPT, Call, Ending, failure};
use super::target::{Loopback, is_reachable, may_name};

/// Bytes of a response body that are read; what is kept is less.
const READ_BYTES: usize = 64 * 1024;
const CALL_ID: &str = "x-scheduler-call-id";
const ATTEMPT_NUMBER: &str = "x-scheduler-attempt";
const TRACE_PARENT: &str = "traceparent";

/// Whether targets are sent `traceparent` (W3C Trace Context). Whoever has it learns that calls
/// belong together, and can claim to be part of a trace: a target of somebody else's gets none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Propagation {
    /// To nobody, but what a submitter has put into the headers of a call.
    Nowhere,
    /// To every target, in the place of what a submitter says: where all of them are one's own.
    Everywhere,
}

impl Propagation {
    /// What is sent of where an attempt hangs.
    pub(crate) fn of(self, place: Option<TraceParent>) -> Option<TraceParent> {
        match self {
            Self::Nowhere => None,
            Self::Everywhere => place,
        }
    }
}

/// The client that all calls go through.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    client: reqwest::Client,
    loopback: Loopback,
}

impl Sender {
    /// Follows no redirect, uses no proxy, keeps no connection and repeats nothing.
    pub(crate) fn new(loopback: Loopback) -> Result<Self, reqwest::Error> {
        let builder = || {
            reqwest::Client::builder()
                .user_agent(concat!("symbolon/", env!("CARGO_PKG_VERSION")))
                .redirect(redirect::Policy::none())
                .retry(reqwest::retry::never())
                .no_proxy()
                .referer(false)
                .http1_only()
                .pool_max_idle_per_host(0)
                .dns_resolver(Arc::new(Guarded { loopback }))
        };
        let client = builder().build().or_else(|error| {
            tracing::warn!(error = &error as &dyn Error, "no root certificates: https will fail");
            builder().tls_certs_only([]).build()
        });
        Ok(Self { client: client?, loopback })
    }

    /// Sends the request and waits for the outcome, for as long as the call allows.
    pub(crate) async fn send(
        &self,
        call: &Call,
        secrets: &BTreeMap<String, String>,
        traceparent: Option<TraceParent>,
    ) -> Ending {
        let started_at = Instant::now();
        let redactor = Redactor::new(secrets.values());
        let timeout = Duration::from_millis(u64::try_from(call.timeout_ms()).unwrap_or(1));
        let mut seen = Seen::default();
        let headers = headers(call, secrets, traceparent);
        let exchange = self.exchange(call, headers, &mut seen);
        let result = tokio::time::timeout(timeout, exchange).await;
        let latency_ms = i64::try_from(started_at.elapsed().as_millis()).unwrap_or(i64::MAX);
        let broken = match result {
            Ok(Ok(())) => None,
            Ok(Err(kind)) => Some(kind),
            Err(_) => Some(FailureKind::Timeout),
        };
        let Some(head) = seen.head else {
            return Err(failure(broken.unwrap_or(FailureKind::Connect), Some(latency_ms)));
        };
        let snippet = redactor.snippet(&seen.body, seen.extent);
        let headers = redactor.headers(&head.headers);
        let refused = (!(200..300).contains(&head.status)).then_some(FailureKind::Http);
        match broken.or(refused) {
            None => Ok(AttemptSucceededData {
                attempt: ATTEMPT,
                headers,
                latency_ms,
                snippet,
                status: head.status,
            }),
            Some(kind) => {
                let mut failed = failure(kind, Some(latency_ms));
                failed.status = Some(head.status);
                failed.snippet = Some(snippet);
                failed.headers = Some(headers);
                Err(failed)
            }
        }
    }

    async fn exchange(
        &self,
        call: &Call,
        headers: HeaderMap,
        seen: &mut Seen,
    ) -> Result<(), FailureKind> {
        // Names are judged again by what they resolve to; literal addresses are judged here.
        let url = Url::parse(&call.request.url).map_err(|_| FailureKind::Blocked)?;
        if !may_name(&url, self.loopback) {
            return Err(FailureKind::Blocked);
        }
        let method = call.request.method.known().copied().ok_or(FailureKind::Blocked)?;
        let mut request = self.client.request(spelled(method), url);
        request = request.headers(headers);
        if let Some(body) = &call.request.body {
            request = request.body(body.clone());
        }
        let mut response = request.send().await.map_err(|error| classify(&error))?;
        seen.head = Some(Head {
            status: i32::from(response.status().as_u16()),
            headers: response.headers().clone(),
        });
        while let Some(chunk) = response.chunk().await.map_err(|error| classify(&error))? {
            let left = READ_BYTES - seen.body.len();
            seen.body.extend_from_slice(&chunk[..chunk.len().min(left)]);
            if chunk.len() >= left {
                return Ok(());
            }
        }
        seen.extent = Extent::Whole;
        Ok(())
    }
}

#[derive(Debug)]
struct Head {
    status: i32,
    headers: HeaderMap,
}

/// As much of the response as has arrived.
#[derive(Debug)]
struct Seen {
    head: Option<Head>,
    body: Vec<u8>,
    extent: Extent,
}

impl Default for Seen {
    fn default() -> Self {
        Self { head: None, body: Vec::new(), extent: Extent::Cut }
    }
}

fn spelled(method: HttpMethod) -> Method {
    match method {
        HttpMethod::Get => Method::GET,
        HttpMethod::Head => Method::HEAD,
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Patch => Method::PATCH,
        HttpMethod::Delete => Method::DELETE,
    }
}

/// The headers to send: those recorded, the secrets back in their place, and our own.
fn headers(
    call: &Call,
    secrets: &BTreeMap<String, String>,
    traceparent: Option<TraceParent>,
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let recorded = call.request.headers.iter();
    // A secret that is gone is left out, not sent as it reads.
    let recorded = recorded.filter(|(name, _)| !is_sensitive(name));
    let traceparent = traceparent.map(|it| (TRACE_PARENT.to_owned(), it.to_string()));
    let own = [
        (CALL_ID.to_owned(), call.id.to_string()),
        (ATTEMPT_NUMBER.to_owned(), ATTEMPT.to_string()),
    ];
    let own: Vec<_> = own.into_iter().chain(traceparent).collect();
    // Our own come last: they replace what the submitter set under their names.
    for (name, value) in
        recorded.chain(secrets).chain(own.iter().map(|(name, value)| (name, value)))
    {
        // Names and values were checked when the call was submitted.
        let (Ok(header), Ok(mut text)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>())
        else {
            continue;
        };
        text.set_sensitive(secrets.contains_key(name));
        headers.insert(header, text);
    }
    headers
}

fn classify(error: &reqwest::Error) -> FailureKind {
    let is_connecting = error.is_connect();
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<ResolveError>() {
            return match error {
                ResolveError::Blocked => FailureKind::Blocked,
                ResolveError::Unknown(_) => FailureKind::Dns,
            };
        }
        let Some(error) = error.downcast_ref::<io::Error>() else {
            cause = error.source();
            continue;
        };
        // A handshake that goes wrong is an i/o error of invalid data, or of an early end.
        match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof if is_connecting => {
                return FailureKind::Tls;
            }
            _ => cause = error.get_ref().map(|inner| inner as &(dyn Error + 'static)),
        }
    }
    FailureKind::Connect
}

/// Resolves names for connections: the addresses that were judged are the ones connected to.
#[derive(Debug, Clone, Copy)]
struct Guarded {
    loopback: Loopback,
}

#[derive(Debug, thiserror::Error)]
enum ResolveError {
    #[error("the name leads to an address that is not allowed")]
    Blocked,
    #[error("the name cannot be resolved")]
    Unknown(#[source] Option<io::Error>),
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let loopback = self.loopback;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await;
            let found: Vec<_> =
                found.map_err(|error| ResolveError::Unknown(Some(error)))?.collect();
            if found.is_empty() {
                return Err(ResolveError::Unknown(None).into());
            }
            // One bad address is enough: a name that leads to both kinds is not to be trusted.
            if found.iter().any(|address| !is_reachable(address.ip(), loopback)) {
                return Err(ResolveError::Blocked.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn outcome(loopback: Loopback, url: &str) -> FailureKind {
        let sender = Sender::new(loopback).expect("a client");
        let error = sender.client.get(url).send().await.expect_err("nothing listens there");
        classify(&error)
    }

    #[tokio::test]
    async fn a_name_is_judged_by_what_it_resolves_to() {
        // Past the check of the text, as a name of the internet would be.
        assert_eq!(outcome(Loopback::Denied, "http://localhost:1/").await, FailureKind::Blocked);
        assert_eq!(outcome(Loopback::Allowed, "http://localhost:1/").await, FailureKind::Connect);
        let unknown = outcome(Loopback::Allowed, "http://no-such-host.invalid/").await;
        assert_eq!(unknown, FailureKind::Dns);
    }
}
