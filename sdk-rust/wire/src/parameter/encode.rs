//! From a typed value to the text of a parameter.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::Serialize;
use serde_json::{Map, Value};

use super::field::BRACKETS;
use super::{Parameter, Style};
use crate::In;

/// All but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Reserved characters that end nothing in a query string.
const KEPT: &[(&str, &str)] = &[
    ("%3A", ":"),
    ("%2F", "/"),
    ("%3F", "?"),
    ("%40", "@"),
    ("%21", "!"),
    ("%24", "$"),
    ("%27", "'"),
    ("%28", "("),
    ("%29", ")"),
    ("%2A", "*"),
    ("%3B", ";"),
];
const KEPT_ALONE: &[(&str, &str)] = &[
    ("%3A", ":"),
    ("%2F", "/"),
    ("%3F", "?"),
    ("%40", "@"),
    ("%21", "!"),
    ("%24", "$"),
    ("%27", "'"),
    ("%28", "("),
    ("%29", ")"),
    ("%2A", "*"),
    ("%3B", ";"),
    ("%2C", ","),
];

/// A value that has no place in its parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncodeError {
    /// The value cannot be serialized at all.
    Unserializable,
    /// The style has no layout for lists or objects inside lists or objects, or not so deep.
    Nested,
    /// A list holds an empty list or object, which has no text: the next one would take its place.
    Hollow,
    /// An element holds the character that separates elements in this style.
    Delimiter,
    /// A path segment `.` or `..` would change the path.
    DotSegment,
    /// A cookie cannot hold the text as it is.
    Cookie,
    /// A header of a part cannot hold the text, or have the name.
    Header,
    /// An empty path segment would name another path.
    EmptySegment,
}

impl std::fmt::Display for EncodeError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Unserializable => "the value cannot be serialized",
            Self::Nested => "the parameter's style has no layout for nested values",
            Self::Hollow => "a list holds an empty list or object",
            Self::Delimiter => "an element holds the delimiter of the parameter's style",
            Self::DotSegment => "a path parameter cannot be `.` or `..`",
            Self::Cookie => "a cookie cannot hold it as it is",
            Self::Header => "a header of a part cannot hold it",
            Self::EmptySegment => "a path parameter cannot be empty",
        })
    }
}

impl std::error::Error for EncodeError {}

type Pairs = Vec<(String, String)>;

impl Parameter {
    /// A query or cookie parameter as pairs, percent-encoded: join them with `=` and `&` (or `; `
    /// in a `Cookie` header) as they are. An absent value gives no pair.
    ///
    /// # Errors
    /// When the style has no text for the value.
    pub fn encode_pairs<T: Serialize + ?Sized>(&self, value: &T) -> Result<Pairs, EncodeError> {
        let value = to_value(value)?;
        let mut pairs = self.pairs(&value)?;
        if self.style == Style::Cookie {
            return pairs.iter().map(|(name, text)| Ok((bare(name)?, bare(text)?))).collect();
        }
        if self.reserved {
            // A comma between elements must not look like one inside of them.
            let kept = if is_nested(&value) { KEPT } else { KEPT_ALONE };
            for (_, text) in &mut pairs {
                *text = kept.iter().fold(std::mem::take(text), |text, (encoded, plain)| {
                    text.replace(encoded, plain)
                });
            }
        }
        Ok(pairs)
    }

    fn pairs(&self, value: &Value) -> Result<Pairs, EncodeError> {
        let name = percent(self.name);
        match self.style {
            Style::Json => return Ok(vec![(name, percent(&value.to_string()))]),
            Style::Whole => return Ok(vec![(String::new(), percent(&value.to_string()))]),
            Style::Simple
            | Style::Label
            | Style::Matrix
            | Style::Form
            | Style::SpaceDelimited
            | Style::PipeDelimited
            | Style::DeepObject
            | Style::Cookie => {}
        }
        match (value, self.style) {
            (Value::Null, _) => Ok(Vec::new()),
            (Value::Array(_) | Value::Object(_), Style::DeepObject) => {
                let mut pairs = Vec::new();
                deep(&name, value, BRACKETS, &mut pairs)?;
                Ok(pairs)
            }
            (Value::Array(_), _) if self.explode => {
                let mut pairs = Vec::new();
                repeated(&name, value, &mut pairs)?;
                Ok(pairs)
            }
            (Value::Array(items), style) => {
                let items = scalars(items)?.map(|text| delimitable(&text, style));
                let items = items.collect::<Result<Vec<_>, _>>()?;
                Ok(vec![(name, items.join(delimiter(style)))])
            }
            (Value::Object(members), _) if self.explode => form(members),
            (Value::Object(members), style) => {
                let mut flat = Vec::new();
                for (key, value) in entries(members)? {
                    flat.push(delimitable(&key, style)?);
                    flat.push(delimitable(&value, style)?);
                }
                Ok(vec![(name, flat.join(delimiter(style)))])
            }
            (value, _) => Ok(vec![(name, percent(&scalar(value)?))]),
        }
    }

