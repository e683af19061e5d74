//! `multipart/form-data` (RFC 7578): a part a member, each of what its type is.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Disposition, read_parts, write_parts};
use crate::Binary;
use crate::parameter::{EncodeError, Field, Member, Refusal, decode_fields, members};

const FILE: &str = "application/octet-stream";
const JSON: &str = "application/json";

/// Writes the members of a value as parts: text for scalars, files as they are, a part an element
/// for arrays, JSON for objects and nothing for what is absent or `null`. Members that are `spread`
/// have a part for each scalar and file in them, under the way to it; `media_types` are those of
/// members that the contract says. Returns the media type with the boundary, and the body.
///
/// # Errors
/// When the value is no object, or holds what has no place in a part.
pub fn encode_multipart<T: Serialize + ?Sized>(
    spread: &[&str],
    media_types: &[(&str, &str)],
    value: &T,
) -> Result<(String, Vec<u8>), EncodeError> {
    let mut parts = Vec::new();
    for (name, member) in members(value)? {
        let media_type = media_types.iter().find(|(given, _)| *given == name);
        if spread.contains(&name.as_str()) {
            self::spread(&mut parts, &name, member)?;
            continue;
        }
        add(&mut parts, &name, media_type.map(|(_, media_type)| *media_type), member);
    }
    write_parts("multipart/form-data", &parts)
}

/// Reads a body that has arrived whole as an object with one member a part name. Parts that are
/// JSON become values, files become [`Binary`], repeated names lists.
///
/// # Errors
/// When it is no such body, or cannot be read as its type.
pub fn decode_multipart<T: DeserializeOwned>(media_type: &str, body: &[u8]) -> Result<T, Refusal> {
    let named = |(at, mut part): (Disposition, Binary)| {
        part.headers.retain(|(name, _)| !name.eq_ignore_ascii_case(super::DISPOSITION));
        (at.name.unwrap_or_default(), part_field(part))
    };
    decode_fields(read_parts(media_type, body)?.into_iter().map(named).collect())
}

/// What a part holds: a file if it has a name, else what its media type says, text without one.
pub fn part_field(part: Binary) -> Field {
    let is_file = part.file_name.is_some();
    let media_type = part
        .media_type
        .as_deref()
        .map(|media| media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    match media_type.as_deref() {
        Some(media) if media == JSON || media.ends_with("+json") => Field::Json(part.bytes),
        Some(media) if !is_file && media.starts_with("text/") => text(part),
        None if !is_file => text(part),
        Some(_) | None => Field::File(part),
    }
}

fn text(part: Binary) -> Field {
    match String::from_utf8(part.bytes) {
        Ok(text) => Field::Text(text),
        Err(error) => Field::File(Binary { bytes: error.into_bytes(), ..part }),
    }
}

type Parts = Vec<(Disposition, Binary)>;

/// A member under the way to each of its parts; what they are is said by no media type.
fn spread(parts: &mut Parts, name: &str, member: Member) -> Result<(), EncodeError> {
    match member {
        Member::List(items) => {
            for (index, item) in items.into_iter().enumerate() {
                let before = parts.len();
                let is_null = item == Member::Value(Value::Null);
                spread(parts, &format!("{name}[{index}]"), item)?;
                if parts.len() == before && !is_null {
                    return Err(EncodeError::Hollow);
                }
            }
        }
        Member::Map(members) => {
            for (key, member) in members {
                spread(parts, &format!("{name}[{key}]"), member)?;
            }
        }
        Member::Value(_) | Member::File(_) => add(parts, name, None, member),
    }
    Ok(())
}

fn add(parts: &mut Parts, name: &str, media_type: Option<&str>, member: Member) {
    let own = media_type.map(str::to_owned);
    let part = |media_type: Option<String>, bytes: Vec<u8>| {
        (Disposition::of(name), Binary { media_type, ..Binary::new(bytes) })
    };
    let is_json = media_type.is_some_and(|media_type| media_type.contains("json"));
    match member {
        Member::Value(Value::Null) => {}
        Member::File(mut file) => {
            file.media_type = file.media_type.or(own).or_else(|| Some(FILE.to_owned()));
            file.file_name = file.file_name.or_else(|| Some(name.to_owned()));
            parts.push((Disposition::of(name), file));
        }
        Member::List(items) if !is_json => {
            for item in items {
                add(parts, name, media_type, item);
            }
        }
        Member::Value(Value::String(text)) if !is_json => parts.push(part(own, text.into_bytes())),
        Member::Value(value @ (Value::Bool(_) | Value::Number(_))) if !is_json => {
            parts.push(part(own, value.to_string().into_bytes()));
        }
        json @ (Member::Value(_) | Member::List(_) | Member::Map(_)) => {
            let media_type = own.unwrap_or_else(|| JSON.to_owned());
            parts.push(part(Some(media_type), json.into_json().to_string().into_bytes()));
        }
    }
}
