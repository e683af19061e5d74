//! Answers in fewer bytes, for callers that say they read them so.

use axum::Router;
use http::Response;
use http::header::{CONTENT_TYPE, ETAG};
use hyper::body::Body;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::Predicate;

/// Media types whose bytes say little each.
const WORDY: [&str; 7] = [
    "text/",
    "application/json",
    "application/javascript",
    "application/xml",
    "application/yaml",
    "application/x-www-form-urlencoded",
    "image/svg+xml",
];

/// The router whose answers are compressed from this size on.
pub(crate) fn compressed(router: Router, least_bytes: u64) -> Router {
    router.layer(CompressionLayer::new().compress_when(Worthwhile { least_bytes }))
}

/// Whole answers of text. A stream is never held back for what could follow; and an answer with a
/// strong `ETag` is these very bytes, of which a compressed one would be others.
#[derive(Debug, Clone, Copy)]
struct Worthwhile {
    least_bytes: u64,
}

impl Predicate for Worthwhile {
    fn should_compress<B: Body>(&self, response: &Response<B>) -> bool {
        let headers = response.headers();
        let is_large = response.body().size_hint().exact().is_some_and(|it| it >= self.least_bytes);
        let is_strong = headers.get(ETAG).is_some_and(|tag| !tag.as_bytes().starts_with(b"W/"));
        let media = headers.get(CONTENT_TYPE).and_then(|media| media.to_str().ok());
        is_large && !is_strong && media.is_some_and(is_wordy)
    }
}

fn is_wordy(media: &str) -> bool {
    let essence = media.split(';').next().unwrap_or(media).trim().to_ascii_lowercase();
    WORDY.iter().any(|kind| essence.starts_with(kind))
        || essence.ends_with("+json")
        || essence.ends_with("+xml")
}
