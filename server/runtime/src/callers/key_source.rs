//! Where key sets come from: a file, a URL, or an issuer that says where its keys are
//! (OpenID Connect Discovery 1.0).

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::HeaderMap;
use http::header::{AGE, CACHE_CONTROL};
use jsonwebtoken::jwk::JwkSet;
use reqwest::{Client, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::Freshness;

const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// No issuer publishes so much; whoever sends more is none.
const DOCUMENT_LIMIT: usize = 256 << 10;

/// Why a key set cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read.
    #[error("key set file cannot be read")]
    File(#[from] std::io::Error),
    /// The URL does not answer.
    #[error("key set URL cannot be fetched")]
    Url(#[from] reqwest::Error),
    /// The URL answers with something else than success; it is not followed elsewhere.
    #[error("key set URL answers with status {0}")]
    Status(u16),
    /// The answer is too long.
    #[error("answer is longer than {DOCUMENT_LIMIT} bytes")]
    TooLarge,
    /// The document is no key set, or no metadata of an issuer.
    #[error("not a JSON Web Key Set, or no metadata of an issuer")]
    Format(#[from] serde_json::Error),
    /// Whoever stands between could put in keys of their own.
    #[error("`{0}` is no https URL, nor an http URL on this machine")]
    Unprotected(String),
    /// The metadata at an issuer's address is somebody else's.
    #[error("the metadata of issuer `{asked}` name another issuer")]
    OtherIssuer {
        /// Whose metadata were wanted.
        asked: String,
    },
}

/// What a key set is read from.
#[derive(Debug)]
pub(crate) enum Source {
    Fixed,
    File(PathBuf),
    Url { client: Client, url: Url },
    Issuer { client: Client, issuer: String, found: Mutex<Option<Found>> },
}

/// Where an issuer keeps its keys, as it last said.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    keys: Url,
    until: Instant,
}

/// What was read, and for how long that is good, if it was said.
#[derive(Debug)]
pub(crate) struct Read<T> {
    pub(crate) document: T,
    pub(crate) good_for: Option<Duration>,
}

/// The part of an issuer's metadata that is of use here.
#[derive(Debug, Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed => formatter.write_str("memory"),
            Self::File(path) => path.display().fmt(formatter),
            Self::Url { url, .. } => url.fmt(formatter),
            Self::Issuer { issuer, .. } => issuer.fmt(formatter),
        }
    }
}

impl Source {
    pub(crate) fn url(url: &str) -> Result<Self, KeyError> {
        let url = Url::parse(url).map_err(|_| KeyError::Unprotected(url.to_owned()))?;
        Ok(Self::Url { client: client()?, url })
    }

    pub(crate) fn issuer(issuer: &str) -> Result<Self, KeyError> {
        let url = protected(issuer)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(KeyError::Unprotected(issuer.to_owned()));
        }
        let (client, issuer) = (client()?, issuer.to_owned());
        Ok(Self::Issuer { client, issuer, found: Mutex::default() })
    }

    pub(crate) fn is_fixed(&self) -> bool {
        matches!(self, Self::Fixed)
    }

    /// Reads the set again.
    pub(crate) async fn read(
        &self,
        freshness: Freshness,
        now: Instant,
    ) -> Result<Read<JwkSet>, KeyError> {
        match self {
            Self::Fixed => Ok(Read { document: JwkSet { keys: Vec::new() }, good_for: None }),
            Self::File(path) => {
                let document = serde_json::from_slice(&tokio::fs::read(path).await?)?;
                Ok(Read { document, good_for: None })
            }
            Self::Url { client, url } => fetch(client, url.clone()).await,
            Self::Issuer { client, issuer, found } => {
                let url = discover(client, issuer, found, freshness, now).await?;
                fetch(client, url).await
            }
        }
    }
}

/// Nobody is sent elsewhere: an issuer's word for its keys is where they were asked for.
fn client() -> Result<Client, KeyError> {
    let client = Client::builder().timeout(FETCH_TIMEOUT);
    Ok(client.redirect(reqwest::redirect::Policy::none()).build()?)
}

