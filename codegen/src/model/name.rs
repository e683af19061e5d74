//! Names as words, so that every language can spell them its own way.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::str::SplitTerminator;
use std::sync::Arc;

/// A name taken apart into lower-case words: `submitServiceCall` is `submit service call`. It is
/// cheap to clone.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

/// The words of a name, each non-empty and in lower case.
#[derive(Debug, Clone)]
pub struct Words<'n>(SplitTerminator<'n, char>);

impl Name {
    /// Takes a name apart at case changes and at everything that is no letter or digit.
    pub fn new(text: &str) -> Self {
        let mut words = Joined::with_capacity(text.len() + 8);
        let mut previous: Option<char> = None;
        let mut following = text.chars();
        while let Some(character) = following.next() {
            let next = following.clone().next();
            let before = previous.replace(character);
            if !character.is_alphanumeric() {
                words.end();
                let leads_number = before.is_none() && next.is_some_and(char::is_numeric);
                if let Some(sign) = sign_word(character, leads_number) {
                    words.word(sign);
                }
                continue;
            }
            let rises = character.is_uppercase()
                && before.is_some_and(|c| c.is_lowercase() || c.is_numeric());
            let last_of_run = character.is_uppercase()
                && before.is_some_and(char::is_uppercase)
                && next.is_some_and(char::is_lowercase);
            if rises || last_of_run {
                words.end();
            }
            if character.is_ascii() {
                words.push(character.to_ascii_lowercase());
                continue;
            }
            for lower in character.to_lowercase().filter(|c| c.is_alphanumeric()) {
                // What no identifier may hold (UAX 31), such as a superscript, is spelled out.
                match unicode_ident::is_xid_continue(lower) {
                    true => words.push(lower),
                    false => format!("u{:x}", u32::from(lower)).chars().for_each(|c| words.push(c)),
                }
            }
        }
        if words.text.is_empty() {
            words.word("empty");
        }
        words.name()
    }

    /// The words, each non-empty and in lower case.
    pub fn words(&self) -> Words<'_> {
        Words(self.0.split_terminator(' '))
    }

    /// This name with the words of another behind it.
    #[must_use]
    pub fn then(&self, other: &Self) -> Self {
        Self(Arc::from([&*self.0, " ", &*other.0].concat()))
    }

    /// This name with a number behind it.
    #[must_use]
    pub fn numbered(&self, number: usize) -> Self {
        Self(Arc::from(format!("{} {number}", self.0)))
    }

    /// This name with a word at its end, once.
    #[must_use]
    pub fn ending(&self, word: &str) -> Self {
        match self.words().last() {
            Some(last) if last == word => self.clone(),
            Some(_) | None => self.then(&Self::new(word)),
        }
    }

    /// This name with another number behind it: `variant 1` is `variant 2`.
    #[must_use]
    pub fn renumbered(&self, number: usize) -> Self {
        match self.0.rsplit_once(' ') {
            Some((words, last)) if last.parse::<usize>().is_ok() => {
                Self(words.into()).numbered(number)
            }
            Some(_) | None => self.numbered(number),
        }
    }

    /// This name in at most so many letters, as far as its first and its last word allow: words
    /// in the middle go.
    #[must_use]
    pub fn within(&self, letters: usize) -> Self {
        if self.0.len() <= letters {
            return self.clone();
        }
        let mut words: Vec<(&str, usize)> =
            self.words().map(|word| (word, word.chars().count())).collect();
        let mut length: usize = words.iter().map(|(_, length)| length).sum();
        while words.len() > 2 && length > letters {
            // What comes last tells most.
            length -= words.remove((words.len() - 1) / 2).1;
        }
        let mut kept = Joined::with_capacity(self.0.len());
        words.into_iter().for_each(|(word, _)| kept.word(word));
        kept.name()
    }

    /// What two names share that no language may tell apart; a letter leads where a digit would,
    /// as in identifiers.
    pub fn key(&self) -> String {
        let mut key = String::with_capacity(self.0.len() + 1);
        if self.0.starts_with(|c: char| c.is_ascii_digit()) {
            key.push('n');
        }
        self.words().for_each(|word| key.push_str(word));
        key
    }

    /// This name in letters and digits that every registry and file system takes, a letter first.
    #[must_use]
    pub fn ascii(&self) -> Self {
        let mut words = Joined::with_capacity(self.0.len());
        if self.0.starts_with(|c: char| c.is_ascii_digit()) {
            words.word("n");
        }
        for word in self.words() {
            words.end();
            for c in word.chars() {
                match c.is_ascii() {
                    true => words.push(c),
                    false => format!("u{:x}", u32::from(c)).chars().for_each(|c| words.push(c)),
                }
            }
        }
        words.name()
    }
}

