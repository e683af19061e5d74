//! What is kept of headers and bodies: no secret, no more than the contract allows.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use calls_wire::types::RecordedHeaders;

/// What stands where a secret was.
const REDACTED: &str = "[redacted]";
/// Bytes of a response body that are kept.
pub(crate) const SNIPPET_BYTES: usize = 8192;

const HEADER_VALUE_BYTES: usize = 1024;
/// Secrets and parts of them with fewer characters are too common to be looked for.
const SHORTEST: usize = 4;
const SENSITIVE: [&str; 13] = [
    "auth",
    "cookie",
    "token",
    "secret",
    "password",
    "passwd",
    "api-key",
    "apikey",
    "access-key",
    "private",
    "credential",
    "session",
    "signature",
];
const SCHEMES: [&str; 6] = ["basic", "bearer", "digest", "negotiate", "token", "apikey"];
/// Response headers that are recorded; what others say is nobody's business here.
const RECORDED: [&str; 17] = [
    "age",
    "allow",
    "cache-control",
    "content-encoding",
    "content-language",
    "content-length",
    "content-type",
    "date",
    "etag",
    "expires",
    "last-modified",
    "location",
    "retry-after",
    "server",
    "vary",
    "x-correlation-id",
    "x-request-id",
];

/// Whether the value of a request header is a secret; `name` is in lower case.
pub(crate) fn is_sensitive(name: &str) -> bool {
    SENSITIVE.iter().any(|word| name.contains(word)) && name != "authority"
}

/// Divides request headers, names in lower case: what is recorded, and the secrets. A value that
/// holds one of the secrets is one too, under whatever name.
pub(crate) fn divide(
    headers: BTreeMap<String, String>,
) -> (RecordedHeaders, BTreeMap<String, String>) {
    let (mut secrets, others): (BTreeMap<_, _>, BTreeMap<_, _>) =
        headers.into_iter().partition(|(name, _)| is_sensitive(name));
    let redactor = Redactor::new(secrets.values());
    let (copies, plain): (BTreeMap<_, _>, BTreeMap<_, _>) =
        others.into_iter().partition(|(_, value)| redactor.text(value) != *value);
    secrets.extend(copies);
    let redacted = secrets.keys().map(|name| (name.clone(), REDACTED.to_owned()));
    let recorded = plain.into_iter().chain(redacted).collect();
    (recorded, secrets)
}

/// Whether a body was read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    Whole,
    Cut,
}

/// Finds the secrets of one request in what the target answered. Holds them, so it cannot be
/// printed.
#[derive(Default)]
pub(crate) struct Redactor {
    /// Longest first, so that a part does not spoil the whole.
    needles: Vec<String>,
}

impl Redactor {
    /// Looks for these header values, as such, in parts of four characters or more, for what
    /// `Basic` encodes, and for all of it as JSON and as percent-encoded text. A shorter value is
    /// redacted only where it was submitted.
    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = &'a String>) -> Self {
        let mut needles: Vec<String> = secrets.into_iter().flat_map(|it| spellings(it)).collect();
        needles.sort_by_key(|needle| std::cmp::Reverse(needle.len()));
        needles.dedup();
        Self { needles }
    }

    fn text(&self, text: &str) -> String {
        let redact = |text: String, needle: &String| text.replace(needle.as_str(), REDACTED);
        self.needles.iter().fold(text.to_owned(), redact)
    }

    /// The beginning of a body: redacted first and cut then, so no half of a secret is left.
    pub(crate) fn snippet(&self, body: &[u8], extent: Extent) -> String {
        let mut text = self.text(&String::from_utf8_lossy(body));
        if let (Extent::Cut, Some(longest)) = (extent, self.needles.first()) {
            // The end may be the beginning of a secret.
            let kept = text.len().saturating_sub(longest.len());
            cut(&mut text, kept);
        }
        cut(&mut text, SNIPPET_BYTES);
        text
    }

    /// The recorded ones among the headers of a response.
    pub(crate) fn headers(&self, headers: &reqwest::header::HeaderMap) -> RecordedHeaders {
        let mut recorded = RecordedHeaders::new();
        for name in RECORDED {
            let Some(value) = headers.get(name) else { continue };
            let mut value = self.text(&String::from_utf8_lossy(value.as_bytes()));
            cut(&mut value, HEADER_VALUE_BYTES);
            recorded.insert(name.to_owned(), value);
        }
        recorded
    }
}

