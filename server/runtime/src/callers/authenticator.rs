//! JSON Web Tokens (RFC 7519, RFC 8725) signed by a key of a published set.

use std::path::PathBuf;
use std::time::Instant;

use futures_util::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::request::Parts;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};

use crate::callers::keys::{Away, Keys};
use crate::callers::tenant;
use crate::monotonic::Monotonic;
use crate::{Authenticate, Freshness, KeyError, Principal, Unauthenticated};

/// Clocks may differ by this much.
const LEEWAY_SECONDS: u64 = 30;
/// A longer token is not looked at. Those of directories that list a user's groups have some KiB.
const TOKEN_LIMIT: usize = 16 << 10;

/// What a token must say.
#[derive(Debug, Clone)]
pub struct Expectations {
    issuers: Vec<String>,
    audience: String,
    tenancy: Tenancy,
    access_tokens: AccessTokens,
}

/// How access tokens are told from an issuer's other tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessTokens {
    /// By their audience; `typ` is absent, `JWT` or `at+jwt`. For issuers that mark nothing.
    ByAudience,
    /// By `typ`, which is `at+jwt` (RFC 9068): an ID token is none, whatever its audience.
    Marked,
}

/// Where the caller's tenant comes from.
#[derive(Debug, Clone)]
pub enum Tenancy {
    /// A claim of the token, with a tenant or a list of some; a token without it is not valid. Of
    /// several tenants the caller chooses one, by `X-Tenant-Id`.
    Claim(String),
    /// There is one tenant only.
    Single(String),
}

impl Expectations {
    /// Tokens of this issuer for this audience, with the tenant in the claim `tenant`.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            issuers: vec![issuer.into()],
            audience: audience.into(),
            tenancy: Tenancy::Claim("tenant".to_owned()),
            access_tokens: AccessTokens::ByAudience,
        }
    }

    /// The same, and tokens of this issuer too, which has the same keys under another name.
    #[must_use]
    pub fn or_issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuers.push(issuer.into());
        self
    }

    /// The same with another source of the tenant.
    #[must_use]
    pub fn tenancy(self, tenancy: Tenancy) -> Self {
        Self { tenancy, ..self }
    }

    /// The same with another way to tell access tokens.
    #[must_use]
    pub fn access_tokens(self, access_tokens: AccessTokens) -> Self {
        Self { access_tokens, ..self }
    }
}

/// Verifies bearer tokens: ES256, RS256 or EdDSA by a known key; `iss`, `aud`, `exp`, `nbf`.
///
/// The algorithm is the key's, never the token's choice: `none` and HMAC do not exist here.
#[derive(Debug)]
pub struct Authenticator {
    keys: Keys,
    expectations: Expectations,
}

impl Authenticator {
    /// Verifies by a fixed key set.
    ///
    /// # Errors
    /// When the bytes are no JSON Web Key Set.
    pub fn from_jwks(jwks: &[u8], expectations: Expectations) -> Result<Self, KeyError> {
        Ok(Self { keys: Keys::from_bytes(jwks)?, expectations })
    }

    /// Verifies by the keys of the expected issuer, which says itself where they are
    /// (`/.well-known/openid-configuration`). They are fetched on first use, and again when they
    /// are old or a token names an unknown key ([`Freshness`]). An issuer that does not answer
    /// takes no key away that is known; until it has answered once, callers get a 503.
    ///
    /// # Errors
    /// When the issuer is no https URL, nor an http URL on this machine.
    pub fn from_issuer(expectations: Expectations) -> Result<Self, KeyError> {
        let issuer = expectations.issuers.first().map_or("", String::as_str);
        Ok(Self { keys: Keys::from_issuer(issuer)?, expectations })
    }

    /// Verifies by the key set in a file, read again when it is old or a token names an unknown
    /// key.
    ///
    /// # Errors
    /// When the file holds no JSON Web Key Set.
    pub fn from_jwks_file(
        path: impl Into<PathBuf>,
        expectations: Expectations,
    ) -> Result<Self, KeyError> {
        Ok(Self { keys: Keys::from_file(path.into())?, expectations })
    }

    /// Verifies by the key set behind a URL, fetched as by [`Authenticator::from_issuer`].
    ///
    /// # Errors
    /// When it is no URL, or no HTTP client can be made.
    pub fn from_jwks_url(
        url: impl AsRef<str>,
        expectations: Expectations,
    ) -> Result<Self, KeyError> {
        Ok(Self { keys: Keys::from_url(url.as_ref())?, expectations })
    }

    /// Asks for the keys now, in a task of its own, and not when the first token comes: an issuer
    /// that does not answer is in the log while somebody still looks at it.
    pub fn prefetch(&self) {
        self.keys.prefetch();
    }

    /// The same, with keys that are good for another time.
    #[must_use]
    pub fn freshness(self, freshness: Freshness) -> Self {
        Self { keys: self.keys.freshness(freshness), ..self }
    }

    /// The same, with keys that age by another clock.
    #[must_use]
    pub fn clock(self, now: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        Self { keys: self.keys.clock(Monotonic::new(now)), ..self }
    }

    /// The caller a token of one tenant speaks for.
    ///
    /// # Errors
    /// When the token is not valid here and now, or lists several tenants.
    pub async fn verify(&self, token: &str) -> Result<Principal, Unauthenticated> {
        self.verify_for(token, None).await
    }

