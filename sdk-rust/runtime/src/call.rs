//! One call before it is sent: a request, and what this call does differently from its client.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use crate::client::Exchange;
use crate::outgoing::unsendable;
use crate::{
    BaseUrl, Client, DecodeError, EncodeError, Error, Items, Operation, Outgoing, Paged, Pages,
};

/// Header that carries the correlation id.
pub(crate) const CORRELATION_ID: &str = "X-Correlation-Id";

/// A call that is sent when it is awaited.
#[must_use = "a call is sent when it is awaited"]
pub struct Call<O: Operation> {
    pub(crate) client: Client,
    pub(crate) request: O::Request,
    options: Options,
}

/// What one call does differently from its client.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) timeout: Option<Duration>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) base_url: Option<BaseUrl>,
    /// Whether `base_url` was given and is none.
    misdirected: bool,
    failed: Option<&'static str>,
}

impl Options {
    pub(crate) fn at(&mut self, base_url: BaseUrl) {
        match base_url.checked() {
            Ok(base_url) => self.base_url = Some(base_url),
            Err(_) => self.misdirected = true,
        }
    }

    pub(crate) fn header(&mut self, name: &'static str, value: &str) {
        match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            (Ok(name), Ok(value)) => self.headers.push((name, value)),
            (Err(_), _) | (_, Err(_)) => self.failed = Some(name),
        }
    }

    /// Whether all that was given can be used.
    pub(crate) fn checked(&self) -> Result<(), EncodeError> {
        match self.failed {
            Some(name) => Err(unsendable(name)),
            None if self.misdirected => Err(EncodeError::Url),
            None => Ok(()),
        }
    }
}

/// What a call resolves to.
pub type Outcome<O> = Result<<O as Operation>::Response, Error<<O as Operation>::Error>>;

impl<O: Operation> Call<O> {
    pub(crate) fn new(client: Client, request: O::Request) -> Self {
        Self { client, request, options: Options::default() }
    }

    /// Gives the whole call, with its retries and waits, this long instead of the client's timeout.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = Some(timeout);
        self
    }

    /// Sends this correlation id (`X-Correlation-Id`), so that logs and events can be found by it.
    pub fn correlation_id(self, id: &str) -> Self {
        self.header(CORRELATION_ID, id)
    }

    /// Sends this call below another URL, or to another server of the contract.
    pub fn at(mut self, base_url: impl Into<BaseUrl>) -> Self {
        self.options.at(base_url.into());
        self
    }

    /// Sends a header, instead of the client's default of that name.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.options.header(name, value);
        self
    }

    /// Sends the call. Awaiting the call itself does the same.
    ///
    /// # Errors
    /// [`Error::Problem`] for what the contract documents; the other variants for everything else.
    pub async fn send(&self) -> Outcome<O> {
        let mut out = Outgoing::new(&O::INFO);
        O::encode(&self.request, &mut out);
        self.options.checked().map_err(Error::Encode)?;
        let exchange = Exchange { info: &O::INFO, out, options: &self.options };
        let incoming = self.client.exchange(exchange).await?;
        match O::decode(&incoming) {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(problem)) => Err(Error::Problem(problem)),
            // A broken error page says less than its status does.
            Err(error) if error == DecodeError::Undocumented || incoming.status() >= 400 => {
                Err(Error::Unexpected { status: incoming.status(), body: incoming.into_body() })
            }
            Err(error) => Err(Error::Decode(error)),
        }
    }
}

impl<O: Paged> Call<O> {
    /// The items of all pages, starting with the page this call asks for.
    pub fn items(self) -> Items<O> {
        Items::new(self)
    }

    /// The pages, starting with the one this call asks for.
    pub fn pages(self) -> Pages<O> {
        Pages::new(self)
    }
}

impl<O: Operation> IntoFuture for Call<O> {
    type Output = Outcome<O>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.send().await })
    }
}

impl<O: Operation> fmt::Debug for Call<O> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Call({})", O::INFO.id)
    }
}
