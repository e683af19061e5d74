//! From the text of a parameter to a typed value.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use serde::de::{self, DeserializeOwned, Visitor};
use serde::forward_to_deserialize_any;

use super::field::{self, Field};
use super::reader::{Brackets, Reader, Reading, Untyped, read};
use super::{Parameter, Refusal, Style};
use crate::{In, read_json};

impl Parameter {
    /// Reads a query or cookie parameter out of all raw pairs, percent-encoded as they came.
    /// `None` when it is absent.
    ///
    /// An exploded object has no name of its own: its members are looked up one by one, and a map
    /// takes every pair there is. What nests deeper than the style has a layout for is spelled with
    /// brackets, `name[0][key]`; a list may be `name[]` as well.
    ///
    /// # Errors
    /// When it cannot be read as its type; the pointer begins with the parameter's name.
    pub fn decode_pairs<T: DeserializeOwned>(
        &self,
        pairs: &[(&str, &str)],
    ) -> Result<Option<T>, Refusal> {
        self.decode(Raw::Pairs(pairs))
    }

    /// Reads a parameter that is the whole query string, as it came; `None` where there is none.
    ///
    /// # Errors
    /// When it cannot be read as its type; the pointer begins with the parameter's name.
    pub fn decode_whole<T: DeserializeOwned>(&self, query: &str) -> Result<Option<T>, Refusal> {
        // It is no form: a plus is no space.
        let query = query.replace('+', "%2B");
        let given = (!query.is_empty()).then_some((self.name, query.as_str()));
        self.decode_pairs(given.as_slice())
    }

    /// Reads a path or header parameter from its text; path text is percent-encoded as it came.
    /// `None` when it is absent.
    ///
    /// # Errors
    /// When it cannot be read as its type; the pointer begins with the parameter's name.
    pub fn decode_text<T: DeserializeOwned>(
        &self,
        text: Option<&str>,
    ) -> Result<Option<T>, Refusal> {
        text.map_or(Ok(None), |text| self.decode(Raw::Text(text)))
    }

    fn decode<T: DeserializeOwned>(&self, raw: Raw<'_>) -> Result<Option<T>, Refusal> {
        let text = Reading { untyped: Untyped::Text, log: None };
        let value = match self.style {
            Style::Json | Style::Whole => self.source(raw, text, Brackets::Stay).json(),
            Style::Simple
            | Style::Label
            | Style::Matrix
            | Style::Form
            | Style::Cookie
            | Style::SpaceDelimited
            | Style::PipeDelimited
            | Style::DeepObject => {
                let nested =
                    read(|reading| T::deserialize(self.source(raw, reading, Brackets::Nest)));
                nested.or_else(|refusal| {
                    if refusal.is_absent() {
                        return Err(refusal);
                    }
                    T::deserialize(self.source(raw, text, Brackets::Stay)).map_err(|_| refusal)
                })
            }
        };
        match value {
            Ok(value) => Ok(Some(value)),
            Err(refusal) if refusal.is_absent() => Ok(None),
            Err(_) if self.or_empty && self.source(raw, text, Brackets::Nest).is_empty() => {
                Ok(None)
            }
            Err(refusal) => Err(refusal.within(self.name)),
        }
    }

    fn source<'a>(&self, raw: Raw<'a>, reading: Reading<'a>, brackets: Brackets) -> Source<'a> {
        Source { parameter: *self, raw, reading, brackets }
    }
}

#[derive(Clone, Copy)]
enum Raw<'a> {
    Pairs(&'a [(&'a str, &'a str)]),
    Text(&'a str),
}

/// The parameter before its type is known: the type's hints say how to take the text apart.
#[derive(Clone, Copy)]
struct Source<'a> {
    parameter: Parameter,
    raw: Raw<'a>,
    reading: Reading<'a>,
    brackets: Brackets,
}

/// Percent-decodes form data: `+` is a space.
pub(super) fn plain(raw: &str) -> Result<String, Refusal> {
    let spaced = if raw.contains('+') { Cow::Owned(raw.replace('+', " ")) } else { raw.into() };
    percent_decoded(&spaced)
}

fn percent_decoded(raw: &str) -> Result<String, Refusal> {
    let decoded = percent_decode_str(raw).decode_utf8();
    decoded.map(Cow::into_owned).map_err(|_| Refusal::new("syntax", "must be UTF-8"))
}

impl<'a> Source<'a> {
    fn decoded(&self, raw: &str) -> Result<String, Refusal> {
        match self.parameter.location {
            In::Query => plain(raw),
            In::Cookie if self.parameter.style == Style::Cookie => Ok(raw.to_owned()),
            In::Path | In::Cookie => percent_decoded(raw),
            In::Header | In::Body => Ok(raw.trim_matches([' ', '\t']).to_owned()),
        }
    }

