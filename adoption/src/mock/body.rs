//! Bodies: submitted ones whose parts may be bytes, and answered ones in their media type.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::contract::{Media, is_json, plain};

/// A value, with bytes taken for text: a mock looks at files no further.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Loose(pub(super) Value);

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor)
    }
}

struct LooseVisitor;

impl<'de> Visitor<'de> for LooseVisitor {
    type Value = Loose;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Loose, E> {
        Ok(Loose(text.into()))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Loose, E> {
        Ok(Loose(String::from_utf8_lossy(bytes).into()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Loose, E> {
        Ok(Loose(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Loose, E> {
        Ok(Loose(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Loose, E> {
        Ok(Loose(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Loose, E> {
        Ok(Loose(Number::from_f64(value).map_or(Value::Null, Value::Number)))
    }

    fn visit_unit<E>(self) -> Result<Loose, E> {
        Ok(Loose(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Loose, E> {
        Ok(Loose(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Loose, A::Error> {
        let mut items = Vec::new();
        while let Some(Loose(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(Loose(Value::Array(items)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Loose, A::Error> {
        let mut members = Map::new();
        while let Some((name, Loose(value))) = map.next_entry::<String, Loose>()? {
            members.insert(name, value);
        }
        Ok(Loose(Value::Object(members)))
    }
}

/// The media type to name for a value: a range stands for what the value can be sent as.
pub(super) fn media_type(media: &Media, value: &Value) -> String {
    match (media.name.contains('*'), value) {
        (false, _) => media.name.to_owned(),
        (true, Value::String(_)) => "text/plain; charset=utf-8".to_owned(),
        (true, _) => "application/json".to_owned(),
    }
}

/// A value as bytes of its media type: text stands for itself where the type is not JSON.
pub(super) fn bytes(media_type: &str, value: &Value) -> Vec<u8> {
    if is_json(media_type) { value.to_string().into_bytes() } else { plain(value).into_bytes() }
}

/// Values as events of a stream (HTML Standard, 9.2). A text that is such a stream stays one.
pub(super) fn events(values: &[Value]) -> String {
    let mut stream = String::new();
    for (number, value) in values.iter().enumerate() {
        let text = plain(value);
        let is_spelled = value.is_string()
            && text.lines().any(|line| line.starts_with("data:") || line.starts_with("event:"));
        if is_spelled {
            stream.push_str(text.trim_end());
            stream.push_str("\n\n");
            continue;
        }
        // What OpenAPI 3.2 calls an event: an object of the fields themselves.
        let field = |name: &str| value.get(name).map(plain);
        let is_event = value.get("data").is_some()
            && value.as_object().is_some_and(|members| {
                members.keys().all(|key| ["data", "event", "id", "retry"].contains(&key.as_str()))
            });
        let data = if is_event { field("data").unwrap_or_default() } else { text };
        let id = field("id").filter(|_| is_event).unwrap_or_else(|| (number + 1).to_string());
        if let Some(event) = field("event").filter(|_| is_event) {
            stream.push_str(&format!("event: {event}\n"));
        }
        stream.push_str(&format!("id: {id}\n"));
        for line in data.lines() {
            stream.push_str(&format!("data: {line}\n"));
        }
        stream.push('\n');
    }
    stream
}

/// Values as JSON texts, one a line.
pub(super) fn lines(values: &[Value]) -> String {
    values.iter().map(|value| format!("{value}\n")).collect()
}
