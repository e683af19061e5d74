//! Finding the places of JSON pointers in the text, when problems point there.

use std::collections::{BTreeMap, BTreeSet};

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
    let found = locate_all(text, &BTreeSet::from([pointer]));
    let start = Located { start: 0, end: text.len().min(1), line: 1, column: 1 };
    found.get(pointer).copied().unwrap_or(start)
}

/// Finds what every one of these points at, in one reading of the text.
pub fn locate_all<'p>(
    text: &str,
    pointers: &BTreeSet<&'p Pointer>,
) -> BTreeMap<&'p Pointer, Located> {
    let mut search = Search { nodes: vec![Node::default()], levels: Vec::new(), missing: 1 };
    for pointer in pointers {
        search.want(pointer);
    }
    for event in Parser::new_from_str(text) {
        let Ok((event, span)) = event else { break };
        let start = span.start.index();
        let end = span.end.index().max(start + 1);
        let found = Found { start, end, line: span.start.line(), column: span.start.col() };
        search.event(&event, found);
        if search.missing == 0 {
            break;
        }
    }
    let found: Vec<(&Pointer, Found)> =
        pointers.iter().map(|pointer| (*pointer, search.deepest(pointer))).collect();
    let bytes = bytes_of(text, found.iter().flat_map(|(_, found)| [found.start, found.end]));
    let located = found.into_iter().map(|(pointer, found)| {
        let start = bytes[&found.start];
        let shown = &text[start..bytes[&found.end]];
        let end = start + shown.find('\n').unwrap_or(shown.len());
        (pointer, Located { start, end, line: found.line, column: found.column + 1 })
    });
    located.collect()
}

/// The byte at which each of these characters begins.
fn bytes_of(text: &str, characters: impl Iterator<Item = usize>) -> BTreeMap<usize, usize> {
    let wanted: BTreeSet<usize> = characters.collect();
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
    bytes
}

/// A range in characters, as the parser counts them.
#[derive(Debug, Clone, Copy)]
struct Found {
    start: usize,
    end: usize,
    line: usize,
    column: usize,
}

/// The wanted pointers as a tree of tokens.
#[derive(Default)]
struct Node {
    children: BTreeMap<String, usize>,
    found: Option<Found>,
}

struct Search {
    nodes: Vec<Node>,
    levels: Vec<Level>,
    /// Nodes that were not yet found.
    missing: usize,
}

/// A collection that is open.
struct Level {
    mapping: bool,
    key: Option<(String, Found)>,
    index: usize,
    node: Option<usize>,
}

impl Search {
    fn want(&mut self, pointer: &Pointer) {
        let mut node = 0;
        for token in pointer.tokens() {
            node = match self.nodes[node].children.get(&*token) {
                Some(child) => *child,
                None => {
                    let child = self.nodes.len();
                    self.nodes[node].children.insert(token.into_owned(), child);
                    self.nodes.push(Node::default());
                    self.missing += 1;
                    child
                }
            };
        }
    }

    /// Where the deepest part of a pointer is that exists.
    fn deepest(&self, pointer: &Pointer) -> Found {
        let mut best = Found { start: 0, end: 1, line: 1, column: 0 };
        let mut node = Some(0);
        for token in pointer.tokens() {
            best = node.and_then(|node| self.nodes[node].found).unwrap_or(best);
            node = node.and_then(|node| self.nodes[node].children.get(&*token)).copied();
        }
        node.and_then(|node| self.nodes[node].found).unwrap_or(best)
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
                let children = &self.nodes[level.node?].children;
                match &level.key {
                    Some((key, _)) => *children.get(key)?,
                    None if level.mapping => return None,
                    None => *children.get(&level.index.to_string())?,
                }
            }
        };
        if self.nodes[node].found.is_none() {
            self.nodes[node].found = Some(shown);
            self.missing -= 1;
        }
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
    }
}
