//! The request as generated code reads it: every violation is kept, none is echoed.

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, COOKIE};
use serde::de::DeserializeOwned;
use symbolon_wire::parameter::Refusal;
use symbolon_wire::{Binary, In, Parameter, Style, Violation, media};

use crate::requests::body;

/// Proof that a violation was recorded.
#[derive(Debug)]
pub struct Rejected(());

/// One request: its parameters, its body and the violations found so far.
#[derive(Debug)]
pub struct Input {
    pub(crate) path: Vec<(&'static str, String)>,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    violations: Vec<Violation>,
}

impl Input {
    pub(crate) fn new(
        path: Vec<(&'static str, String)>,
        query: String,
        headers: HeaderMap,
        body: Bytes,
    ) -> Self {
        Self { path, query, headers, body, violations: Vec::new() }
    }

    /// A parameter that must be there.
    ///
    /// # Errors
    /// When it is absent or cannot be read as its type.
    pub fn required<T: DeserializeOwned>(&mut self, parameter: Parameter) -> Result<T, Rejected> {
        match self.optional(parameter)? {
            Some(value) => Ok(value),
            None => {
                let refusal = Refusal::new("required", "must be given").within(parameter.name);
                Err(self.refuse(parameter.location, refusal))
            }
        }
    }

    /// A parameter that may be absent.
    ///
    /// # Errors
    /// When it cannot be read as its type.
    pub fn optional<T: DeserializeOwned>(
        &mut self,
        parameter: Parameter,
    ) -> Result<Option<T>, Rejected> {
        let value = match parameter.location {
            In::Query if parameter.style == Style::Whole => parameter.decode_whole(&self.query),
            In::Query => parameter.decode_pairs(&pairs(&self.query, '&')),
            In::Path => {
                let text = self.path.iter().find(|(name, _)| *name == parameter.name);
                parameter.decode_text(text.map(|(_, value)| value.as_str()))
            }
            In::Header => header(&self.headers, parameter.name)
                .map_err(|refusal| refusal.within(parameter.name))
                .and_then(|text| parameter.decode_text(text.as_deref())),
            In::Cookie => header(&self.headers, COOKIE.as_str())
                .map_err(|refusal| refusal.within(parameter.name))
                .and_then(|text| parameter.decode_pairs(&pairs(&text.unwrap_or_default(), ';'))),
            In::Body => Err(Refusal::new("type", "is no parameter")),
        };
        value.map_err(|refusal| self.refuse(parameter.location, refusal))
    }

    /// A JSON body that must be there.
    ///
    /// # Errors
    /// When it is absent, no JSON, or cannot be read as its type.
    pub fn json<T: DeserializeOwned>(&mut self) -> Result<T, Rejected> {
        self.present(symbolon_wire::read_json)
    }

    /// A JSON body that may be absent.
    ///
    /// # Errors
    /// When it is no JSON, or cannot be read as its type.
    pub fn optional_json<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Rejected> {
        self.if_present(Self::json)
    }

    /// An `application/x-www-form-urlencoded` body.
    ///
    /// # Errors
    /// When it is absent, no such form, or cannot be read as its type.
    pub fn form<T: DeserializeOwned>(&mut self) -> Result<T, Rejected> {
        self.present(symbolon_wire::parameter::decode_form)
    }

    /// The same with members that are written as parameters (`encoding` of OpenAPI).
    ///
    /// # Errors
    /// When it is absent, no such form, or cannot be read as its type.
    pub fn form_as<T: DeserializeOwned>(&mut self, parts: &[Parameter]) -> Result<T, Rejected> {
        self.present(|body| symbolon_wire::parameter::decode_form_as(parts, body))
    }

    /// The same, if there is one.
    ///
    /// # Errors
    /// When it is no such form, or cannot be read as its type.
    pub fn optional_form_as<T: DeserializeOwned>(
        &mut self,
        parts: &[Parameter],
    ) -> Result<Option<T>, Rejected> {
        self.if_present(|input| input.form_as(parts))
    }

    /// A form that may be absent.
    ///
    /// # Errors
    /// When it is no such form, or cannot be read as its type.
    pub fn optional_form<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Rejected> {
        self.if_present(Self::form)
    }

    /// A `multipart/form-data` body, read as an object with one member a part name. Parts that
    /// are JSON become values, files become [`symbolon_wire::Binary`], repeated names lists.
    ///
    /// # Errors
    /// When it is absent, no such body, or cannot be read as its type.
    pub fn multipart<T: DeserializeOwned>(&mut self) -> Result<T, Rejected> {
        let media = self.content_type().unwrap_or_default().to_owned();
        let bytes = self.body.clone();
        self.present(|_| body::multipart(&media, bytes))
    }

    /// A `multipart/form-data` body that may be absent.
    ///
    /// # Errors
    /// When it is no such body, or cannot be read as its type.
    pub fn optional_multipart<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Rejected> {
        self.if_present(Self::multipart)
    }

    /// A text body.
    ///
    /// # Errors
    /// When it is not UTF-8.
    pub fn text(&mut self) -> Result<String, Rejected> {
        let text = std::str::from_utf8(&self.body).map(str::to_owned);
        text.map_err(|_| self.refuse(In::Body, Refusal::new("syntax", "must be UTF-8")))
    }

    /// A text body that may be absent.
    ///
    /// # Errors
    /// When it is not UTF-8.
    pub fn optional_text(&mut self) -> Result<Option<String>, Rejected> {
        self.if_present(Self::text)
    }

    /// The body as it came.
    ///
    /// # Errors
    /// Never: it has the form of its siblings.
    pub fn bytes(&mut self) -> Result<Binary, Rejected> {
        let media_type = self.content_type().map(str::to_owned);
        Ok(Binary { media_type, ..Binary::new(self.body.to_vec()) })
    }

    /// The body as it came, if there is one.
    ///
    /// # Errors
    /// Never: it has the form of its siblings.
    pub fn optional_bytes(&mut self) -> Result<Option<Binary>, Rejected> {
        self.if_present(Self::bytes)
    }

    /// A body of parts in order, such as `multipart/mixed`.
    ///
    /// # Errors
    /// When it is absent, or no such body.
    pub fn parts(&mut self) -> Result<Vec<Binary>, Rejected> {
        let media = self.content_type().unwrap_or_default().to_owned();
        self.present(|body| symbolon_wire::decode_parts(&media, body))
    }

    /// A body of parts in order that may be absent.
    ///
    /// # Errors
    /// When it is no such body.
    pub fn optional_parts(&mut self) -> Result<Option<Vec<Binary>>, Rejected> {
        self.if_present(Self::parts)
    }

    /// A body of JSON documents, one a line or after a record separator.
    ///
    /// # Errors
    /// When it is absent, or a line cannot be read as its type.
    pub fn lines<T: DeserializeOwned>(&mut self) -> Result<Vec<T>, Rejected> {
        self.present(body::lines)
    }

    /// A body of JSON documents that may be absent.
    ///
    /// # Errors
    /// When a line cannot be read as its type.
    pub fn optional_lines<T: DeserializeOwned>(&mut self) -> Result<Option<Vec<T>>, Rejected> {
        self.if_present(Self::lines)
    }

    /// Whether the body is of a media type.
    pub fn is(&self, media: &str) -> bool {
        self.content_type().is_some_and(|given| media::covers(media, given))
    }

    /// Which of several forms the body has, each given by its media types. A body of none of them
    /// has been refused before.
    pub fn offer(&self, offers: &[&[&str]]) -> usize {
        media::chosen(offers, self.content_type().unwrap_or_default())
    }

    /// Records a violation found by other means, with what was refused beside it.
    pub fn refuse(&mut self, location: In, refusal: Refusal) -> Rejected {
        let found = refusal.apart().into_iter().map(|refusal| refusal.into_violation(location));
        self.violations.extend(found);
        Rejected(())
    }

    /// The text of a header, if it is sent once and is text: for what negotiates the answer.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) fn content_type(&self) -> Option<&str> {
        self.header(CONTENT_TYPE.as_str())
    }

