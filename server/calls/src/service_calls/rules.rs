//! What a service call is and may become. Pure: no time, no database, no network in here.

use std::collections::BTreeMap;

use calls_wire::types::{
    AttemptFailedData, AttemptStartedData, ExecuteCallData, ExecutionPolicy, FailureKind,
    HttpRequest, Misfire, RecordedRequest, RequestSummary, ResultSummary, ServiceCall,
    ServiceCallCancelledData, ServiceCallFailedData, ServiceCallResult, ServiceCallScheduledData,
    ServiceCallSkippedData, ServiceCallStatus, ServiceCallSubmittedData, ServiceCallSucceededData,
    ServiceCallSummary, StartTimerData, SubmitServiceCall,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use symbolon_kernel::Envelope;
use symbolon_wire::{In, Open, Violation};
use url::Url;
use uuid::Uuid;

use super::events::{Command, Event, Unreadable};
use super::redaction::divide;
use super::target::{Loopback, may_name};

/// Milliseconds a whole call may take, if its policy does not say less.
const TIMEOUT_MS: i32 = 10_000;
/// The only attempt there is.
pub(crate) const ATTEMPT: i32 = 1;
/// Request header fields that frame the message.
const FRAMING: [&str; 7] =
    ["host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"];

/// A service call as far as its events tell it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Call {
    pub(crate) id: Uuid,
    /// The version of the last event.
    pub(crate) version: i64,
    pub(crate) status: ServiceCallStatus,
    pub(crate) name: String,
    pub(crate) request: RecordedRequest,
    pub(crate) policy: ExecutionPolicy,
    pub(crate) due_at: Option<Timestamp>,
    pub(crate) tags: Vec<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) attempts: i32,
    pub(crate) result: Option<ServiceCallResult>,
}

impl Call {
    /// The call of a stream; none if the stream is empty.
    pub(crate) fn fold(events: &[Envelope]) -> Result<Option<Self>, Unreadable> {
        let mut call = None;
        for envelope in events {
            call = Some(Self::apply(call, envelope.parse()?)?);
        }
        Ok(call)
    }

    /// The call after one more event.
    pub(crate) fn apply(
        call: Option<Self>,
        event: symbolon_kernel::Event<Event>,
    ) -> Result<Self, Unreadable> {
        let (said, event) = event.split();
        let Some(mut call) = call else {
            let Event::ServiceCallSubmitted(data) = said else {
                return Err(Unreadable::Beginning);
            };
            return Self::submitted(event.with(data));
        };
        call.version = event.version;
        call.updated_at = event.timestamp;
        match said {
            Event::ServiceCallSubmitted(_) => return Err(Unreadable::Repetition),
            Event::ServiceCallScheduled(_) => call.status = ServiceCallStatus::Scheduled,
            Event::DueTimeReached(_) => call.status = ServiceCallStatus::Queued,
            Event::AttemptStarted(data) => {
                call.status = ServiceCallStatus::Running;
                call.attempts = data.attempt;
            }
            Event::AttemptSucceeded(data) => {
                call.result = Some(ServiceCallResult {
                    http_status: Some(data.status),
                    latency_ms: Some(data.latency_ms),
                    snippet: Some(data.snippet),
                    headers: Some(data.headers),
                    failure_kind: None,
                });
            }
            Event::AttemptFailed(data) => {
                call.result = Some(ServiceCallResult {
                    http_status: data.status,
                    latency_ms: data.latency_ms,
                    snippet: data.snippet,
                    headers: data.headers,
                    failure_kind: Some(data.kind),
                });
            }
            Event::ServiceCallSucceeded(_) => call.status = ServiceCallStatus::Succeeded,
            Event::ServiceCallFailed(_) => call.status = ServiceCallStatus::Failed,
            Event::ServiceCallCancelled(_) => call.status = ServiceCallStatus::Cancelled,
            Event::ServiceCallSkipped(_) => call.status = ServiceCallStatus::Skipped,
        }
        Ok(call)
    }

    fn submitted(
        event: symbolon_kernel::Event<ServiceCallSubmittedData>,
    ) -> Result<Self, Unreadable> {
        let id = Uuid::parse_str(&event.aggregate_id).map_err(|_| Unreadable::Beginning)?;
        let (data, event) = event.split();
        Ok(Self {
            id,
            version: event.version,
            status: ServiceCallStatus::Queued,
            name: data.name,
            request: data.request,
            policy: data.policy,
            due_at: data.due_at,
            tags: data.tags,
            created_at: event.timestamp,
            updated_at: event.timestamp,
            attempts: 0,
            result: None,
        })
    }

