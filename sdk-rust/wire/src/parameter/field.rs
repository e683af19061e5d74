//! Submitted fields that carry no types of their own, read by the hints of the type they become.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::{self, DeserializeOwned, Deserializer as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::decode::plain;
use super::{Parameter, Refusal, Style};
use crate::Binary;
use crate::binary::FILE;

/// One submitted value: text until a type asks for more.
#[derive(Debug, Clone, PartialEq)]
pub enum Field {
    /// Text: a string, number, boolean or enum value.
    Text(String),
    /// A part that is no text, such as a file.
    File(Binary),
    /// A part that is a JSON document.
    Json(Vec<u8>),
    /// Several values under one name.
    List(Vec<Field>),
    /// Named values.
    Map(Vec<(String, Field)>),
}

/// Reads named fields (the parts of a multipart body, say) as one object. A repeated name is a
/// list.
///
/// # Errors
/// When a field is missing or cannot be read as its type.
pub fn decode_fields<T: DeserializeOwned>(fields: Vec<(String, Field)>) -> Result<T, Refusal> {
    read(Field::Map(merged(fields)))
}

/// Reads a body of the media type `application/x-www-form-urlencoded`.
///
/// # Errors
/// When it is no such body, or a field is missing or cannot be read as its type.
pub fn decode_form<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    decode_form_as(&[], body)
}

/// The same with members that were written as parameters (`encoding` of OpenAPI).
///
/// # Errors
/// When it is no such body, or a field is missing or cannot be read as its type.
pub fn decode_form_as<T: DeserializeOwned>(parts: &[Parameter], body: &[u8]) -> Result<T, Refusal> {
    let text = std::str::from_utf8(body).map_err(|_| Refusal::new("syntax", "must be UTF-8"))?;
    let mut fields = Vec::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = plain(key)?;
        if let Some(part) = parts.iter().find(|part| part.name == name) {
            fields.push((name, part_field(part, value)?));
            continue;
        }
        let keys = keys(&name);
        let value = nested(&keys, Field::Text(plain(value)?));
        fields.extend(keys.into_iter().next().map(|name| (name, value)));
    }
    read(Field::Map(merged(fields)))
}

/// The value of a member that was written as a parameter.
fn part_field(part: &Parameter, raw: &str) -> Result<Field, Refusal> {
    let delimiters: &[&str] = match part.style {
        Style::Json => return Ok(Field::Json(plain(raw)?.into_bytes())),
        _ if part.explode => &[],
        Style::SpaceDelimited => &["%20", "+"],
        Style::PipeDelimited => &["|", "%7C", "%7c"],
        Style::Form | Style::Simple | Style::Label | Style::Matrix | Style::DeepObject => &[","],
    };
    match delimiters.iter().find(|delimiter| raw.contains(**delimiter)) {
        Some(delimiter) => {
            let items = raw.split(*delimiter).map(|item| plain(item).map(Field::Text));
            items.collect::<Result<_, _>>().map(Field::List)
        }
        None => plain(raw).map(Field::Text),
    }
}

/// Reads a field, first with untyped text taken for what it looks like, then as strings only:
/// unions of strings and numbers must accept both.
pub(super) fn read<T: DeserializeOwned>(field: Field) -> Result<T, Refusal> {
    let guessed = T::deserialize(Reader { field: field.clone(), untyped: Untyped::Guess });
    guessed.or_else(|refusal| {
        T::deserialize(Reader { field, untyped: Untyped::Text }).map_err(|_| refusal)
    })
}

/// What text is where a type gives no hint.
#[derive(Debug, Clone, Copy)]
pub(super) enum Untyped {
    Guess,
    Text,
}

/// Deeper names are taken as they stand: nobody may choose the depth of our recursion.
const DEPTH: usize = 16;

/// How many pairs of brackets a name may have.
pub(super) const BRACKETS: usize = DEPTH - 1;

/// Splits `name[key][key]` into its keys; `name[]` is `name`.
pub(super) fn keys(name: &str) -> Vec<String> {
    let nested =
        name.split_once('[').and_then(|(head, rest)| Some((head, rest.strip_suffix(']')?)));
    let Some((head, rest)) = nested else { return vec![name.to_owned()] };
    let mut keys = vec![head.to_owned()];
    keys.extend(rest.split("][").take(DEPTH + 1).map(str::to_owned));
    if keys.last().is_some_and(String::is_empty) {
        keys.pop();
    }
    if keys.len() > DEPTH { vec![name.to_owned()] } else { keys }
}

/// Wraps a value in a map for every key but the first.
pub(super) fn nested(keys: &[String], value: Field) -> Field {
    let keys = keys.iter().skip(1).rev();
    keys.fold(value, |value, key| Field::Map(vec![(key.clone(), value)]))
}

