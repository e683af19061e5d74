//! Finding the places of JSON pointers in the text, when problems point there.

use std::collections::{BTreeMap, BTreeSet};

use saphyr_parser::{Event, Parser};

use super::{Pointer, locate_json};

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
    let found = locate_all(text, &BTreeSet::from([pointer]));
    let start = Located { start: 0, end: text.len().min(1), line: 1, column: 1 };
    found.get(pointer).copied().unwrap_or(start)
}

/// Finds what every one of these points at, in one reading of the text.
pub fn locate_all<'p>(
    text: &str,
    pointers: &BTreeSet<&'p Pointer>,
) -> BTreeMap<&'p Pointer, Located> {
    let mut wanted = Wanted::new(pointers);
    let found: Vec<(&Pointer, Found)> = match locate_json::find(text, &mut wanted) {
        Some(()) => wanted.all(pointers),
        None => {
            let mut search = Search { wanted: Wanted::new(pointers), levels: Vec::new() };
            search.read(text);
            in_bytes(text, search.wanted.all(pointers))
        }
    };
    let lines = Lines::around(text, found.iter().map(|(_, found)| found.start));
    let located = found.into_iter().map(|(pointer, Found { start, end })| {
        let end = end.min(text.len());
        let shown = text.get(start..end).unwrap_or_default();
        let end = start + shown.find('\n').unwrap_or(shown.len());
        let (line, column) = lines.of(start);
        (pointer, Located { start, end, line, column })
    });
    located.collect()
}

/// Ranges in bytes instead of characters.
fn in_bytes<'p>(text: &str, found: Vec<(&'p Pointer, Found)>) -> Vec<(&'p Pointer, Found)> {
    let ends = found.iter().flat_map(|(_, found)| [found.start, found.end]);
    let wanted: BTreeSet<usize> = ends.collect();
    let mut bytes = BTreeMap::new();
    let mut wanted = wanted.into_iter().peekable();
    for (index, (byte, _)) in text.char_indices().enumerate() {
        let Some(next) = wanted.peek() else { break };
        if index == *next {
            bytes.insert(index, byte);
            wanted.next();
        }
    }
    bytes.extend(wanted.map(|index| (index, text.len())));
    let converted = found.into_iter().map(|(pointer, found)| {
        (pointer, Found { start: bytes[&found.start], end: bytes[&found.end] })
    });
    converted.collect()
}

/// Line and column of some bytes of a text.
struct Lines(BTreeMap<usize, (usize, usize)>);

impl Lines {
    fn around(text: &str, bytes: impl Iterator<Item = usize>) -> Self {
        let wanted: BTreeSet<usize> = bytes.map(|byte| byte.min(text.len())).collect();
        let (mut line, mut column, mut read) = (1, 1, 0);
        let mut found = BTreeMap::new();
        // A document may be one long line: what was counted once is not counted again.
        let signs = |bytes: &[u8]| bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count();
        for byte in wanted {
            let passed = &text.as_bytes()[read..byte];
            match passed.iter().rposition(|sign| *sign == b'\n') {
                Some(last) => {
                    line += passed.iter().filter(|sign| **sign == b'\n').count();
                    column = 1 + signs(&passed[last + 1..]);
                }
                None => column += signs(passed),
            }
            read = byte;
            found.insert(byte, (line, column));
        }
        Self(found)
    }

    fn of(&self, byte: usize) -> (usize, usize) {
        self.0.get(&byte).copied().unwrap_or((1, 1))
    }
}

/// A range of the text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The wanted pointers as a tree of tokens.
pub(super) struct Wanted {
    nodes: Vec<Node>,
    /// Nodes that were not yet found.
    missing: usize,
}

#[derive(Default)]
struct Node {
    children: BTreeMap<String, usize>,
    found: Option<Found>,
}

impl Wanted {
    fn new(pointers: &BTreeSet<&Pointer>) -> Self {
        let mut wanted = Self { nodes: vec![Node::default()], missing: 1 };
        for pointer in pointers {
            let mut node = 0;
            for token in pointer.tokens() {
                node = match wanted.child(node, &token) {
                    Some(child) => child,
                    None => {
                        let child = wanted.nodes.len();
                        wanted.nodes[node].children.insert(token.into_owned(), child);
                        wanted.nodes.push(Node::default());
                        wanted.missing += 1;
                        child
                    }
                };
            }
        }
        wanted
    }

