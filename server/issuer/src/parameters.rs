//! Parameters of a query or a form (RFC 6749, appendix B).

use url::form_urlencoded;

/// What was sent, in order.
#[derive(Debug, Default)]
pub(crate) struct Parameters(Vec<(String, String)>);

/// A parameter that must not stand twice does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Repeated;

impl Parameters {
    pub(crate) fn read(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    /// A parameter, if it is there; an empty one is not (RFC 6749, 3.1).
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every value of a parameter.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let found = self.0.iter().filter(move |(given, value)| given == name && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    }

    /// Refuses parameters that stand twice.
    pub(crate) fn once(&self) -> Result<(), Repeated> {
        let mut names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let is_repeated = names.windows(2).any(|pair| pair[0] == pair[1]);
        if is_repeated { Err(Repeated) } else { Ok(()) }
    }
}
