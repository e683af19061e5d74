//! The way of one request through the edge.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::Uri;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use symbolon_wire::idempotency::{Answers, Keyed};
use symbolon_wire::{TraceParent, spans};
use tokio::sync::Semaphore;
use tracing::{Instrument, Span};

use crate::answers::outcome::Passes;
use crate::answers::problem;
use crate::answers::problem::Wording;
use crate::callers::authentication::Schemes;
use crate::endpoints::{self, Endpoints};
use crate::limits::body_room::BodyRoom;
use crate::limits::long_lived::{Credentials, Full, LongLived, Stay};
use crate::limits::rate_limits::Rates;
use crate::observation::{self, Active, Observed, Occurrence};
use crate::repetition::idempotency;
use crate::requests::body::{self, Lost};
use crate::requests::correlation::{self, CORRELATION_ID};
use crate::requests::matcher::{Found, Matcher};
use crate::requests::routes::{Answer, Caller, Route};
use crate::serving::Keep;
use crate::sockets::handshake::{self, Handshake};
use crate::sockets::{self, Around, Limits};
use crate::{
    Admitted, Cors, Failure, InFlight, Info, Input, Preconditions, Principal, Reply, Requirement,
};

/// Everything the requests of one router share.
pub(crate) struct Dispatcher {
    pub(crate) routes: Vec<Route>,
    pub(crate) matcher: Matcher,
    /// Paths of the contract's servers, the longest first.
    pub(crate) bases: Vec<String>,
    pub(crate) schemes: Arc<Schemes>,
    pub(crate) endpoints: Endpoints,
    pub(crate) in_flight: InFlight,
    pub(crate) answers: Option<Arc<dyn Answers>>,
    pub(crate) rates: Rates,
    pub(crate) long_lived: LongLived,
    pub(crate) heartbeat: Duration,
    pub(crate) cors: Option<Cors>,
    pub(crate) strict_transport: Option<Duration>,
    pub(crate) body_limit: usize,
    pub(crate) body_room: BodyRoom,
    /// A permit for each request that is with its handler.
    pub(crate) running: Arc<Semaphore>,
    pub(crate) request_timeout: Duration,
    pub(crate) wording: Arc<Wording>,
    pub(crate) socket_limits: Limits,
}

/// An answer before or after rendering.
pub(crate) enum Answered {
    Reply(Reply),
    Response(Response),
}

impl From<Reply> for Answered {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}

/// What became known of a request on its way.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) correlation_id: String,
    pub(crate) traceparent: Option<TraceParent>,
    pub(crate) operation: &'static str,
    /// The path template of the operation.
    pub(crate) route: Option<&'static str>,
    pub(crate) principal: Principal,
    /// What the answer says besides.
    pub(crate) headers: HeaderMap,
    /// What its log lines are in.
    pub(crate) span: Span,
}

impl Seen {
    /// Takes note of who calls, in the log as well.
    pub(crate) fn recognise(&mut self, principal: Principal) {
        self.span.record("tenant", principal.tenant.as_str());
        self.span.record("user", principal.subject.as_str());
        self.principal = principal;
    }
}

/// Answers a request, whatever happens, and records that it did.
pub(crate) async fn dispatch(
    State(dispatcher): State<Arc<Dispatcher>>,
    request: Request,
) -> Response {
    let (started_at, _active) = (Instant::now(), Active::begin());
    let method = request.method().clone();
    let mut seen = Seen {
        correlation_id: correlation::id(request.headers()),
        traceparent: correlation::trace_parent(request.headers()),
        operation: "none",
        route: None,
        principal: Principal::anonymous(),
        headers: HeaderMap::new(),
        span: Span::none(),
    };
    let span = observation::span(&seen);
    seen.span = span.clone();
    let trace = span.in_scope(|| observation::trace(&request, seen.traceparent));
    seen.traceparent = spans::place(&trace, seen.traceparent);
    let origin = request.headers().get(header::ORIGIN).cloned();
    let answer = AssertUnwindSafe(dispatcher.answer(request, &mut seen)).catch_unwind();
    let answer = answer.instrument(trace.clone()).instrument(span.clone()).await;
    let answer = answer.unwrap_or_else(|panic| Err(panicked(panic.as_ref())));
    let (mut response, occurrence) =
        span.in_scope(|| dispatcher.render(answer, &seen.correlation_id));
    dispatcher.finish(response.headers_mut(), &mut seen, origin.as_ref());
    let observed = Observed {
        operation: seen.operation,
        method: method.as_str(),
        status: response.status().as_u16(),
        elapsed: started_at.elapsed(),
        problem: occurrence.as_ref(),
    };
    observation::end_trace(&trace, &seen, &observed);
    span.in_scope(|| observed.record());
    response
}

