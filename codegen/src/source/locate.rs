//! Finding the place of a JSON pointer in the text, when a problem points there.

use saphyr_parser::{Event, Parser};

use super::Pointer;

/// A range of a text, in bytes, and where it begins (counting from 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Located {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Line of the first byte.
    pub line: usize,
    /// Column of the first character.
    pub column: usize,
}

/// Finds what `pointer` points at, or the deepest part of it that exists.
///
/// For a member of a mapping whose value spans lines, the range is that of its key.
pub fn locate(text: &str, pointer: &Pointer) -> Located {
    let wanted: Vec<String> = pointer.tokens().collect();
    let mut search = Search { wanted: &wanted, levels: Vec::new(), best: None, matched: 0 };
    for event in Parser::new_from_str(text) {
        let Ok((event, span)) = event else { break };
        let start = (span.start.index(), span.start.line(), span.start.col());
        if search.event(&event, start, span.end.index()) {
            break;
        }
    }
    let (start, end, line, column) = search.best.unwrap_or((0, 1, 1, 0));
    let (start, end) = byte_range(text, start, end);
    Located { start, end, line, column: column + 1 }
}

/// Characters to bytes, cut at the end of the first line.
fn byte_range(text: &str, start: usize, end: usize) -> (usize, usize) {
    let mut indices = text.char_indices().map(|(byte, _)| byte);
    let first = indices.nth(start).unwrap_or(text.len());
    let length: usize = text[first..]
        .chars()
        .take(end - start)
        .take_while(|c| *c != '\n')
        .map(char::len_utf8)
        .sum();
    (first, first + length.max(1).min(text.len() - first))
}

type Found = (usize, usize, usize, usize);

struct Search<'a> {
    wanted: &'a [String],
    levels: Vec<Level>,
    best: Option<Found>,
    matched: usize,
}

struct Level {
    mapping: bool,
    key: Option<(String, Found)>,
    index: usize,
    on_path: bool,
}

impl Search<'_> {
    /// Takes one event; true when the place is found.
    fn event(&mut self, event: &Event<'_>, start: (usize, usize, usize), end: usize) -> bool {
        let found = (start.0, end.max(start.0 + 1), start.1, start.2);
        match event {
            Event::Scalar(text, ..) => {
                if let Some(level) = self.levels.last_mut()
                    && level.mapping
                    && level.key.is_none()
                {
                    level.key = Some((text.to_string(), found));
                    return false;
                }
                let done = self.arrives(found);
                self.leave();
                done
            }
            Event::Alias(_) => {
                let done = self.arrives(found);
                self.leave();
                done
            }
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                let key = self.levels.last().and_then(|level| level.key.as_ref());
                let shown = key.map_or(found, |(_, key)| *key);
                if self.arrives(shown) {
                    return true;
                }
                let on_path = self.levels.is_empty() || self.current_matches();
                let mapping = matches!(event, Event::MappingStart(..));
                self.levels.push(Level { mapping, key: None, index: 0, on_path });
                false
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.levels.pop();
                self.leave();
                false
            }
            _ => false,
        }
    }

    /// Whether the value that begins now is the wanted one; remembers it if it is on the way.
    fn arrives(&mut self, shown: Found) -> bool {
        if self.levels.is_empty() {
            self.best = Some(shown);
            return self.wanted.is_empty();
        }
        if !self.current_matches() {
            return false;
        }
        let depth = self.levels.len();
        if depth > self.matched {
            self.matched = depth;
            self.best = Some(shown);
        }
        depth == self.wanted.len()
    }

    fn current_matches(&self) -> bool {
        let depth = self.levels.len();
        let (Some(level), Some(wanted)) = (self.levels.last(), self.wanted.get(depth - 1)) else {
            return false;
        };
        level.on_path
            && match &level.key {
                Some((key, _)) => key == wanted,
                None => !level.mapping && level.index.to_string() == *wanted,
            }
    }

    fn leave(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            level.key = None;
            level.index += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Pointer, locate};

    fn found(text: &str, fragment: &str) -> (String, usize, usize) {
        let pointer = Pointer::from_fragment(fragment).unwrap_or_default();
        let place = locate(text, &pointer);
        (text[place.start..place.end].to_owned(), place.line, place.column)
    }

    #[test]
    fn finds_scalars_keys_and_elements() {
        let text = "a:\n  b: [x, y]\n  c:\n    $ref: '#/d'\n";
        assert_eq!(found(text, "/a/b/1"), ("y".into(), 2, 10));
        assert_eq!(found(text, "/a/c"), ("c".into(), 3, 3));
        assert_eq!(found(text, "/a/c/$ref"), ("'#/d'".into(), 4, 11));
    }

    #[test]
    fn falls_back_to_the_deepest_part() {
        assert_eq!(found("a:\n  b: 1\n", "/a/zzz"), ("a".into(), 1, 1));
    }

    #[test]
    fn reads_json() {
        assert_eq!(found("{\"a\": {\"é\": [1, {\"c\": 2}]}}", "/a/é/1/c"), ("2".into(), 1, 23));
    }
}
