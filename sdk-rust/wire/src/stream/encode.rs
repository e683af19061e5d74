//! Items of a stream as bytes.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::{Event, StreamError};

/// An event with its payload as JSON.
///
/// # Errors
/// When the payload cannot be serialized.
pub fn encode_event<T: Serialize>(event: &Event<T>) -> Result<Vec<u8>, StreamError> {
    let data = serde_json::to_string(&event.data).map_err(StreamError::broken)?;
    Ok(written(event, &data))
}

/// An event with its payload as text.
pub fn encode_text_event(event: &Event<String>) -> Vec<u8> {
    written(event, &event.data)
}

/// An event whose payload describes it as a whole: an object with members `event` and `data`.
///
/// # Errors
/// When the payload cannot be serialized.
pub fn encode_whole_event<T: Serialize>(event: &Event<T>) -> Result<Vec<u8>, StreamError> {
    let mut whole = serde_json::to_value(&event.data).map_err(StreamError::broken)?;
    let text = |member: &Value| member.as_str().map(str::to_owned);
    let data = match whole.get_mut("data").map(Value::take) {
        Some(Value::String(text)) => text,
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let retry = whole.get("retry").and_then(Value::as_u64).map(Duration::from_millis);
    let head = Event {
        id: event.id.clone().or_else(|| whole.get("id").and_then(text)),
        event: event.event.clone().or_else(|| whole.get("event").and_then(text)),
        retry: event.retry.or(retry),
        data: (),
    };
    Ok(written(&head, &data))
}

/// A JSON document as a line; as a text sequence (RFC 7464) where the media type is one.
///
/// # Errors
/// When it cannot be serialized.
pub fn encode_line<T: Serialize + ?Sized>(
    media_type: &str,
    item: &T,
) -> Result<Vec<u8>, StreamError> {
    let mut line = Vec::new();
    if media_type.contains("json-seq") {
        line.push(super::decode::RECORD_SEPARATOR);
    }
    serde_json::to_writer(&mut line, item).map_err(StreamError::broken)?;
    line.push(b'\n');
    Ok(line)
}

fn written<T>(event: &Event<T>, data: &str) -> Vec<u8> {
    let mut text = String::new();
    let mut field = |name: &str, value: &str| {
        // A break in the value would begin another field.
        for line in value.split(['\n', '\r']) {
            text.push_str(&format!("{name}: {line}\n"));
        }
    };
    let is_line = |text: &&String| !text.contains(['\n', '\r', '\0']);
    if let Some(kind) = event.event.as_ref().filter(is_line) {
        field("event", kind);
    }
    if let Some(id) = event.id.as_ref().filter(is_line) {
        field("id", id);
    }
    if let Some(retry) = event.retry {
        field("retry", &retry.as_millis().to_string());
    }
    field("data", &data.replace("\r\n", "\n"));
    text.push('\n');
    text.into_bytes()
}
