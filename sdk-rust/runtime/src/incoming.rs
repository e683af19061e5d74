//! A response while generated code reads it.

use std::sync::{Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use symbolon_wire::parameter::Refusal;
use symbolon_wire::{Binary, Events, Lines, Parameter, media};

use crate::DecodeError;
use crate::streaming::{self, ByteStream};

/// A response: whole, or with a body that is still arriving.
#[derive(Debug)]
pub struct Incoming {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    live: Mutex<Option<ByteStream>>,
    problem_code: OnceLock<Option<String>>,
}

impl Incoming {
    pub(crate) fn new(status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        Self { status, headers, body, live: Mutex::new(None), problem_code: OnceLock::new() }
    }

    /// A response whose body is read while it arrives.
    pub(crate) fn live(status: StatusCode, headers: HeaderMap, body: ByteStream) -> Self {
        let live = Mutex::new(Some(body));
        Self { live, ..Self::new(status, headers, Bytes::new()) }
    }

    /// HTTP status code.
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// Media type of the body, in lower case and without parameters; empty when there is none.
    pub fn media_type(&self) -> String {
        self.content_type().split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// A header the contract requires.
    ///
    /// # Errors
    /// When it is missing or has a value of another type.
    pub fn header<T: DeserializeOwned>(&self, name: &'static str) -> Result<T, DecodeError> {
        self.header_as(Parameter::header(name))
    }

    /// A header that is spelled in another way.
    ///
    /// # Errors
    /// When it is missing or has a value of another type.
    pub fn header_as<T: DeserializeOwned>(&self, header: Parameter) -> Result<T, DecodeError> {
        let missing = DecodeError::MissingHeader { name: header.name };
        self.optional_header_as(header)?.ok_or(missing)
    }

    /// A header.
    ///
    /// # Errors
    /// When it has a value of another type.
    pub fn optional_header<T: DeserializeOwned>(
        &self,
        name: &'static str,
    ) -> Result<Option<T>, DecodeError> {
        self.optional_header_as(Parameter::header(name))
    }

    /// A header that is spelled in another way, if there is one.
    ///
    /// # Errors
    /// When it has a value of another type.
    pub fn optional_header_as<T: DeserializeOwned>(
        &self,
        header: Parameter,
    ) -> Result<Option<T>, DecodeError> {
        let name = header.name;
        let values = self.headers.get_all(name).iter().map(|value| value.to_str());
        let values: Result<Vec<_>, _> = values.collect();
        let values = values.map_err(|_| DecodeError::Header { name })?;
        let text = (!values.is_empty()).then(|| values.join(","));
        let value = header.decode_text(text.as_deref());
        value.map_err(|_| DecodeError::Header { name })
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// When it is not JSON of that type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        read_json(&self.body).map_err(DecodeError::Body)
    }

    /// The body as JSON, or nothing where it is empty.
    ///
    /// # Errors
    /// When it is neither.
    pub fn optional_json<T: DeserializeOwned>(&self) -> Result<Option<T>, DecodeError> {
        if self.body.is_empty() { Ok(None) } else { self.json().map(Some) }
    }

    /// The body as text.
    ///
    /// # Errors
    /// When it is not UTF-8.
    pub fn text(&self) -> Result<String, DecodeError> {
        String::from_utf8(self.body.to_vec())
            .map_err(|_| DecodeError::Body(Refusal::new("syntax", "must be UTF-8 text")))
    }

    /// The body as it came.
    ///
    /// # Errors
    /// Never; it reads like its siblings.
    pub fn bytes(&self) -> Result<Binary, DecodeError> {
        let media_type = Some(self.media_type()).filter(|media_type| !media_type.is_empty());
        Ok(Binary { media_type, ..Binary::new(self.body.to_vec()) })
    }

    /// The body as parts in order, such as `multipart/mixed`.
    ///
    /// # Errors
    /// When it is no such body.
    pub fn parts(&self) -> Result<Vec<Binary>, DecodeError> {
        symbolon_wire::decode_parts(self.content_type(), &self.body).map_err(DecodeError::Body)
    }

    /// The body as an `application/x-www-form-urlencoded` form.
    ///
    /// # Errors
    /// When it is no such form of that type.
    pub fn form<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        self.form_as(&[])
    }

    /// The same with members that are written as parameters (`encoding` of OpenAPI).
    ///
    /// # Errors
    /// When it is no such form of that type.
    pub fn form_as<T: DeserializeOwned>(&self, parts: &[Parameter]) -> Result<T, DecodeError> {
        symbolon_wire::parameter::decode_form_as(parts, &self.body).map_err(DecodeError::Body)
    }

    /// The body as a `multipart/form-data` form: a member a part name.
    ///
    /// # Errors
    /// When it is no such form of that type.
    pub fn multipart<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        symbolon_wire::decode_multipart(self.content_type(), &self.body).map_err(DecodeError::Body)
    }

    /// The media type of the body as it was sent.
    fn content_type(&self) -> &str {
        let given = self.headers.get(http::header::CONTENT_TYPE);
        given.and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body as server-sent events with payloads in JSON. A payload `[DONE]` ends them.
    ///
    /// # Errors
    /// Never; what is wrong with an event is said when it is reached.
    pub fn events<T: DeserializeOwned + Send + 'static>(&self) -> Result<Events<T>, DecodeError> {
        Ok(streaming::events(self.stream()))
    }

    /// The body as server-sent events that are described as wholes: objects with members `event`
    /// and `data`, the latter as text or as JSON.
    ///
    /// # Errors
    /// Never; what is wrong with an event is said when it is reached.
    pub fn whole_events<T: DeserializeOwned + Send + 'static>(
        &self,
    ) -> Result<Events<T>, DecodeError> {
        Ok(streaming::whole_events(self.stream()))
    }

    /// The body as server-sent events with payloads in text.
    ///
    /// # Errors
    /// Never; what is wrong with an event is said when it is reached.
    pub fn text_events(&self) -> Result<Events<String>, DecodeError> {
        Ok(streaming::text_events(self.stream()))
    }

    /// The body as JSON documents, one a line or after a record separator.
    ///
    /// # Errors
    /// Never; what is wrong with an item is said when it is reached.
    pub fn lines<T: DeserializeOwned + Send + 'static>(&self) -> Result<Lines<T>, DecodeError> {
        Ok(streaming::lines(self.stream()))
    }

    /// Which of several forms the body has, each given by its media types; the first where it is
    /// none of them.
    pub fn offer(&self, offers: &[&[&str]]) -> usize {
        media::chosen(offers, &self.media_type())
    }

    /// The body as it arrives. Whoever asks first gets what is still to come.
    fn stream(&self) -> ByteStream {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner).take();
        live.unwrap_or_else(|| ByteStream::whole(self.body.clone()))
    }

    /// `code` of the problem document this response holds, if it holds one.
    pub fn problem_code(&self) -> Option<&str> {
        #[derive(Deserialize)]
        struct Coded {
            code: String,
        }
        let read = || serde_json::from_slice(&self.body).ok().map(|Coded { code }| code);
        self.problem_code.get_or_init(read).as_deref()
    }

    /// What to answer when the contract documents no such response.
    pub fn undocumented(&self) -> DecodeError {
        DecodeError::Undocumented
    }

    pub(crate) fn status_code(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    pub(crate) fn into_body(self) -> Bytes {
        self.body
    }
}

/// A value of a type out of JSON, or the first thing that is wrong with it.
pub(crate) fn read_json<T: DeserializeOwned>(text: &[u8]) -> Result<T, Refusal> {
    symbolon_wire::read_json(text).map_err(|found| {
        let syntax = || Refusal::new("syntax", "not valid JSON");
        found.into_iter().next().unwrap_or_else(syntax)
    })
}
