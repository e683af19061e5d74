//! Formats of texts, held against the standards that define them.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::{Base64, compile_pattern};

/// A `format` of JSON Schema or of the OpenAPI registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `date-time` (RFC 3339).
    DateTime,
    /// `date` (RFC 3339).
    Date,
    /// `time` (RFC 3339).
    Time,
    /// `duration` (ISO 8601).
    Duration,
    /// `uuid` (RFC 9562).
    Uuid,
    /// `decimal`: a number as JSON spells it.
    Decimal,
    /// `byte`: Base64 (RFC 4648).
    Base64,
    /// `uri` (RFC 3986).
    Uri,
    /// `uri-reference` (RFC 3986).
    UriReference,
    /// `email` (RFC 5321).
    Email,
    /// `hostname` (RFC 1123).
    Hostname,
    /// `ipv4` (RFC 2673).
    Ipv4,
    /// `ipv6` (RFC 4291).
    Ipv6,
    /// `regex` (ECMA-262).
    Regex,
    /// `json-pointer` (RFC 6901).
    JsonPointer,
}

impl Format {
    /// Its name in contracts.
    pub fn name(self) -> &'static str {
        match self {
            Self::DateTime => "date-time",
            Self::Date => "date",
            Self::Time => "time",
            Self::Duration => "duration",
            Self::Uuid => "uuid",
            Self::Decimal => "decimal",
            Self::Base64 => "byte",
            Self::Uri => "uri",
            Self::UriReference => "uri-reference",
            Self::Email => "email",
            Self::Hostname => "hostname",
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Regex => "regex",
            Self::JsonPointer => "json-pointer",
        }
    }

    /// Whether a text is of it.
    pub fn fits(self, text: &str) -> bool {
        match self {
            Self::DateTime => {
                let parts = text.get(..10).zip(text.get(10..11)).zip(text.get(11..));
                parts.is_some_and(|((date, sign), time)| {
                    matches!(sign, "T" | "t") && is_date(date) && is_time(time)
                })
            }
            Self::Date => is_date(text),
            Self::Time => is_time(text),
            Self::Duration => is_duration(text),
            Self::Uuid => is_uuid(text),
            Self::Decimal => is_decimal(text),
            Self::Base64 => text.parse::<Base64>().is_ok(),
            Self::Uri => scheme(text).is_some_and(is_rest_of_uri),
            Self::UriReference => scheme(text).map_or_else(
                || {
                    let first = text.split(['/', '?', '#']).next().unwrap_or_default();
                    !first.contains(':') && is_rest_of_uri(text)
                },
                is_rest_of_uri,
            ),
            Self::Email => is_email(text),
            Self::Hostname => is_hostname(text),
            Self::Ipv4 => text.parse::<Ipv4Addr>().is_ok(),
            Self::Ipv6 => text.parse::<Ipv6Addr>().is_ok(),
            Self::Regex => compile_pattern(text).is_some(),
            Self::JsonPointer => {
                let escapes = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
                (text.is_empty() || text.starts_with('/')) && escapes
            }
        }
    }
}

fn digits(text: &str, count: usize) -> Option<u32> {
    let all = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| text.parse().ok()).flatten()
}

fn is_date(text: &str) -> bool {
    let mut parts = text.split('-');
    let (Some(year), Some(month), Some(day), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let (Some(year), Some(month), Some(day)) = (digits(year, 4), digits(month, 2), digits(day, 2))
    else {
        return false;
    };
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// A time of day with its offset; a second 60 is one that UTC may insert.
fn is_time(text: &str) -> bool {
    let Some((clock, rest)) = text.split_at_checked(8) else { return false };
    let Some([hour, minute, second]) = clock_of(clock) else { return false };
    let digits_after = |rest: &str| rest.bytes().take_while(u8::is_ascii_digit).count();
    let offset = match rest.strip_prefix('.') {
        Some(fraction) if digits_after(fraction) > 0 => &fraction[digits_after(fraction)..],
        Some(_) => return false,
        None => rest,
    };
    let shift = match offset.as_bytes() {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), rest @ ..] => {
            let text = std::str::from_utf8(rest).unwrap_or_default();
            let Some((hours, minutes)) = text.split_once(':') else { return false };
            let (Some(hours @ 0..=23), Some(minutes @ 0..=59)) =
                (digits(hours, 2), digits(minutes, 2))
            else {
                return false;
            };
            let shift = (hours * 60 + minutes) as i32;
            if *sign == b'+' { shift } else { -shift }
        }
        _ => return false,
    };
    let at_utc = ((hour * 60 + minute) as i32 - shift).rem_euclid(24 * 60);
    hour < 24 && minute < 60 && (second < 60 || (second == 60 && at_utc == 24 * 60 - 1))
}

fn clock_of(text: &str) -> Option<[u32; 3]> {
    let mut parts = text.split(':').map(|part| digits(part, 2));
    Some([parts.next()??, parts.next()??, parts.next()??])
}

fn is_duration(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('P') else { return false };
    let (date, time) = match rest.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (rest, None),
    };
    if let Some(weeks) = rest.strip_suffix('W') {
        return !weeks.is_empty() && weeks.bytes().all(|byte| byte.is_ascii_digit());
    }
    !(rest.is_empty() || time == Some(""))
        && is_run_of(date, "YMD")
        && time.is_none_or(|time| is_run_of(time, "HMS"))
}

