//! Signatures of webhooks, symmetric: Standard Webhooks 1.0 (<https://www.standardwebhooks.com>).
//!
//! HMAC-SHA256 over identity, time and body tells a receiver that somebody who has the secret sent
//! this body, and when. That it comes once is not said: a receiver remembers identities.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::Base64;

/// Header of the identity of a message, the same each time that it is sent.
pub const ID: &str = "webhook-id";
/// Header of the time of sending, in seconds since 1970.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// Header of the signatures, a space between each two.
pub const SIGNATURE: &str = "webhook-signature";

const VERSION: &str = "v1,";
const PREFIX: &str = "whsec_";

/// So far may the clocks of both sides be apart, and so long may a message be under way.
const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// A secret that the two sides share: `whsec_` and 24 to 64 bytes in Base64.
#[derive(Clone)]
pub struct WebhookSecret(Vec<u8>);

/// A text that is no such secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoSecret;

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// Verifies what arrives.
#[derive(Clone)]
pub struct Verifier {
    secrets: Vec<WebhookSecret>,
    tolerance: Duration,
    clock: Clock,
}

/// Why nobody who has the secret can be said to have sent this now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unverified {
    /// A header that signed messages have is missing.
    Missing(&'static str),
    /// The time is no number of seconds.
    Time,
    /// It was sent too long ago, or its time is still to come.
    Untimely,
    /// No signature is that of a known secret.
    Signature,
}

impl WebhookSecret {
    /// The header of the signature of a message.
    pub fn sign(&self, id: &str, at: SystemTime, body: &[u8]) -> String {
        let signature = self.mac(id, &seconds(at).to_string(), body).finalize().into_bytes();
        format!("{VERSION}{}", Base64(signature.to_vec()))
    }

    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.0)
            .expect("HMAC takes keys of any length");
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        mac
    }
}

/// Seconds since 1970; none before.
pub fn seconds(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

impl FromStr for WebhookSecret {
    type Err = NoSecret;

    fn from_str(text: &str) -> Result<Self, NoSecret> {
        let encoded = text.strip_prefix(PREFIX).ok_or(NoSecret)?;
        let Base64(bytes) = encoded.parse().map_err(|_| NoSecret)?;
        if (24..=64).contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(NoSecret) }
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("WebhookSecret")
    }
}

impl fmt::Display for NoSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a secret of webhooks is `whsec_` and 24 to 64 bytes in Base64")
    }
}

impl std::error::Error for NoSecret {}

impl Verifier {
    /// Verifies by this secret, within five minutes by the system's clock.
    pub fn new(secret: WebhookSecret) -> Self {
        let clock: Clock = Arc::new(SystemTime::now);
        Self { secrets: vec![secret], tolerance: TOLERANCE, clock }
    }

    /// Verifies by this secret as well, while one takes the place of another.
    #[must_use]
    pub fn or(mut self, secret: WebhookSecret) -> Self {
        self.secrets.push(secret);
        self
    }

    /// Takes messages that were sent so long ago, and as early.
    #[must_use]
    pub fn tolerance(self, tolerance: Duration) -> Self {
        Self { tolerance, ..self }
    }