impl Words<'_> {
    /// The words with this between them.
    pub fn join(self, separator: &str) -> String {
        let mut text = String::with_capacity(64);
        for (index, word) in self.enumerate() {
            if index > 0 {
                text.push_str(separator);
            }
            text.push_str(word);
        }
        text
    }
}

impl<'n> Iterator for Words<'n> {
    type Item = &'n str;

    fn next(&mut self) -> Option<&'n str> {
        self.0.next()
    }
}

/// Words with a space between them, as they are put together.
struct Joined {
    text: String,
    ended: bool,
}

impl Joined {
    fn with_capacity(letters: usize) -> Self {
        Self { text: String::with_capacity(letters), ended: false }
    }

    /// What comes next belongs to another word.
    fn end(&mut self) {
        self.ended = !self.text.is_empty();
    }

    fn push(&mut self, character: char) {
        if std::mem::take(&mut self.ended) {
            self.text.push(' ');
        }
        self.text.push(character);
    }

    fn word(&mut self, word: &str) {
        self.end();
        if std::mem::take(&mut self.ended) && !word.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(word);
        self.end();
    }

    fn name(self) -> Name {
        Name(self.text.into())
    }
}

/// Signs that carry the meaning of an enum value: `+1` and `-1` must not meet.
fn sign_word(sign: char, leads_number: bool) -> Option<&'static str> {
    match sign {
        '+' if leads_number => Some("plus"),
        '-' if leads_number => Some("minus"),
        '<' => Some("less"),
        '>' => Some("greater"),
        '=' => Some("equal"),
        '*' => Some("star"),
        _ => None,
    }
}

/// A name for each text, no two alike, not even in ASCII: a clash is settled by number, in the
/// order of the texts.
pub fn unique_names<'a>(texts: impl IntoIterator<Item = &'a str>) -> BTreeMap<&'a str, Name> {
    let sorted: BTreeSet<&str> = texts.into_iter().collect();
    let mut taken = HashSet::with_capacity(sorted.len());
    let named = sorted.into_iter().map(|text| {
        let name = Name::new(text);
        let key = |name: &Name| match text.is_ascii() {
            true => name.key(),
            false => name.ascii().key(),
        };
        let free = (2..).map(|number| name.numbered(number));
        let name = std::iter::once(name.clone())
            .chain(free)
            .find(|candidate| taken.insert(key(candidate)))
            .expect("numbers do not run out");
        (text, name)
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::{Name, unique_names};

    #[test]
    fn splits_words() {
        let words = |text: &str| Name::new(text).words().join(" ");
        assert_eq!(words("submitServiceCall"), "submit service call");
        assert_eq!(words("HTTPStatus_code"), "http status code");
        assert_eq!(words("X-Correlation-Id"), "x correlation id");
        assert_eq!(words("ipv4Address2"), "ipv4 address2");
        assert_eq!(words("+1"), "plus 1");
        assert_eq!(words("$$$"), "empty");
    }

    #[test]
    fn long_names_lose_what_is_in_their_middle() {
        let words = |text: &str, letters| Name::new(text).within(letters).words().join(" ");
        assert_eq!(words("a-bb-cc-dd-e", 6), "a bb dd e");
        assert_eq!(words("a-bb", 1), "a bb");
    }

    #[test]
    fn settles_clashes_by_number() {
        let names = unique_names(["foo_bar", "fooBar", "foo-bar"]);
        let keys: Vec<String> = names.values().map(|name| name.words().join("_")).collect();
        assert_eq!(keys, ["foo_bar", "foo_bar_2", "foo_bar_3"]);
        let names = unique_names(["é", "ue9"]);
        let keys: Vec<String> = names.values().map(|name| name.ascii().key()).collect();
        assert_eq!(keys, ["ue9", "ue92"]);
    }
}
