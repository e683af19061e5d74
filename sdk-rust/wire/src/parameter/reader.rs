//! Fields that carry no types of their own, read by the hints of the type they become.

use std::collections::HashSet;
use std::marker::PhantomData;

use serde::de::{
    self, Deserialize, DeserializeOwned, DeserializeSeed, Deserializer as _, IntoDeserializer,
    Visitor,
};
use serde::forward_to_deserialize_any;

use super::Refusal;
use super::field::{self, Field};
use crate::Binary;
use crate::binary::FILE;
use crate::collect::{Log, refused};
use crate::record::{MEMBER, REFUSED};

/// How a value is read.
#[derive(Clone, Copy)]
pub(super) struct Reading<'p> {
    pub(super) untyped: Untyped,
    /// Where what is refused is recorded; without one the first refusal ends the reading.
    pub(super) log: Option<Log<'p>>,
}

/// What text is where a type gives no hint.
#[derive(Debug, Clone, Copy)]
pub(super) enum Untyped {
    Guess,
    Text,
}

/// Reads with untyped text taken for what it looks like, then as strings only: unions of strings
/// and numbers must accept both. What stands in the way of both is the refusal.
pub(super) fn read<T>(attempt: impl Fn(Reading<'_>) -> Result<T, Refusal>) -> Result<T, Refusal> {
    let plain = |untyped| attempt(Reading { untyped, log: None });
    plain(Untyped::Guess).or_else(|refusal| {
        if refusal.is_absent() {
            return Err(refusal);
        }
        plain(Untyped::Text).map_err(|_| {
            let found = |untyped| refused(|log| attempt(Reading { untyped, log: Some(log) }));
            let (mut guessed, text) = (found(Untyped::Guess), found(Untyped::Text));
            let text: HashSet<&str> = text.iter().map(|other| other.pointer.as_str()).collect();
            guessed.retain(|one| text.contains(one.pointer.as_str()));
            Refusal::of_all(guessed).unwrap_or(refusal)
        })
    })
}

/// What brackets in the names of a map's members are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Brackets {
    /// The way into a member.
    Nest,
    /// Part of its name.
    Stay,
}

/// Reads the fields of a form: brackets are ways, or parts of names where no way leads.
pub(super) fn read_form<T: DeserializeOwned>(fields: &[(String, Field)]) -> Result<T, Refusal> {
    let brackets = Brackets::Nest;
    let nested = read(|reading| T::deserialize(Form { fields, reading, brackets }));
    nested.or_else(|refusal| {
        let reading = Reading { untyped: Untyped::Text, log: None };
        let literal = Form { fields, reading, brackets: Brackets::Stay };
        T::deserialize(literal).map_err(|_| refusal)
    })
}

/// The fields of a form, before it is known which of their names are whole and which are ways.
struct Form<'f, 'p> {
    fields: &'f [(String, Field)],
    reading: Reading<'p>,
    brackets: Brackets,
}

impl<'p> Form<'_, 'p> {
    fn reader(&self, names: &[&str]) -> Reader<'p> {
        let fields = self.fields.iter().map(|(name, field)| {
            if self.brackets == Brackets::Stay || names.contains(&name.as_str()) {
                return (name.clone(), field.clone());
            }
            let keys = field::keys(name);
            let field = field::nested(&keys, field.clone());
            (keys.into_iter().next().unwrap_or_default(), field)
        });
        Reader { field: Field::Map(field::merged(fields.collect())), reading: self.reading }
    }
}

impl<'de> de::Deserializer<'de> for Form<'_, '_> {
    type Error = Refusal;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.reader(names).deserialize_map(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_some(self)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.reader(&[]).map(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// Reads one field.
pub(super) struct Reader<'p> {
    pub(super) field: Field,
    pub(super) reading: Reading<'p>,
}

impl Reader<'_> {
    /// Reads a part, or records why not.
    fn part<'de, S: DeserializeSeed<'de>>(self, log: Log<'_>, seed: S) -> Option<S::Value> {
        let reading = Reading { log: Some(log), ..self.reading };
        match seed.deserialize(Reader { field: self.field, reading }) {
            Ok(value) => Some(value),
            Err(refusal) => {
                log.record(refusal);
                None
            }
        }
    }

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
            Field::Map(members) if field::is_indexed(&members) => {
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
                    reading: self.reading,
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

macro_rules! numbers {
    ($($method:ident $visit:ident $expected:literal)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
            visitor.$visit(self.parsed($expected)?)
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Reader<'_> {
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
        match (&self.field, self.reading.untyped) {
            (Field::Map(members), _) if field::is_list(members) => self.deserialize_seq(visitor),
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
        if let Some(log) = self.reading.log.filter(|_| name == MEMBER) {
            return visitor.visit_seq(One(Some((self, log))));
        }
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
        let reading = self.reading;
        visitor.visit_seq(Elements { items: self.list().into_iter(), index: 0, reading })
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

/// A member on its own: nothing once it is refused.
struct One<'p>(Option<(Reader<'p>, Log<'p>)>);

impl<'de> de::SeqAccess<'de> for One<'_> {
    type Error = Refusal;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Refusal> {
        Ok(self.0.take().and_then(|(reader, log)| reader.part(log, seed)))
    }
}

struct Elements<'p> {
    items: std::vec::IntoIter<Field>,
    index: usize,
    reading: Reading<'p>,
}

impl<'de> de::SeqAccess<'de> for Elements<'_> {
    type Error = Refusal;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Refusal> {
        let Some(field) = self.items.next() else { return Ok(None) };
        let index = self.index;
        self.index += 1;
        let reader = Reader { field, reading: self.reading };
        match self.reading.log {
            Some(log) => Ok(reader.part(log.item(index), seed)),
            None => seed.deserialize(reader).map(Some).map_err(|refusal| refusal.within(index)),
        }
    }

    /// Goes on behind a refused element.
    fn next_element<T: Deserialize<'de>>(&mut self) -> Result<Option<T>, Refusal> {
        while self.items.len() > 0 {
            let found = self.next_element_seed(PhantomData)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Members<'p> {
    members: std::vec::IntoIter<(String, Field)>,
    value: Option<(String, Field)>,
    reading: Reading<'p>,
}

impl<'de> de::MapAccess<'de> for Members<'_> {
    type Error = Refusal;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Refusal> {
        let Some((key, field)) = self.members.next() else { return Ok(None) };
        self.value = Some((key.clone(), field));
        seed.deserialize(key.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Refusal> {
        let Some((key, field)) = self.value.take() else {
            return Err(Refusal::new("syntax", "has a value without a name"));
        };
        let reader = Reader { field, reading: self.reading };
        match self.reading.log {
            Some(log) => {
                let refused = Err(Refusal::new("type", REFUSED));
                reader.part(log.member(&key), seed).map_or(refused, Ok)
            }
            None => seed.deserialize(reader).map_err(|refusal| refusal.within(key)),
        }
    }

    /// Goes on behind a refused member.
    fn next_entry<K: Deserialize<'de>, V: Deserialize<'de>>(
        &mut self,
    ) -> Result<Option<(K, V)>, Refusal> {
        while let Some(name) = self.next_key()? {
            match self.next_value() {
                Ok(value) => return Ok(Some((name, value))),
                Err(refusal) if self.reading.log.is_none() => return Err(refusal),
                Err(_) => {}
            }
        }
        Ok(None)
    }
}
