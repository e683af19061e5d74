//! A log line as one JSON object: who writes it, what happened, and the fields of the spans it
//! happened in. Names are camelCase, as on the wire.

use std::fmt;
use std::io::Write;

use jiff::Timestamp;
use opentelemetry::Context as Trace;
use opentelemetry::trace::TraceContextExt as _;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::redaction;

const SERVICE: &str = env!("CARGO_BIN_NAME");
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Writes each event as a line.
pub(super) struct JsonLines<M> {
    writer: M,
}

impl<M> JsonLines<M> {
    /// `writer` gives what a line is written to, at once and whole.
    pub(super) fn new(writer: M) -> Self {
        Self { writer }
    }
}

/// What is known of a span, kept with it.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl<S, M, W> Layer<S> for JsonLines<M>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    M: Fn() -> W + 'static,
    W: Write,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let mut line = Fields::default();
        let mut set = |name: &str, value: String| line.0.insert(name.to_owned(), value.into());
        set("timestamp", format!("{:.6}", Timestamp::now()));
        set("level", metadata.level().to_string());
        set("target", metadata.target().to_owned());
        set("service", SERVICE.to_owned());
        set("version", VERSION.to_owned());
        // From the outermost span inwards: what is said last is nearest.
        for span in
            context.event_scope(event).into_iter().flatten().collect::<Vec<_>>().iter().rev()
        {
            if let Some(fields) = span.extensions().get::<Fields>() {
                line.0.extend(fields.0.clone());
            }
        }
        line.place();
        event.record(&mut line);
        let mut text = Value::Object(line.0).to_string();
        text.push('\n');
        // There is nowhere to say that a line could not be written.
        let _ = (self.writer)().write_all(redaction::redact(&text).as_bytes());
    }
}

impl Fields {
    /// Where this happens in the trace that is exported, if it is part of one.
    fn place(&mut self) {
        Trace::map_current(|trace| {
            let span = trace.span();
            let place = span.span_context();
            if place.is_valid() {
                self.0.insert("traceId".to_owned(), place.trace_id().to_string().into());
                self.0.insert("spanId".to_owned(), place.span_id().to_string().into());
            }
        });
    }

    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        let name = match field.name() {
            // Of a library that logs by the crate `log`.
            "log.target" => "target".to_owned(),
            name if name.starts_with("log.") => return,
            name => camel_case(name),
        };
        let value = if redaction::is_secret(field.name()) {
            redaction::REDACTED.into()
        } else {
            value.into()
        };
        self.0.insert(name, value);
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut source = value.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        self.put(field, text);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}

/// `correlation_id` is written `correlationId`.
fn camel_case(name: &str) -> String {
    let mut words = name.trim_start_matches("r#").split('_');
    let mut text = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        text.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        text.push_str(letters.as_str());
    }
    text
}
