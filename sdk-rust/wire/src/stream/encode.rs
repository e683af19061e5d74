//! Items of a stream as bytes.

use serde::Serialize;

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
