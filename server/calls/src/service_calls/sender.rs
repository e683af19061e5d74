//! Sends the HTTP request of a call, once, to no address that is not allowed, and reads a bounded
//! part of what comes back.

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use calls_wire::types::{AttemptSucceededData, FailureKind, HttpMethod};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url, redirect};

use symbolon_wire::TraceParent;

use super::redaction::{Extent, Redactor, is_sensitive};
use super::resolution::{Guarded, ResolveError};
use super::rules::{ATTEMPT, Call, Ending, failure};
use super::target::{Loopback, may_name};

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
        Self::resolving_by(Guarded::new(loopback), loopback)
    }

    fn resolving_by(resolver: Guarded, loopback: Loopback) -> Result<Self, reqwest::Error> {
        let resolver = Arc::new(resolver);
        let builder = || {
            reqwest::Client::builder()
                .user_agent(concat!("symbolon/", env!("CARGO_PKG_VERSION")))
                .redirect(redirect::Policy::none())
                .retry(reqwest::retry::never())
                .no_proxy()
                .referer(false)
                .http1_only()
                .pool_max_idle_per_host(0)
                .dns_resolver(Arc::clone(&resolver))
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

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::Mutex;

    use tokio::net::TcpListener;

    use super::*;
    use crate::service_calls::resolution::Found;

    async fn outcome(sender: &Sender, url: &str) -> FailureKind {
        let error = sender.client.get(url).send().await.expect_err("no answer");
        classify(&error)
    }

    #[tokio::test]
    async fn a_name_is_judged_by_what_it_resolves_to() {
        let denied = Sender::new(Loopback::Denied).expect("a client");
        let allowed = Sender::new(Loopback::Allowed).expect("a client");
        // Past the check of the text, as a name of the internet would be.
        assert_eq!(outcome(&denied, "http://localhost:1/").await, FailureKind::Blocked);
        assert_eq!(outcome(&allowed, "http://localhost:1/").await, FailureKind::Connect);
        let unknown = outcome(&allowed, "http://no-such-host.invalid/").await;
        assert_eq!(unknown, FailureKind::Dns);
    }

    /// A sender to whom names resolve by turns, and what is left of the turns.
    fn resolving(turns: &[&[&str]], loopback: Loopback) -> (Sender, Arc<Mutex<Vec<Vec<IpAddr>>>>) {
        let parsed = |text: &&str| text.parse().expect("an address");
        let turns = turns.iter().rev().map(|turn| turn.iter().map(parsed).collect());
        let turns = Arc::new(Mutex::new(turns.collect::<Vec<Vec<IpAddr>>>()));
        let left = Arc::clone(&turns);
        let lookup = move |_: String| {
            let turn = turns.lock().expect("no panic").pop();
            let found = turn.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound));
            Box::pin(std::future::ready(found)) as Found
        };
        let resolver = Guarded::looking_up(loopback, Arc::new(lookup));
        (Sender::resolving_by(resolver, loopback).expect("a client"), left)
    }

    #[tokio::test]
    async fn a_name_that_is_rebound_leads_to_what_was_judged_or_nowhere() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://rebound.test:{}/", listener.local_addr().expect("bound").port());
        // Resolved once, and connected to what that gave; the next time it is judged anew.
        let turns: [&[&str]; 2] = [&["127.0.0.1"], &["169.254.169.254"]];
        let (sender, left) = resolving(&turns, Loopback::Allowed);
        let (asked, connected) = tokio::join!(outcome(&sender, &url), async {
            let connected = listener.accept().await.map(drop);
            assert_eq!(left.lock().expect("no panic").len(), 1);
            connected
        });
        assert_eq!((asked, connected.is_ok()), (FailureKind::Connect, true));
        assert_eq!(outcome(&sender, &url).await, FailureKind::Blocked);
        // One bad address among good ones is enough.
        let mixed: [&[&str]; 1] = [&["93.184.216.34", "127.0.0.1"]];
        let (sender, _) = resolving(&mixed, Loopback::Denied);
        assert_eq!(outcome(&sender, &url).await, FailureKind::Blocked);
    }
}
