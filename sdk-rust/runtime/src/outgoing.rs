//! A request while generated code writes it: parameters in their places, and one body.

use bytes::Bytes;
use http::header::COOKIE;
use http::{HeaderName, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use symbolon_wire::parameter::encode_form_as;
use symbolon_wire::stream::encode_line;
use symbolon_wire::{Binary, In, Parameter};
use uuid::Uuid;

use crate::{EncodeError, Info};

/// The request of one call. The first thing that cannot be written ends the call.
#[derive(Debug)]
pub struct Outgoing {
    template: &'static str,
    idempotency: Option<&'static str>,
    path: Vec<(&'static str, String)>,
    query: Vec<(String, String)>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cookies: Vec<(String, String)>,
    body: Body,
    failed: Option<EncodeError>,
}

/// A body that can be sent more than once.
#[derive(Debug)]
pub(crate) enum Body {
    Empty,
    Bytes { media_type: HeaderValue, content: Bytes },
}

/// A request ready to be sent, as often as needed.
#[derive(Debug)]
pub(crate) struct Written {
    /// Path and query string, percent-encoded, to follow the base URL.
    pub(crate) target: String,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Body,
    /// What a signed message is called, each time that it is sent.
    #[cfg(feature = "signatures")]
    pub(crate) identity: String,
}

#[cfg(feature = "signatures")]
impl Body {
    /// Its bytes, as they are sent.
    pub(crate) fn content(&self) -> &[u8] {
        match self {
            Self::Empty => &[],
            Self::Bytes { content, .. } => content,
        }
    }
}

impl Outgoing {
    pub(crate) fn new(info: &Info) -> Self {
        Self {
            template: info.path,
            idempotency: info.idempotency,
            path: Vec::new(),
            query: Vec::new(),
            headers: Vec::new(),
            cookies: Vec::new(),
            body: Body::Empty,
            failed: None,
        }
    }

    /// Writes a parameter the contract requires.
    pub fn required<T: Serialize + ?Sized>(&mut self, parameter: Parameter, value: &T) {
        if let Err(error) = self.write(&parameter, value) {
            self.fail(error);
        }
    }

    /// Writes a parameter, if there is one.
    pub fn optional<T: Serialize>(&mut self, parameter: Parameter, value: &Option<T>) {
        if let Some(value) = value {
            self.required(parameter, value);
        }
    }

    /// Writes a JSON body.
    pub fn json<T: Serialize + ?Sized>(&mut self, body: &T) {
        self.json_as("application/json", body);
    }

    /// Writes a JSON body, if there is one.
    pub fn optional_json<T: Serialize>(&mut self, body: &Option<T>) {
        if let Some(body) = body {
            self.json(body);
        }
    }

    /// Writes a JSON body of another media type, such as `application/merge-patch+json`.
    pub fn json_as<T: Serialize + ?Sized>(&mut self, media_type: &'static str, body: &T) {
        match serde_json::to_vec(body) {
            Ok(content) => self.write_body(media_type, content.into()),
            Err(_) => self.fail(EncodeError::Body { media_type: media_type.to_owned() }),
        }
    }

    /// Writes JSON documents, one a line or after a record separator.
    pub fn lines<T: Serialize>(&mut self, media_type: &'static str, body: &[T]) {
        let lines: Result<Vec<_>, _> =
            body.iter().map(|item| encode_line(media_type, item)).collect();
        match lines {
            Ok(lines) => self.write_body(media_type, lines.concat().into()),
            Err(_) => self.fail(EncodeError::Body { media_type: media_type.to_owned() }),
        }
    }

    /// Writes an `application/x-www-form-urlencoded` body.
    pub fn form<T: Serialize + ?Sized>(&mut self, body: &T) {
        self.form_as(&[], body);
    }

    /// Writes a form with members that are written as parameters (`encoding` of OpenAPI).
    pub fn form_as<T: Serialize + ?Sized>(&mut self, parts: &[Parameter], body: &T) {
        let media_type = "application/x-www-form-urlencoded";
        match encode_form_as(parts, body) {
            Ok(content) => self.write_body(media_type, content.into()),
            Err(_) => self.fail(EncodeError::Body { media_type: media_type.to_owned() }),
        }
    }

    /// Writes a `multipart/form-data` body: a part a member, files as they are.
    pub fn multipart<T: Serialize + ?Sized>(&mut self, body: &T) {
        self.multipart_as(&[], body);
    }

    /// The same with media types of members (`encoding` of OpenAPI).
    pub fn multipart_as<T: Serialize + ?Sized>(&mut self, media_types: &[(&str, &str)], body: &T) {
        self.multipart_spread(&[], media_types, body);
    }

    /// The same with members that are spread over parts of their own: `name[key]` and `name[0]`.
    pub fn multipart_spread<T: Serialize + ?Sized>(
        &mut self,
        spread: &[&str],
        media_types: &[(&str, &str)],
        body: &T,
    ) {
        match symbolon_wire::encode_multipart(spread, media_types, body) {
            Ok((media_type, content)) => self.write_body(&media_type, content.into()),
            Err(_) => self.fail(EncodeError::Body { media_type: "multipart/form-data".to_owned() }),
        }
    }

    /// Writes parts in order, such as `multipart/mixed`.
    pub fn parts(&mut self, media_type: &'static str, body: &[Binary]) {
        match symbolon_wire::encode_parts(media_type, body) {
            Ok((media_type, content)) => self.write_body(&media_type, content.into()),
            Err(_) => self.fail(EncodeError::Body { media_type: media_type.to_owned() }),
        }
    }

    /// Writes a text body.
    pub fn text(&mut self, media_type: &'static str, body: &str) {
        self.write_body(media_type, body.to_owned().into());
    }

    /// Writes a body as it is.
    pub fn bytes(&mut self, media_type: &'static str, body: &Binary) {
        self.write_body(media_type, body.bytes.clone().into());
    }

    /// Writes a body as it is, under the media type it names: the contract leaves it open.
    pub fn binary(&mut self, media_type: &'static str, body: &Binary) {
        let media_type = body.media_type.as_deref().unwrap_or(media_type);
        self.write_body(media_type, body.bytes.clone().into());
    }

    fn write_body(&mut self, media_type: &str, content: Bytes) {
        match HeaderValue::try_from(media_type) {
            Ok(media_type) => self.body = Body::Bytes { media_type, content },
            Err(_) => self.fail(EncodeError::Body { media_type: media_type.to_owned() }),
        }
    }

    fn write<T: Serialize + ?Sized>(
        &mut self,
        parameter: &Parameter,
        value: &T,
    ) -> Result<(), EncodeError> {
        let name = parameter.name;
        let refused = |error: symbolon_wire::parameter::EncodeError| unsent(name, error);
        match parameter.location {
            In::Query => self.query.extend(parameter.encode_pairs(value).map_err(refused)?),
            In::Cookie => self.cookies.extend(parameter.encode_pairs(value).map_err(refused)?),
            In::Path => match parameter.encode_text(value).map_err(refused)? {
                Some(text) => self.path.push((name, text)),
                None => return Err(unsent(name, "it is missing")),
            },
            In::Header => {
                if let Some(text) = parameter.encode_text(value).map_err(refused)? {
                    self.headers.push(header(name, &text)?);
                }
            }
            In::Body => return Err(unsent(name, "a body is not a parameter")),
        }
        Ok(())
    }

    fn fail(&mut self, error: EncodeError) {
        self.failed.get_or_insert(error);
    }

    /// The request to send. Fills in an idempotency key where the caller left it empty: one key
    /// for all attempts of a call, so that the server can tell them from a second call.
    pub(crate) fn finish(mut self) -> Result<Written, EncodeError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if let Some(name) = self.idempotency {
            let (name, fresh) = header(name, &Uuid::now_v7().to_string())?;
            self.headers.retain(|(given, key)| *given != name || !key.is_empty());
            if !self.headers.iter().any(|(given, _)| *given == name) {
                self.headers.push((name, fresh));
            }
        }
        if !self.cookies.is_empty() {
            let cookies: Vec<_> = self.cookies.iter().map(pair).collect();
            self.headers.push(header(COOKIE.as_str(), &cookies.join("; "))?);
        }
        let mut target = fill(self.template, &self.path)?;
        if !self.query.is_empty() {
            let query: Vec<_> = self.query.iter().map(pair).collect();
            target = format!("{target}?{}", query.join("&"));
        }
        Ok(Written {
            target,
            headers: self.headers,
            body: self.body,
            #[cfg(feature = "signatures")]
            identity: crate::Signing::identity(),
        })
    }
}

/// Adds a parameter to the query string of a URL.
pub(crate) fn append_query(url: &mut String, name: &str, value: &str) {
    url.push(if url.contains('?') { '&' } else { '?' });
    url.extend(utf8_percent_encode(name, NON_ALPHANUMERIC));
    url.push('=');
    url.extend(utf8_percent_encode(value, NON_ALPHANUMERIC));
}

/// A `Cookie` header with one more cookie.
pub(crate) fn join_cookies(cookies: Option<&str>, name: &str, value: &str) -> String {
    match cookies {
        Some(cookies) => format!("{cookies}; {name}={value}"),
        None => format!("{name}={value}"),
    }
}

/// A name and a value; what has no name is the whole of a query string.
fn pair((name, value): &(String, String)) -> String {
    if name.is_empty() { value.clone() } else { format!("{name}={value}") }
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), EncodeError> {
    match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
        (Ok(name), Ok(value)) => Ok((name, value)),
        (Err(_), _) | (_, Err(_)) => Err(unsendable(name)),
    }
}

/// The path template with its parameters' text, which is percent-encoded already.
fn fill(template: &str, values: &[(&'static str, String)]) -> Result<String, EncodeError> {
    let mut path = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or(EncodeError::Url)?;
        let value = values.iter().find(|(given, _)| *given == name);
        let (_, value) = value.ok_or_else(|| unsent(name, "it is missing"))?;
        path.push_str(before);
        path.push_str(value);
        rest = after;
    }
    path.push_str(rest);
    Ok(path)
}

fn unsent(name: &str, reason: impl ToString) -> EncodeError {
    EncodeError::Parameter { name: name.to_owned(), reason: reason.to_string() }
}

/// A header's value is not one HTTP can carry.
pub(crate) fn unsendable(name: &str) -> EncodeError {
    unsent(name, "a header cannot carry it")
}
