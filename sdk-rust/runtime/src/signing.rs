//! Signing what a system tells its callers (Standard Webhooks 1.0).

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use http::HeaderMap;
use symbolon_wire::signature::{Clock, ID, SIGNATURE, TIMESTAMP, WebhookSecret, seconds};
use uuid::Uuid;

use crate::EncodeError;
use crate::client::header_value;

/// Signs every request of a client. Its identity is that of the header `webhook-id`, if the call
/// sets one, else a new one; it stays the same when the call is repeated.
#[derive(Clone)]
pub struct Signing {
    secrets: Vec<WebhookSecret>,
    clock: Clock,
}

impl Signing {
    /// Signs with this secret, by the system's clock.
    pub fn new(secret: WebhookSecret) -> Self {
        Self { secrets: vec![secret], clock: Arc::new(SystemTime::now) }
    }

    /// Signs with this secret as well, while one takes the place of another.
    #[must_use]
    pub fn and(mut self, secret: WebhookSecret) -> Self {
        self.secrets.push(secret);
        self
    }

    /// Tells the time by this clock.
    #[must_use]
    pub fn clock(self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// A new identity for a call.
    pub(crate) fn identity() -> String {
        format!("msg_{}", Uuid::now_v7().simple())
    }

    /// Adds the headers of one attempt.
    pub(crate) fn sign(
        &self,
        headers: &mut HeaderMap,
        identity: &str,
        body: &[u8],
    ) -> Result<(), EncodeError> {
        let given = headers.get(ID).and_then(|id| id.to_str().ok());
        let id = given.unwrap_or(identity).to_owned();
        let now = (self.clock)();
        let signatures = self.secrets.iter().map(|secret| secret.sign(&id, now, body));
        let signatures: Vec<String> = signatures.collect();
        headers.insert(ID, header_value(ID, &id)?);
        headers.insert(TIMESTAMP, header_value(TIMESTAMP, &seconds(now).to_string())?);
        headers.insert(SIGNATURE, header_value(SIGNATURE, &signatures.join(" "))?);
        Ok(())
    }
}

impl fmt::Debug for Signing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Signing").finish_non_exhaustive()
    }
}