    /// Tells the time by this clock.
    #[must_use]
    pub fn clock(self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// Verifies a body as it came, by the headers that came with it. The comparison takes as long
    /// whatever the signature is.
    ///
    /// # Errors
    /// Why it is not to be trusted.
    pub fn verify<'h>(
        &self,
        header: impl Fn(&'static str) -> Option<&'h str>,
        body: &[u8],
    ) -> Result<(), Unverified> {
        let given = |name| header(name).ok_or(Unverified::Missing(name));
        let (id, timestamp, signatures) = (given(ID)?, given(TIMESTAMP)?, given(SIGNATURE)?);
        let sent: u64 = timestamp.parse().map_err(|_| Unverified::Time)?;
        if seconds((self.clock)()).abs_diff(sent) > self.tolerance.as_secs() {
            return Err(Unverified::Untimely);
        }
        let signatures = signatures.split(' ').filter_map(|found| found.strip_prefix(VERSION));
        let signatures: Vec<Base64> = signatures.filter_map(|found| found.parse().ok()).collect();
        let is_of = |secret: &WebhookSecret| {
            let mac = secret.mac(id, timestamp, body);
            signatures.iter().any(|signature| mac.clone().verify_slice(&signature.0).is_ok())
        };
        if self.secrets.iter().any(is_of) { Ok(()) } else { Err(Unverified::Signature) }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Verifier")
            .field("tolerance", &self.tolerance)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Unverified {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(formatter, "the header `{name}` is missing"),
            Self::Time => write!(formatter, "`{TIMESTAMP}` is no number of seconds"),
            Self::Untimely => {
                formatter.write_str("it was sent too long ago, or is still to be sent")
            }
            Self::Signature => formatter.write_str("no signature is that of a known secret"),
        }
    }
}

impl std::error::Error for Unverified {}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use super::{ID, SIGNATURE, TIMESTAMP, Unverified, Verifier, WebhookSecret};

    // The vector of the reference implementations.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const MESSAGE: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const SENT: u64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNED: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn secret(text: &str) -> WebhookSecret {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn judged(
        verifier: &Verifier,
        signature: &str,
        timestamp: &str,
        body: &[u8],
    ) -> Option<Unverified> {
        let header = |name| match name {
            ID => Some(MESSAGE),
            TIMESTAMP => Some(timestamp),
            SIGNATURE => Some(signature),
            _ => None,
        };
        verifier.verify(header, body).err()
    }

    #[test]
    fn signs_as_others_do() {
        assert_eq!(secret(SECRET).sign(MESSAGE, at(SENT), BODY), SIGNED);
    }

    #[test]
    fn verifies_the_body_its_time_and_any_known_secret() {
        let verifier = Verifier::new(secret(SECRET)).clock(|| at(SENT + 300));
        let sent = SENT.to_string();
        assert_eq!(judged(&verifier, SIGNED, &sent, BODY), None);
        let several = format!("v1a,xyz v1,bm90aGluZw== {SIGNED}");
        assert_eq!(judged(&verifier, &several, &sent, BODY), None);
        assert_eq!(judged(&verifier, SIGNED, &sent, b"{}"), Some(Unverified::Signature));
        assert_eq!(judged(&verifier, "", &sent, BODY), Some(Unverified::Signature));
        let resent = (SENT + 1).to_string();
        assert_eq!(judged(&verifier, SIGNED, &resent, BODY), Some(Unverified::Signature));
        assert_eq!(judged(&verifier, SIGNED, "soon", BODY), Some(Unverified::Time));
        let late = verifier.clone().clock(|| at(SENT + 301));
        assert_eq!(judged(&late, SIGNED, &sent, BODY), Some(Unverified::Untimely));
        let early = verifier.clone().clock(|| at(SENT - 301));
        assert_eq!(judged(&early, SIGNED, &sent, BODY), Some(Unverified::Untimely));
        let other = secret("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        let others = Verifier::new(other.clone()).clock(|| at(SENT));
        assert_eq!(judged(&others, SIGNED, &sent, BODY), Some(Unverified::Signature));
        assert_eq!(judged(&others.or(secret(SECRET)), SIGNED, &sent, BODY), None);
        let missing = verifier.verify(|_| None, BODY);
        assert_eq!(missing, Err(Unverified::Missing(ID)));
    }

    #[test]
    fn secrets_are_long_enough_and_never_shown() {
        for short in ["whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_?", "whsec_"] {
            assert!(short.parse::<WebhookSecret>().is_err(), "{short}");
        }
        assert_eq!(format!("{:?}", secret(SECRET)), "WebhookSecret");
    }
}