    /// A path or header parameter as text; path text is percent-encoded. `None` when absent.
    ///
    /// # Errors
    /// When the style has no text for the value.
    pub fn encode_text<T: Serialize + ?Sized>(
        &self,
        value: &T,
    ) -> Result<Option<String>, EncodeError> {
        let value = to_value(value)?;
        let path = self.location == In::Path;
        let text = match (&value, self.style) {
            (Value::Null, style) if style != Style::Json => return Ok(None),
            (value, Style::Json) if path => percent(&value.to_string()),
            (value, Style::Json) => value.to_string(),
            (value, Style::Label) => format!(".{}", self.joined(value, ".")?),
            (Value::Array(_) | Value::Object(_), Style::Matrix) if self.explode => {
                format!(";{}", self.joined(&value, ";")?)
            }
            (value, Style::Matrix) => match self.joined(value, ",")? {
                text if text.is_empty() => format!(";{}", self.name),
                text => format!(";{}={text}", self.name),
            },
            (value, _) => self.joined(value, ",")?,
        };
        match text.as_str() {
            "." | ".." if path => Err(EncodeError::DotSegment),
            "" if path => Err(EncodeError::EmptySegment),
            _ => Ok(Some(text)),
        }
    }

    /// Elements separated by `exploded`, or by commas where the parameter is not exploded.
    fn joined(&self, value: &Value, exploded: &str) -> Result<String, EncodeError> {
        let named = self.style == Style::Matrix && self.explode;
        let separator = if self.explode { exploded } else { "," };
        let parts: Vec<String> = match value {
            Value::Array(items) => scalars(items)?
                .map(|text| {
                    let element = self.element(&text)?;
                    Ok(if named { format!("{}={element}", self.name) } else { element })
                })
                .collect::<Result<_, EncodeError>>()?,
            Value::Object(members) => {
                let between = if self.explode { "=" } else { "," };
                let entries = entries(members)?.into_iter();
                entries
                    .map(|(key, value)| {
                        Ok(format!("{}{between}{}", self.element(&key)?, self.element(&value)?))
                    })
                    .collect::<Result<_, EncodeError>>()?
            }
            value if self.location == In::Header => return scalar(value),
            value => vec![self.element(&scalar(value)?)?],
        };
        Ok(parts.join(separator))
    }

    /// One element of a path or header value.
    fn element(&self, text: &str) -> Result<String, EncodeError> {
        if self.location != In::Header {
            let text = percent(text);
            return Ok(match self.style {
                Style::Label => text.replace('.', "%2E"),
                _ => text,
            });
        }
        let plain = text.trim() == text && !text.contains(',');
        let keyed = self.explode && text.contains('=');
        if plain && !keyed { Ok(text.to_owned()) } else { Err(EncodeError::Delimiter) }
    }
}

/// A body of the media type `application/x-www-form-urlencoded`.
///
/// # Errors
/// When the value is not an object of scalars, lists of scalars and objects of those.
pub fn encode_form<T: Serialize + ?Sized>(value: &T) -> Result<String, EncodeError> {
    encode_form_as(&[], value)
}

/// The same with members that are written as parameters (`encoding` of OpenAPI).
///
/// # Errors
/// When the value is not an object, or a member has no text.
pub fn encode_form_as<T: Serialize + ?Sized>(
    parts: &[Parameter],
    value: &T,
) -> Result<String, EncodeError> {
    let Value::Object(members) = to_value(value)? else { return Err(EncodeError::Nested) };
    let mut pairs = Vec::new();
    for (key, value) in &members {
        if let Some(part) = parts.iter().find(|part| part.name == key) {
            if !value.is_null() {
                pairs.extend(part.encode_pairs(value)?);
            }
            continue;
        }
        repeated(&percent(key), value, &mut pairs)?;
    }
    let pairs: Vec<_> = pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
    Ok(pairs.join("&"))
}

fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value, EncodeError> {
    serde_json::to_value(value).map_err(|_| EncodeError::Unserializable)
}

pub(super) fn percent(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// A text of a cookie, not percent-encoded. A comma that was is inside of an element.
fn bare(encoded: &str) -> Result<String, EncodeError> {
    let text = percent_decode_str(encoded).decode_utf8_lossy().into_owned();
    let is_octet = |byte: u8| byte.is_ascii_graphic() && !b"\";\\".contains(&byte);
    let is_whole = !encoded.contains("%2C") && text.bytes().all(is_octet);
    if is_whole { Ok(text) } else { Err(EncodeError::Cookie) }
}

fn is_nested(value: &Value) -> bool {
    matches!(value, Value::Array(_) | Value::Object(_))
}

fn scalar(value: &Value) -> Result<String, EncodeError> {
    match value {
        Value::Null => Ok(String::new()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Number(value) => Ok(value.to_string()),
        Value::String(value) => Ok(value.clone()),
        Value::Array(_) | Value::Object(_) => Err(EncodeError::Nested),
    }
}

/// The elements as text. `null` has no text and is left out, as RFC 6570 does.
fn scalars(items: &[Value]) -> Result<std::vec::IntoIter<String>, EncodeError> {
    let items = items.iter().filter(|item| !item.is_null()).map(scalar);
    Ok(items.collect::<Result<Vec<_>, _>>()?.into_iter())
}

fn entries(members: &Map<String, Value>) -> Result<Pairs, EncodeError> {
    let members = members.iter().filter(|(_, value)| !value.is_null());
    members.map(|(key, value)| Ok((key.clone(), scalar(value)?))).collect()
}

/// Members as parameters of their own.
fn form(members: &Map<String, Value>) -> Result<Pairs, EncodeError> {
    let mut pairs = Vec::new();
    for (key, value) in members {
        repeated(&percent(key), value, &mut pairs)?;
    }
    Ok(pairs)
}

/// A value under its name. A list of scalars repeats the name; OpenAPI says nothing of what nests
/// deeper, which is spelled with brackets.
fn repeated(name: &str, value: &Value, pairs: &mut Pairs) -> Result<(), EncodeError> {
    match value {
        Value::Array(items) if !items.iter().any(is_nested) => {
            pairs.extend(scalars(items)?.map(|text| (name.to_owned(), percent(&text))));
            Ok(())
        }
        value => deep(name, value, BRACKETS, pairs),
    }
}

/// A value by its parts, each under the way to it in at most `left` brackets.
fn deep(name: &str, value: &Value, left: usize, pairs: &mut Pairs) -> Result<(), EncodeError> {
    match value {
        Value::Null => {}
        Value::Array(_) | Value::Object(_) if left == 0 => return Err(EncodeError::Nested),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let before = pairs.len();
                deep(&format!("{name}%5B{index}%5D"), item, left - 1, pairs)?;
                if pairs.len() == before && is_nested(item) {
                    return Err(EncodeError::Hollow);
                }
            }
        }
        Value::Object(members) => {
            for (key, value) in members {
                if key.contains(['[', ']']) {
                    return Err(EncodeError::Delimiter);
                }
                deep(&format!("{name}%5B{}%5D", percent(key)), value, left - 1, pairs)?;
            }
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            pairs.push((name.to_owned(), percent(&scalar(value)?)));
        }
    }
    Ok(())
}

fn delimiter(style: Style) -> &'static str {
    match style {
        Style::SpaceDelimited => "%20",
        Style::PipeDelimited => "%7C",
        Style::Simple
        | Style::Label
        | Style::Matrix
        | Style::Form
        | Style::Cookie
        | Style::DeepObject
        | Style::Json
        | Style::Whole => ",",
    }
}

/// Percent-encodes an element, unless that would make it look like two.
fn delimitable(text: &str, style: Style) -> Result<String, EncodeError> {
    let text = percent(text);
    let ambiguous = delimiter(style) != "," && text.contains(delimiter(style));
    if ambiguous { Err(EncodeError::Delimiter) } else { Ok(text) }
}
