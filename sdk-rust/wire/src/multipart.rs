//! Bodies of parts (RFC 2046, 5.1): in order as `multipart/mixed` and its like, or named as forms.

mod form;

pub use form::{decode_multipart, encode_multipart, part_field};

use crate::Binary;
use crate::parameter::{EncodeError, Refusal};

/// What a part says of its place in a form.
#[derive(Debug, Clone, Default)]
struct Disposition {
    name: Option<String>,
}

impl Disposition {
    fn of(name: &str) -> Self {
        Self { name: Some(name.to_owned()) }
    }
}

/// Writes parts, each with its media type, file name and headers: the media type with the boundary,
/// and the body.
///
/// # Errors
/// When a header of a part has no place in one.
pub fn encode_parts(media_type: &str, parts: &[Binary]) -> Result<(String, Vec<u8>), EncodeError> {
    let parts: Vec<_> = parts.iter().map(|part| (Disposition::default(), part)).collect();
    write_parts(media_type, &parts)
}

fn write_parts<P: std::borrow::Borrow<Binary>>(
    media_type: &str,
    parts: &[(Disposition, P)],
) -> Result<(String, Vec<u8>), EncodeError> {
    let boundary = boundary(parts.iter().map(|(_, part)| part.borrow()));
    let mut body = Vec::new();
    for (at, part) in parts {
        let part = part.borrow();
        body.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        for (name, value) in headers(at, part) {
            if !is_name(&name) || value.contains(['\r', '\n', '\0']) {
                return Err(EncodeError::Header);
            }
            body.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        body.extend_from_slice(b"\r\n");
        body.extend_from_slice(&part.bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Ok((format!("{media_type}; boundary={boundary}"), body))
}

/// Reads parts that have arrived whole; `media_type` says the boundary.
///
/// # Errors
/// When it says none, or the body does not keep to it.
pub fn decode_parts(media_type: &str, body: &[u8]) -> Result<Vec<Binary>, Refusal> {
    Ok(read_parts(media_type, body)?.into_iter().map(|(_, part)| part).collect())
}

fn read_parts(media_type: &str, body: &[u8]) -> Result<Vec<(Disposition, Binary)>, Refusal> {
    let malformed = || Refusal::new("syntax", "not a valid multipart body");
    let boundary = boundary_of(media_type).ok_or_else(malformed)?;
    let delimiter = format!("\r\n--{boundary}");
    let text = [b"\r\n", body].concat();
    let mut rest = split(&text, delimiter.as_bytes()).ok_or_else(malformed)?.1;
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        let (padding, part) = split(rest, b"\r\n").ok_or_else(malformed)?;
        if !padding.trim_ascii().is_empty() {
            return Err(malformed());
        }
        let (part, after) = split(part, delimiter.as_bytes()).ok_or_else(malformed)?;
        parts.push(self::part(part).ok_or_else(malformed)?);
        rest = after;
    }
    Ok(parts)
}

/// A boundary that no part holds.
fn boundary<'p>(parts: impl Iterator<Item = &'p Binary> + Clone) -> String {
    let is_held = |boundary: &String| {
        parts.clone().any(|part| split(&part.bytes, boundary.as_bytes()).is_some())
    };
    let mut boundaries = (0_u64..).map(|number| format!("symbolon-{number}"));
    boundaries.find(|boundary| !is_held(boundary)).unwrap_or_default()
}

const DISPOSITION: &str = "Content-Disposition";

/// All headers of a part. One that brings its own disposition says there what it is called.
fn headers(at: &Disposition, part: &Binary) -> Vec<(String, String)> {
    let media_type = part.media_type.clone().map(|value| ("Content-Type".to_owned(), value));
    let has_own = part.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(DISPOSITION));
    let file_name =
        part.file_name.as_deref().map(|name| format!("; filename=\"{}\"", quoted(name)));
    let file_name = file_name.filter(|_| at.name.is_some() || !has_own);
    let disposition = match (&at.name, file_name) {
        (None, None) => None,
        (None, Some(file_name)) => Some(format!("attachment{file_name}")),
        (Some(name), file_name) => {
            let file_name = file_name.unwrap_or_default();
            Some(format!("form-data; name=\"{}\"{file_name}", quoted(name)))
        }
    };
    let others = part
        .headers
        .iter()
        .filter(|(name, _)| at.name.is_none() || !name.eq_ignore_ascii_case(DISPOSITION));
    let disposition = disposition.map(|value| (DISPOSITION.to_owned(), value));
    disposition.into_iter().chain(media_type).chain(others.cloned()).collect()
}