    pub(crate) fn report_all(&mut self, violations: Vec<Violation>) {
        self.violations.extend(violations);
    }

    pub(crate) fn is_valid(&self) -> bool {
        self.violations.is_empty()
    }

    pub(crate) fn violations(&mut self) -> Vec<Violation> {
        std::mem::take(&mut self.violations)
    }

    fn present<T, R: Into<Vec<Refusal>>>(
        &mut self,
        read: impl FnOnce(&[u8]) -> Result<T, R>,
    ) -> Result<T, Rejected> {
        if self.body.is_empty() {
            return Err(self.refuse(In::Body, Refusal::new("required", "must be given")));
        }
        read(&self.body).map_err(|refusals| {
            let found = refusals.into().into_iter().map(|refusal| refusal.into_violation(In::Body));
            self.violations.extend(found);
            Rejected(())
        })
    }

    fn if_present<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Rejected>,
    ) -> Result<Option<T>, Rejected> {
        if self.body.is_empty() { Ok(None) } else { read(self).map(Some) }
    }
}

/// Raw names and values of a query string or of a `Cookie` header.
fn pairs(text: &str, separator: char) -> Vec<(&str, &str)> {
    let pairs = text.split(separator).map(str::trim_ascii).filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect()
}

/// The text of a header; several lines of one name are one list (RFC 9110, 5.3).
fn header(headers: &HeaderMap, name: &str) -> Result<Option<String>, Refusal> {
    let separator = if name == COOKIE.as_str() { "; " } else { ", " };
    let lines = headers.get_all(name).iter().map(|value| std::str::from_utf8(value.as_bytes()));
    let lines: Vec<&str> =
        lines.collect::<Result<_, _>>().map_err(|_| Refusal::new("syntax", "must be UTF-8"))?;
    Ok((!lines.is_empty()).then(|| lines.join(separator)))
}
