//! Submitted fields, whose names say where they belong.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;

use super::decode::plain;
use super::reader::read_form;
use super::{Parameter, Refusal, Style};
use crate::Binary;

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
/// list, brackets in a name that is none of the object's are the way into a member.
///
/// # Errors
/// When a field is missing or cannot be read as its type.
pub fn decode_fields<T: DeserializeOwned>(fields: Vec<(String, Field)>) -> Result<T, Refusal> {
    read_form(&fields)
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
        let part = parts.iter().find(|part| part.name == name);
        let value = match part {
            Some(part) => part_field(part, value)?,
            None => Field::Text(plain(value)?),
        };
        fields.push((name, value));
    }
    read_form(&fields)
}

/// The value of a member that was written as a parameter.
fn part_field(part: &Parameter, raw: &str) -> Result<Field, Refusal> {
    let delimiters: &[&str] = match part.style {
        Style::Json | Style::Whole => return Ok(Field::Json(plain(raw)?.into_bytes())),
        _ if part.explode => &[],
        Style::SpaceDelimited => &["%20", "+"],
        Style::PipeDelimited => &["|", "%7C", "%7c"],
        Style::Form
        | Style::Cookie
        | Style::Simple
        | Style::Label
        | Style::Matrix
        | Style::DeepObject => &[","],
    };
    match delimiters.iter().find(|delimiter| raw.contains(**delimiter)) {
        Some(delimiter) => {
            let items = raw.split(*delimiter).map(|item| plain(item).map(Field::Text));
            items.collect::<Result<_, _>>().map(Field::List)
        }
        None => plain(raw).map(Field::Text),
    }
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

pub(super) fn is_indexed(members: &[(String, Field)]) -> bool {
    members.iter().all(|(key, _)| key.parse::<usize>().is_ok())
}

/// Whether members are what a list is written as: where no type says so, nothing else is one.
pub(super) fn is_list(members: &[(String, Field)]) -> bool {
    let keys: BTreeSet<usize> = members.iter().filter_map(|(key, _)| key.parse().ok()).collect();
    !members.is_empty() && keys.len() == members.len() && keys.last() == Some(&(keys.len() - 1))
}
