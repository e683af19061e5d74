//! Where the values of a document come from, once overlays have changed it.

use std::collections::BTreeMap;

use super::{Place, Pointer};

/// The origins of the values of one document. What is not listed stands where it stood, or where
/// what it stands in came from.
#[derive(Debug, Clone)]
pub(super) struct Origins {
    path: String,
    moved: BTreeMap<Vec<String>, Place>,
}

impl Origins {
    /// Those of a document nothing was laid over.
    pub(super) fn new(path: &str) -> Self {
        Self { path: path.to_owned(), moved: BTreeMap::new() }
    }

    /// Where the value at these tokens comes from.
    pub(super) fn of(&self, tokens: &[String]) -> Place {
        let known = (0..=tokens.len()).rev().find_map(|length| {
            let place = self.moved.get(&tokens[..length])?;
            Some((place.clone(), length))
        });
        let (place, length) =
            known.unwrap_or_else(|| (Place::new(&self.path, Pointer::default()), 0));
        tokens[length..].iter().fold(place, |place, token| place.child(token))
    }

    /// What stands at these tokens comes from there now, with everything in it.
    pub(super) fn set(&mut self, tokens: &[String], place: Place) {
        self.forget(tokens);
        self.moved.insert(tokens.to_vec(), place);
    }

    /// What stands at these tokens was copied from there, as things were before.
    pub(super) fn graft(&mut self, tokens: &[String], before: &Self, from: &[String]) {
        self.set(tokens, before.of(from));
        for (known, place) in before.below(from) {
            let inner = [tokens, &known[from.len()..]].concat();
            self.moved.insert(inner, place.clone());
        }
    }

    /// What is listed for values inside the one at these tokens.
    fn below(&self, tokens: &[String]) -> impl Iterator<Item = (&Vec<String>, &Place)> {
        let (own, length) = (tokens.to_vec(), tokens.len());
        let from = self.moved.range(own.clone()..);
        let inside = from.take_while(move |(known, _)| known.starts_with(&own));
        inside.filter(move |(known, _)| known.len() > length)
    }

    /// Nothing stands at these tokens any more.
    pub(super) fn forget(&mut self, tokens: &[String]) {
        let gone: Vec<Vec<String>> = self.below(tokens).map(|(known, _)| known.clone()).collect();
        for known in gone {
            self.moved.remove(&known);
        }
        self.moved.remove(tokens);
    }

    /// An element of a list of this length goes, and those behind it move up.
    pub(super) fn close_gap(&mut self, list: &[String], gone: usize, length: usize) {
        let element = |index: usize| [list, &[index.to_string()]].concat();
        let before = self.clone();
        for index in gone..length.saturating_sub(1) {
            self.graft(&element(index), &before, &element(index + 1));
        }
        if let Some(last) = length.checked_sub(1) {
            self.forget(&element(last));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Origins, Place, Pointer};

    fn tokens(text: &str) -> Vec<String> {
        text.split('/').map(str::to_owned).collect()
    }

    #[test]
    fn follows_what_moves() {
        let mut origins = Origins::new("a");
        let overlaid = Place::new("o", Pointer::default().child("update"));
        origins.set(&tokens("list/2/x"), overlaid);
        origins.close_gap(&tokens("list"), 0, 3);
        let found = |text: &str| {
            let place = origins.of(&tokens(text));
            format!("{}#{}", place.file, place.pointer)
        };
        assert_eq!(found("list/0/y"), "a#/list/1/y");
        assert_eq!(found("list/1"), "a#/list/2");
        assert_eq!(found("list/1/x/z"), "o#/update/z");
        assert_eq!(found("other/2"), "a#/other/2");
    }
}