    /// The caller a token speaks for, as the tenant that was chosen.
    ///
    /// # Errors
    /// When the token is not valid here and now, or not one of this tenant.
    pub async fn verify_for(
        &self,
        token: &str,
        chosen: Option<&str>,
    ) -> Result<Principal, Unauthenticated> {
        if token.len() > TOKEN_LIMIT {
            return Err(invalid("token is too long"));
        }
        let header = jsonwebtoken::decode_header(token)
            .map_err(|_| invalid("token is malformed or of an unknown algorithm"))?;
        if !matches!(header.alg, Algorithm::ES256 | Algorithm::RS256 | Algorithm::EdDSA) {
            return Err(invalid("token is of an algorithm that is not allowed"));
        }
        if header.crit.is_some() {
            return Err(invalid("token has critical extensions"));
        }
        if !self.is_access_token(header.typ.as_deref()) {
            return Err(invalid("token is no access token"));
        }
        let id = header.kid.ok_or(invalid("token names no key"))?;
        let key = self.keys.find(&id).await.map_err(|Away| Unauthenticated::Undecided {
            reason: "the issuer's keys could not be read yet",
        })?;
        let key = key.ok_or(invalid("token names an unknown key"))?;
        if algorithm(&key) != Some(header.alg) {
            return Err(invalid("token is of another algorithm than its key"));
        }
        let verifying = DecodingKey::from_jwk(&key).map_err(|_| invalid("key is not usable"))?;
        let validation = self.validation(header.alg);
        let claims = jsonwebtoken::decode::<Map<String, Value>>(token, &verifying, &validation)
            .map_err(|error| invalid(reason(error.kind())))?
            .claims;
        self.principal(&claims, chosen)
    }

    /// Whether a token of this `typ` may be one (RFC 7515, 4.1.9: `application/` may be left out).
    fn is_access_token(&self, typ: Option<&str>) -> bool {
        let typ = typ.map(str::to_ascii_lowercase);
        let typ = typ.as_deref().map(|typ| typ.strip_prefix("application/").unwrap_or(typ));
        match (self.expectations.access_tokens, typ) {
            (_, Some("at+jwt")) => true,
            (AccessTokens::ByAudience, Some(typ)) => typ == "jwt",
            (AccessTokens::ByAudience, None) => true,
            (AccessTokens::Marked, _) => false,
        }
    }

    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        validation.set_issuer(&self.expectations.issuers);
        validation.set_audience(&[&self.expectations.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation
    }

    fn principal(
        &self,
        claims: &Map<String, Value>,
        chosen: Option<&str>,
    ) -> Result<Principal, Unauthenticated> {
        let text =
            |name: &str| claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        // Only an ID token speaks of what it came with (OpenID Connect Core, 3.3.2.11).
        if claims.contains_key("at_hash") || claims.contains_key("c_hash") {
            return Err(invalid("token is no access token"));
        }
        let tenant = match &self.expectations.tenancy {
            Tenancy::Claim(claim) => tenant::one_of(&tenants(claims.get(claim)), chosen)?,
            Tenancy::Single(tenant) => tenant,
        };
        Ok(Principal {
            subject: text("sub").ok_or(invalid("token names no subject"))?.to_owned(),
            tenant: tenant.to_owned(),
            scopes: text("scope").unwrap_or("").split_whitespace().map(str::to_owned).collect(),
        })
    }
}

impl Authenticate for Authenticator {
    fn authenticate<'a>(
        &'a self,
        request: &'a Parts,
    ) -> BoxFuture<'a, Result<Option<Principal>, Unauthenticated>> {
        Box::pin(async move {
            let mut lines = request.headers.get_all(AUTHORIZATION).iter();
            let (Some(line), rest) = (lines.next(), lines.next()) else { return Ok(None) };
            let text = line.to_str().map_err(|_| invalid("credentials are not ASCII"))?.trim();
            let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
            if !scheme.eq_ignore_ascii_case("bearer") {
                return Ok(None);
            }
            if rest.is_some() {
                return Err(invalid("credentials are given twice"));
            }
            let chosen = tenant::chosen(&request.headers)?;
            self.verify_for(token.trim(), chosen).await.map(Some)
        })
    }
}

fn invalid(reason: &'static str) -> Unauthenticated {
    Unauthenticated::Invalid { reason }
}

/// The tenants a claim lists; none if it is no list of names.
fn tenants(claim: Option<&Value>) -> Vec<&str> {
    let names = match claim {
        Some(Value::Array(names)) => names.iter().map(Value::as_str).collect(),
        Some(name) => name.as_str().map(|name| vec![name]),
        None => None,
    };
    names.filter(|names| names.iter().all(|name| !name.is_empty())).unwrap_or_default()
}

/// The only algorithm a key may be used with. Symmetric keys have none.
fn algorithm(key: &Jwk) -> Option<Algorithm> {
    let algorithm = match &key.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
            Algorithm::ES256
        }
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
            Algorithm::EdDSA
        }
        _ => return None,
    };
    let stated = key.common.key_algorithm.as_ref().map(ToString::to_string);
    let is_stated = stated.is_none_or(|stated| stated == format!("{algorithm:?}"));
    let is_for_signatures = !matches!(key.common.public_key_use, Some(PublicKeyUse::Encryption));
    (is_stated && is_for_signatures).then_some(algorithm)
}

fn reason(kind: &jsonwebtoken::errors::ErrorKind) -> &'static str {
    use jsonwebtoken::errors::ErrorKind;
    match kind {
        ErrorKind::InvalidSignature => "token has a wrong signature",
        ErrorKind::ExpiredSignature => "token has expired",
        ErrorKind::ImmatureSignature => "token is not valid yet",
        ErrorKind::InvalidIssuer => "token is of another issuer",
        ErrorKind::InvalidAudience => "token is for another audience",
        ErrorKind::MissingRequiredClaim(_) => "token lacks a required claim",
        _ => "token is malformed",
    }
}
