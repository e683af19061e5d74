//! The table of Rust types: which stands for which schema, and how it judges a value.

use std::collections::BTreeMap;

use calls_wire::types;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use symbolon_wire::{Validate, Violations};

/// Reads a value and writes it again, or says why not.
type Read = Box<dyn Fn(&Value) -> Result<Value, String>>;

/// A Rust type and the schema it stands for.
pub(super) struct Subject {
    pub(super) name: String,
    /// Where its schema stands, below the contract's named schemas.
    pub(super) pointer: String,
    /// What `schemars` derives.
    pub(super) derived: Value,
    pub(super) read: Read,
    /// Whether the type has the contract's constraints (`Validate`).
    pub(super) checked: bool,
    /// Whether it is another type's alias.
    pub(super) alias: bool,
    /// Whether it is a message, with a schema file of its own.
    pub(super) message: bool,
}

fn read<T: DeserializeOwned + Serialize>(value: &Value) -> Result<Value, String> {
    let read: T = serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
    serde_json::to_value(read).map_err(|error| error.to_string())
}

/// As the edge reads a request, and whoever publishes or consumes a message.
fn check<T: DeserializeOwned + Serialize + Validate>(value: &Value) -> Result<Value, String> {
    let read = T::deserialize(value).map_err(|error| error.to_string())?;
    let sent = value.clone();
    let mut violations = Violations::of(|| Some(sent));
    read.validate(&mut violations);
    if !violations.is_empty() {
        return Err(format!("{:?}", violations.into_found()));
    }
    serde_json::to_value(read).map_err(|error| error.to_string())
}

fn subject<T: JsonSchema>(name: &str, pointer: &str, read: Read) -> Subject {
    Subject {
        name: name.to_owned(),
        pointer: pointer.to_owned(),
        derived: schemars::schema_for!(T).to_value(),
        read,
        checked: false,
        alias: false,
        message: false,
    }
}

fn reading<T: DeserializeOwned + Serialize + JsonSchema + 'static>(
    name: &str,
    pointer: &str,
) -> Subject {
    subject::<T>(name, pointer, Box::new(read::<T>))
}

fn checking<T>(name: &str) -> Subject
where
    T: DeserializeOwned + Serialize + JsonSchema + Validate + 'static,
{
    Subject { checked: true, ..subject::<T>(name, name, Box::new(check::<T>)) }
}

fn message<T>(name: &str) -> Subject
where
    T: DeserializeOwned + Serialize + JsonSchema + Validate + 'static,
{
    Subject { message: true, ..checking::<T>(name) }
}

macro_rules! named {
    ($($name:ident),* $(,)?) => {
        vec![$(reading::<types::$name>(stringify!($name), stringify!($name))),*]
    };
}

macro_rules! events {
    ($($name:ident: $kind:ident),* $(,)?) => {
        vec![$(
            reading::<types::$name>(stringify!($name), stringify!($name)),
            message::<types::$name>(stringify!($name)),
            reading::<types::$kind>(
                stringify!($kind),
                concat!(stringify!($name), "/allOf/1/properties/type"),
            ),
        )*]
    };
}

/// The types that are named like their schemas and no request holds alone.
fn plain() -> Vec<Subject> {
    named![
        AttemptCount,
        AttemptFailedData,
        AttemptNumber,
        AttemptStartedData,
        AttemptSucceededData,
        AuditEntry,
        AuditPage,
        AuditSubject,
        CreatedAt,
        DeadLetter,
        DeadLetterDrill,
        DeadLetterId,
        DeadLetterPage,
        DeadLetterReader,
        DueTimeReachedData,
        EndedAt,
        ExecuteCallData,
        FailureKind,
        HeaderValue,
        HttpMethod,
        HttpStatus,
        Lag,
        LatencyMs,
        LogPosition,
        Misfire,
        Outbox,
        Projection,
        ProjectionList,
        ProjectionName,
        ProjectionState,
        Reader,
        RecordedHeaders,
        RecordedRequest,
        RequestHeaders,
        RequestSummary,
        ResultSummary,
        ServiceCall,
        ServiceCallCancelledData,
        ServiceCallEvent,
        ServiceCallEvents,
        ServiceCallFailedData,
        ServiceCallId,
        ServiceCallName,
        ServiceCallPage,
        ServiceCallRef,
        ServiceCallResult,
        ServiceCallScheduledData,
        ServiceCallSkippedData,
        ServiceCallStatus,
        ServiceCallSubmittedData,
        ServiceCallSucceededData,
        ServiceCallSummary,
        Snippet,
        StartTimerData,
        Tag,
        Tags,
        TargetUrl,
        Timer,
        TimerPage,
        TimerState,
        UpdatedAt,
        Version,
        VersionList,
    ]
}

/// What is said on sockets besides events.
fn on_sockets() -> Vec<Subject> {
    let mut subjects = named![Unwatch, Unwatched, WatchedType, Watching];
    subjects.extend([
        checking::<types::Watch>("Watch"),
        reading::<types::UnwatchType>("UnwatchType", "Unwatch/properties/type"),
        reading::<types::UnwatchedType>("UnwatchedType", "Unwatched/properties/type"),
        reading::<types::WatchType>("WatchType", "Watch/properties/type"),
        reading::<types::WatchingType>("WatchingType", "Watching/properties/type"),
    ]);
    subjects
}

/// Every Rust type that stands for a schema of the contract.
pub(super) fn subjects(kinds: &BTreeMap<String, String>) -> Vec<Subject> {
    let mut subjects = plain();
    subjects.extend([
        checking::<types::ExecutionPolicy>("ExecutionPolicy"),
        checking::<types::HttpRequest>("HttpRequest"),
        checking::<types::SubmitServiceCall>("SubmitServiceCall"),
    ]);
    subjects.extend(on_sockets());
    subjects.extend(events![
        AttemptFailed: AttemptFailedType,
        AttemptStarted: AttemptStartedType,
        AttemptSucceeded: AttemptSucceededType,
        DueTimeReached: DueTimeReachedType,
        ExecuteCall: ExecuteCallType,
        ServiceCallCancelled: ServiceCallCancelledType,
        ServiceCallFailed: ServiceCallFailedType,
        ServiceCallScheduled: ServiceCallScheduledType,
        ServiceCallSkipped: ServiceCallSkippedType,
        ServiceCallSubmitted: ServiceCallSubmittedType,
        ServiceCallSucceeded: ServiceCallSucceededType,
        StartTimer: StartTimerType,
    ]);
    subjects.extend([
        reading::<types::MessageAggregateType>(
            "MessageAggregateType",
            "Message/properties/aggregateType",
        ),
        reading::<symbolon_wire::Problem>("Problem", "Problem"),
        reading::<symbolon_wire::Violation>("Violation", "Violation"),
        reading::<symbolon_wire::In>("ViolationLocation", "ViolationLocation"),
    ]);
    for subject in &mut subjects {
        subject.alias = kinds.get(&subject.name).is_some_and(|kind| kind == "type");
    }
    subjects
}

/// The public types of the generated module of types, each with its kind: `struct`, `enum`, `type`.
pub(super) fn kinds() -> BTreeMap<String, String> {
    let text = super::contract::read("calls-wire/src/types.rs");
    let mut kinds = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
        let kind = (words.next() == Some("pub")).then(|| words.next()).flatten();
        if let (Some(kind @ ("struct" | "enum" | "type")), Some(name)) = (kind, words.next()) {
            kinds.insert(name.to_owned(), kind.to_owned());
        }
    }
    kinds
}