/// A URL that nobody in between can answer for.
fn protected(text: &str) -> Result<Url, KeyError> {
    let refused = || KeyError::Unprotected(text.to_owned());
    let url = Url::parse(text).map_err(|_| refused())?;
    let is_here = || {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_here() => Ok(url),
        _ => Err(refused()),
    }
}

/// Where the issuer keeps its keys; what it said before, when it does not answer.
async fn discover(
    client: &Client,
    issuer: &str,
    found: &Mutex<Option<Found>>,
    freshness: Freshness,
    now: Instant,
) -> Result<Url, KeyError> {
    let known = found.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(Found { keys, until }) = &known
        && now < *until
    {
        return Ok(keys.clone());
    }
    let (keys, good_for) = match (metadata(client, issuer).await, known) {
        (Ok(read), _) => (read.document, read.good_for),
        (Err(KeyError::Url(_) | KeyError::Status(_)), Some(known)) => return Ok(known.keys),
        (Err(error), _) => return Err(error),
    };
    let good_for = good_for.unwrap_or(freshness.most).max(freshness.least).min(freshness.most);
    let said = Found { keys: keys.clone(), until: now + good_for };
    *found.lock().unwrap_or_else(PoisonError::into_inner) = Some(said);
    Ok(keys)
}

async fn metadata(client: &Client, issuer: &str) -> Result<Read<Url>, KeyError> {
    let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let read: Read<Metadata> = fetch(client, protected(&address)?).await?;
    if read.document.issuer != issuer {
        return Err(KeyError::OtherIssuer { asked: issuer.to_owned() });
    }
    Ok(Read { document: protected(&read.document.jwks_uri)?, good_for: read.good_for })
}

async fn fetch<T: DeserializeOwned>(client: &Client, url: Url) -> Result<Read<T>, KeyError> {
    let mut response = client.get(url).header("accept", "application/json").send().await?;
    let status = response.status();
    if !status.is_success() {
        return Err(KeyError::Status(status.as_u16()));
    }
    let good_for = good_for(response.headers());
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > DOCUMENT_LIMIT {
            return Err(KeyError::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Read { document: serde_json::from_slice(&bytes)?, good_for })
}

/// How much longer an answer is fresh, if it says so (RFC 9111, 4.2).
fn good_for(headers: &HeaderMap) -> Option<Duration> {
    let lines = headers.get_all(CACHE_CONTROL).iter().filter_map(|line| line.to_str().ok());
    let mut found = None;
    for directive in lines.flat_map(|line| line.split(',')) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => return Some(Duration::ZERO),
            "max-age" => found = found.or(value.trim().trim_matches('"').parse().ok()),
            _ => {}
        }
    }
    let age = headers.get(AGE).and_then(|age| age.to_str().ok()?.trim().parse().ok());
    found.map(|seconds: u64| Duration::from_secs(seconds.saturating_sub(age.unwrap_or(0))))
}

#[cfg(test)]
mod tests {
    use super::{HeaderMap, good_for, protected};

    #[test]
    fn freshness_is_what_the_headers_leave_of_it() {
        for (lines, seconds) in [
            (&[][..], None),
            (&[("cache-control", "public")], None),
            (&[("cache-control", "public, max-age=300")], Some(300)),
            (&[("cache-control", "Max-Age=\"300\""), ("age", "120")], Some(180)),
            (&[("cache-control", "max-age=300"), ("age", "999")], Some(0)),
            (&[("cache-control", "max-age=soon")], None),
            (&[("cache-control", "max-age=300"), ("cache-control", "no-cache")], Some(0)),
            (&[("cache-control", "no-store")], Some(0)),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(*name, value.parse().expect("a header value"));
            }
            let found = good_for(&headers).map(|left| left.as_secs());
            assert_eq!(found, seconds, "{lines:?}");
        }
    }

    #[test]
    fn keys_come_by_https_or_from_this_machine() {
        for url in ["https://a.test/x", "http://127.0.0.1:1", "http://[::1]/", "http://localhost"] {
            assert!(protected(url).is_ok(), "{url}");
        }
        for url in ["http://a.test", "http://localhost.a.test", "file:///etc", "a.test", ""] {
            assert!(protected(url).is_err(), "{url}");
        }
    }
}