    /// How many places are still to be found.
    pub(super) fn missing(&self) -> usize {
        self.missing
    }

    /// What is wanted under this name inside that.
    pub(super) fn child(&self, node: usize, token: &str) -> Option<usize> {
        self.nodes[node].children.get(token).copied()
    }

    /// Notes where something stands that is wanted; what stands there first counts.
    pub(super) fn found(&mut self, node: usize, found: Found) {
        let place = &mut self.nodes[node].found;
        if place.is_none() {
            *place = Some(found);
            self.missing -= 1;
        }
    }

    fn all<'p>(&self, pointers: &BTreeSet<&'p Pointer>) -> Vec<(&'p Pointer, Found)> {
        pointers.iter().map(|pointer| (*pointer, self.deepest(pointer))).collect()
    }

    /// Where the deepest part of a pointer is that exists.
    fn deepest(&self, pointer: &Pointer) -> Found {
        let mut best = Found { start: 0, end: 1 };
        let mut node = Some(0);
        for token in pointer.tokens() {
            best = node.and_then(|node| self.nodes[node].found).unwrap_or(best);
            node = node.and_then(|node| self.child(node, &token));
        }
        node.and_then(|node| self.nodes[node].found).unwrap_or(best)
    }
}

/// The search of a YAML text; ranges are in characters, as its parser counts them.
struct Search {
    wanted: Wanted,
    levels: Vec<Level>,
}

/// A collection that is open.
struct Level {
    mapping: bool,
    key: Option<(String, Found)>,
    index: usize,
    node: Option<usize>,
}

impl Search {
    fn read(&mut self, text: &str) {
        for event in Parser::new_from_str(text) {
            let Ok((event, span)) = event else { break };
            let start = span.start.index();
            self.event(&event, Found { start, end: span.end.index().max(start + 1) });
            if self.wanted.missing() == 0 {
                break;
            }
        }
    }

    fn event(&mut self, event: &Event<'_>, found: Found) {
        match event {
            Event::Scalar(text, ..) => {
                if let Some(level) = self.levels.last_mut()
                    && level.mapping
                    && level.key.is_none()
                {
                    level.key = Some((text.to_string(), found));
                    return;
                }
                self.arrives(found);
                self.leave();
            }
            Event::Alias(_) => {
                self.arrives(found);
                self.leave();
            }
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                let key = self.levels.last().and_then(|level| level.key.as_ref());
                let shown = key.map_or(found, |(_, key)| *key);
                let node = self.arrives(shown);
                let mapping = matches!(event, Event::MappingStart(..));
                self.levels.push(Level { mapping, key: None, index: 0, node });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.levels.pop();
                self.leave();
            }
            _ => {}
        }
    }

    /// The node of the value that begins now, if it is wanted or on the way to one that is.
    fn arrives(&mut self, shown: Found) -> Option<usize> {
        let node = match self.levels.last() {
            None => 0,
            Some(level) => {
                let node = level.node?;
                match &level.key {
                    Some((key, _)) => self.wanted.child(node, key)?,
                    None if level.mapping => return None,
                    None => self.wanted.child(node, &level.index.to_string())?,
                }
            }
        };
        self.wanted.found(node, shown);
        Some(node)
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
        let text =
            "\u{feff}{\n  \"x\": [{\"}\": \"]\\\"\"}, -1e3],\n  \"\\u0061\": {\"b\": null}\n}\n";
        assert_eq!(found(text, "/a"), ("\"\\u0061\"".into(), 3, 3));
        assert_eq!(found(text, "/a/b"), ("null".into(), 3, 19));
        assert_eq!(found(text, "/x/1"), ("-1e3".into(), 2, 23));
        assert_eq!(found(text, "/x/7/y"), ("\"x\"".into(), 2, 3));
    }

    #[test]
    fn yaml_that_looks_like_json_is_yaml() {
        assert_eq!(found("{\"a\": {b: '}'}, \"c\": 1}", "/c"), ("1".into(), 1, 22));
    }
}