    /// The call as it is read.
    pub(crate) fn into_detail(self) -> ServiceCall {
        let ended_at = self.ended_at();
        ServiceCall {
            service_call_id: self.id,
            name: self.name,
            status: self.status.into(),
            request: self.request,
            due_at: self.due_at,
            tags: self.tags,
            created_at: self.created_at,
            updated_at: self.updated_at,
            ended_at,
            attempts: self.attempts,
            result: self.result,
        }
    }

    /// The call without what lists leave out, as the read model keeps it: what one submitted or was
    /// answered is in the events, and a list reads no more of it than it shows.
    pub(crate) fn trimmed(self) -> Self {
        let RecordedRequest { method, url, body: _, headers: _ } = self.request;
        let url = without_query(&url).to_owned();
        let request = RecordedRequest { method, url, body: None, headers: BTreeMap::new() };
        let result = self.result.map(|it| ServiceCallResult { snippet: None, headers: None, ..it });
        Self { request, result, ..self }
    }

    /// The call as lists show it.
    pub(crate) fn into_summary(self) -> ServiceCallSummary {
        let ended_at = self.ended_at();
        // Rows of an earlier version are whole.
        let Self { request, result, .. } = self;
        ServiceCallSummary {
            service_call_id: self.id,
            name: self.name,
            status: self.status.into(),
            request: RequestSummary {
                method: request.method,
                url: without_query(&request.url).to_owned(),
            },
            due_at: self.due_at,
            tags: self.tags,
            created_at: self.created_at,
            updated_at: self.updated_at,
            ended_at,
            attempts: self.attempts,
            result: result.map(|it| ResultSummary {
                http_status: it.http_status,
                latency_ms: it.latency_ms,
                failure_kind: it.failure_kind,
            }),
        }
    }

    /// When its last event was, if that is the last there will be.
    fn ended_at(&self) -> Option<Timestamp> {
        self.status.next().is_empty().then_some(self.updated_at)
    }

    /// Milliseconds the call may take from its first byte to the last of the response.
    pub(crate) fn timeout_ms(&self) -> i32 {
        self.policy.timeout_ms_or_default().clamp(1, TIMEOUT_MS)
    }
}

/// A URL up to its query.
fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

/// What a submission leads to. Holds secrets, so it cannot be printed.
pub(crate) struct Submission {
    pub(crate) events: Vec<Event>,
    /// The values of sensitive headers: kept apart, never in an event.
    pub(crate) secrets: BTreeMap<String, String>,
    /// What is to be done about it.
    pub(crate) command: Command,
}

/// Why a submission is not accepted.
#[derive(Debug, PartialEq)]
pub(crate) enum Refusal {
    Invalid(Vec<Violation>),
    Blocked,
}

/// A submission that stands up to the rules the contract's schema cannot say. Holds secrets.
pub(crate) struct Admitted(SubmitServiceCall);

/// Checks what is submitted.
pub(crate) fn admit(body: SubmitServiceCall, loopback: Loopback) -> Result<Admitted, Refusal> {
    let mut violations = header_violations(&body.request);
    let url = Url::parse(&body.request.url).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https"));
    if url.is_none() {
        violations.push(violation("/request/url", "format", "must be an http or https address"));
    }
    match url {
        Some(url) if violations.is_empty() => {
            if may_name(&url, loopback) {
                Ok(Admitted(body))
            } else {
                Err(Refusal::Blocked)
            }
        }
        Some(_) | None => Err(Refusal::Invalid(violations)),
    }
}

fn header_violations(request: &HttpRequest) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for name in request.headers.iter().flat_map(BTreeMap::keys) {
        let lower = name.to_ascii_lowercase();
        let found = if FRAMING.contains(&lower.as_str()) {
            Some(("forbidden-header", "this header field may not be set"))
        } else if !seen.insert(lower) {
            Some(("unique", "must be named once, in whatever case"))
        } else {
            None
        };
        if let Some((code, detail)) = found {
            let token = name.replace('~', "~0").replace('/', "~1");
            violations.push(violation(&format!("/request/headers/{token}"), code, detail));
        }
    }
    violations
}

fn violation(pointer: &str, code: &str, detail: &str) -> Violation {
    Violation {
        location: In::Body,
        pointer: pointer.to_owned(),
        code: code.to_owned(),
        detail: detail.to_owned(),
    }
}