/// Escapes what would end a quoted name or a line, as the HTML standard does.
fn quoted(text: &str) -> String {
    text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

/// A part: its headers, if it has any, an empty line and its content. A disposition that says more
/// than our own would stays among the headers.
fn part(text: &[u8]) -> Option<(Disposition, Binary)> {
    let bare = text.strip_prefix(b"\r\n").map(|content| (&b""[..], content));
    let (head, content) = bare.or_else(|| split(text, b"\r\n\r\n"))?;
    let mut part = Binary::new(content);
    let mut at = Disposition::default();
    for line in std::str::from_utf8(head).ok()?.split("\r\n").filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').filter(|(name, _)| is_name(name))?;
        let value = value.trim().to_owned();
        match name.to_ascii_lowercase().as_str() {
            "content-type" => part.media_type = Some(value),
            "content-disposition" => {
                let parameters = parameters(&value);
                let of = |wanted: &str| {
                    let found =
                        parameters.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
                    found.map(|(_, value)| value.clone())
                };
                part.file_name = of("filename");
                at.name = of("name");
                let is_attachment = value.to_ascii_lowercase().starts_with("attachment");
                if !(is_attachment && parameters.len() == 1 && part.file_name.is_some()) {
                    part.headers.push((name.to_owned(), value));
                }
            }
            _ => part.headers.push((name.to_owned(), value)),
        }
    }
    Some((at, part))
}

/// The parameters of a disposition (RFC 2183), as browsers and we escape them.
fn parameters(disposition: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = disposition.split_once(';').map_or("", |(_, rest)| rest);
    while let Some((name, value)) = rest.split_once('=') {
        let (value, after) = match value.trim_start().strip_prefix('"') {
            Some(quoted) => {
                let mut end = None;
                let mut escaped = false;
                for (index, character) in quoted.char_indices() {
                    match character {
                        _ if escaped => escaped = false,
                        '\\' => escaped = true,
                        '"' => {
                            end = Some(index);
                            break;
                        }
                        _ => {}
                    }
                }
                let end = end.unwrap_or(quoted.len());
                let value = quoted[..end].replace("\\\"", "\"").replace("%22", "\"");
                (value, quoted.get(end + 1..).unwrap_or_default())
            }
            None => {
                let (value, after) = value.split_once(';').unwrap_or((value, ""));
                found.push((name.trim().to_owned(), value.trim().to_owned()));
                rest = after;
                continue;
            }
        };
        found.push((name.trim().to_owned(), value));
        rest = after.split_once(';').map_or("", |(_, rest)| rest);
    }
    found
}

fn boundary_of(media_type: &str) -> Option<String> {
    let parameters = media_type.split(';').skip(1).filter_map(|found| found.split_once('='));
    let mut named = parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case("boundary"));
    let boundary = named.next()?.1.trim().trim_matches('"');
    (1..=70).contains(&boundary.len()).then(|| boundary.to_owned())
}

/// Whether a text may be the name of a header (RFC 9110, 5.1).
fn is_name(text: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_token)
}

fn split<'t>(text: &'t [u8], separator: &[u8]) -> Option<(&'t [u8], &'t [u8])> {
    let at = text.windows(separator.len()).position(|window| window == separator)?;
    Some((&text[..at], &text[at + separator.len()..]))
}
