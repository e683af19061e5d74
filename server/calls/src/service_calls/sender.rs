//! Sends the HTTP request of a call, once, to no address that is not allowed, and reads a bounded
//! part of what comes back.

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use calls_wire::types::{AttemptSucceededData, FailureKind, HttpMethod};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::HeaderMap;
use reqwest::{Method, Url, redirect};

use super::redaction::{Extent, Redactor};
use super::rules::{ATTEMPT, Call, Ending, failure, headers_to_send};
use super::target::{Loopback, is_reachable, may_name};

/// Bytes of a response body that are read; what is kept is less.
const READ_BYTES: usize = 64 * 1024;
const CALL_ID: &str = "x-scheduler-call-id";
const ATTEMPT_NUMBER: &str = "x-scheduler-attempt";

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
    pub(crate) async fn send(&self, call: &Call, secrets: &BTreeMap<String, String>) -> Ending {
        let started_at = Instant::now();
        let redactor = Redactor::new(secrets.values());
        let timeout = Duration::from_millis(u64::try_from(call.timeout_ms()).unwrap_or(1));
        let mut seen = Seen::default();
        let exchange = self.exchange(call, secrets, &mut seen);
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
        secrets: &BTreeMap<String, String>,
        seen: &mut Seen,
    ) -> Result<(), FailureKind> {
        // Names are judged again by what they resolve to; literal addresses are judged here.
        let url = Url::parse(&call.request.url).map_err(|_| FailureKind::Blocked)?;
        if !may_name(&url, self.loopback) {
            return Err(FailureKind::Blocked);
        }
        let method = call.request.method.known().copied().ok_or(FailureKind::Blocked)?;
        let mut request = self.client.request(spelled(method), url);
        for (name, value) in headers_to_send(&call.request, secrets) {
            request = request.header(name, value);
        }
        let own = HeaderMap::from_iter(
            [
                (CALL_ID.parse(), call.id.to_string().parse()),
                (ATTEMPT_NUMBER.parse(), ATTEMPT.to_string().parse()),
            ]
            .into_iter()
            .filter_map(|(name, value)| Some((name.ok()?, value.ok()?))),
        );
        // Replaces what the submitter set under these names.
        request = request.headers(own);
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

fn classify(error: &reqwest::Error) -> FailureKind {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<ResolveError>() {
            return match error {
                ResolveError::Blocked => FailureKind::Blocked,
                ResolveError::Unknown(_) => FailureKind::Dns,
            };
        }
        // What TLS has to say comes as an i/o error of invalid data.
        if error
            .downcast_ref::<io::Error>()
            .is_some_and(|it| it.kind() == io::ErrorKind::InvalidData)
        {
            return FailureKind::Tls;
        }
        cause = error.source();
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
