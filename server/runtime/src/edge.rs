//! The configuration of an edge and the router it makes.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures_util::{Stream, StreamExt};
use symbolon_wire::idempotency::Answers;
use tokio::sync::Semaphore;

#[cfg(feature = "compression")]
use crate::answers::compression;
use crate::answers::problem::Wording;
use crate::callers::authentication::Schemes;
use crate::dispatch::{Dispatcher, dispatch};
use crate::endpoints::Endpoints;
use crate::endpoints::docs;
use crate::endpoints::events::Events;
use crate::limits::body_room::BodyRoom;
use crate::limits::long_lived::LongLived;
use crate::limits::rate_limits::Rates;
use crate::requests::matcher::Matcher;
use crate::requests::routes::Route;
use crate::sockets::Limits;
use crate::{
    Authenticate, Cors, Failure, Given, InFlight, Info, Live, Method, Principal, ProblemKind, Rate,
    RateLimits, Requirement, Routes, Scheme, Unauthenticated, observation,
};

/// Why an edge has no router.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EdgeError {
    /// Nobody could ever call the operation.
    #[error(
        "nothing recognises the callers of {operation}: its security scheme `{scheme}` has no \
         authenticator; give the edge one by `scheme(\"{scheme}\", ..)` or `authenticator(..)`"
    )]
    Unrecognised {
        /// The operation.
        operation: &'static str,
        /// The security scheme of the contract.
        scheme: &'static str,
    },
    /// No request could tell the two operations apart.
    #[error(
        "{operation} and {other} both stand at {method} {path}; mount each tag once, and give the \
         paths different text"
    )]
    Clash {
        /// The operation that came second.
        operation: &'static str,
        /// The one that stands there.
        other: &'static str,
        /// The method of both.
        method: Method,
        /// The path template of the second.
        path: &'static str,
    },
}

/// A `main` that returns the error prints it so.
impl fmt::Debug for EdgeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Everything in front of the handlers.
pub struct Edge {
    schemes: Schemes,
    endpoints: Endpoints,
    body_limit: usize,
    bodies_limit: usize,
    running_limit: usize,
    request_timeout: Duration,
    wording: Wording,
    bases: Vec<String>,
    answers: Option<Arc<dyn Answers>>,
    rates: Rates,
    long_lived: LongLived,
    heartbeat: Duration,
    socket_message: usize,
    socket_patience: Duration,
    cors: Option<Cors>,
    strict_transport: Option<Duration>,
    #[cfg(feature = "compression")]
    compressed_from: Option<u64>,
}

impl fmt::Debug for Edge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Edge")
            .field("name", &self.endpoints.name)
            .field("version", &self.endpoints.version)
            .field("body_limit", &self.body_limit)
            .field("request_timeout", &self.request_timeout)
            .finish_non_exhaustive()
    }
}