impl Admitted {
    /// What is recorded when it is accepted at this time.
    pub(crate) fn submit(self, now: Timestamp) -> Submission {
        let Self(SubmitServiceCall { due_at, name, policy, request, tags }) = self;
        let headers = request.headers.unwrap_or_default().into_iter();
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        let (headers, secrets) = divide(headers);
        let policy = policy.unwrap_or_default();
        // Said only where it is not the default: versions before it know neither word.
        let is_skippable = is_skippable(&policy);
        let submitted = ServiceCallSubmittedData {
            due_at,
            name,
            policy: ExecutionPolicy {
                max_attempts: Some(policy.max_attempts_or_default()),
                timeout_ms: Some(policy.timeout_ms_or_default()),
                misfire: is_skippable.then_some(Misfire::Skip.into()),
                catch_up_window_ms: is_skippable.then(|| policy.catch_up_window_ms_or_default()),
            },
            request: RecordedRequest {
                body: request.body,
                headers,
                method: request.method.into(),
                url: request.url,
            },
            tags: tags.unwrap_or_default(),
        };
        let scheduled_for = due_at.filter(|due_at| *due_at > now);
        let mut events = vec![Event::ServiceCallSubmitted(submitted)];
        let command = match scheduled_for {
            Some(due_at) => {
                events.push(Event::ServiceCallScheduled(ServiceCallScheduledData { due_at }));
                Command::StartTimer(StartTimerData { due_at })
            }
            None => Command::ExecuteCall(ExecuteCallData { attempt: ATTEMPT }),
        };
        Submission { events, secrets, command }
    }
}

/// Cancels a call; none if it is too late.
pub(crate) fn cancel(call: &Call) -> Option<Event> {
    match call.status {
        ServiceCallStatus::Scheduled | ServiceCallStatus::Queued => {
            let previous_status = call.status.into();
            Some(Event::ServiceCallCancelled(ServiceCallCancelledData { previous_status }))
        }
        ServiceCallStatus::Running
        | ServiceCallStatus::Succeeded
        | ServiceCallStatus::Failed
        | ServiceCallStatus::Cancelled
        | ServiceCallStatus::Skipped => None,
    }
}

/// Whether an attempt may start: it is the call's turn, and it has one left.
pub(crate) fn may_start(call: &Call) -> bool {
    call.status == ServiceCallStatus::Queued && call.attempts < ATTEMPT
}

/// What a call whose turn it is begins with: its attempt, or, where it is too late and not to be
/// sent then, its end; none for any other call.
pub(crate) fn start(call: &Call, lease_id: String, now: Timestamp) -> Option<Event> {
    if !may_start(call) {
        return None;
    }
    let started = || Event::AttemptStarted(AttemptStartedData { attempt: ATTEMPT, lease_id });
    Some(skip(call, now).unwrap_or_else(started))
}

/// Skips a call whose time has passed by more than its policy allows.
fn skip(call: &Call, now: Timestamp) -> Option<Event> {
    if !is_skippable(&call.policy) {
        return None;
    }
    let expected_at = call.due_at.unwrap_or(call.created_at);
    let late = now.duration_since(expected_at);
    let window = SignedDuration::from_millis(call.policy.catch_up_window_ms_or_default());
    let late_ms = i64::try_from(late.as_millis()).unwrap_or(i64::MAX);
    let skipped = ServiceCallSkippedData { expected_at, late_ms };
    (late > window).then_some(Event::ServiceCallSkipped(skipped))
}

/// Whether a call is not to be sent when it is too late.
fn is_skippable(policy: &ExecutionPolicy) -> bool {
    policy.misfire.as_ref().and_then(Open::known) == Some(&Misfire::Skip)
}

/// How an attempt ended.
pub(crate) type Ending = Result<calls_wire::types::AttemptSucceededData, AttemptFailedData>;

/// What is recorded of an ending.
pub(crate) fn end(ending: Ending) -> [Event; 2] {
    match ending {
        Ok(data) => {
            let succeeded = ServiceCallSucceededData {
                attempts: data.attempt,
                latency_ms: data.latency_ms,
                status: data.status,
            };
            [Event::AttemptSucceeded(data), Event::ServiceCallSucceeded(succeeded)]
        }
        Err(data) => {
            let failed = ServiceCallFailedData { attempts: data.attempt, kind: data.kind.clone() };
            [Event::AttemptFailed(data), Event::ServiceCallFailed(failed)]
        }
    }
}

/// An ending without a response.
pub(crate) fn failure(kind: FailureKind, latency_ms: Option<i64>) -> AttemptFailedData {
    AttemptFailedData {
        attempt: ATTEMPT,
        kind: kind.into(),
        latency_ms,
        headers: None,
        snippet: None,
        status: None,
    }
}
