//! The HTTP client under every generated client: where to, as whom, how long and how often.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Request, Url};
use symbolon_wire::media::covers;
use tokio::time::{Instant, sleep, timeout_at};

use crate::auth::Credential;
use crate::call::Options;
use crate::error::Failure;
use crate::outgoing::{Body, Written, append_query, join_cookies, unsendable};
use crate::streaming::ByteStream;
use crate::{
    Anonymous, Auth, BaseUrl, Call, EncodeError, Incoming, Info, Operation, Outgoing, Retry,
    Security,
};
use crate::{TransportError, retry};

const TIMEOUT: Duration = Duration::from_secs(30);
/// Clocks cannot count for ever; a year is as good.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 60 * 60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const PRODUCT: &str = concat!("symbolon-client/", env!("CARGO_PKG_VERSION"));

/// A client of one server. Cloning it is cheap; clones share its connections.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Settings>,
}

struct Settings {
    http: reqwest::Client,
    /// What opens sockets, made when the first one is opened.
    #[cfg(feature = "sockets")]
    upgradable: std::sync::OnceLock<reqwest::Client>,
    base_url: BaseUrl,
    auth: Box<dyn Auth>,
    headers: HeaderMap,
    timeout: Duration,
    retry: Retry,
    #[cfg(feature = "signatures")]
    signing: Option<crate::Signing>,
}