impl Edge {
    /// An edge of this product and version: bodies up to 1 MiB, and 256 MiB of them at once; 1024
    /// requests at once, each up to 30 seconds; type URIs of problems relative to `/problems/`.
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        let (name, version) = (name.into(), version.into());
        Self {
            schemes: Schemes::default(),
            endpoints: Endpoints { name, version, ..Endpoints::default() },
            body_limit: 1 << 20,
            bodies_limit: 256 << 20,
            running_limit: 1024,
            request_timeout: Duration::from_secs(30),
            wording: Wording { base: "/problems/".to_owned(), catalogue: &[] },
            bases: Vec::new(),
            answers: None,
            rates: Rates::default(),
            long_lived: LongLived::default(),
            heartbeat: Duration::from_secs(15),
            socket_message: 64 << 10,
            socket_patience: Duration::from_secs(10),
            cors: None,
            strict_transport: None,
            #[cfg(feature = "compression")]
            compressed_from: None,
        }
    }

    /// Recognises callers of every security scheme that has no authenticator of its own.
    #[must_use]
    pub fn authenticator(mut self, authenticator: impl Authenticate) -> Self {
        self.schemes.set(None, Arc::new(authenticator));
        self
    }

    /// Recognises callers of one security scheme of the contract.
    #[must_use]
    pub fn scheme(mut self, name: &'static str, authenticator: impl Authenticate) -> Self {
        self.schemes.set(Some(name), Arc::new(authenticator));
        self
    }

    /// Recognises callers of one security scheme by the credentials they send: `verify` gets them
    /// from the place the contract names.
    #[must_use]
    pub fn verify<F, R>(self, scheme: Scheme, verify: F) -> Self
    where
        F: Fn(Given) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Principal, Unauthenticated>> + Send + 'static,
    {
        self.scheme(scheme.name, scheme.verified_by(verify))
    }

    /// Keeps the answers of operations with `x-idempotency`, and gives them to repetitions as the
    /// contract says, so that handlers need not. Without it the edge sees to it that a key is
    /// there and, within this process, under way once; a handler does the rest, in the
    /// transaction of its effect.
    #[must_use]
    pub fn idempotency(self, answers: impl Answers) -> Self {
        Self { answers: Some(Arc::new(answers)), ..self }
    }

    /// The largest request body, in bytes.
    #[must_use]
    pub fn body_limit(self, bytes: usize) -> Self {
        Self { body_limit: bytes, ..self }
    }

    /// How much of bodies may be in memory at once, in bytes, from their arrival to the end of
    /// their requests: what comes when it is full is answered with 503.
    #[must_use]
    pub fn bodies_limit(self, bytes: usize) -> Self {
        Self { bodies_limit: bytes, ..self }
    }

    /// How many requests handlers may have at once: what comes then is answered with 503. The
    /// edge's own endpoints, and streams that are open, are not counted.
    #[must_use]
    pub fn running_limit(self, requests: usize) -> Self {
        Self { running_limit: requests, ..self }
    }

    /// How often a tenant may ask, or an address of callers without credentials, counted over all
    /// operations that have no `x-rate-limit`: what is more is answered with 429.
    #[must_use]
    pub fn rate_limit(mut self, rate: Rate) -> Self {
        self.rates.default = Some(rate);
        self
    }

    /// How often an address may bring credentials that are refused, 600 times a minute at first:
    /// whatever it brings then is answered with 429 and not looked up, except what was good a short
    /// while ago.
    #[must_use]
    pub fn guess_limit(mut self, rate: Rate) -> Self {
        self.schemes.guesses.rate = rate;
        self
    }

    /// Counts requests elsewhere than in this process, for this rate limit and `x-rate-limit`.
    #[must_use]
    pub fn rate_limits(mut self, limits: impl RateLimits) -> Self {
        self.rates.limits = Arc::new(limits);
        self
    }

    /// How many proxies are in front, each of which adds to `X-Forwarded-For` whom it speaks for:
    /// anonymous callers are counted by what the outermost of them says. None at first, and the
    /// header is ignored.
    #[must_use]
    pub fn proxies(mut self, count: usize) -> Self {
        self.rates.proxies = count;
        self
    }

    /// Lets pages of other origins call. Otherwise browsers let none.
    #[must_use]
    pub fn cors(self, cors: Cors) -> Self {
        Self { cors: Some(cors), ..self }
    }

    /// Has browsers come by HTTPS alone for so long (RFC 6797). For hosts that are never to be
    /// reached otherwise: they cannot go back before that.
    #[must_use]
    pub fn strict_transport(self, time: Duration) -> Self {
        Self { strict_transport: Some(time), ..self }
    }

    /// Compresses answers of text of so many bytes and more for callers that accept it: brotli,
    /// zstd or gzip. Never streams, and nothing that has a strong `ETag`.
    #[cfg(feature = "compression")]
    #[must_use]
    pub fn compression(self, least_bytes: u64) -> Self {
        Self { compressed_from: Some(least_bytes), ..self }
    }

    /// How long a body may take to arrive, and then a handler to answer, unless its operation has
    /// an `x-deadline`.
    #[must_use]
    pub fn request_timeout(self, limit: Duration) -> Self {
        Self { request_timeout: limit, ..self }
    }

    /// What stands before a problem's code in its type URI.
    #[must_use]
    pub fn problem_base(mut self, uri: impl Into<String>) -> Self {
        self.wording.base = uri.into();
        self
    }

    /// The contract's problem catalogue: the edge's own problems take its titles and types.
    #[must_use]
    pub fn problems(mut self, catalogue: &'static [ProblemKind]) -> Self {
        self.wording.catalogue = catalogue;
        self
    }

    /// The OpenAPI document in JSON, served under `/openapi.json` and drawn under `/docs`. The
    /// first of its servers is the one that serves it. Operations answer below the paths of the
    /// servers it names, too: `/v2` of `https://api.example.com/v2`.
    #[must_use]
    pub fn openapi(mut self, json: impl Into<Cow<'static, str>>) -> Self {
        let (document, bases) = docs::served_here(json.into());
        self.endpoints.openapi = Some(document);
        bases.into_iter().fold(self, |edge, base| edge.below(&base))
    }

    /// Lets operations answer below this path too, such as `/v2`, besides where they are anyway.
    #[must_use]
    pub fn below(mut self, path: &str) -> Self {
        let path = format!("/{}", path.trim_matches('/'));
        if path != "/" && !self.bases.contains(&path) {
            self.bases.push(path);
            self.bases.sort_by(|one, two| (two.len(), one).cmp(&(one.len(), two)));
        }
        self
    }

    /// The AsyncAPI document in JSON, served under `/asyncapi.json`.
    #[must_use]
    pub fn asyncapi(mut self, json: impl Into<Cow<'static, str>>) -> Self {
        self.endpoints.asyncapi = Some(json.into());
        self
    }

    /// Adds a check to `/readyz`.
    #[must_use]
    pub fn readiness<C, R>(mut self, name: &'static str, check: C) -> Self
    where
        C: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.endpoints.checks.push((name, Arc::new(move || Box::pin(check()))));
        self
    }

    /// Serves the events a caller may see under `/events`: `source` opens the stream of JSON
    /// envelopes of one caller, which ends when the caller leaves or the server stops. It is given
    /// the id of the last event the caller has seen (`Last-Event-ID`), if there is one, and is to
    /// go on after that. It is asked for no more than the caller takes.
    #[must_use]
    pub fn events<F, S>(mut self, requirement: Requirement, source: F) -> Self
    where
        F: Fn(&Principal, Option<&str>) -> S + Send + Sync + 'static,
        S: Stream<Item: Into<Live>> + Send + 'static,
    {
        let source = Arc::new(move |principal: &Principal, last: Option<&str>| {
            source(principal, last).map(Into::into).boxed()
        });
        self.endpoints.events = Some(Events { requirement, source });
        self
    }

    /// How many streams a tenant may have open, 1000 at first: one more is 429.
    #[must_use]
    pub fn streams_limit(mut self, streams: usize) -> Self {
        self.long_lived.per_caller = streams;
        self
    }

    /// How many streams all tenants together may have open: one more is 503. At first four fifths
    /// of the connections of the server ([`crate::Server::connections`]), so that some are left for
    /// requests.
    #[must_use]
    pub fn streams_total(mut self, streams: usize) -> Self {
        self.long_lived.total = Some(streams);
        self
    }

    /// How often the credentials of an open stream are looked at again, every 30 seconds at first:
    /// it ends when they have expired or were revoked, and its caller is to come back with others.
    #[must_use]
    pub fn recheck(mut self, every: Duration) -> Self {
        self.long_lived.recheck = every;
        self
    }

    /// The largest message that is received on a socket, in bytes, 64 KiB at first: a larger one
    /// closes it with 1009.
    #[must_use]
    pub fn socket_message_limit(self, bytes: usize) -> Self {
        Self { socket_message: bytes, ..self }
    }

    /// How long who has opened a socket may take nothing of what is sent, 10 seconds at first:
    /// then it is closed with 1013.
    #[must_use]
    pub fn socket_patience(self, time: Duration) -> Self {
        Self { socket_patience: time, ..self }
    }

    /// How long a stream of events may be silent before a comment shows that it is open: 15 seconds
    /// at first, since proxies give a silent connection up. A caller who is as long silent on a
    /// socket is pinged, and one who does not answer in as long is left.
    #[must_use]
    pub fn heartbeat(self, silence: Duration) -> Self {
        Self { heartbeat: silence, ..self }
    }

    /// The router of these operations and the edge's own endpoints.
    ///
    /// # Errors
    /// When a security scheme has no authenticator, or two operations stand at one place.
    pub fn router(self, routes: Vec<Routes>) -> Result<Router, EdgeError> {
        observation::recorder();
        let mut matcher = Matcher::default();
        let mut mounted: Vec<Route> = Vec::new();
        for route in routes.into_iter().flat_map(Routes::into_inner) {
            let Info { id: operation, method, path, security, .. } = route.info;
            if let Some(scheme) = self.schemes.uncovered(security) {
                return Err(EdgeError::Unrecognised { operation, scheme });
            }
            if let Err(other) = matcher.insert(path, method, mounted.len()) {
                let other = mounted[other].info.id;
                return Err(EdgeError::Clash { operation, other, method, path });
            }
            mounted.push(route);
        }
        if let Some(events) = &self.endpoints.events
            && let Some(scheme) = self.schemes.uncovered(&[&[events.requirement]])
        {
            return Err(EdgeError::Unrecognised { operation: "events", scheme });
        }
        let dispatcher = Dispatcher {
            routes: mounted,
            matcher,
            bases: self.bases,
            schemes: Arc::new(self.schemes),
            endpoints: self.endpoints,
            in_flight: InFlight::default(),
            answers: self.answers,
            rates: self.rates,
            long_lived: self.long_lived,
            heartbeat: self.heartbeat,
            cors: self.cors,
            strict_transport: self.strict_transport,
            body_limit: self.body_limit,
            body_room: BodyRoom::new(self.bodies_limit.max(self.body_limit)),
            running: Arc::new(Semaphore::new(self.running_limit.min(Semaphore::MAX_PERMITS))),
            request_timeout: self.request_timeout,
            wording: Arc::new(self.wording),
            socket_limits: Limits {
                message: self.socket_message,
                patience: self.socket_patience,
                silence: self.heartbeat,
            },
        };
        let router = Router::new().fallback(dispatch).with_state(Arc::new(dispatcher));
        #[cfg(feature = "compression")]
        if let Some(least_bytes) = self.compressed_from {
            return Ok(compression::compressed(router, least_bytes));
        }
        Ok(router)
    }
}