    fn field(&self, raw: &str) -> Result<Field, Refusal> {
        self.decoded(raw).map(Field::Text)
    }

    /// The raw values given under the parameter's name.
    fn values(&self) -> Result<Vec<&'a str>, Refusal> {
        let pairs = match self.raw {
            Raw::Text(text) => return Ok(vec![text]),
            Raw::Pairs(pairs) => pairs,
        };
        let is_named = |raw: &str| {
            raw == self.parameter.name
                || self.decoded(raw).is_ok_and(|name| name == self.parameter.name)
        };
        let values = pairs.iter().filter(|(name, _)| is_named(name)).map(|(_, value)| *value);
        let values: Vec<_> = values.collect();
        if values.is_empty() { Err(Refusal::absent()) } else { Ok(values) }
    }

    fn is_empty(&self) -> bool {
        self.values().is_ok_and(|values| values.iter().all(|value| value.is_empty()))
    }

    fn single(&self) -> Result<&'a str, Refusal> {
        match self.values()?.as_slice() {
            [value] => Ok(value),
            _ => Err(Refusal::new("type", "must be given once")),
        }
    }

    /// The raw text without what the style puts around it.
    fn bare(&self) -> Result<&'a str, Refusal> {
        let text = self.single()?;
        let Parameter { name, style, .. } = self.parameter;
        let bare = match style {
            Style::Label => text.strip_prefix('.'),
            Style::Matrix => text
                .strip_prefix(';')
                .and_then(|text| text.strip_prefix(name))
                .and_then(|text| if text.is_empty() { Some(text) } else { text.strip_prefix('=') }),
            Style::Simple
            | Style::Form
            | Style::Cookie
            | Style::SpaceDelimited
            | Style::PipeDelimited
            | Style::DeepObject
            | Style::Json
            | Style::Whole => Some(text),
        };
        bare.ok_or_else(|| Refusal::new("syntax", "does not follow the parameter's style"))
    }

    /// The raw elements of a delimited text.
    fn elements(&self) -> Result<Vec<&'a str>, Refusal> {
        let Parameter { style, explode, .. } = self.parameter;
        let text = match (style, explode) {
            (Style::Matrix, true) => self.single()?.trim_start_matches(';'),
            _ => self.bare()?,
        };
        let delimiters: &[&str] = match (style, explode) {
            (Style::SpaceDelimited, _) => &["%20", "+"],
            (Style::PipeDelimited, _) => &["|", "%7C", "%7c"],
            (Style::Label, true) => &["."],
            (Style::Matrix, true) => &[";"],
            _ => &[","],
        };
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let delimiter = delimiters.iter().find(|delimiter| text.contains(**delimiter));
        Ok(delimiter.map_or_else(|| vec![text], |delimiter| text.split(delimiter).collect()))
    }

    fn is_repeated(&self) -> bool {
        matches!(self.raw, Raw::Pairs(_)) && self.parameter.explode
    }

    fn list(&self) -> Result<Field, Refusal> {
        if self.parameter.style == Style::DeepObject {
            return match self.deep() {
                Err(refusal) if refusal.is_absent() => self.repeated(),
                found => found,
            };
        }
        if self.is_repeated() {
            return match self.repeated() {
                Err(refusal) if refusal.is_absent() => self.indexed(),
                found => found,
            };
        }
        let named = self.parameter.style == Style::Matrix && self.parameter.explode;
        let items = self.elements()?.into_iter().map(|raw| match raw.split_once('=') {
            Some((name, value)) if named && name == self.parameter.name => self.field(value),
            _ => self.field(raw),
        });
        items.collect::<Result<_, _>>().map(Field::List)
    }

    fn repeated(&self) -> Result<Field, Refusal> {
        let items = self.values()?.into_iter().map(|raw| self.field(raw));
        items.collect::<Result<_, _>>().map(Field::List)
    }

    /// `name[0]=value` or `name[]=value`: elements, and no members of a parameter of such a name.
    fn indexed(&self) -> Result<Field, Refusal> {
        match self.deep()? {
            Field::Map(members) if !field::is_indexed(&members) => Err(Refusal::absent()),
            found => Ok(found),
        }
    }

    /// `name[key][key]=value`, brackets raw or percent-encoded.
    fn deep(&self) -> Result<Field, Refusal> {
        let Raw::Pairs(pairs) = self.raw else {
            return Err(Refusal::new("syntax", "does not follow the parameter's style"));
        };
        let mut fields = Vec::new();
        for (name, value) in pairs {
            let name = self.decoded(name)?;
            let Some(way) = name.strip_prefix(self.parameter.name) else { continue };
            match field::keys(way).as_slice() {
                [head, rest @ ..] if head.is_empty() && !rest.is_empty() => {
                    fields.push((rest[0].clone(), field::nested(rest, self.field(value)?)));
                }
                [head] if head.is_empty() && !way.is_empty() => {
                    fields.push((fields.len().to_string(), self.field(value)?));
                }
                _ => {}
            }
        }
        if fields.is_empty() {
            Err(Refusal::absent())
        } else {
            Ok(Field::Map(field::merged(fields)))
        }
    }

    /// Members of an object. `names` are those of the type, where it lists them.
    fn object(&self, names: Option<&[&str]>) -> Result<Field, Refusal> {
        let Parameter { style, explode, .. } = self.parameter;
        if style == Style::DeepObject {
            return self.deep();
        }
        let mut members = Vec::new();
        match self.raw {
            Raw::Pairs(pairs) if explode => {
                for (name, value) in pairs {
                    let name = self.decoded(name)?;
                    members.extend(self.member(names, name, value)?);
                }
                if members.is_empty() {
                    return Err(Refusal::absent());
                }
            }
            Raw::Text(_) if explode => {
                for element in self.elements()? {
                    let (name, value) = element.split_once('=').unwrap_or((element, ""));
                    members.push((self.decoded(name)?, self.field(value)?));
                }
            }
            Raw::Pairs(_) | Raw::Text(_) => {
                let elements = self.elements()?;
                let (entries, rest) = elements.as_chunks::<2>();
                if !rest.is_empty() {
                    return Err(Refusal::new("syntax", "must be names and values in turn"));
                }
                for [name, value] in entries {
                    members.push((self.decoded(name)?, self.field(value)?));
                }
            }
        }
        Ok(Field::Map(field::merged(members)))
    }

    /// The member of an exploded object that a pair belongs to, if it belongs to any.
    fn member(
        &self,
        names: Option<&[&str]>,
        name: String,
        value: &str,
    ) -> Result<Option<(String, Field)>, Refusal> {
        let is_known = |name: &str| names.is_none_or(|names| names.contains(&name));
        let is_whole = names.is_some() || self.brackets == Brackets::Stay;
        if is_whole && is_known(&name) {
            return Ok(Some((name, self.field(value)?)));
        }
        let keys = field::keys(&name);
        let Some(head) = keys.first().filter(|head| is_known(head)) else { return Ok(None) };
        Ok(Some((head.clone(), field::nested(&keys, self.field(value)?))))
    }

    fn reader(&self, field: Field) -> Reader<'a> {
        Reader { field, reading: self.reading }
    }

    fn json<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        let text = self.decoded(self.single()?)?;
        read_json(text.as_bytes()).map_err(|found| {
            Refusal::of_all(found).unwrap_or_else(|| Refusal::new("syntax", "must be JSON"))
        })
    }

    fn scalar(&self) -> Result<Reader<'a>, Refusal> {
        Ok(self.reader(self.field(self.bare()?)?))
    }

    /// Without a hint of the type: what the raw text looks like.
    fn untyped(&self) -> Result<Reader<'a>, Refusal> {
        let is_spelled_deep = match self.raw {
            Raw::Pairs(_) => self.parameter.explode || self.parameter.style == Style::DeepObject,
            Raw::Text(_) => false,
        };
        match self.values() {
            Ok(values) if values.len() > 1 => Ok(self.reader(self.repeated()?)),
            Err(refusal) if refusal.is_absent() && is_spelled_deep => {
                let spread = || self.object(Some(self.parameter.spread));
                let found = self.deep().or_else(|refusal| match refusal.is_absent() {
                    true if self.parameter.explode => spread(),
                    true | false => Err(refusal),
                });
                Ok(self.reader(found?))
            }
            Ok(_) | Err(_) => self.scalar(),
        }
    }
}

macro_rules! scalars {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
            self.scalar()?.$method(visitor)
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Source<'_> {
    type Error = Refusal;

    scalars! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_u128 deserialize_f32 deserialize_f64 deserialize_char deserialize_str
        deserialize_string deserialize_bytes deserialize_byte_buf deserialize_identifier
        deserialize_unit
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.untyped()?.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.reader(self.list()?).deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.reader(self.object(None)?).deserialize_map(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.reader(self.object(Some(fields))?).deserialize_struct(name, fields, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.scalar()?.deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! { unit_struct tuple tuple_struct ignored_any }
}