/// Whether a text is numbers, each followed by a unit of these, in their order and without gaps;
/// seconds may have a fraction.
fn is_run_of(text: &str, units: &str) -> bool {
    let mut rest = text;
    let mut last: Option<usize> = None;
    while !rest.is_empty() {
        let Some(end) = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')) else {
            return false;
        };
        let (number, after) = rest.split_at(end);
        let mut signs = after.chars();
        let Some(unit) = signs.next().and_then(|sign| units.find(sign)) else { return false };
        let is_whole = |text: &str| digits(text, text.len()).is_some() && !text.is_empty();
        let is_number = match number.split_once('.') {
            Some((whole, fraction)) => {
                units[unit..] == *"S" && is_whole(whole) && is_whole(fraction)
            }
            None => is_whole(number),
        };
        if !is_number || last.is_some_and(|last| unit != last + 1) {
            return false;
        }
        last = Some(unit);
        rest = signs.as_str();
    }
    true
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let all_digits =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa = mantissa.strip_prefix('-').unwrap_or(mantissa);
    let is_number = match mantissa.split_once('.') {
        Some((whole, fraction)) => all_digits(whole) && all_digits(fraction),
        None => all_digits(mantissa),
    };
    let is_exponent = |text: &str| all_digits(text.strip_prefix(['+', '-']).unwrap_or(text));
    is_number && exponent.is_none_or(is_exponent)
}

/// What follows the scheme and its colon.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once(':')?;
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let leads = scheme.as_bytes().first()?.is_ascii_alphabetic();
    (leads && scheme.bytes().all(known)).then_some(rest)
}

/// Whether a text holds only what a URI may hold after its scheme, each sign where it may stand.
fn is_rest_of_uri(text: &str) -> bool {
    let (text, fragment) = match text.split_once('#') {
        Some((text, fragment)) => (text, fragment),
        None => (text, ""),
    };
    let authority = text.strip_prefix("//").map(|rest| {
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        rest.split_at(end)
    });
    let (authority, rest) = authority.unwrap_or(("", text));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let literal = host.strip_prefix('[').map(|rest| rest.split_once(']'));
    let (inside, host) = match literal {
        Some(Some((inside, port))) => (inside, port),
        Some(None) => return false,
        None => ("", host),
    };
    let port = host.rsplit_once(':').map_or("", |(_, port)| port);
    let user = &authority[..authority.rfind('@').unwrap_or(0)];
    let is_address = inside.is_empty() || inside.starts_with('v') || Format::Ipv6.fits(inside);
    let pieces = [user, host, rest, fragment];
    (literal.is_none() || !inside.is_empty())
        && is_address
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && pieces.into_iter().all(is_made_of_uri_signs)
}

fn is_made_of_uri_signs(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().all(|(index, byte)| match byte {
        b'%' => {
            let escaped = bytes.get(index + 1..index + 3);
            escaped.is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
        }
        byte => byte.is_ascii_alphanumeric() || b"-._~:/?@!$&'()*+,;=".contains(byte),
    })
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let is_atom = |atom: &str| {
        let known = |byte: u8| {
            byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte) || byte > 127
        };
        !atom.is_empty() && atom.bytes().all(known)
    };
    let quoted = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let is_local = match quoted {
        Some(inside) => !inside.contains(['"', '\\']) && local.len() > 1,
        None => local.split('.').all(is_atom),
    };
    let address = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_domain = match address {
        Some(address) => match address.strip_prefix("IPv6:") {
            Some(six) => Format::Ipv6.fits(six),
            None => Format::Ipv4.fits(address),
        },
        None => is_hostname(domain),
    };
    local.len() <= 64 && is_local && is_domain
}

fn is_hostname(text: &str) -> bool {
    let is_label = |label: &str| {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=63).contains(&label.len())
            && label.bytes().all(known)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::Format;

    fn judged(format: Format, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(format.fits(text), "{} refuses {text}", format.name());
        }
        for text in bad {
            assert!(!format.fits(text), "{} accepts {text}", format.name());
        }
    }

    #[test]
    fn times() {
        let good = ["2024-02-29T23:59:60Z", "2020-01-01t00:00:00.5+02:00"];
        judged(Format::DateTime, &good, &["2023-02-29T00:00:00Z", "2020-01-01 00:00:00Z", ""]);
        judged(Format::Date, &["2000-02-29"], &["1900-02-29", "2020-1-01", "2020-13-01"]);
        judged(Format::Time, &["01:02:03Z"], &["01:02:03", "25:00:00Z", "00:00:60Z"]);
        let good = ["P1Y2M3D", "PT1H30M", "P1DT12H", "P2W", "PT0.5S"];
        judged(Format::Duration, &good, &["P", "PT", "1D", "P1H", "P1DT", "PT1.5H", "P1Y1D"]);
    }

    #[test]
    fn addresses() {
        let good = ["https://a.example:80/b?c=d#e", "urn:x:y", "mailto:a@b.c", "http://[::1]/"];
        judged(Format::Uri, &good, &["/a", "a b:c", "http://a/%zz", "http://[x]/", "//a"]);
        judged(Format::UriReference, &["/a?b", "a", "", "//h/x"], &["a b", "1:b", "\\"]);
        judged(Format::Email, &["a.b@c.example", "\"a b\"@c"], &["a", "a@", ".a@b", "a@-b"]);
        judged(Format::Hostname, &["a.example", "1a"], &["-a", "a..b", "a_b", ""]);
        judged(Format::Ipv4, &["127.0.0.1"], &["127.0.0.01", "1.2.3"]);
        judged(Format::Ipv6, &["::1", "2001:db8::"], &["1::2::3", "::1%eth0"]);
    }

    #[test]
    fn others() {
        judged(Format::Decimal, &["0.10", "-1e9", "12"], &["1.", ".5", "+1", "NaN", ""]);
        judged(Format::Uuid, &["F47AC10B-58CC-4372-A567-0E02B2C3D479"], &["f47ac10b"]);
        judged(Format::JsonPointer, &["", "/a~1b/0"], &["a", "/~2", "/~"]);
        judged(Format::Regex, &["^a$"], &["("]);
    }
}
