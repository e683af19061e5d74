//! Bytes that travel as text, in Base64 (RFC 4648).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes that are a Base64 text on the wire: written with the alphabet of RFC 4648, section 4, and
/// padding; read also with that of section 5, and without.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Base64(pub Vec<u8>);

/// A text that is no Base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotBase64;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

impl From<Vec<u8>> for Base64 {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Base64 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(self.0.len().div_ceil(3) * 4);
        for group in self.0.chunks(3) {
            let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or_default());
            let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
            for sign in 0..4_usize {
                let index = (bits >> (18 - 6 * sign)) & 63;
                let is_padding = sign > group.len();
                text.push(if is_padding { '=' } else { char::from(ALPHABET[index as usize]) });
            }
        }
        formatter.write_str(&text)
    }
}

impl FromStr for Base64 {
    type Err = NotBase64;

    fn from_str(text: &str) -> Result<Self, NotBase64> {
        let signs = text.trim_end_matches('=');
        let padding = text.len() - signs.len();
        let is_padded = padding == 0 || (padding <= 2 && text.len().is_multiple_of(4));
        if !is_padded || signs.len() % 4 == 1 {
            return Err(NotBase64);
        }
        let mut bytes = Vec::with_capacity(signs.len() * 3 / 4);
        for group in signs.as_bytes().chunks(4) {
            let mut bits = 0;
            for sign in group {
                bits = bits << 6 | six(*sign).ok_or(NotBase64)?;
            }
            bits <<= 6 * (4 - group.len());
            bytes.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
        }
        Ok(Self(bytes))
    }
}

/// The six bits of a sign.
fn six(sign: u8) -> Option<u32> {
    Some(match sign {
        b'A'..=b'Z' => u32::from(sign - b'A'),
        b'a'..=b'z' => u32::from(sign - b'a') + 26,
        b'0'..=b'9' => u32::from(sign - b'0') + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

impl fmt::Display for NotBase64 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("must be bytes in Base64")
    }
}

impl std::error::Error for NotBase64 {}

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "schemars")]
impl schemars::JsonSchema for Base64 {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Base64".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "byte" })
    }
}

#[cfg(test)]
mod tests {
    use super::Base64;

    #[test]
    fn bytes_come_back() {
        for length in 0..9_u8 {
            let bytes = Base64((0..length).map(|byte| byte.wrapping_mul(67)).collect());
            assert_eq!(bytes.to_string().parse(), Ok(bytes));
        }
        assert_eq!(Base64(b"hello".to_vec()).to_string(), "aGVsbG8=");
        assert_eq!("aGVsbG8".parse(), Ok(Base64(b"hello".to_vec())));
        assert!("a".parse::<Base64>().is_err());
        assert!("a=bc".parse::<Base64>().is_err());
        assert!("aGVsbG8==".parse::<Base64>().is_err());
    }
}
