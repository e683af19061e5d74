//! Finds the operation of a path. Templates may clash in their names and mix text and names.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use crate::Method;

/// A tree of path segments. Text beats mixed segments, and these beat plain names.
#[derive(Debug, Default)]
pub(crate) struct Matcher {
    root: Node,
}

#[derive(Debug, Default)]
struct Node {
    texts: BTreeMap<String, Node>,
    patterns: Vec<(Vec<Piece>, Node)>,
    leaf: Vec<Entry>,
}

/// One method of a path.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) method: Method,
    /// Index of the route.
    pub(crate) route: usize,
    names: Vec<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Name,
}

/// What stands at a path.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    entries: &'a [Entry],
    values: Vec<String>,
}

impl Found<'_> {
    /// The entry that answers a method. HEAD is GET whose body the connection leaves out, unless
    /// the contract has a HEAD of its own (RFC 9110, 9.3.2).
    pub(crate) fn entry(&self, method: &str) -> Option<&Entry> {
        let of = |method: &str| self.entries.iter().find(|it| it.method.as_str() == method);
        of(method).or_else(|| if method == "HEAD" { of("GET") } else { None })
    }

    /// What [`Found::entry`] has an answer to, for `Allow`.
    pub(crate) fn methods(&self) -> Vec<&'static str> {
        let mut methods: Vec<_> = self.entries.iter().map(|entry| entry.method).collect();
        if methods.contains(&Method::GET) && !methods.contains(&Method::HEAD) {
            methods.push(Method::HEAD);
        }
        methods.sort();
        methods.into_iter().map(Method::as_str).collect()
    }

    /// How many parts of the path are values of parameters.
    pub(crate) fn captured(&self) -> usize {
        self.values.len()
    }

    /// Names and raw values of the path's parameters, as the entry's template spells them.
    pub(crate) fn parameters(&self, entry: &Entry) -> Vec<(&'static str, String)> {
        entry.names.iter().copied().zip(self.values.iter().cloned()).collect()
    }
}

impl Matcher {
    /// Adds a template.
    ///
    /// # Errors
    /// The route of another template with the same method that already stands there.
    pub(crate) fn insert(
        &mut self,
        path: &'static str,
        method: Method,
        route: usize,
    ) -> Result<(), usize> {
        let mut node = &mut self.root;
        let mut names = Vec::new();
        for segment in path.trim_start_matches('/').split('/') {
            let pieces = pieces(segment, &mut names);
            node = match pieces.as_slice() {
                [] => node.texts.entry(String::new()).or_default(),
                [Piece::Text(text)] => node.texts.entry(text.clone()).or_default(),
                _ => node.pattern(pieces),
            };
        }
        match node.leaf.iter().find(|entry| entry.method == method) {
            Some(other) => Err(other.route),
            None => {
                node.leaf.push(Entry { method, route, names });
                Ok(())
            }
        }
    }

    /// What stands at a raw path.
    pub(crate) fn find(&self, path: &str) -> Option<Found<'_>> {
        let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        let mut values = Vec::new();
        let entries = self.root.find(&segments, &mut values)?;
        Some(Found { entries, values: values.into_iter().map(str::to_owned).collect() })
    }
}

impl Node {
    fn pattern(&mut self, pieces: Vec<Piece>) -> &mut Self {
        let place = match self.patterns.iter().position(|(known, _)| *known == pieces) {
            Some(place) => place,
            None => {
                let weight = weight(&pieces);
                let place =
                    self.patterns.partition_point(|(known, _)| self::weight(known) >= weight);
                self.patterns.insert(place, (pieces, Self::default()));
                place
            }
        };
        &mut self.patterns[place].1
    }

    fn find<'p>(&self, segments: &[&'p str], values: &mut Vec<&'p str>) -> Option<&[Entry]> {
        let Some((segment, rest)) = segments.split_first() else {
            return (!self.leaf.is_empty()).then_some(self.leaf.as_slice());
        };
        let text = percent_decode_str(segment).decode_utf8_lossy();
        if let Some(found) = self.texts.get(&*text).and_then(|node| node.find(rest, values)) {
            return Some(found);
        }
        let depth = values.len();
        for (pieces, node) in &self.patterns {
            if fit(pieces, segment, values)
                && let Some(found) = node.find(rest, values)
            {
                return Some(found);
            }
            values.truncate(depth);
        }
        None
    }
}

/// How particular a pattern is: the length of its text.
fn weight(pieces: &[Piece]) -> usize {
    let text = |piece: &Piece| match piece {
        Piece::Text(text) => text.len(),
        Piece::Name => 0,
    };
    pieces.iter().map(text).sum()
}

fn pieces(segment: &'static str, names: &mut Vec<&'static str>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = segment;
    while let Some((text, tail)) = rest.split_once('{') {
        let Some((name, tail)) = tail.split_once('}') else { break };
        if !text.is_empty() {
            pieces.push(Piece::Text(text.to_owned()));
        }
        names.push(name);
        pieces.push(Piece::Name);
        rest = tail;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    pieces
}

/// Fits a segment to a pattern: names take the shortest non-empty text that lets the rest fit.
fn fit<'p>(pieces: &[Piece], segment: &'p str, values: &mut Vec<&'p str>) -> bool {
    match pieces {
        [] => segment.is_empty(),
        [Piece::Text(text), rest @ ..] => {
            segment.strip_prefix(text.as_str()).is_some_and(|tail| fit(rest, tail, values))
        }
        [Piece::Name] => {
            values.push(segment);
            !segment.is_empty()
        }
        [Piece::Name, rest @ ..] => {
            let depth = values.len();
            let ends = segment.char_indices().map(|(end, _)| end).skip(1);
            for end in ends {
                values.push(&segment[..end]);
                if fit(rest, &segment[end..], values) {
                    return true;
                }
                values.truncate(depth);
            }
            false
        }
    }
}
