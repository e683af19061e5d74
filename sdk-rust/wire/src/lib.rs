//! What generated wire types stand on: problems, validation, open enums, unions and parameters.
//!
//! Both halves use it, the server and the SDKs; it must never know HTTP servers or HTTP clients.

pub mod channel;
pub mod idempotency;
pub mod media;
pub mod parameter;
#[cfg(feature = "signatures")]
pub mod signature;
pub mod socket;
#[cfg(feature = "spans")]
pub mod spans;
pub mod stream;

mod base64;
mod binary;
mod collect;
mod decimal;
mod fit;
mod format;
mod link;
mod method;
mod multipart;
mod number;
mod open;
mod operations;
mod problem;
mod record;
mod rule;
mod text_enum;
mod trace;
mod union;
mod validate;

pub use base64::Base64;
pub use binary::Binary;
pub use collect::read_json;
pub use decimal::Decimal;
pub use fit::Best;
pub use format::Format;
pub use link::linked;
pub use method::Method;
pub use multipart::{decode_multipart, decode_parts, encode_multipart, encode_parts, part_field};
pub use number::Number;
pub use open::Open;
pub use parameter::{Parameter, Style};
pub use problem::{Documented, In, Problem, Violation};
pub use record::{Members, Others, Record, Writer, read_record};
pub use rule::{JsonKind, Known, KnownItems, Predicate, Values, parse_values};
#[doc(hidden)]
pub use serde;
pub use stream::{Event, Events, Lines, StreamError};
pub use text_enum::{TextEnum, find_text, parse_text, read_text};
pub use trace::{InvalidTraceParent, TraceParent, read_trace_parent};
pub use union::{Tagged, none_fits, variant};
pub use validate::{Pattern, Validate, Violations, compile_pattern};

/// What generated code names without a dependency of its own.
pub mod reexport {
    pub use {jiff, serde_json, uuid};
}