/// Fields of one name become one: maps are joined, anything else becomes a list.
pub(super) fn merged(fields: Vec<(String, Field)>) -> Vec<(String, Field)> {
    let mut merged: Vec<(String, Field)> = Vec::new();
    let mut places = BTreeMap::new();
    for (name, field) in fields {
        match places.get(&name) {
            Some(&place) => {
                let place: &mut (String, Field) = &mut merged[place];
                let earlier = std::mem::replace(&mut place.1, Field::List(Vec::new()));
                place.1 = joined(earlier, field);
            }
            None => {
                places.insert(name.clone(), merged.len());
                merged.push((name, field));
            }
        }
    }
    for (_, field) in &mut merged {
        if let Field::Map(members) = field {
            *members = self::merged(std::mem::take(members));
        }
    }
    merged
}

fn joined(earlier: Field, later: Field) -> Field {
    match (earlier, later) {
        (Field::Map(mut members), Field::Map(more)) => {
            members.extend(more);
            Field::Map(members)
        }
        (Field::List(mut items), item) => {
            items.push(item);
            Field::List(items)
        }
        (first, second) => Field::List(vec![first, second]),
    }
}

/// Reads one field.
pub(super) struct Reader {
    pub(super) field: Field,
    pub(super) untyped: Untyped,
}

impl Reader {
    fn text(self, expected: &str) -> Result<String, Refusal> {
        let refused = || Refusal::new("type", format!("must be {expected}"));
        match self.field {
            Field::Text(text) => Ok(text),
            Field::File(file) => String::from_utf8(file.bytes).map_err(|_| refused()),
            Field::Json(json) => match serde_json::from_slice(&json) {
                Ok(serde_json::Value::String(text)) => Ok(text),
                Ok(serde_json::Value::Number(number)) => Ok(number.to_string()),
                Ok(serde_json::Value::Bool(value)) => Ok(value.to_string()),
                Ok(_) | Err(_) => Err(refused()),
            },
            Field::List(_) => Err(Refusal::new("type", "must be given once")),
            Field::Map(_) => Err(refused()),
        }
    }

    fn parsed<T: std::str::FromStr>(self, expected: &str) -> Result<T, Refusal> {
        let text = self.text(expected)?;
        let is_decimal = |byte: u8| byte.is_ascii_digit() || b"-.eE+".contains(&byte);
        let decimal = !text.starts_with('+') && text.bytes().all(is_decimal);
        let parsed = if decimal { text.parse().ok() } else { None };
        parsed.ok_or_else(|| Refusal::new("type", format!("must be {expected}")))
    }

    fn list(self) -> Vec<Field> {
        match self.field {
            Field::List(items) => items,
            Field::Map(members) if is_indexed(&members) => {
                let mut members: Vec<_> = members
                    .into_iter()
                    .filter_map(|(key, field)| Some((key.parse::<usize>().ok()?, field)))
                    .collect();
                members.sort_by_key(|(index, _)| *index);
                members.into_iter().map(|(_, field)| field).collect()
            }
            single => vec![single],
        }
    }

    fn map<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        let json = match self.field {
            Field::Map(members) => {
                return visitor.visit_map(Members {
                    members: members.into_iter(),
                    value: None,
                    untyped: self.untyped,
                });
            }
            Field::Json(json) => json,
            Field::File(file) => file.bytes,
            Field::Text(text) if text.trim_start().starts_with('{') => text.into_bytes(),
            Field::Text(_) => return Err(Refusal::new("type", "must be an object")),
            Field::List(_) => return Err(Refusal::new("type", "must be given once")),
        };
        parse(&json)?.deserialize_map(visitor).map_err(|error| Refusal::from_json(&error))
    }
}

fn parse(json: &[u8]) -> Result<serde_json::Value, Refusal> {
    serde_json::from_slice(json).map_err(|error| Refusal::from_json(&error))
}

pub(super) fn is_indexed(members: &[(String, Field)]) -> bool {
    members.iter().all(|(key, _)| key.parse::<usize>().is_ok())
}

/// Whether members are what a list is written as: where no type says so, nothing else is one.
fn is_list(members: &[(String, Field)]) -> bool {
    let keys: BTreeSet<usize> = members.iter().filter_map(|(key, _)| key.parse().ok()).collect();
    !members.is_empty() && keys.len() == members.len() && keys.last() == Some(&(keys.len() - 1))
}