/// The forms in which a target may give a secret back.
fn spellings(secret: &str) -> Vec<String> {
    let secret = secret.trim();
    let mut found = vec![secret.to_owned()];
    let separators = [' ', '\t', ';', ',', '='];
    let parts = secret.split(separators).filter(|part| {
        let is_scheme = SCHEMES.iter().any(|scheme| part.eq_ignore_ascii_case(scheme));
        !is_scheme
    });
    found.extend(parts.map(str::to_owned));
    // What a target may have made of `Basic`: name and password.
    let decoded = found.iter().filter_map(|part| BASE64.decode(part).ok());
    let pair = decoded.filter_map(|bytes| String::from_utf8(bytes).ok()).find_map(|text| {
        let (name, password) = text.split_once(':')?;
        Some([format!("{name}:{password}"), password.to_owned()])
    });
    found.extend(pair.into_iter().flatten());
    for plain in found.clone() {
        let escaped = serde_json::Value::from(plain.as_str()).to_string();
        found.push(escaped.trim_matches('"').to_owned());
        found.push(percent_encoded(&plain));
    }
    found.retain(|needle| needle.chars().count() >= SHORTEST);
    found
}

/// As it stands in a query or a form, with `%20` for a space.
fn percent_encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// Cuts a text to at most so many bytes, between characters.
fn cut(text: &mut String, bytes: usize) {
    if text.len() > bytes {
        text.truncate(text.floor_char_boundary(bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor(value: &str) -> Redactor {
        Redactor::new([&value.to_owned()])
    }

    #[test]
    fn secrets_are_told_by_name() {
        for name in ["authorization", "proxy-authorization", "cookie", "x-api-key", "x-vault-token"]
        {
            assert!(is_sensitive(name), "{name}");
        }
        for name in ["accept", "content-type", "x-request-id", "user-agent"] {
            assert!(!is_sensitive(name), "{name}");
        }
    }

    #[test]
    fn an_echoed_secret_is_redacted_whole_or_in_part() {
        let body = br#"{"authorization":"Bearer s3cr3t-t0ken","raw":"s3cr3t-t0ken"}"#;
        let snippet = redactor("Bearer s3cr3t-t0ken").snippet(body, Extent::Whole);
        assert_eq!(snippet, r#"{"authorization":"[redacted]","raw":"[redacted]"}"#);
        let snippet = redactor("pass\"word").snippet(br#"{"x":"pass\"word"}"#, Extent::Whole);
        assert_eq!(snippet, r#"{"x":"[redacted]"}"#);
        let snippet = redactor("pass/word").snippet(b"/login?as=pass%2Fword&x", Extent::Whole);
        assert_eq!(snippet, "/login?as=[redacted]&x");
    }

    #[test]
    fn what_basic_encodes_is_redacted_too() {
        // ada:l0velace
        let redactor = redactor("Basic YWRhOmwwdmVsYWNl");
        let snippet = redactor.snippet(b"ada:l0velace, or ada with l0velace", Extent::Whole);
        assert_eq!(snippet, "[redacted], or ada with [redacted]");
    }

    #[test]
    fn a_secret_under_another_name_is_one_too() {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let headers = [
            header("authorization", "Bearer s3cr3t-t0ken"),
            header("x-forwarded-auth", "s3cr3t-t0ken"),
            header("x-note", "token=s3cr3t-t0ken"),
            header("accept", "text/plain"),
        ];
        let (recorded, secrets) = divide(headers.into());
        assert_eq!(recorded["accept"], "text/plain");
        for name in ["authorization", "x-forwarded-auth", "x-note"] {
            assert_eq!(recorded[name], REDACTED, "{name}");
            assert!(secrets.contains_key(name), "{name}");
        }
    }

    #[test]
    fn a_secret_too_short_to_be_told_from_text_is_not_looked_for() {
        for secret in ["e", "on", "yes", "Basic e"] {
            let snippet = redactor(secret).snippet(b"yes, everyone", Extent::Whole);
            assert_eq!(snippet, "yes, everyone", "{secret}");
        }
        assert_eq!(redactor("ever").snippet(b"everyone", Extent::Whole), "[redacted]yone");
    }

    #[test]
    fn no_half_of_a_secret_is_left_at_the_cut() {
        let secret = "k".repeat(100);
        let body = format!("{}{}", "x".repeat(200), "k".repeat(60));
        let snippet = redactor(&secret).snippet(body.as_bytes(), Extent::Cut);
        assert!(!snippet.contains('k') && snippet.starts_with("xxx"));
        let straddling = format!("{}{secret}", "x".repeat(SNIPPET_BYTES - 50));
        let snippet = redactor(&secret).snippet(straddling.as_bytes(), Extent::Whole);
        assert!(!snippet.contains('k'));
    }

    #[test]
    fn a_snippet_is_bounded_valid_text() {
        for body in ["€".repeat(5000).into_bytes(), vec![0xff; 20_000], "a€".repeat(4000).into()]
        {
            let snippet = Redactor::default().snippet(&body, Extent::Whole);
            assert!(snippet.len() <= SNIPPET_BYTES && snippet.len() > SNIPPET_BYTES - 4);
        }
    }
}
