//! JSON text to values. A member that stands twice is a mistake: a parser that keeps the last one
//! would lose the other in silence.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

use super::yaml::Located;

/// Parses JSON.
pub(super) fn parse(text: &str) -> Result<Value, Located> {
    read(text).map_err(|error| {
        let (line, bytes) = (error.line().max(1), error.column());
        let shown = error.to_string();
        let message = match shown.rsplit_once(" at line ") {
            Some((message, _)) => message.to_owned(),
            None => shown,
        };
        let source = text.split('\n').nth(line - 1).unwrap_or_default();
        let before = source.char_indices().take_while(|(offset, _)| *offset < bytes).count();
        Located { line, column: before.max(1), message }
    })
}

fn read(text: &str) -> serde_json::Result<Value> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Each.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Reads one value.
struct Each;

impl<'de> DeserializeSeed<'de> for Each {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Each {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(Self)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            match members.entry(key) {
                Entry::Vacant(free) => {
                    free.insert(access.next_value_seed(Self)?);
                }
                Entry::Occupied(taken) => {
                    let why = format!("the key `{}` stands twice", taken.key());
                    return Err(A::Error::custom(why));
                }
            }
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::parse;

    fn mistake(text: &str) -> (usize, String) {
        match parse(text) {
            Ok(value) => panic!("{value} is sound"),
            Err(error) => (error.line, error.message),
        }
    }

    #[test]
    fn reads_what_serde_json_reads() {
        let text = r#"{"a": [1, -2, 1.5, 18446744073709551615, null, true], "é": {"b": "\u00e9"}}"#;
        let expected: Result<Value, _> = serde_json::from_str(text);
        assert_eq!(parse(text).ok(), expected.ok());
    }

    #[test]
    fn a_member_that_stands_twice_is_a_mistake() {
        let text = "{\n  \"a\": {\"b\": 1},\n  \"a\": {\"c\": 2}\n}";
        assert_eq!(mistake(text), (3, "the key `a` stands twice".to_owned()));
    }

    #[test]
    fn names_the_place_of_a_mistake() {
        assert_eq!(mistake("{\n  \"a\": 1,\n}"), (3, "trailing comma".to_owned()));
        assert_eq!(mistake("{} {}"), (1, "trailing characters".to_owned()));
        assert_eq!(mistake("").0, 1);
    }
}