macro_rules! numbers {
    ($($method:ident $visit:ident $expected:literal)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
            visitor.$visit(self.parsed($expected)?)
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Reader {
    type Error = Refusal;

    numbers! {
        deserialize_i8 visit_i8 "an integer" deserialize_i16 visit_i16 "an integer"
        deserialize_i32 visit_i32 "an integer" deserialize_i64 visit_i64 "an integer"
        deserialize_i128 visit_i128 "an integer" deserialize_u8 visit_u8 "an integer from 0"
        deserialize_u16 visit_u16 "an integer from 0" deserialize_u32 visit_u32 "an integer from 0"
        deserialize_u64 visit_u64 "an integer from 0"
        deserialize_u128 visit_u128 "an integer from 0"
        deserialize_f32 visit_f32 "a number" deserialize_f64 visit_f64 "a number"
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match (&self.field, self.untyped) {
            (Field::Map(members), _) if is_list(members) => self.deserialize_seq(visitor),
            (Field::Map(_), _) => self.map(visitor),
            (Field::List(_), _) => self.deserialize_seq(visitor),
            (Field::File(_), _) => self.deserialize_byte_buf(visitor),
            (Field::Json(json), _) => {
                parse(json)?.deserialize_any(visitor).map_err(|error| Refusal::from_json(&error))
            }
            (Field::Text(text), Untyped::Text) => visitor.visit_str(text),
            (Field::Text(text), Untyped::Guess) => guess(text, visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self.text("a boolean")?.as_str() {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            _ => Err(Refusal::new("type", "must be true or false")),
        }
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.deserialize_str(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_string(self.text("text")?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.deserialize_byte_buf(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self.field {
            Field::Json(bytes) => visitor.visit_byte_buf(bytes),
            Field::File(file) => visitor.visit_byte_buf(file.bytes),
            Field::Text(text) => visitor.visit_byte_buf(text.into_bytes()),
            Field::List(_) => Err(Refusal::new("type", "must be given once")),
            Field::Map(_) => Err(Refusal::new("type", "must be bytes")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match &self.field {
            Field::Json(json) if json.trim_ascii() == b"null" => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        match self.field {
            Field::File(file) if name == FILE => visitor.visit_newtype_struct(Packed(file)),
            field => visitor.visit_newtype_struct(Self { field, ..self }),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        if let Field::Json(json) = &self.field {
            return parse(json)?
                .deserialize_seq(visitor)
                .map_err(|error| Refusal::from_json(&error));
        }
        let untyped = self.untyped;
        visitor.visit_seq(Elements { items: self.list().into_iter(), index: 0, untyped })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.map(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        visitor.visit_enum(self.text("text")?.into_deserializer())
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { unit unit_struct tuple tuple_struct identifier }
}

/// A file with what its part said of it, for `Binary` alone.
struct Packed(Binary);

impl<'de> de::Deserializer<'de> for Packed {
    type Error = Refusal;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_byte_buf(self.0.pack())
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}

/// Text that no type explains: a boolean or number if it is written exactly as JSON writes it.
fn guess<'de, V: Visitor<'de>>(text: &str, visitor: V) -> Result<V::Value, Refusal> {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(serde_json::Value::Bool(value)) => visitor.visit_bool(value),
        Ok(serde_json::Value::Number(number)) if number.to_string() == text => {
            match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(value), _, _) => visitor.visit_u64(value),
                (_, Some(value), _) => visitor.visit_i64(value),
                (_, _, Some(value)) => visitor.visit_f64(value),
                (None, None, None) => visitor.visit_str(text),
            }
        }
        Ok(_) | Err(_) => visitor.visit_str(text),
    }
}

struct Elements {
    items: std::vec::IntoIter<Field>,
    index: usize,
    untyped: Untyped,
}

impl<'de> de::SeqAccess<'de> for Elements {
    type Error = Refusal;

    fn next_element_seed<T: de::DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Refusal> {
        let Some(field) = self.items.next() else { return Ok(None) };
        let index = self.index;
        self.index += 1;
        let element = seed.deserialize(Reader { field, untyped: self.untyped });
        element.map(Some).map_err(|refusal| refusal.within(index))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Members {
    members: std::vec::IntoIter<(String, Field)>,
    value: Option<(String, Field)>,
    untyped: Untyped,
}

impl<'de> de::MapAccess<'de> for Members {
    type Error = Refusal;

    fn next_key_seed<K: de::DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Refusal> {
        let Some((key, field)) = self.members.next() else { return Ok(None) };
        self.value = Some((key.clone(), field));
        seed.deserialize(key.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: de::DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, Refusal> {
        let Some((key, field)) = self.value.take() else {
            return Err(Refusal::new("syntax", "has a value without a name"));
        };
        let value = seed.deserialize(Reader { field, untyped: self.untyped });
        value.map_err(|refusal| refusal.within(key))
    }
}
