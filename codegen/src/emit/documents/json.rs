//! JSON text, two spaces deep, written straight from values: documents are too big for detours.

use std::fmt::Write;

use serde_json::Value;

/// Spaces to cut an indentation from.
const SPACES: &str = "                                                                ";

/// A text that is being written.
pub(super) struct Json {
    text: String,
    depth: usize,
}

impl Json {
    /// A text of one value, with a newline at its end.
    pub(super) fn of(write: impl FnOnce(&mut Self)) -> String {
        let mut json = Self { text: String::new(), depth: 0 };
        write(&mut json);
        json.text.push('\n');
        json.text
    }

    /// An object of these members, each of which `write` writes the value of.
    pub(super) fn object<'n, V>(
        &mut self,
        members: impl Iterator<Item = (&'n str, V)>,
        mut write: impl FnMut(&mut Self, V),
    ) {
        self.listed(['{', '}'], members, |json, (name, value)| {
            json.quoted(name);
            json.text.push_str(": ");
            write(json, value);
        });
    }

    /// An array of these elements, each of which `write` writes.
    pub(super) fn array<V>(
        &mut self,
        elements: impl Iterator<Item = V>,
        write: impl FnMut(&mut Self, V),
    ) {
        self.listed(['[', ']'], elements, write);
    }

    /// A value that holds no others.
    pub(super) fn scalar(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.quoted(text),
            other => write!(self.text, "{other}").expect("a text takes everything"),
        }
    }

    fn listed<V>(
        &mut self,
        [opening, closing]: [char; 2],
        items: impl Iterator<Item = V>,
        mut write: impl FnMut(&mut Self, V),
    ) {
        self.text.push(opening);
        self.depth += 1;
        let mut is_empty = true;
        for item in items {
            if !std::mem::take(&mut is_empty) {
                self.text.push(',');
            }
            self.line();
            write(self, item);
        }
        self.depth -= 1;
        if !is_empty {
            self.line();
        }
        self.text.push(closing);
    }

    /// Begins a line.
    fn line(&mut self) {
        self.text.push('\n');
        let mut columns = 2 * self.depth;
        while columns > 0 {
            let part = columns.min(SPACES.len());
            self.text.push_str(&SPACES[..part]);
            columns -= part;
        }
    }

    fn quoted(&mut self, text: &str) {
        self.text.push('"');
        let mut rest = text;
        while let Some(at) = first_special(rest) {
            let (plain, tail) = rest.split_at(at);
            self.text.push_str(plain);
            let mut following = tail.chars();
            match following.next() {
                Some('"') => self.text.push_str("\\\""),
                Some('\\') => self.text.push_str("\\\\"),
                Some('\n') => self.text.push_str("\\n"),
                Some('\r') => self.text.push_str("\\r"),
                Some('\t') => self.text.push_str("\\t"),
                Some('\u{8}') => self.text.push_str("\\b"),
                Some('\u{c}') => self.text.push_str("\\f"),
                Some(control) => write!(self.text, "\\u{:04x}", u32::from(control))
                    .expect("a text takes everything"),
                None => {}
            }
            rest = following.as_str();
        }
        self.text.push_str(rest);
        self.text.push('"');
    }
}

/// Where the first character stands that JSON escapes: a quote, a backslash or a control.
fn first_special(text: &str) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    let is_special = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    // Eight at once: a byte borrows from its highest bit if it is less than what is taken.
    let (words, _) = text.as_bytes().as_chunks::<8>();
    let holds_none = |word: &[u8; 8]| {
        let word = u64::from_ne_bytes(*word);
        let below = |word: u64, bound: u64| word.wrapping_sub(ONES * bound) & !word & HIGHS;
        let is = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
        below(word, 0x20) | is(b'"') | is(b'\\') == 0
    };
    let skipped = 8 * words.iter().take_while(|word| holds_none(word)).count();
    let rest = &text.as_bytes()[skipped..];
    rest.iter().position(|byte| is_special(*byte)).map(|at| skipped + at)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::pretty;

    #[test]
    fn writes_what_serde_json_writes() {
        let text: String = (0..300_u32).filter_map(char::from_u32).collect();
        let value = json!({
            "a": [], "b": {}, "c": [1, -2, 1.5, 1e300, null, true, [[{}]]],
            "text": text, "long": "0123456789 \"quoted\" \u{7f}\u{80}é", "\\": {"d": {"e": "f"}},
        });
        assert_eq!(pretty(&value), format!("{value:#}\n"));
        let deep = (0..100).fold(Value::Null, |inner, _| json!([inner]));
        assert_eq!(pretty(&deep), format!("{deep:#}\n"));
    }
}
