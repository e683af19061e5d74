//! The text of an API key: `sym_<id>_<secret>`, the secret ending in a checksum, all in lower-case
//! hexadecimal. Whoever scans for leaked keys finds `sym_[0-9a-f]{16}_[0-9a-f]{72}`, and the
//! checksum tells a key from what only looks like one.

use std::fmt::Write;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use sha2::{Digest, Sha256};

const PREFIX: &str = "sym_";
/// Digits of an id: 64 bits.
const ID_DIGITS: usize = 16;
/// Digits of a secret: 256 bits.
const SECRET_DIGITS: usize = 64;
/// Digits of a checksum: the first 32 bits of SHA-256 over everything before it.
const CHECK_DIGITS: usize = 8;

/// A key that was taken apart: its form is right, and whether there is such a key is another
/// matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    pub(crate) id: &'a str,
    /// SHA-256 of the secret.
    pub(crate) hash: [u8; 32],
}

impl Parts<'_> {
    /// The id as a number.
    pub(crate) fn number(&self) -> u64 {
        u64::from_str_radix(self.id, 16).unwrap_or_default()
    }
}

/// Whether a text is meant to be an API key.
pub(crate) fn is_meant(text: &str) -> bool {
    text.starts_with(PREFIX)
}

/// The id, text and hash of a key made of chance.
pub(crate) fn compose(id: [u8; 8], secret: [u8; 32]) -> (String, String, [u8; 32]) {
    let (id, secret) = (hex(&id), hex(&secret));
    let mut text = format!("{PREFIX}{id}_{secret}");
    let check = checksum(&text);
    text.push_str(&check);
    (id, text, hash(&secret))
}

/// Takes a key apart, if its form and checksum are right.
pub(crate) fn parse(text: &str) -> Option<Parts<'_>> {
    let (id, rest) = text.strip_prefix(PREFIX)?.split_once('_')?;
    let is_hex = |part: &str| part.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    let is_formed = id.len() == ID_DIGITS && rest.len() == SECRET_DIGITS + CHECK_DIGITS;
    if !is_formed || !is_hex(id) || !is_hex(rest) {
        return None;
    }
    let (body, check) = text.split_at(text.len() - CHECK_DIGITS);
    let secret = rest.get(..SECRET_DIGITS)?;
    (checksum(body) == check).then(|| Parts { id, hash: hash(secret) })
}

/// Whether two hashes are one; how long it takes does not tell where they differ.
pub(crate) fn is_same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    verify_slices_are_equal(one, other).is_ok()
}

/// Of 256 bits of chance a fast hash keeps the secret: there is nothing to guess.
fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

fn checksum(text: &str) -> String {
    hex(&Sha256::digest(text)[..CHECK_DIGITS / 2])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::{compose, parse};

    #[test]
    fn keys_have_one_spelling() {
        let (id, text, hash) = compose([0xab; 8], [0x5c; 32]);
        let parts = parse(&text).expect("a key");
        assert_eq!((parts.id, parts.hash), (id.as_str(), hash));
        assert_eq!(text.len(), 93);
        let digit = text.replace("5c5c", "5c5d");
        let cut = &text[..92];
        for other in [
            text.to_uppercase(),
            text.replace("sym_", "sym-"),
            text.replacen("ab", "AB", 1),
            format!("{text} "),
            format!("{text}0"),
            digit,
            cut.to_owned(),
            "sym__".to_owned(),
            "sym_".to_owned(),
            format!("sym_{}_{}", "é".repeat(8), "é".repeat(36)),
        ] {
            assert_eq!(parse(&other), None, "{other}");
        }
    }
}