/// Why a client cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The base URL is unusable.
    #[error("base URL: {0}")]
    BaseUrl(&'static str),
    /// A default header is unusable.
    #[error("default header `{0}` is not a header HTTP can carry")]
    Header(String),
    /// The HTTP client cannot be set up.
    #[error("the HTTP client cannot be set up")]
    Http(#[source] reqwest::Error),
}

/// Settings of a client to be.
pub struct ClientBuilder {
    base_url: BaseUrl,
    auth: Box<dyn Auth>,
    headers: HeaderMap,
    timeout: Duration,
    retry: Retry,
    #[cfg(feature = "signatures")]
    signing: Option<crate::Signing>,
    http: Option<reqwest::Client>,
    failed: Option<ClientError>,
}

impl Client {
    /// A client with the default settings.
    ///
    /// # Errors
    /// When the base URL is not an `http` or `https` URL, or holds credentials or a query string.
    pub fn new(base_url: impl Into<BaseUrl>, auth: impl Auth) -> Result<Self, ClientError> {
        Self::builder(base_url).auth(auth).build()
    }

    /// A client with settings of its own. `base_url` may have a path: operations go below it.
    pub fn builder(base_url: impl Into<BaseUrl>) -> ClientBuilder {
        ClientBuilder {
            base_url: base_url.into(),
            auth: Box::new(Anonymous),
            headers: HeaderMap::new(),
            timeout: TIMEOUT,
            retry: Retry::default(),
            #[cfg(feature = "signatures")]
            signing: None,
            http: None,
            failed: None,
        }
    }

    /// Prepares a call. It is sent when it is awaited.
    pub fn call<O: Operation>(&self, request: O::Request) -> Call<O> {
        Call::new(self.clone(), request)
    }

    /// Sends one call, again where that is safe and useful, until there is a response to judge.
    pub(crate) async fn exchange(&self, exchange: Exchange<'_>) -> Result<Incoming, Failure> {
        let Exchange { info, out, options } = exchange;
        let written = out.finish().map_err(Failure::Encode)?;
        let timeout = options.timeout.unwrap_or(self.shared.timeout).min(LONGEST_TIMEOUT);
        let deadline = Instant::now() + timeout;
        let attempts = if retry::repeatable(info) { self.shared.retry.attempts } else { 1 };
        for requests in 1.. {
            let attempt = self.attempt(info, &written, options);
            let outcome = timeout_at(deadline, attempt).await.map_err(|_| Failure::Timeout)?;
            let asked = match &outcome {
                Ok(incoming) if retry::asks_to_wait(incoming.status_code()) => {
                    retry::retry_after(incoming.headers())
                }
                Err(Failure::Transport(_)) => None,
                Ok(_) | Err(_) => return outcome,
            };
            let wait = asked.unwrap_or_else(|| self.shared.retry.delay(requests));
            let left = deadline.saturating_duration_since(Instant::now());
            if requests >= attempts || wait >= left {
                return outcome;
            }
            sleep(wait).await;
        }
        Err(Failure::Timeout)
    }

    async fn attempt(
        &self,
        info: &Info,
        written: &Written,
        options: &Options,
    ) -> Result<Incoming, Failure> {
        let credentials = self.credentials(info).await.map_err(Failure::Encode)?;
        let request = self.request(info, written, options, credentials).map_err(Failure::Encode)?;
        let broken = |error| Failure::Transport(TransportError::new(error));
        let response = self.shared.http.execute(request).await.map_err(broken)?;
        let (status, headers) = (response.status(), response.headers().clone());
        if is_streamed(info, &headers) {
            return Ok(Incoming::live(status, headers, ByteStream::of(response)));
        }
        let body = response.bytes().await.map_err(broken)?;
        Ok(Incoming::new(status, headers, body))
    }

    /// What opens sockets: only HTTP/1.1 can (RFC 8441 is another way, which hardly a server goes).
    #[cfg(feature = "sockets")]
    pub(crate) fn upgradable(&self) -> Result<&reqwest::Client, Failure> {
        let made = &self.shared.upgradable;
        if made.get().is_none() {
            let http = usual().http1_only().build();
            let http = http.map_err(|error| Failure::Transport(TransportError::new(error)))?;
            return Ok(made.get_or_init(|| http));
        }
        Ok(made.get_or_init(|| self.shared.http.clone()))
    }

    #[cfg(feature = "sockets")]
    pub(crate) fn retry(&self) -> Retry {
        self.shared.retry
    }

    /// The credentials that belong on an operation.
    pub(crate) async fn credentials(&self, info: &Info) -> Result<Vec<Credential>, EncodeError> {
        let auth = &self.shared.auth;
        Ok(match info.security {
            Security::Required => auth.credentials().await?,
            Security::AnyOf(alternatives) => auth.credentials_for(alternatives).await?,
            Security::None => Vec::new(),
        })
    }

    pub(crate) fn request(
        &self,
        info: &Info,
        written: &Written,
        options: &Options,
        credentials: Vec<Credential>,
    ) -> Result<Request, EncodeError> {
        let base_url = options.base_url.as_ref().unwrap_or(&self.shared.base_url);
        let mut url = base_url.join(info, &written.target)?;
        let mut headers = self.shared.headers.clone();
        headers.insert(ACCEPT, header_value(ACCEPT.as_str(), info.accept)?);
        replace(&mut headers, &written.headers);
        replace(&mut headers, &options.headers);
        for credential in credentials {
            apply(credential, &mut url, &mut headers)?;
        }
        #[cfg(feature = "signatures")]
        if let Some(signing) = &self.shared.signing {
            signing.sign(&mut headers, &written.identity, written.body.content())?;
        }
        let url = Url::parse(&url).map_err(|_| EncodeError::Url)?;
        let method = reqwest::Method::from_bytes(info.method.as_str().as_bytes());
        let method = method.map_err(|_| EncodeError::Parameter {
            name: "method".to_owned(),
            reason: "it is no method of HTTP".to_owned(),
        })?;
        let builder = self.shared.http.request(method, url);
        let builder = match &written.body {
            Body::Empty => builder,
            Body::Bytes { media_type, content } => {
                headers.insert(CONTENT_TYPE, media_type.clone());
                builder.body(content.clone())
            }
        };
        builder.headers(headers).build().map_err(|_| EncodeError::Url)
    }
}

/// One call without its operation's types.
pub(crate) struct Exchange<'a> {
    pub(crate) info: &'a Info,
    pub(crate) out: Outgoing,
    pub(crate) options: &'a Options,
}

