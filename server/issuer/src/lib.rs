//! An OpenID Connect issuer for development: discovery, keys, authorization code with PKCE,
//! refresh, client credentials, userinfo.
//!
//! It must never stand where anybody but the developer reaches it: whoever asks may be anyone.
//!
//! There are no users, passwords or clients in it. Any client is known that calls back on this
//! machine; its page lets whoever sees it choose tenant, subject and scopes. What it gives out is
//! right, though: codes are good once and for a minute, refresh tokens are good once, and
//! everything is signed by the [`DevelopmentIdentity`].

mod answers;
mod authorization;
mod grants;
mod metadata;
mod page;
mod parameters;
mod tokens;

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use symbolon_server::{AccessTokens, Authenticator, DevelopmentIdentity, Expectations, KeyError};
use url::{Host, Url};

use crate::grants::Grants;
use crate::parameters::Parameters;

/// A request's body is a few parameters.
const BODY_LIMIT: usize = 64 << 10;

/// Why there is no issuer.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// Others could reach it.
    #[error("`{0}` is no http URL with a path on this machine")]
    Elsewhere(String),
    /// Its own key set cannot be read.
    #[error("the development identity's keys are not usable")]
    Keys(#[from] KeyError),
}

/// What the issuer offers.
#[derive(Debug, Clone)]
pub struct Offer {
    /// Scopes of the API.
    pub scopes: Vec<String>,
    /// Tenants to choose from; others can be typed. The first is the one to begin with.
    pub tenants: Vec<String>,
}

/// Fills bytes that nobody can guess.
pub type Chance = dyn Fn(&mut [u8]) + Send + Sync;

/// Where time and chance come from.
#[derive(Clone)]
pub struct Surroundings {
    /// The time.
    pub now: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    /// The chance.
    pub fill: Arc<Chance>,
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Surroundings").finish_non_exhaustive()
    }
}

impl Default for Surroundings {
    /// Those of the machine.
    fn default() -> Self {
        let fill = |bytes: &mut [u8]| {
            aws_lc_rs::rand::fill(bytes).expect("the machine's generator does not fail");
        };
        Self { now: Arc::new(SystemTime::now), fill: Arc::new(fill) }
    }
}

/// The issuer of one URL.
#[derive(Debug)]
pub struct Issuer {
    identity: DevelopmentIdentity,
    url: Url,
    offer: Offer,
    surroundings: Surroundings,
    verifier: Authenticator,
    grants: Mutex<Grants>,
}

impl Issuer {
    /// The issuer of this URL, such as `http://127.0.0.1:8080/development`, which is the claim
    /// `iss` of its tokens.
    ///
    /// # Errors
    /// When the URL is not on this machine, or the identity's keys cannot be read.
    pub fn new(
        identity: DevelopmentIdentity,
        url: &str,
        offer: Offer,
    ) -> Result<Self, IssuerError> {
        let elsewhere = || IssuerError::Elsewhere(url.to_owned());
        let parsed = Url::parse(url).map_err(|_| elsewhere())?;
        if parsed.scheme() != "http" || !is_here(&parsed) || parsed.as_str() != url {
            return Err(elsewhere());
        }
        let path = parsed.path();
        if path == "/" || path.ends_with('/') || parsed.query().or(parsed.fragment()).is_some() {
            return Err(elsewhere());
        }
        let expected =
            Expectations::new(url, identity.audience()).access_tokens(AccessTokens::Marked);
        let verifier = Authenticator::from_jwks_file(identity.jwks_path(), expected)?;
        let (surroundings, grants) = (Surroundings::default(), Mutex::default());
        Ok(Self { identity, url: parsed, offer, surroundings, verifier, grants })
    }

    /// The same with another source of time and chance.
    #[must_use]
    pub fn surroundings(self, surroundings: Surroundings) -> Self {
        Self { surroundings, ..self }
    }

    /// Claim `iss` of its tokens.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// This router with the issuer in it, below the path of its URL.
    pub fn mount(self, router: Router) -> Router {
        let path = self.url.path().to_owned();
        let own = Router::new().fallback(answer).with_state(Arc::new(self));
        router.nest_service(&path, own)
    }

    /// A URL of the issuer's own.
    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    fn now(&self) -> SystemTime {
        (self.surroundings.now)()
    }

    /// A text that nobody can guess: 256 bits in base64url.
    fn secret(&self) -> String {
        let mut bytes = [0; 32];
        (self.surroundings.fill)(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn grants(&self) -> MutexGuard<'_, Grants> {
        self.grants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers a request to the issuer; the path is that below its URL.
async fn answer(State(issuer): State<Arc<Issuer>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // A page of somebody else's may have its name point here; the browser still says the name.
    let host = parts.headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
    let host = host.and_then(|host| Url::parse(&format!("http://{host}/")).ok());
    if !host.is_some_and(|host| is_here(&host)) {
        return answers::plain(421, "this issuer serves its own machine alone");
    }
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        return answers::plain(413, "a request has a few parameters");
    };
    let query = Parameters::read(parts.uri.query().unwrap_or_default().as_bytes());
    let form = Parameters::read(&body);
    let response = match (&parts.method, parts.uri.path()) {
        (&Method::GET, "/.well-known/openid-configuration") => metadata::configuration(&issuer),
        (&Method::GET, "/keys") => metadata::keys(&issuer),
        (&Method::GET, "/authorize") => authorization::ask(&issuer, &parts, &query),
        (&Method::POST, "/authorize") => authorization::decide(&issuer, &query, &form),
        (&Method::POST, "/token") => tokens::answer(&issuer, &parts.headers, &form),
        (&Method::GET | &Method::POST, "/userinfo") => metadata::userinfo(&issuer, &parts).await,
        (&Method::OPTIONS, _) => answers::plain(204, ""),
        (_, "/.well-known/openid-configuration" | "/keys" | "/authorize" | "/token") => {
            answers::plain(405, "the resource does not have this method")
        }
        _ => answers::plain(404, "nothing stands at this path"),
    };
    answers::shared(&parts.headers, response)
}

/// Whether a URL leads to this machine and nowhere else.
fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Seconds since the Unix epoch.
fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}
