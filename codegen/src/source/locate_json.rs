//! Finding places in JSON text: whatever nobody asked for is skipped by its signs alone.

use super::locate::{Found, Wanted};

/// Marks what is wanted and stands in this text; nothing if the text is no JSON.
pub(super) fn find(text: &str, wanted: &mut Wanted) -> Option<()> {
    let mut scan = Scan { text: text.as_bytes(), at: 0, wanted };
    if text.starts_with('\u{feff}') {
        scan.at = '\u{feff}'.len_utf8();
    }
    scan.space();
    if scan.peek()? != b'{' {
        return None;
    }
    scan.value(0, None)
}

struct Scan<'t> {
    text: &'t [u8],
    at: usize,
    wanted: &'t mut Wanted,
}

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, sign: u8) -> Option<()> {
        (self.peek()? == sign).then(|| self.at += 1)
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// A value that is wanted, or holds one that is; what spans lines is shown by its key.
    fn value(&mut self, node: usize, key: Option<Found>) -> Option<()> {
        let start = self.at;
        let closing = match self.peek()? {
            b'{' => b'}',
            b'[' => b']',
            _ => {
                self.skip()?;
                self.wanted.found(node, Found { start, end: self.at });
                return Some(());
            }
        };
        self.at += 1;
        self.wanted.found(node, key.unwrap_or(Found { start, end: self.at }));
        let mut index = 0;
        loop {
            if self.wanted.missing() == 0 {
                return Some(());
            }
            self.space();
            if self.peek()? == closing {
                self.at += 1;
                return Some(());
            }
            if index > 0 {
                self.take(b',')?;
                self.space();
            }
            let key = if closing == b'}' { Some(self.key()?) } else { None };
            let inner = match key {
                Some(key) => {
                    let quoted = std::str::from_utf8(&self.text[key.start..key.end]).ok()?;
                    match quoted.contains('\\') {
                        true => {
                            let name: String = serde_json::from_str(quoted).ok()?;
                            self.wanted.child(node, &name)
                        }
                        false => self.wanted.child(node, &quoted[1..quoted.len() - 1]),
                    }
                }
                None => self.wanted.child(node, &index.to_string()),
            };
            match inner {
                Some(inner) => self.value(inner, key)?,
                None => self.skip()?,
            }
            index += 1;
        }
    }

    fn key(&mut self) -> Option<Found> {
        let start = self.at;
        self.string()?;
        let end = self.at;
        self.space();
        self.take(b':')?;
        self.space();
        Some(Found { start, end })
    }

    fn string(&mut self) -> Option<()> {
        self.take(b'"')?;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Some(())
    }

    /// Steps over a value.
    fn skip(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => self.string()?,
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b',' | b':' | b' ' | b'\n' | b'\r' | b'\t' if depth > 0 => self.at += 1,
                b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'E' => self.word(),
                _ => return None,
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    fn word(&mut self) {
        while let Some(b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'E') = self.peek() {
            self.at += 1;
        }
    }
}
