//! Where calls go: below a URL that somebody names, or to the servers of a contract.

use std::borrow::Cow;

use reqwest::Url;

use crate::{ClientError, EncodeError, Info};

/// Where a client sends its calls.
///
/// Below a URL, any text, go all of them, whatever servers the contract names: a test or a proxy
/// gets every one. A server of the contract, which generated clients have as `Server`, gets them as
/// the contract says: operations that have a server of their own go there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    url: String,
    /// What the variables of its URL stand for, if it is a server of a contract.
    variables: Option<Vec<(&'static str, String)>>,
    /// Whether calls go to the URL itself and not below it.
    is_whole: bool,
}

/// Where an operation is served, if that is not where the rest of its contract is.
#[derive(Debug, Clone, Copy)]
pub struct OwnServer {
    /// Its URL, with `{variables}`; `{origin}` is that of the client's server.
    pub url: &'static str,
    /// What variables stand for that the client's server does not have.
    pub defaults: &'static [(&'static str, &'static str)],
}

impl<T: AsRef<str>> From<T> for BaseUrl {
    fn from(url: T) -> Self {
        Self { url: url.as_ref().to_owned(), variables: None, is_whole: false }
    }
}

impl BaseUrl {
    /// A server of a contract: its URL, and what the variables in it stand for.
    pub fn server(url: &str, variables: Vec<(&'static str, String)>) -> Self {
        let url = filled(url, |name| given(&variables, name).map(Cow::Borrowed));
        Self { url, variables: Some(variables), is_whole: false }
    }

    /// This very URL, with its query string and the slash at its end: where webhooks go.
    pub fn exactly(url: impl AsRef<str>) -> Self {
        Self { is_whole: true, ..Self::from(url) }
    }

    /// The same with its URL checked and without a slash at its end, ready for a path to follow.
    pub(crate) fn checked(mut self) -> Result<Self, ClientError> {
        if !self.is_whole && self.url.contains(['{', '}']) {
            return Err(ClientError::BaseUrl("a variable of it stands for nothing"));
        }
        let url = Url::parse(&self.url).map_err(|_| ClientError::BaseUrl("not an absolute URL"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(ClientError::BaseUrl("must start with http:// or https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ClientError::BaseUrl("must not hold credentials"));
        }
        if self.is_whole && url.fragment().is_none() {
            self.url = url.into();
            return Ok(self);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(ClientError::BaseUrl("must not hold a query string or a fragment"));
        }
        self.url = url.as_str().trim_end_matches('/').to_owned();
        Ok(self)
    }

    /// The URL that the path of an operation follows.
    fn of(&self, info: &Info) -> Result<Cow<'_, str>, EncodeError> {
        let (Some(variables), Some(own)) = (&self.variables, &info.server) else {
            return Ok(Cow::Borrowed(&self.url));
        };
        let url = filled(own.url, |name| {
            let chosen = given(variables, name).map(Cow::Borrowed);
            let usual = || own.defaults.iter().find(|(known, _)| *known == name);
            let usual = || usual().map(|(_, value)| Cow::Borrowed(*value));
            chosen.or_else(usual).or_else(|| (name == "origin").then(|| self.origin()))
        });
        let checked = Self::from(url).checked().map_err(|_| EncodeError::Url)?;
        Ok(Cow::Owned(checked.url))
    }

    fn origin(&self) -> Cow<'_, str> {
        let origin = Url::parse(&self.url).map(|url| url.origin().ascii_serialization());
        origin.unwrap_or_default().into()
    }

    /// The URL of one call.
    ///
    /// # Errors
    /// When the operation has a server of its own, and no call can go to its URL.
    pub(crate) fn join(&self, info: &Info, target: &str) -> Result<String, EncodeError> {
        let base = self.of(info)?;
        Ok(match target.strip_prefix('?') {
            Some(query) if base.contains('?') => format!("{base}&{query}"),
            Some(_) | None => format!("{base}{target}"),
        })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.url
    }
}

fn given<'v>(variables: &'v [(&'static str, String)], name: &str) -> Option<&'v str> {
    variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
}

/// A template with its variables' values, as they are: one may hold several segments of a path.
fn filled<'v>(template: &str, value: impl Fn(&str) -> Option<Cow<'v, str>>) -> String {
    let mut url = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, (name, after))) =
        rest.split_once('{').and_then(|(before, tail)| Some((before, tail.split_once('}')?)))
    {
        url.push_str(before);
        match value(name) {
            Some(value) => url.push_str(&value),
            None => url.push_str(&format!("{{{name}}}")),
        }
        rest = after;
    }
    url.push_str(rest);
    url
}
