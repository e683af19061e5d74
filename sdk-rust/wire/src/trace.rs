//! Where something hangs in a distributed trace (W3C Trace Context).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The value of the header `traceparent`: the trace something belongs to, and its parent there.
///
/// Read from any version that extends 00, written as version 00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceParent {
    trace_id: [u8; 16],
    parent_id: [u8; 8],
    flags: u8,
}

/// A text is no `traceparent`; whoever gets one goes on without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidTraceParent;

impl fmt::Display for InvalidTraceParent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("is no traceparent of W3C Trace Context")
    }
}

impl std::error::Error for InvalidTraceParent {}

impl TraceParent {
    /// The id of the trace, 32 lower-case hex digits.
    pub fn trace_id(&self) -> String {
        hex(&self.trace_id)
    }

    /// The id of the parent within the trace, 16 lower-case hex digits.
    pub fn parent_id(&self) -> String {
        hex(&self.parent_id)
    }

    /// Whether the caller may have recorded its part.
    pub fn is_sampled(&self) -> bool {
        self.flags & 1 == 1
    }
}

impl FromStr for TraceParent {
    type Err = InvalidTraceParent;

    fn from_str(text: &str) -> Result<Self, InvalidTraceParent> {
        let (known, rest) = text.split_at_checked(55).ok_or(InvalidTraceParent)?;
        let mut parts = known.split('-');
        let [version] = bytes(parts.next())?;
        let found = Self {
            trace_id: bytes(parts.next())?,
            parent_id: bytes(parts.next())?,
            flags: bytes::<1>(parts.next())?[0],
        };
        let is_extended = match version {
            0 => rest.is_empty(),
            1..=0xfe => rest.is_empty() || rest.starts_with('-'),
            0xff => false,
        };
        let is_named = found.trace_id != [0; 16] && found.parent_id != [0; 8];
        let is_whole = parts.next().is_none() && is_extended && is_named;
        if is_whole { Ok(found) } else { Err(InvalidTraceParent) }
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Of the flags of version 00 only the first has a meaning: others are not passed on.
        let flags = self.flags & 1;
        write!(formatter, "00-{}-{}-{flags:02x}", hex(&self.trace_id), hex(&self.parent_id))
    }
}

impl Serialize for TraceParent {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TraceParent {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Reads a trace parent that is dropped where it is none.
///
/// # Errors
/// When there is something else than JSON.
pub fn read_trace_parent<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<TraceParent>, D::Error> {
    let found = Option::<serde_json::Value>::deserialize(from)?;
    Ok(found.as_ref().and_then(serde_json::Value::as_str).and_then(|text| text.parse().ok()))
}

/// Lower-case hex digits, two a byte.
fn bytes<const N: usize>(text: Option<&str>) -> Result<[u8; N], InvalidTraceParent> {
    let digits = text.filter(|text| text.len() == 2 * N).ok_or(InvalidTraceParent)?.as_bytes();
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Ok(bytes)
}

fn digit(digit: u8) -> Result<u8, InvalidTraceParent> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        0..=b'/' | b':'..=b'`' | b'g'..=u8::MAX => Err(InvalidTraceParent),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
