//! Requests under an idempotency key: one at a time, and once.

use std::time::Duration;

use http::header::{HeaderValue, LOCATION};
use sha2::{Digest, Sha256};
use symbolon_wire::In;
use symbolon_wire::idempotency::{Answer, Answers, Ended, Keyed, Known};
use symbolon_wire::parameter::Refusal;

use crate::answers::problem;
use crate::requests::correlation;
use crate::requests::routes::Answer as Answering;
use crate::{Failure, Idempotency, Info, Input, Reply};

/// What an operation's `x-idempotency` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdempotencyRule {
    /// Header that carries the key.
    pub header: &'static str,
    /// Whether a request without a key violates the contract.
    pub required: bool,
    /// What a repetition gets.
    pub replay: Replay,
    /// For how many seconds an answer is known at least.
    pub retention_s: u64,
}

impl IdempotencyRule {
    /// A rule whose repetitions get the first answer again, for a day.
    pub const fn new(header: &'static str) -> Self {
        Self { header, required: false, replay: Replay::Stored, retention_s: 24 * 60 * 60 }
    }

    /// The same for every request.
    #[must_use]
    pub const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// The same with other repetitions.
    #[must_use]
    pub const fn replay(self, replay: Replay) -> Self {
        Self { replay, ..self }
    }

    /// The same for another time.
    #[must_use]
    pub const fn retention_s(self, seconds: u64) -> Self {
        Self { retention_s: seconds, ..self }
    }
}

/// What a repetition of a request gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replay {
    /// The first answer.
    Stored,
    /// The first answer with this status, 200 or 208.
    Status(u16),
    /// The problem `duplicate-request`, with the `Location` of the first answer.
    Conflict,
}

/// The request's idempotency key, where the operation has the rule; `Err` leaves a violation.
pub(crate) fn read(
    info: &Info,
    target: &str,
    input: &mut Input,
) -> Result<Option<Idempotency>, ()> {
    let Some(rule) = info.idempotency else { return Ok(None) };
    let refusal = match input.headers.get(rule.header).map(HeaderValue::to_str) {
        None if !rule.required => return Ok(None),
        None => Refusal::new("required", "must be given"),
        Some(Ok(key)) if correlation::is_visible(key, 255) => {
            let fingerprint = fingerprint(info, target, &input.body);
            return Ok(Some(Idempotency { key: key.to_owned(), fingerprint }));
        }
        Some(_) => Refusal::new("pattern", "must be 1 to 255 visible ASCII characters"),
    };
    input.refuse(In::Header, refusal.within(rule.header));
    Err(())
}

fn fingerprint(info: &Info, target: &str, body: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(info.method.as_str());
    hash.update([0]);
    hash.update(target);
    hash.update([0]);
    hash.update(body);
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Runs a request unless it was run before.
///
/// What ends without an answer may have had its effect or not: its key stays locked for twice the
/// time a request may take, and may be used again then.
pub(crate) async fn once(
    answers: &dyn Answers,
    request: &Keyed,
    rule: IdempotencyRule,
    limit: Duration,
    run: impl Future<Output = Answering>,
) -> Answering {
    let permit = match answers.begin(request, limit * 2).await.map_err(Failure::unavailable)? {
        Known::Nothing(permit) => permit,
        Known::InFlight => return Ok(in_flight()),
        Known::Reused => return Ok(reused()),
        Known::Answered(answer) => return Ok(again(rule, answer)),
    };
    let reply = run.await?;
    let ended = match reply.recorded() {
        Some(answer) => Ended::Done(answer, Duration::from_secs(rule.retention_s)),
        None if reply.is_problem() => Ended::InVain,
        // A stream cannot be kept.
        None => return Ok(reply),
    };
    if let Err(error) = answers.end(request, permit, ended).await {
        // The effect is there, and its caller is told so.
        tracing::error!(operation = request.operation, %error, "an answer was not kept");
    }
    Ok(reply)
}

fn again(rule: IdempotencyRule, mut answer: Answer) -> Reply {
    match rule.replay {
        Replay::Stored => Reply::replayed(answer),
        Replay::Status(status) => {
            answer.status = status;
            Reply::replayed(answer)
        }
        Replay::Conflict => {
            let location = answer.headers.into_iter().find(|(name, _)| name == "location");
            let detail = "the request was made before under this key";
            let reply = problem::reply(&problem::DUPLICATE_REQUEST, detail);
            match location {
                Some((_, location)) => reply.literal(LOCATION, &location),
                None => reply,
            }
        }
    }
}

pub(crate) fn in_flight() -> Reply {
    let detail = "the first request with this key has not been answered yet";
    problem::reply(&problem::IDEMPOTENCY_IN_FLIGHT, detail).header("Retry-After", &1)
}

fn reused() -> Reply {
    let detail = "the key was used for another request";
    problem::reply(&problem::IDEMPOTENCY_KEY_REUSED, detail)
}
