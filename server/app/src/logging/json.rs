//! A log line as one JSON object: who writes it, what happened, and the fields of the spans it
//! happened in. Names are camelCase, as on the wire.

use std::fmt;
use std::io::Write;

use jiff::Timestamp;
use opentelemetry::Context as Trace;
use opentelemetry::trace::TraceContextExt as _;
use serde::{Serialize, Serializer};
use serde_json::Value;
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

/// What is known of a span, kept with it, or of an event: each name once, in the order in which
/// they came.
#[derive(Debug, Clone, Default)]
struct Fields(Vec<(String, Value)>);

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

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
        line.set("timestamp", format!("{:.6}", Timestamp::now()));
        line.set("level", metadata.level().as_str());
        // What happened stands where it is read, and what it happened to after it.
        line.set("message", "");
        line.set("target", metadata.target());
        line.set("service", SERVICE);
        line.set("version", VERSION);
        // From the outermost span inwards: what is said last is nearest.
        for span in
            context.event_scope(event).into_iter().flatten().collect::<Vec<_>>().iter().rev()
        {
            if let Some(fields) = span.extensions().get::<Fields>() {
                fields.0.iter().for_each(|(name, value)| line.set(name, value.clone()));
            }
        }
        line.place();
        event.record(&mut line);
        // Texts and numbers can be written.
        let Ok(mut text) = serde_json::to_string(&line) else { return };
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
                self.set("traceId", place.trace_id().to_string());
                self.set("spanId", place.span_id().to_string());
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
        let value: Value = match redaction::is_secret(field.name()) {
            true => redaction::REDACTED.into(),
            false => value.into(),
        };
        self.set(&name, value);
    }

    fn set(&mut self, name: &str, value: impl Into<Value>) {
        let value = value.into();
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value,
            None => self.0.push((name.to_owned(), value)),
        }
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

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex, PoisonError};

    use tracing::field::Empty;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::JsonLines;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_says_what_happened_and_then_what_to_each_name_once() {
        let buffer = Buffer::default();
        let out = buffer.clone();
        let lines = JsonLines::new(move || out.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), || {
            let outer = tracing::info_span!("outer", correlation_id = "a", tenant = Empty);
            outer.record("tenant", "acme");
            let _outer = outer.entered();
            let _inner =
                tracing::info_span!("inner", correlation_id = "b", api_key = "k").entered();
            tracing::info!(target: "test", attempt = 1, password = "p", "tried");
        });
        let written = buffer.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let line = String::from_utf8(written).expect("text");
        let (time, rest) = line.split_once(r#","level""#).expect("a level");
        assert!(time.starts_with(r#"{"timestamp":"2"#) && time.ends_with(r#"Z""#), "{time}");
        let version = env!("CARGO_PKG_VERSION");
        let expected = format!(
            "{}{version}{}",
            r#":"INFO","message":"tried","target":"test","service":"symbolon-server","version":""#,
            r#"","correlationId":"b","tenant":"acme","apiKey":"[redacted]","attempt":1,"#,
        );
        assert_eq!(rest, format!("{expected}\"password\":\"[redacted]\"}}\n"));
    }
}
