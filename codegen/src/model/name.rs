//! Names as words, so that every language can spell them its own way.

use std::collections::{BTreeMap, BTreeSet};

/// A name taken apart into lower-case words: `submitServiceCall` is `submit service call`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Vec<String>);

impl Name {
    /// Takes a name apart at case changes and at everything that is no letter or digit.
    pub fn new(text: &str) -> Self {
        let mut words: Vec<String> = Vec::new();
        let mut word = String::new();
        let characters: Vec<char> = text.chars().collect();
        for (index, &character) in characters.iter().enumerate() {
            if !character.is_alphanumeric() {
                if let Some(sign) = sign_word(character, index, &characters) {
                    take(&mut words, &mut word);
                    words.push(sign.to_owned());
                }
                take(&mut words, &mut word);
                continue;
            }
            let previous = index.checked_sub(1).map(|before| characters[before]);
            let next = characters.get(index + 1);
            let rises = character.is_uppercase()
                && previous.is_some_and(|c| c.is_lowercase() || c.is_numeric());
            let last_of_run = character.is_uppercase()
                && previous.is_some_and(char::is_uppercase)
                && next.is_some_and(|c| c.is_lowercase());
            if rises || last_of_run {
                take(&mut words, &mut word);
            }
            for lower in character.to_lowercase().filter(|c| c.is_alphanumeric()) {
                // What no identifier may hold (UAX 31), such as a superscript, is spelled out.
                match unicode_ident::is_xid_continue(lower) {
                    true => word.push(lower),
                    false => word.push_str(&format!("u{:x}", u32::from(lower))),
                }
            }
        }
        take(&mut words, &mut word);
        if words.is_empty() {
            words.push("empty".to_owned());
        }
        Self(words)
    }

    /// The words, each non-empty and in lower case.
    pub fn words(&self) -> &[String] {
        &self.0
    }

    /// This name with the words of another behind it.
    #[must_use]
    pub fn then(&self, other: &Self) -> Self {
        let mut words = self.0.clone();
        words.extend(other.0.iter().cloned());
        Self(words)
    }

    /// This name with a number behind it.
    #[must_use]
    pub fn numbered(&self, number: usize) -> Self {
        let mut words = self.0.clone();
        words.push(number.to_string());
        Self(words)
    }

    /// This name with a word at its end, once.
    #[must_use]
    pub fn ending(&self, word: &str) -> Self {
        match self.0.last() {
            Some(last) if last == word => self.clone(),
            Some(_) | None => self.then(&Self::new(word)),
        }
    }

    /// This name with another number behind it: `variant 1` is `variant 2`.
    #[must_use]
    pub fn renumbered(&self, number: usize) -> Self {
        match self.0.split_last() {
            Some((last, words)) if !words.is_empty() && last.parse::<usize>().is_ok() => {
                Self(words.to_vec()).numbered(number)
            }
            Some(_) | None => self.numbered(number),
        }
    }

    /// This name in at most so many letters, as far as its first and its last word allow: words
    /// in the middle go.
    #[must_use]
    pub fn within(&self, letters: usize) -> Self {
        let length =
            |words: &[String]| words.iter().map(|word| word.chars().count()).sum::<usize>();
        let mut words = self.0.clone();
        while words.len() > 2 && length(&words) > letters {
            // What comes last tells most.
            words.remove((words.len() - 1) / 2);
        }
        Self(words)
    }

    /// What two names share that no language may tell apart; a letter leads where a digit would,
    /// as in identifiers.
    pub fn key(&self) -> String {
        let key = self.0.concat();
        if key.starts_with(|c: char| c.is_ascii_digit()) { format!("n{key}") } else { key }
    }

    /// This name in letters and digits that every registry and file system takes, a letter first.
    #[must_use]
    pub fn ascii(&self) -> Self {
        let spelled = |word: &String| -> String {
            let spell = |c: char| match c.is_ascii() {
                true => c.to_string(),
                false => format!("u{:x}", u32::from(c)),
            };
            word.chars().map(spell).collect()
        };
        let mut words: Vec<String> = self.0.iter().map(spelled).collect();
        if words.first().is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit())) {
            words.insert(0, "n".to_owned());
        }
        Self(words)
    }
}

fn take(words: &mut Vec<String>, word: &mut String) {
    if !word.is_empty() {
        words.push(std::mem::take(word));
    }
}

/// Signs that carry the meaning of an enum value: `+1` and `-1` must not meet.
fn sign_word(sign: char, index: usize, characters: &[char]) -> Option<&'static str> {
    let leads_number = index == 0 && characters.get(1).is_some_and(|c| c.is_numeric());
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

/// A name for each text, no two alike: a clash is settled by number, in the order of the texts.
pub fn unique_names<'a>(texts: impl IntoIterator<Item = &'a str>) -> BTreeMap<String, Name> {
    let sorted: BTreeSet<&str> = texts.into_iter().collect();
    let mut taken = BTreeSet::new();
    let mut names = BTreeMap::new();
    for text in sorted {
        let name = Name::new(text);
        let free = (2..).map(|number| name.numbered(number));
        let name = std::iter::once(name.clone())
            .chain(free)
            .find(|candidate| taken.insert(candidate.key()))
            .expect("numbers do not run out");
        names.insert(text.to_owned(), name);
    }
    names
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
    }
}