impl Dispatcher {
    /// What stands at a path, below the contract's servers or below the root: whether something in
    /// front takes the path of a server away cannot be known. Where both have something, it is what
    /// answers the method, then what says most of the path in words, then what is below the root.
    fn find(&self, path: &str, method: &str) -> Option<Found<'_>> {
        let below = self.bases.iter().filter_map(|base| path.strip_prefix(base.as_str()));
        let found = std::iter::once(path).chain(below).filter_map(|rest| self.matcher.find(rest));
        found.min_by_key(|found| (found.entry(method).is_none(), found.captured()))
    }

    /// The answer to a browser that asks what a page may do, unless the contract has one.
    fn preflight(&self, request: &Parts) -> Option<Reply> {
        let cors = self.cors.as_ref()?;
        let asked = cors.asked(request)?;
        let methods = match self.find(request.uri.path(), asked) {
            Some(found) if found.entry("OPTIONS").is_some() => return None,
            Some(found) => found.methods(),
            None => endpoints::methods(request.uri.path())?,
        };
        Some(cors.preflight(request, &methods))
    }

    async fn answer(&self, request: Request, seen: &mut Seen) -> Result<Answered, Failure> {
        let (mut parts, request_body) = request.into_parts();
        if let Some(preflight) = self.preflight(&parts) {
            seen.operation = "preflight";
            return Ok(preflight.into());
        }
        let Some(found) = self.find(parts.uri.path(), parts.method.as_str()) else {
            let answered = self.endpoints.answer(self, &parts, seen).await;
            body::drain(&parts.headers, request_body).await;
            return answered;
        };
        let Some(entry) = found.entry(parts.method.as_str()) else {
            body::drain(&parts.headers, request_body).await;
            return Ok(wrong_method(&found.methods()).into());
        };
        let route = &self.routes[entry.route];
        (seen.operation, seen.route) = (route.info.id, Some(route.info.path));
        let path = found.parameters(entry);
        let handshake = match self.handshake(&route.info, &mut parts) {
            Ok(handshake) => handshake,
            Err(refusal) => {
                body::drain(&parts.headers, request_body).await;
                return Ok((*refusal).into());
            }
        };
        let address = self.rates.address(&parts);
        let admitted = self.schemes.admit(route.info.security, &parts, address).await;
        if let Ok(admitted) = &admitted {
            seen.recognise(admitted.principal());
        }
        let counting = self.rates.count(&route.info, &seen.principal, &parts, &mut seen.headers);
        let admitted = match counting.await.and(admitted) {
            Ok(admitted) => admitted,
            Err(refusal) => {
                body::drain(&parts.headers, request_body).await;
                return Ok(refusal.into());
            }
        };
        let (limit, room) = (self.body_limit, &self.body_room);
        let collecting = body::collect(&parts.headers, request_body, limit, room);
        let (bytes, held) = match tokio::time::timeout(self.request_timeout, collecting).await {
            Ok(Ok(collected)) => collected,
            Ok(Err(lost)) => return Ok(self.without_body(&lost).into()),
            Err(_) => return Ok(problem::late().into()),
        };
        if let Some(refusal) = refused(route, &parts.headers, &bytes) {
            return Ok(refusal.into());
        }
        let Ok(permit) = Arc::clone(&self.running).try_acquire_owned() else {
            return Ok(problem::overloaded().into());
        };
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let mut input = Input::new(path, query, std::mem::take(&mut parts.headers), bytes);
        let kept = (held, permit);
        let reply = self.call(route, &parts.uri, &mut input, admitted, seen, kept).await?;
        if !reply.stays() {
            return Ok(reply.into());
        }
        parts.headers = input.headers;
        let keep = parts.extensions.remove::<Keep>();
        let stay = match self.stay(route.info.security, parts, &seen.principal) {
            Ok(stay) => stay,
            Err(full) => return Ok(full.reply().into()),
        };
        Ok(match handshake {
            Some(handshake) => self.open(handshake, keep, stay, reply, seen),
            None => reply.staying(stay).into(),
        })
    }

    /// What opens a socket, of a request for one.
    fn handshake(&self, info: &Info, parts: &mut Parts) -> Result<Option<Handshake>, Box<Reply>> {
        let rule = info.socket.as_ref();
        rule.map(|rule| handshake::read(rule, self.cors.as_ref(), parts)).transpose()
    }

    /// Opens a socket to a caller whom its handler lets in.
    fn open(
        &self,
        handshake: Handshake,
        keep: Option<Keep>,
        stay: Stay,
        reply: Reply,
        seen: &Seen,
    ) -> Answered {
        let opened = match reply.into_session() {
            Ok(opened) => opened,
            Err(reply) => return reply.staying(stay).into(),
        };
        let (response, upgrade) = handshake.accept();
        if let Some(keep) = keep {
            keep.upgraded();
        }
        let around = Around {
            stay,
            limits: self.socket_limits,
            wording: Arc::clone(&self.wording),
            correlation_id: seen.correlation_id.clone(),
            operation: seen.operation,
        };
        tokio::spawn(sockets::keep(opened, upgrade, around).in_current_span());
        Answered::Response(response)
    }

    /// Decodes, validates and calls the handler. What the request holds is `kept` until its end.
    async fn call(
        &self,
        route: &Route,
        target: &Uri,
        input: &mut Input,
        admitted: Admitted,
        seen: &Seen,
        kept: impl Send + 'static,
    ) -> Answer {
        let Some(prepared) = (route.prepare)(input) else {
            return Ok(problem::invalid(input.violations()));
        };
        let target = target.path_and_query().map_or("/", |target| target.as_str());
        let Ok(idempotency) = idempotency::read(&route.info, target, input) else {
            return Ok(problem::invalid(input.violations()));
        };
        let guard = match &idempotency {
            None => None,
            Some(given) => {
                let tenant = admitted.principal().tenant;
                match self.in_flight.enter(&tenant, route.info.id, &given.key) {
                    Some(guard) => Some(guard),
                    None => return Ok(idempotency::in_flight()),
                }
            }
        };
        let keyed = route.info.idempotency.zip(idempotency.clone()).map(|(rule, given)| {
            let (tenant, operation) = (admitted.principal().tenant, route.info.id);
            (rule, Keyed { tenant, operation, key: given.key, fingerprint: given.fingerprint })
        });
        let once = self.answers.clone().zip(keyed);
        let (correlation_id, traceparent) = (seen.correlation_id.clone(), seen.traceparent);
        let preconditions = Preconditions::of(&input.headers);
        let spared = preconditions.clone();
        let caller = Caller { admitted, correlation_id, traceparent, idempotency, preconditions };
        // A task of its own: an effect once begun does not end because the caller hung up.
        let (limit, operation) = (self.limit_of(&route.info), route.info.id);
        let work = async move {
            let _kept = (guard, kept);
            let run = within(limit, operation, prepared(caller));
            match once {
                Some((answers, (rule, keyed))) => {
                    idempotency::once(answers.as_ref(), &keyed, rule, limit, run).await
                }
                None => run.await,
            }
        };
        match tokio::spawn(work.in_current_span()).await {
            Ok(answer) => answer.map(|reply| spared.spare(route.info.method, reply)),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => Err(panicked(panic.as_ref())),
                Err(error) => Err(error.into()),
            },
        }
    }

    /// A place for an answer that stays open, to the caller whom these requirements let in.
    pub(crate) fn stay(
        &self,
        security: &[&[Requirement]],
        request: Parts,
        principal: &Principal,
    ) -> Result<Stay, Full> {
        let caller = self.rates.caller(principal, &request);
        let security = security.iter().map(|all| all.to_vec()).collect();
        let (schemes, principal) = (Arc::clone(&self.schemes), principal.clone());
        let credentials = Credentials { schemes, security, request, principal };
        self.long_lived.enter(&caller, credentials)
    }

    /// How long the handler of an operation may take.
    fn limit_of(&self, info: &Info) -> Duration {
        info.deadline_ms.map_or(self.request_timeout, Duration::from_millis)
    }

    fn without_body(&self, lost: &Lost) -> Reply {
        match lost {
            Lost::NoRoom => problem::overloaded(),
            Lost::TooLarge => {
                let detail = format!("a request body has at most {} bytes", self.body_limit);
                problem::reply(&problem::PAYLOAD_TOO_LARGE, &detail)
            }
            Lost::Broken => {
                problem::reply(&problem::INVALID_REQUEST, "the request body did not arrive whole")
            }
        }
    }

    /// Renders an answer; a failure is logged here and nowhere else.
    fn render(
        &self,
        answer: Result<Answered, Failure>,
        correlation_id: &str,
    ) -> (Response, Option<Occurrence>) {
        let wording = &self.wording;
        let rendered = match answer {
            Ok(Answered::Response(response)) => Ok((response, None)),
            Ok(Answered::Reply(reply)) => {
                reply.beating(self.heartbeat).render(wording, correlation_id)
            }
            Err(failure) => Err(failure),
        };
        rendered.unwrap_or_else(|failure| {
            tracing::error!(error = %failure, "operation failed");
            let reply = match failure.passes {
                Passes::No => {
                    problem::reply(&problem::INTERNAL_ERROR, "the failure has been logged")
                }
                Passes::Soon => problem::unavailable(),
            };
            reply
                .render(wording, correlation_id)
                .unwrap_or_else(|_| (http::StatusCode::INTERNAL_SERVER_ERROR.into_response(), None))
        })
    }

    /// Adds the headers that every answer has, unless it brought its own.
    fn finish(&self, headers: &mut HeaderMap, seen: &mut Seen, origin: Option<&HeaderValue>) {
        const ALWAYS: [(HeaderName, &str); 6] = [
            (header::CACHE_CONTROL, "no-store"),
            (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::X_FRAME_OPTIONS, "DENY"),
            (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        ];
        if headers.contains_key(header::ETAG) {
            // What has a version may be kept, and asked for again by it.
            let kept = HeaderValue::from_static("private, no-cache");
            headers.entry(header::CACHE_CONTROL).or_insert(kept);
        }
        for (name, value) in ALWAYS {
            headers.entry(name).or_insert(HeaderValue::from_static(value));
        }
        headers.extend(std::mem::take(&mut seen.headers));
        if let Ok(value) = HeaderValue::from_str(&seen.correlation_id) {
            headers.insert(CORRELATION_ID, value);
        }
        if let Some(time) = self.strict_transport
            && let Ok(value) = HeaderValue::try_from(format!("max-age={}", time.as_secs()))
        {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
        }
        if let Some(cors) = &self.cors {
            cors.finish(origin, headers);
        }
    }
}

