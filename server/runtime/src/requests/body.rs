//! Request bodies: arriving within their limit, and read as JSON or multipart.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::{FutureExt, StreamExt, stream};
use http::header::{CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use http::{HeaderMap, HeaderName};
use serde::de::DeserializeOwned;
use symbolon_wire::media::covers;
use symbolon_wire::parameter::{Field, Refusal, decode_fields};
use symbolon_wire::stream::LineDecoder;
use symbolon_wire::{Binary, part_field, read_json};

use crate::limits::body_room::{BodyRoom, Held};

/// How much of a refused body is read and thrown away. A caller who is still sending would see a
/// broken connection and not the answer.
const DRAIN_BYTES: usize = 64 << 20;
const DRAIN_TIME: Duration = Duration::from_secs(5);
/// What is announced is not believed: no more is made ready for it.
const FIRST_BYTES: usize = 16 << 10;

/// Why a body did not arrive.
#[derive(Debug)]
pub(crate) enum Lost {
    TooLarge,
    Broken,
    /// Too many bodies are here already.
    NoRoom,
}

/// Collects a body of at most `limit` bytes, and what it holds of the room for all.
pub(crate) async fn collect(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    room: &BodyRoom,
) -> Result<(Bytes, Held), Lost> {
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let announced = length.and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
    if announced > limit {
        drain(headers, body).await;
        return Err(Lost::TooLarge);
    }
    let mut held = room.enter();
    let mut stream = body.into_data_stream();
    let mut collected = BytesMut::with_capacity(announced.min(FIRST_BYTES));
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Lost::Broken)?;
        if collected.len() + chunk.len() > limit {
            drain(headers, Body::from_stream(stream)).await;
            return Err(Lost::TooLarge);
        }
        if !held.grow(chunk.len()) {
            return Err(Lost::NoRoom);
        }
        collected.extend_from_slice(&chunk);
    }
    Ok((collected.freeze(), held))
}

/// Throws a refused body away, within bounds. A caller who waits for `100 Continue` sends none.
pub(crate) async fn drain(headers: &HeaderMap, body: Body) {
    if headers.contains_key(EXPECT) {
        return;
    }
    let mut stream = body.into_data_stream();
    let drained = async {
        let mut left = DRAIN_BYTES;
        while let Some(Ok(chunk)) = stream.next().await {
            left = left.saturating_sub(chunk.len());
            if left == 0 {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(DRAIN_TIME, drained).await;
}

/// Whether a request has a body of a media type the operation does not read.
pub(crate) fn is_foreign(headers: &HeaderMap, body_is_empty: bool, consumes: &[&str]) -> bool {
    if body_is_empty || consumes.is_empty() {
        return false;
    }
    let identity = |value: &http::HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if headers.get(CONTENT_ENCODING).is_some_and(|value| !identity(value)) {
        return true;
    }
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    !given.is_some_and(|given| consumes.iter().any(|media| covers(media, given)))
}

/// Reads JSON documents, one a line or after a record separator, as a list.
pub(crate) fn lines<T: DeserializeOwned>(bytes: &[u8]) -> Result<Vec<T>, Vec<Refusal>> {
    let mut decoder = LineDecoder::default();
    let too_long = |_| vec![Refusal::new("syntax", "has a line that is too long")];
    decoder.push(bytes).map_err(too_long)?;
    let (mut lines, mut refused) = (Vec::new(), Vec::new());
    for at in 0.. {
        let Some(line) = decoder.next_line().or_else(|| decoder.finish()) else { break };
        match read_json(&line) {
            Ok(line) => lines.push(line),
            Err(found) => refused.extend(found.into_iter().map(|refusal| refusal.within(at))),
        }
    }
    if refused.is_empty() { Ok(lines) } else { Err(refused) }
}

/// Reads a `multipart/form-data` body that has arrived whole.
pub(crate) fn multipart<T: DeserializeOwned>(media: &str, bytes: Bytes) -> Result<T, Refusal> {
    let malformed = || Refusal::new("syntax", "not a valid multipart body");
    let boundary = multer::parse_boundary(media).map_err(|_| malformed())?;
    let chunks = stream::once(async move { Ok::<_, std::convert::Infallible>(bytes) });
    let parts = parts(multer::Multipart::new(chunks, boundary)).now_or_never();
    decode_fields(parts.and_then(Result::ok).ok_or_else(malformed)?)
}

/// Headers of a part that say its name, its file name and its media type.
const KNOWN: [HeaderName; 2] = [CONTENT_DISPOSITION, CONTENT_TYPE];

async fn parts(mut body: multer::Multipart<'_>) -> multer::Result<Vec<(String, Field)>> {
    let mut fields = Vec::new();
    while let Some(part) = body.next_field().await? {
        let name = part.name().unwrap_or_default().to_owned();
        let media_type = part.content_type().map(|media| media.essence_str().to_owned());
        let file_name = part.file_name().map(str::to_owned);
        let others = part.headers().iter().filter(|(name, _)| !KNOWN.contains(name));
        let others = others.map(|(name, value)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        let headers = others.collect();
        let bytes = part.bytes().await?.to_vec();
        fields.push((name, part_field(Binary { bytes, file_name, media_type, headers })));
    }
    Ok(fields)
}
