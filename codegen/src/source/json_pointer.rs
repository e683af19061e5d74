//! JSON pointers (RFC 6901), plain and as URI fragments.

use std::borrow::Cow;
use std::fmt;

/// A JSON pointer in its escaped text form; empty for the whole document.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pointer(String);

impl Pointer {
    /// The pointer written in a URI fragment (percent-decoded), if it is one.
    pub fn from_fragment(fragment: &str) -> Option<Self> {
        let text = percent_decode(fragment)?;
        (text.is_empty() || text.starts_with('/')).then(|| Self(text.into_owned()))
    }

    /// The pointer to a member of what this one points at.
    #[must_use]
    pub fn child(&self, token: &str) -> Self {
        let mut text = String::with_capacity(self.0.len() + token.len() + 1);
        text.push_str(&self.0);
        let mut child = Self(text);
        child.push(token);
        child
    }

    /// Goes one step down.
    pub(super) fn push(&mut self, token: &str) {
        self.0.push('/');
        if token.contains(['~', '/']) {
            self.0.push_str(&token.replace('~', "~0").replace('/', "~1"));
        } else {
            self.0.push_str(token);
        }
    }

    /// Goes one step down for a while.
    pub(super) fn within(&mut self, token: &str, visit: impl FnOnce(&mut Self)) {
        let length = self.0.len();
        self.push(token);
        visit(self);
        self.0.truncate(length);
    }

    /// The reference tokens, unescaped.
    pub fn tokens(&self) -> impl Iterator<Item = Cow<'_, str>> {
        tokens(&self.0)
    }

    /// The last token, unescaped.
    pub fn last(&self) -> Option<String> {
        self.tokens().last().map(Cow::into_owned)
    }

    /// Whether this points at what the other does, or at something in it.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        let rest = self.0.strip_prefix(&other.0);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The escaped text form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The tokens of a pointer in its escaped text form, unescaped.
pub(super) fn tokens(pointer: &str) -> impl Iterator<Item = Cow<'_, str>> {
    pointer.split('/').skip(1).map(|token| match token.contains('~') {
        true => token.replace("~1", "/").replace("~0", "~").into(),
        false => token.into(),
    })
}

/// The text behind percent-encoding; none if it is no such text.
pub(super) fn percent_decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let (digits, tail) = tail.split_at_checked(2)?;
        let digits = std::str::from_utf8(digits).ok().filter(|text| !text.starts_with('+'))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = tail;
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::Pointer;

    #[test]
    fn escapes_and_unescapes() {
        let pointer = Pointer::default().child("paths").child("/a/{b}").child("~x");
        assert_eq!(pointer.as_str(), "/paths/~1a~1{b}/~0x");
        assert_eq!(pointer.tokens().collect::<Vec<_>>(), ["paths", "/a/{b}", "~x"]);
    }

    #[test]
    fn reads_fragments() {
        let pointer = Pointer::from_fragment("/paths/~1a~1%7Bb%7D").map(|p| p.last());
        assert_eq!(pointer, Some(Some("/a/{b}".to_owned())));
        assert_eq!(Pointer::from_fragment("anchor"), None);
        assert_eq!(Pointer::from_fragment("/%zz"), None);
    }
}