/// What a handler answers in time.
async fn within(
    limit: Duration,
    operation: &'static str,
    handler: impl Future<Output = Answer>,
) -> Answer {
    match tokio::time::timeout(limit, handler).await {
        Ok(answer) => answer,
        Err(_) => Err(Failure::unavailable(TooLong(operation))),
    }
}

/// A handler did not answer in time.
#[derive(Debug, thiserror::Error)]
#[error("{0} did not finish in time")]
struct TooLong(&'static str);

pub(crate) fn wrong_method(methods: &[&'static str]) -> Reply {
    let methods = methods.join(", ");
    let detail = format!("the resource has {methods}");
    problem::of_edge(&problem::METHOD_NOT_ALLOWED, &detail).literal(header::ALLOW, &methods)
}

/// The answer to a request that no handler is to see, whoever sends it.
fn refused(route: &Route, headers: &HeaderMap, body: &[u8]) -> Option<Reply> {
    #[cfg(feature = "signatures")]
    if let Some(refusal) = unsigned(route, headers, body) {
        return Some(refusal);
    }
    if route.info.needs_if_match && !headers.contains_key(header::IF_MATCH) {
        let detail = "`If-Match` must say which version the request is about";
        return Some(problem::reply(&problem::PRECONDITION_REQUIRED, detail));
    }
    if body::is_foreign(headers, body.is_empty(), route.info.consumes) {
        let detail = format!("the operation reads {}", route.info.consumes.join(", "));
        return Some(problem::reply(&problem::UNSUPPORTED_MEDIA_TYPE, &detail));
    }
    None
}

/// The answer to a message that nobody who has the secret is known to have sent, if its route asks.
#[cfg(feature = "signatures")]
fn unsigned(route: &Route, headers: &HeaderMap, body: &[u8]) -> Option<Reply> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let why = route.verifier.as_ref()?.verify(header, body).err()?;
    tracing::info!(operation = route.info.id, reason = %why, "signature refused");
    let refusal = problem::reply(&problem::UNAUTHENTICATED, "the signature does not hold");
    Some(refusal.literal(header::WWW_AUTHENTICATE, "StandardWebhooks"))
}

fn panicked(panic: &(dyn Any + Send)) -> Failure {
    let text = panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned());
    Failure::message(format!("panicked: {}", text.unwrap_or_default()))
}
