//! Values made anew for every run: UUIDs, times, and the address of the server under test.

use jiff::{Span, Timestamp, tz::TimeZone};
use serde_json::Value;

/// Makes fresh values, the same ones from the same seed.
#[derive(Debug)]
pub(crate) struct Fresh {
    state: u64,
    /// The address the contract gives, to be replaced by the one under test.
    server: Option<String>,
    url: String,
}

impl Fresh {
    pub(crate) fn new(seed: u64, server: Option<&str>, url: &str) -> Self {
        let server = server.map(|server| server.trim_end_matches('/').to_owned());
        Self { state: seed, server, url: url.to_owned() }
    }

    /// The next number (SplitMix64).
    pub(crate) fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A UUID of version 4.
    pub(crate) fn uuid(&mut self) -> String {
        let (high, low) = (self.number(), self.number());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xfff,
            0x8000 | low >> 48 & 0x3fff,
            low & 0xffff_ffff_ffff
        )
    }

    /// The value with `{$uuid}`, `{$now…}` and the contract's server replaced in all its texts.
    pub(crate) fn fill(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.fill_text(text)),
            Value::Array(items) => items.iter().map(|item| self.fill(item)).collect(),
            Value::Object(members) => {
                let members = members.iter().map(|(name, value)| (name.clone(), self.fill(value)));
                Value::Object(members.collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    fn fill_text(&mut self, text: &str) -> String {
        let text = match &self.server {
            Some(server) => text.replace(server.as_str(), &self.url),
            None => text.to_owned(),
        };
        let mut filled = String::new();
        let mut rest = text.as_str();
        while let Some(start) = rest.find("{$") {
            let Some(length) = rest[start..].find('}') else { break };
            filled.push_str(&rest[..start]);
            let expression = &rest[start..=start + length];
            match self.made(&expression[2..expression.len() - 1]) {
                Some(value) => filled.push_str(&value),
                None => filled.push_str(expression),
            }
            rest = &rest[start + length + 1..];
        }
        filled + rest
    }

    fn made(&mut self, name: &str) -> Option<String> {
        if name == "uuid" {
            return Some(self.uuid());
        }
        let offset = name.strip_prefix("now")?;
        let now = Timestamp::now();
        let span: Span = match offset.split_at_checked(1) {
            None => Span::new(),
            Some(("+", span)) => span.parse().ok()?,
            Some(("-", span)) => span.parse::<Span>().ok()?.negate(),
            Some(_) => return None,
        };
        let then = now.to_zoned(TimeZone::UTC).checked_add(span).ok()?.timestamp();
        Some(format!("{then:.3}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Fresh;

    #[test]
    fn replaces_what_is_fresh_and_nothing_else() {
        let mut fresh = Fresh::new(1, Some("http://a:1"), "http://b:2");
        let filled = fresh.fill(&json!({"u": "http://a:1/v", "k": "x-{$uuid}", "n": "{$inputs}"}));
        assert_eq!(filled["u"], "http://b:2/v");
        assert_eq!(filled["n"], "{$inputs}");
        assert_eq!(filled["k"].as_str().map(str::len), Some(38));
        assert_ne!(fresh.uuid(), fresh.uuid());
        assert_eq!(Fresh::new(7, None, "").uuid(), Fresh::new(7, None, "").uuid());
    }

    #[test]
    fn times_lie_where_they_are_asked_to() {
        let mut fresh = Fresh::new(1, None, "");
        let filled = fresh.fill(&json!(["{$now}", "{$now+PT3S}", "{$now-P1D}"]));
        let times: Vec<jiff::Timestamp> = filled
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|time| time.as_str()?.parse().ok())
            .collect();
        assert_eq!(times.len(), 3);
        assert!(times[2] < times[0] && times[0] < times[1]);
    }
}
