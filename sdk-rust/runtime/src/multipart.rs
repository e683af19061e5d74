//! `multipart/form-data` bodies (RFC 7578), kept in parts so that a retry can send them again.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use reqwest::multipart::{Form, Part};
use serde::Serialize;
use serde_json::Value;
use symbolon_wire::parameter::{Member, members};

use crate::EncodeError;

const MULTIPART: &str = "multipart/form-data";
const FILE: &str = "application/octet-stream";
const JSON: &str = "application/json";

/// The parts of a body.
#[derive(Debug)]
pub(crate) struct Multipart(Vec<Piece>);

#[derive(Debug)]
struct Piece {
    name: String,
    media_type: Option<String>,
    file_name: Option<String>,
    headers: Vec<(String, String)>,
    content: Bytes,
}

impl Multipart {
    /// The members of a value as parts: text for scalars, files as they are, a part an element for
    /// arrays, JSON for objects and nothing for what is absent or `null`. Members that are `spread`
    /// have a part for each scalar and file in them, under the way to it.
    ///
    /// # Errors
    /// When the value is no object, or cannot be serialized.
    pub(crate) fn of<T: Serialize + ?Sized>(
        value: &T,
        spread: &[&str],
        media_types: &[(&str, &str)],
    ) -> Result<Self, EncodeError> {
        let unwritten = |_| EncodeError::Body { media_type: MULTIPART.to_owned() };
        let mut pieces = Vec::new();
        for (name, member) in members(value).map_err(unwritten)? {
            let media_type = media_types.iter().find(|(given, _)| *given == name);
            if spread.contains(&name.as_str()) {
                self::spread(&mut pieces, &name, member).map_err(unwritten)?;
                continue;
            }
            add(&mut pieces, &name, media_type.map(|(_, media_type)| *media_type), member);
        }
        Ok(Self(pieces))
    }

    /// The body for one attempt.
    pub(crate) fn form(&self) -> Result<Form, EncodeError> {
        self.0
            .iter()
            .try_fold(Form::new(), |form, piece| Ok(form.part(piece.name.clone(), piece.part()?)))
    }
}

/// A member under the way to each of its parts; what they are is said by no media type.
fn spread(
    pieces: &mut Vec<Piece>,
    name: &str,
    member: Member,
) -> Result<(), symbolon_wire::parameter::EncodeError> {
    match member {
        Member::List(items) => {
            for (index, item) in items.into_iter().enumerate() {
                let before = pieces.len();
                let is_null = item == Member::Value(Value::Null);
                spread(pieces, &format!("{name}[{index}]"), item)?;
                if pieces.len() == before && !is_null {
                    return Err(symbolon_wire::parameter::EncodeError::Hollow);
                }
            }
        }
        Member::Map(members) => {
            for (key, member) in members {
                spread(pieces, &format!("{name}[{key}]"), member)?;
            }
        }
        Member::Value(_) | Member::File(_) => add(pieces, name, None, member),
    }
    Ok(())
}

fn add(pieces: &mut Vec<Piece>, name: &str, media_type: Option<&str>, member: Member) {
    let own = media_type.map(str::to_owned);
    let piece = |media_type: Option<String>, content: Bytes| Piece {
        name: name.to_owned(),
        media_type,
        file_name: None,
        headers: Vec::new(),
        content,
    };
    let is_json = media_type.is_some_and(|media_type| media_type.contains("json"));
    match member {
        Member::Value(Value::Null) => {}
        Member::File(file) => {
            let media_type = file.media_type.or(own).unwrap_or_else(|| FILE.to_owned());
            let file_name = file.file_name.unwrap_or_else(|| name.to_owned());
            let whole = piece(Some(media_type), file.bytes.into());
            pieces.push(Piece { file_name: Some(file_name), headers: file.headers, ..whole });
        }
        Member::List(items) if !is_json => {
            for item in items {
                add(pieces, name, media_type, item);
            }
        }
        Member::Value(Value::String(text)) if !is_json => {
            pieces.push(piece(own, text.into()));
        }
        Member::Value(value @ (Value::Bool(_) | Value::Number(_))) if !is_json => {
            pieces.push(piece(own, value.to_string().into()));
        }
        json @ (Member::Value(_) | Member::List(_) | Member::Map(_)) => {
            let media_type = own.unwrap_or_else(|| JSON.to_owned());
            pieces.push(piece(Some(media_type), json.into_json().to_string().into()));
        }
    }
}

impl Piece {
    fn part(&self) -> Result<Part, EncodeError> {
        let length = self.content.len() as u64;
        let mut part = Part::stream_with_length(self.content.clone(), length);
        if let Some(file_name) = &self.file_name {
            part = part.file_name(file_name.clone());
        }
        if !self.headers.is_empty() {
            let unwritten = || EncodeError::Body { media_type: MULTIPART.to_owned() };
            let mut headers = HeaderMap::new();
            for (name, value) in &self.headers {
                let name = HeaderName::try_from(name).map_err(|_| unwritten())?;
                headers.append(name, HeaderValue::try_from(value).map_err(|_| unwritten())?);
            }
            part = part.headers(headers);
        }
        match &self.media_type {
            None => Ok(part),
            Some(media_type) => part
                .mime_str(media_type)
                .map_err(|_| EncodeError::Body { media_type: media_type.clone() }),
        }
    }
}
