//! When a call is sent again, and how long it waits first.

use std::time::{Duration, SystemTime};

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use uuid::Uuid;

use crate::Info;

/// How often and how patiently a call is repeated.
///
/// Only calls that are safe to repeat are: idempotent methods (RFC 9110, 9.2.2) and operations that
/// carry an idempotency key, after status 429, status 503 or a broken connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Requests in all, the first included.
    pub attempts: u32,
    /// Longest wait before the second request; doubles with every further one.
    pub initial_delay: Duration,
    /// No wait is longer, unless the server asks for it with `Retry-After`.
    pub longest_delay: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 3,
            initial_delay: Duration::from_millis(250),
            longest_delay: Duration::from_secs(8),
        }
    }
}

impl Retry {
    /// Every call is sent once.
    pub const NONE: Self =
        Self { attempts: 1, initial_delay: Duration::ZERO, longest_delay: Duration::ZERO };

    /// The wait after so many requests: exponential backoff with full jitter.
    pub(crate) fn delay(&self, requests: u32) -> Duration {
        let doublings = requests.saturating_sub(1).min(16);
        let ceiling = self.initial_delay.saturating_mul(1 << doublings).min(self.longest_delay);
        ceiling.mul_f64(jitter())
    }
}

/// Whether a second request cannot do more than the first.
pub(crate) fn repeatable(info: &Info) -> bool {
    info.method.is_idempotent() || info.idempotency.is_some()
}

/// Whether the server asks to come back later.
pub(crate) fn asks_to_wait(status: StatusCode) -> bool {
    matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
}

/// The wait the server asks for, in seconds or as a date (RFC 9110, 10.2.3).
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    let date = SystemTime::from(date.timestamp());
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

/// A number in 0..1. The low half of a fresh identifier is random.
fn jitter() -> f64 {
    let [.., a, b, c, d] = Uuid::now_v7().into_bytes();
    f64::from(u32::from_be_bytes([a, b, c, d])) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delay_stays_below_a_doubling_ceiling() {
        let retry = Retry::default();
        for (requests, ceiling_ms) in [(1, 250), (2, 500), (3, 1000), (40, 8000)] {
            for _ in 0..50 {
                assert!(retry.delay(requests) <= Duration::from_millis(ceiling_ms));
            }
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let read = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().expect("a header value"));
            retry_after(&headers)
        };
        assert_eq!(read("7"), Some(Duration::from_secs(7)));
        assert_eq!(read("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert!(read("Sat, 06 Nov 2094 08:49:37 GMT").is_some_and(|wait| !wait.is_zero()));
        assert_eq!(read("soon"), None);
    }
}