impl ClientBuilder {
    /// Sends these credentials. Without it, none are sent.
    #[must_use]
    pub fn auth(mut self, auth: impl Auth) -> Self {
        self.auth = Box::new(auth);
        self
    }

    /// Sends a header with every call that does not set it itself.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            (Ok(name), Ok(value)) => {
                self.headers.insert(name, value);
            }
            (Err(_), _) | (_, Err(_)) => self.failed = Some(ClientError::Header(name.to_owned())),
        }
        self
    }

    /// Gives every call, with its retries and waits, this long. Thirty seconds if not set.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Repeats calls like this.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Signs every request (Standard Webhooks): what is told, its receiver can verify.
    #[cfg(feature = "signatures")]
    #[must_use]
    pub fn signing(mut self, signing: crate::Signing) -> Self {
        self.signing = Some(signing);
        self
    }

    /// Sends over this HTTP client, for proxies or certificates of one's own. It should follow no
    /// redirects: they are responses a contract may document, and would take credentials along.
    /// Sockets need one that speaks HTTP/1.1.
    #[must_use]
    pub fn http(mut self, http: reqwest::Client) -> Self {
        self.http = Some(http);
        self
    }

    /// The client.
    ///
    /// # Errors
    /// When a setting is unusable.
    pub fn build(self) -> Result<Client, ClientError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let mut headers = self.headers;
        headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(PRODUCT));
        #[cfg(feature = "sockets")]
        let upgradable = self.http.clone().map(Into::into).unwrap_or_default();
        let http = match self.http {
            Some(http) => http,
            None => usual().build().map_err(ClientError::Http)?,
        };
        Ok(Client {
            shared: Arc::new(Settings {
                http,
                #[cfg(feature = "sockets")]
                upgradable,
                base_url: self.base_url.checked()?,
                auth: self.auth,
                headers,
                timeout: self.timeout,
                retry: self.retry,
                #[cfg(feature = "signatures")]
                signing: self.signing,
            }),
        })
    }
}

/// An HTTP client as one is made here.
fn usual() -> reqwest::ClientBuilder {
    let redirects = reqwest::redirect::Policy::none();
    reqwest::Client::builder().redirect(redirects).connect_timeout(CONNECT_TIMEOUT)
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Client")
            .field("base_url", &self.shared.base_url.as_str())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ClientBuilder").finish_non_exhaustive()
    }
}

/// Whether a response comes item by item, as its operation says it may.
fn is_streamed(info: &Info, headers: &HeaderMap) -> bool {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let given = given.unwrap_or_default();
    info.streams.iter().any(|media_type| covers(media_type, given))
}

/// Sets headers, dropping the values the map has of their names.
fn replace(headers: &mut HeaderMap, values: &[(HeaderName, HeaderValue)]) {
    for (name, _) in values {
        headers.remove(name);
    }
    for (name, value) in values {
        headers.append(name, value.clone());
    }
}

/// Puts a credential in its place.
fn apply(
    credential: Credential,
    url: &mut String,
    headers: &mut HeaderMap,
) -> Result<(), EncodeError> {
    let (name, value) = match credential {
        Credential::Query { name, value } => {
            append_query(url, &name, &value);
            return Ok(());
        }
        Credential::Header { name, value } => {
            (HeaderName::try_from(&name).map_err(|_| unsendable(&name))?, value)
        }
        Credential::Cookie { name, value } => {
            let cookies = headers.get(COOKIE).and_then(|cookies| cookies.to_str().ok());
            (COOKIE, join_cookies(cookies, &name, &value))
        }
    };
    let mut value = header_value(name.as_str(), &value)?;
    value.set_sensitive(true);
    headers.insert(name, value);
    Ok(())
}

pub(crate) fn header_value(name: &str, value: &str) -> Result<HeaderValue, EncodeError> {
    HeaderValue::try_from(value).map_err(|_| unsendable(name))
}
