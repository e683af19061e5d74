//! Texts: of a format, of a pattern, or just words, within their lengths.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{MOST, Random, count, pattern};

const WORDS: [&str; 16] = [
    "amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron", "indigo", "juniper",
    "kelp", "larch", "maple", "north", "ochre", "poplar",
];

/// A text for a schema, for a property of this name.
pub(super) fn text(schema: &Value, name: &str, random: &mut Random) -> String {
    let least = count(schema, "minLength").unwrap_or(0);
    let most = count(schema, "maxLength").unwrap_or(u64::MAX);
    if let Some(pattern) = schema.get("pattern").and_then(Value::as_str)
        && let Some(text) = pattern::text(pattern, least, random)
    {
        return text;
    }
    let format = schema.get("format").and_then(Value::as_str);
    if let Some(text) = format.and_then(|format| of_format(format, random)) {
        return text;
    }
    if let Some(encoding) = schema.get("contentEncoding").and_then(Value::as_str)
        && encoding == "base64"
    {
        return STANDARD.encode(name);
    }
    sized(word(random), least.min(MOST * MOST), most)
}

fn word(random: &mut Random) -> String {
    let index = random.below(16);
    usize::try_from(index).ok().and_then(|index| WORDS.get(index)).unwrap_or(&"word").to_string()
}

/// The text repeated or cut until its length in characters is within bounds.
fn sized(text: String, least: u64, most: u64) -> String {
    let take = |bound: u64| usize::try_from(bound).unwrap_or(usize::MAX);
    let long: String = match u64::try_from(text.len()) {
        Ok(length) if length < least => text.chars().cycle().take(take(least)).collect(),
        Ok(_) | Err(_) => text,
    };
    long.chars().take(take(most)).collect()
}

fn of_format(format: &str, random: &mut Random) -> Option<String> {
    let (year, month, day) = (2026, 1 + random.below(12), 1 + random.below(28));
    Some(match format {
        "date-time" => format!("{year}-{month:02}-{day:02}T{:02}:30:00Z", random.below(24)),
        "date" => format!("{year}-{month:02}-{day:02}"),
        "time" => format!("{:02}:30:00Z", random.below(24)),
        "duration" => format!("PT{}M", 1 + random.below(59)),
        "uuid" => {
            let (high, low) = (random.next(), random.next());
            format!(
                "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
                high >> 32,
                high >> 16 & 0xffff,
                high & 0xfff,
                0x8000 | low >> 48 & 0x3fff,
                low & 0xffff_ffff_ffff
            )
        }
        "email" | "idn-email" => format!("{}@example.com", word(random)),
        "hostname" | "idn-hostname" => format!("{}.example.com", word(random)),
        "ipv4" | "ip" => format!("192.0.2.{}", 1 + random.below(254)),
        "ipv6" => format!("2001:db8::{:x}", 1 + random.below(0xffff)),
        "uri" | "url" | "iri" => format!("https://example.com/{}", word(random)),
        "uri-reference" | "iri-reference" => format!("/{}", word(random)),
        "uri-template" => "https://example.com/{id}".to_owned(),
        "json-pointer" => format!("/{}", word(random)),
        "relative-json-pointer" => "1/name".to_owned(),
        "regex" => "^[a-z]+$".to_owned(),
        "byte" | "base64" => STANDARD.encode(word(random)),
        "base64url" => base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(word(random)),
        "decimal" | "number" | "double" | "float" => {
            format!("{}.{:02}", random.below(1000), random.below(100))
        }
        "int32" | "int64" | "integer" | "uint32" | "uint64" => random.below(1000).to_string(),
        _ => return None,
    })
}
