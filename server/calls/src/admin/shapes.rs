//! What the kernel tells, in the words of the contract.

use calls_wire::types::{
    AuditEntry, DeadLetter, Outbox, Projection, ProjectionState, Reader, Timer, TimerState,
};
use jiff::Timestamp;
use serde_json::Value;
use symbolon_kernel::{Audited, PendingTimer, ProjectionStats, Stats};

pub(super) fn letter(letter: symbolon_kernel::DeadLetter) -> DeadLetter {
    DeadLetter {
        dead_letter_id: letter.id,
        attempts: i64::from(letter.attempts),
        failed_at: letter.failed_at,
        is_replayable: letter.is_replayable(),
        is_replaying: letter.is_replaying,
        reason: letter.reason,
        source: letter.source,
        subject: letter.subject,
    }
}

pub(super) fn timer(timer: PendingTimer, now: Timestamp) -> Timer {
    let state = if timer.due_at <= now { TimerState::Overdue } else { TimerState::Pending };
    Timer {
        kind: timer.kind,
        key: timer.key,
        state: state.into(),
        due_at: timer.due_at,
        next_try_at: timer.fire_at,
        attempts: i64::from(timer.attempts),
    }
}

pub(super) fn outbox(stats: Stats, now: Timestamp) -> Outbox {
    let waited = stats.outbox_oldest_at.map(|at| now.duration_since(at).as_millis());
    let lag_ms = waited.map_or(0, |waited| i64::try_from(waited).unwrap_or(i64::MAX).max(0));
    let readers = stats.readers.into_iter();
    let readers =
        readers.map(|it| Reader { reader: it.reader, position: it.position, lag: it.lag });
    Outbox {
        depth: stats.outbox_depth,
        oldest_at: stats.outbox_oldest_at,
        lag_ms,
        head: stats.head,
        readers: readers.collect(),
    }
}

pub(super) fn projection(projection: ProjectionStats) -> Projection {
    let state = match (projection.is_requested, projection.is_building) {
        (true, _) => ProjectionState::Requested,
        (false, true) => ProjectionState::Building,
        (false, false) => ProjectionState::Live,
    };
    Projection {
        name: projection.name,
        state: state.into(),
        generation: projection.generation,
        position: projection.position,
        lag: projection.lag,
        differences: projection.differences,
    }
}

pub(super) fn entry(audited: Audited) -> AuditEntry {
    let detail = match audited.action.detail {
        Value::Object(members) => {
            Some(members.into_iter().map(|(name, it)| (name, text(it))).collect())
        }
        Value::Null => None,
        // What has no name of its own gets one.
        detail @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            Some([("value".to_owned(), text(detail))].into())
        }
    };
    AuditEntry {
        entry_id: audited.seq,
        action: audited.action.action,
        subject: audited.action.subject,
        actor: audited.action.actor,
        detail,
        recorded_at: audited.recorded_at,
        correlation_id: audited.correlation_id,
    }
}

/// A text as it is, anything else as JSON.
fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other @ (Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::Array(_)
        | Value::Object(_)) => other.to_string(),
    }
}
