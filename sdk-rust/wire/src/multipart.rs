//! Bodies of parts in order (RFC 2046, 5.1): `multipart/mixed` and its like, but for forms.

use crate::Binary;
use crate::parameter::{EncodeError, Refusal};

/// Writes parts, each with its media type, file name and headers: the media type with the boundary,
/// and the body.
///
/// # Errors
/// When a header of a part has no place in one.
pub fn encode_parts(media_type: &str, parts: &[Binary]) -> Result<(String, Vec<u8>), EncodeError> {
    let boundary = boundary(parts);
    let mut body = Vec::new();
    for part in parts {
        body.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        for (name, value) in headers(part) {
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
fn boundary(parts: &[Binary]) -> String {
    let is_held = |boundary: &String| {
        parts.iter().any(|part| split(&part.bytes, boundary.as_bytes()).is_some())
    };
    let mut boundaries = (0_u64..).map(|number| format!("symbolon-{number}"));
    boundaries.find(|boundary| !is_held(boundary)).unwrap_or_default()
}

/// All headers of a part.
fn headers(part: &Binary) -> Vec<(String, String)> {
    let media_type = part.media_type.clone().map(|value| ("Content-Type".to_owned(), value));
    let disposition = part.file_name.as_ref().map(|name| {
        let name = name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
        ("Content-Disposition".to_owned(), format!("attachment; filename=\"{name}\""))
    });
    media_type.into_iter().chain(disposition).chain(part.headers.iter().cloned()).collect()
}

/// A part: its headers, if it has any, an empty line and its content.
fn part(text: &[u8]) -> Option<Binary> {
    let bare = text.strip_prefix(b"\r\n").map(|content| (&b""[..], content));
    let (head, content) = bare.or_else(|| split(text, b"\r\n\r\n"))?;
    let mut part = Binary::new(content);
    for line in std::str::from_utf8(head).ok()?.split("\r\n").filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').filter(|(name, _)| is_name(name))?;
        let value = value.trim().to_owned();
        let file_name = file_name(&value);
        match name.to_ascii_lowercase().as_str() {
            "content-type" => part.media_type = Some(value),
            "content-disposition" if file_name.is_some() => part.file_name = file_name,
            _ => part.headers.push((name.to_owned(), value)),
        }
    }
    Some(part)
}

fn file_name(disposition: &str) -> Option<String> {
    let (_, rest) = disposition.split_once("filename=")?;
    let name = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => rest.split(';').next()?.trim(),
    };
    Some(name.replace("%22", "\""))
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
