//! The last guard before a line is written: what looks like a secret is left out. Whoever logs must
//! not rely on it; it is for what libraries and errors say.

use std::borrow::Cow;
use std::io::{self, Write};

/// Stands in the place of a secret.
pub(super) const REDACTED: &str = "[redacted]";

/// Names of fields, headers and parameters whose values are secrets, as parts of the whole name.
const SECRET_NAMES: [&str; 8] =
    ["authorization", "cookie", "password", "passwd", "secret", "token", "apikey", "signature"];

/// Whether what stands under a name is a secret.
pub(super) fn is_secret(name: &str) -> bool {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    let name: String = letters.map(|letter| letter.to_ascii_lowercase()).collect();
    SECRET_NAMES.iter().any(|secret| name.contains(secret))
}

/// A writer of lines that are redacted first. Each is written at once and whole.
pub(super) struct Redacted<W>(pub(super) W);

impl<W: Write> Write for Redacted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.0.write_all(redact(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A line without what looks like a secret: credentials of HTTP (`Bearer …`, `Basic …`), JSON Web
/// Tokens, API keys, passwords in URLs, and values of parameters and fields with a secret's name.
pub(super) fn redact(line: &str) -> Cow<'_, str> {
    let Some(first) = next(line, 0) else { return Cow::Borrowed(line) };
    let mut kept = String::with_capacity(line.len());
    let (mut done, mut found) = (0, Some(first));
    while let Some((from, to)) = found {
        kept.push_str(&line[done..from]);
        kept.push_str(REDACTED);
        done = to;
        found = next(line, done);
    }
    kept.push_str(&line[done..]);
    Cow::Owned(kept)
}

/// Where the next secret begins and ends.
fn next(line: &str, from: usize) -> Option<(usize, usize)> {
    let finders = [after_scheme, json_web_token, api_key, user_info, named];
    finders.iter().filter_map(|find| find(line, from)).min()
}

/// How far a word goes that has these characters only.
fn word(text: &str, is_part: impl Fn(u8) -> bool) -> usize {
    text.bytes().position(|byte| !is_part(byte)).unwrap_or(text.len())
}

/// What a credential is made of (RFC 9110, `token68`).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)
}

/// The credentials after the name of a scheme.
fn after_scheme(line: &str, from: usize) -> Option<(usize, usize)> {
    let schemes = ["Bearer ", "bearer ", "Basic ", "basic "];
    let found = schemes.iter().filter_map(|scheme| {
        let mut start = from;
        loop {
            let at = start + line[start..].find(scheme)? + scheme.len();
            let length = word(&line[at..], is_token);
            // Not the word in a sentence.
            if length >= 8 {
                return Some((at, at + length));
            }
            start = at;
        }
    });
    found.min()
}

/// Three parts in base64url, the first of which is a JSON object.
fn json_web_token(line: &str, from: usize) -> Option<(usize, usize)> {
    let mut start = from;
    loop {
        let at = start + line[start..].find("eyJ")?;
        let length =
            word(&line[at..], |byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if line[at..at + length].contains('.') {
            return Some((at, at + length));
        }
        start = at + length;
    }
}

/// The secret of an API key, whose id is none: `sym_<id>_<secret>`.
fn api_key(line: &str, from: usize) -> Option<(usize, usize)> {
    let mut start = from;
    loop {
        let at = start + line[start..].find("sym_")? + 4;
        let is_digit = |byte: u8| byte.is_ascii_hexdigit();
        let id = word(&line[at..], is_digit);
        start = at + id;
        if let Some(secret) = line[start..].strip_prefix('_') {
            let length = word(secret, is_digit);
            if id > 0 && length > 0 {
                return Some((start + 1, start + 1 + length));
            }
        }
    }
}

/// User and password before the host of a URL.
fn user_info(line: &str, from: usize) -> Option<(usize, usize)> {
    let mut start = from;
    loop {
        let at = start + line[start..].find("://")? + 3;
        let ends = |byte: u8| !byte.is_ascii_whitespace() && !b"/?#\"\\<>".contains(&byte);
        let length = word(&line[at..], ends);
        if let Some(user) = line[at..at + length].rfind('@').filter(|length| *length > 0)
            && &line[at..at + user] != REDACTED
        {
            return Some((at, at + user));
        }
        start = at + length;
    }
}

/// The value after a secret's name and `=`, as in a query.
fn named(line: &str, from: usize) -> Option<(usize, usize)> {
    let mut start = from;
    loop {
        let equals = start + line[start..].find('=')?;
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
        let length = line.as_bytes()[..equals].iter().rev().take_while(|it| is_part(it)).count();
        let value = &line[equals + 1..];
        let quoted = value.starts_with('"');
        let at = equals + 1 + usize::from(quoted);
        let ends = |byte: u8| match quoted {
            true => byte != b'"',
            false => !byte.is_ascii_whitespace() && !b"&#;,\"\\".contains(&byte),
        };
        let end = at + word(&line[at..], ends);
        let is_named = is_secret(&line[equals - length..equals]);
        if is_named && end > at && &line[at..end] != REDACTED {
            return Some((at, end));
        }
        start = equals + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::{is_secret, redact};

    #[test]
    fn what_looks_like_a_secret_is_left_out() {
        for (line, expected) in [
            ("nothing to hide", "nothing to hide"),
            ("a bearer of news, basic facts", "a bearer of news, basic facts"),
            ("authorization: Bearer abcdefgh.ij", "authorization: Bearer [redacted]"),
            ("\"Basic dXNlcjpwYXNz\"", "\"Basic [redacted]\""),
            ("got eyJhbGciOi.eyJzdWIi.c2ln!", "got [redacted]!"),
            ("eyJ alone", "eyJ alone"),
            ("sym_0123456789abcdef_00ff00ff", "sym_0123456789abcdef_[redacted]"),
            ("sym_ and sym_link", "sym_ and sym_link"),
            ("postgres://me:pass@db/x ok", "postgres://[redacted]@db/x ok"),
            ("http://host/a@b?c=d", "http://host/a@b?c=d"),
            (
                "/x?access_token=abc&y=1&API-Key=k",
                "/x?access_token=[redacted]&y=1&API-Key=[redacted]",
            ),
            ("password=\"p w\" left", "password=\"[redacted]\" left"),
            (
                "https://a:b@c/?token=d https://e",
                "https://[redacted]@c/?token=[redacted] https://e",
            ),
        ] {
            assert_eq!(redact(line), expected);
            assert_eq!(redact(expected), expected, "once is enough");
        }
    }

    #[test]
    fn names_of_secrets_are_known_in_every_spelling() {
        for name in ["Authorization", "x-api-key", "apiKey", "set-cookie", "client_secret"] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["correlation_id", "key", "tenant", "operation"] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
