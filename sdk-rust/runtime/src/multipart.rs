//! `multipart/form-data` bodies (RFC 7578), kept in parts so that a retry can send them again.

use bytes::Bytes;
use reqwest::multipart::{Form, Part};
use serde::Serialize;
use serde_json::Value;
use symbolon_wire::Binary;

use crate::EncodeError;

const FILE: &str = "application/octet-stream";

/// The parts of a body. What cannot be written is remembered and ends the call.
#[derive(Debug, Default)]
pub struct Multipart {
    parts: Vec<Piece>,
    failed: Option<EncodeError>,
}

#[derive(Debug)]
struct Piece {
    name: &'static str,
    media_type: Option<String>,
    file: bool,
    content: Bytes,
}

impl Multipart {
    /// A body without parts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value: text for scalars, a part an element for arrays, JSON for objects and nothing
    /// for what is absent or `null`.
    #[must_use]
    pub fn field<T: Serialize + ?Sized>(mut self, name: &'static str, value: &T) -> Self {
        match serde_json::to_value(value) {
            Ok(value) => {
                for text in texts(value) {
                    let media_type = text.media_type.map(str::to_owned);
                    let content = Bytes::from(text.content);
                    self.parts.push(Piece { name, media_type, file: false, content });
                }
            }
            Err(_) => self.fail(name),
        }
        self
    }

    /// Adds a value as JSON of a media type, whatever its type.
    #[must_use]
    pub fn json<T: Serialize + ?Sized>(
        mut self,
        name: &'static str,
        media_type: &str,
        value: &T,
    ) -> Self {
        match serde_json::to_vec(value) {
            Ok(text) if text == b"null" => {}
            Ok(text) => self.parts.push(Piece {
                name,
                media_type: Some(media_type.to_owned()),
                file: false,
                content: text.into(),
            }),
            Err(_) => self.fail(name),
        }
        self
    }

    /// Adds files: one, none or several.
    #[must_use]
    pub fn files<'a>(
        self,
        name: &'static str,
        files: impl IntoIterator<Item = &'a Binary>,
    ) -> Self {
        self.files_as(name, FILE, files)
    }

    /// Adds files of a media type: one, none or several.
    #[must_use]
    pub fn files_as<'a>(
        mut self,
        name: &'static str,
        media_type: &str,
        files: impl IntoIterator<Item = &'a Binary>,
    ) -> Self {
        self.parts.extend(files.into_iter().map(|file| Piece {
            name,
            media_type: Some(media_type.to_owned()),
            file: true,
            content: Bytes::from(file.0.clone()),
        }));
        self
    }

    pub(crate) fn take_failure(&mut self) -> Option<EncodeError> {
        self.failed.take()
    }

    /// The body for one attempt.
    pub(crate) fn form(&self) -> Result<Form, EncodeError> {
        self.parts
            .iter()
            .try_fold(Form::new(), |form, piece| Ok(form.part(piece.name, piece.part()?)))
    }

    fn fail(&mut self, name: &str) {
        let name = name.to_owned();
        let reason = "it cannot be written".to_owned();
        self.failed = Some(EncodeError::Parameter { name, reason });
    }
}

impl Piece {
    fn part(&self) -> Result<Part, EncodeError> {
        let length = self.content.len() as u64;
        let mut part = Part::stream_with_length(self.content.clone(), length);
        if self.file {
            part = part.file_name(self.name);
        }
        match &self.media_type {
            None => Ok(part),
            Some(media_type) => part
                .mime_str(media_type)
                .map_err(|_| EncodeError::Body { media_type: media_type.clone() }),
        }
    }
}

/// One form field as text.
struct Text {
    media_type: Option<&'static str>,
    content: String,
}

/// How a value fills a form field: scalars once, arrays an element each, objects as JSON.
fn texts(value: Value) -> Vec<Text> {
    let text = |content| vec![Text { media_type: None, content }];
    match value {
        Value::Null => Vec::new(),
        Value::Bool(flag) => text(flag.to_string()),
        Value::Number(number) => text(number.to_string()),
        Value::String(content) => text(content),
        Value::Array(elements) => elements.into_iter().flat_map(texts).collect(),
        object @ Value::Object(_) => {
            let content = object.to_string();
            vec![Text { media_type: Some("application/json"), content }]
        }
    }
}
