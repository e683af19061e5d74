//! What the kernel does, as spans of distributed traces, named and described as the semantic
//! conventions of OpenTelemetry have it for messaging. A message carries where the unit of work
//! hangs that wrote it: so a trace goes on in whoever handles it, at any time, in any process.

use symbolon_wire::TraceParent;
use symbolon_wire::spans::{TARGET, below};
use tracing::field::Empty;
use tracing::{Level, Span, trace_span};

use crate::delivery::dead_letters::Spot;
use crate::envelope::{Cause, Envelope, Recorded, TenantId};
use crate::work::jobs::Job;

/// A unit of work.
pub(crate) fn unit(tenant: &TenantId, cause: &Cause) -> Span {
    let span = trace_span!(
        target: TARGET, parent: None, "unit of work", otel.kind = "internal",
        symbolon.tenant = %tenant, symbolon.correlation_id = cause.correlation_id,
    );
    below(cause.traceparent, span)
}

/// What a span of a message says.
macro_rules! message {
    ($event:expr, $operation:literal, $name:expr, $kind:literal, $type:literal, $system:expr
        $(, $field:literal = $value:expr)*) => {
        below(
            $event.traceparent,
            trace_span!(
                target: TARGET, parent: None, $operation, otel.name = $name, otel.kind = $kind,
                otel.status_code = Empty,
                messaging.system = $system,
                messaging.operation.name = $operation, messaging.operation.type = $type,
                messaging.destination.name = $event.channel,
                messaging.message.id = %$event.message_id,
                messaging.message.conversation_id = $event.correlation_id,
                symbolon.tenant = %$event.tenant_id, symbolon.message_type = $event.event_type,
                $($field = $value,)*
            ),
        )
    };
}

/// The way of messages from the outbox to the log, one span each; none, where nobody looks.
pub(crate) fn publish(messages: &[Recorded]) -> Vec<Span> {
    if !tracing::span_enabled!(target: TARGET, Level::TRACE) {
        return Vec::new();
    }
    let publish = |recorded: &Recorded| {
        let event = &recorded.envelope;
        let name = format!("publish {}", event.channel);
        message!(event, "publish", name, "producer", "send", SYSTEM)
    };
    messages.iter().map(publish).collect()
}

/// The way of a message to a topic.
#[cfg(feature = "kafka")]
pub(crate) fn ship(event: &Envelope) -> Span {
    message!(event, "ship", format!("ship {}", event.channel), "producer", "send", KAFKA)
}

/// What a consumer does about a message.
pub(crate) fn process(event: &Envelope, consumer: &str, spot: Option<&Spot>) -> Span {
    let system = if spot.is_some() { KAFKA } else { SYSTEM };
    message!(
        event,
        "process",
        format!("process {}", event.channel),
        "consumer",
        "process",
        system,
        "messaging.consumer.group.name" = consumer
    )
}

/// What a projection does about a message.
pub(crate) fn project(event: &Envelope, projection: &str) -> Span {
    message!(
        event,
        "project",
        format!("project {projection}"),
        "consumer",
        "process",
        SYSTEM,
        "messaging.consumer.group.name" = projection
    )
}

/// The kernel as a messaging system, where it is not Kafka.
const SYSTEM: &str = "symbolon";
const KAFKA: &str = "kafka";

/// A timer that is due.
pub(crate) fn fire(kind: &str, tenant: &TenantId, parent: Option<TraceParent>) -> Span {
    let span = trace_span!(
        target: TARGET, parent: None, "fire", otel.name = format!("fire {kind}"),
        otel.kind = "internal", otel.status_code = Empty, symbolon.tenant = %tenant,
        symbolon.timer = kind,
    );
    below(parent, span)
}

/// One try of a job.
pub(crate) fn work(job: &Job) -> Span {
    let span = trace_span!(
        target: TARGET, parent: None, "work", otel.name = format!("work {}", job.queue),
        otel.kind = "consumer", otel.status_code = Empty, symbolon.tenant = %job.tenant,
        symbolon.queue = job.queue, symbolon.attempt = job.attempt,
    );
    below(job.cause.traceparent, span)
}
