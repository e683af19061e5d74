//! Bytes of an unknown kind: files of multipart bodies and bodies without a schema.

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The name by which the parts of a multipart body recognize a file.
pub(crate) const FILE: &str = "$symbolon::Binary";

/// Raw bytes, with what a part or a body says of them. Serialized as bytes where the format has
/// them, as an array of numbers in JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Binary {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Name of the file, in a part (RFC 7578, 4.2). It is the sender's word: no path on this side.
    pub file_name: Option<String>,
    /// Media type, in a part or where the contract leaves that of a body open.
    pub media_type: Option<String>,
    /// Further headers of its part, names and values.
    pub headers: Vec<(String, String)>,
}

impl Binary {
    /// Bytes of which nothing more is said.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), ..Self::default() }
    }

    /// The same bytes as a file of this name.
    #[must_use]
    pub fn file_name(mut self, name: impl Into<String>) -> Self {
        self.file_name = Some(name.into());
        self
    }

    /// The same bytes as content of this media type.
    #[must_use]
    pub fn media_type(mut self, media_type: impl Into<String>) -> Self {
        self.media_type = Some(media_type.into());
        self
    }

    /// The same bytes in a part with one more header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Everything in one text of bytes, for our own deserializers.
    fn packed(&self) -> Vec<u8> {
        let said = serde_json::json!([self.file_name, self.media_type, self.headers]).to_string();
        [said.as_bytes(), b"\0", &self.bytes].concat()
    }

    pub(crate) fn unpacked(packed: &[u8]) -> Option<Self> {
        let end = packed.iter().position(|byte| *byte == 0)?;
        let (said, rest) = packed.split_at(end);
        let (file_name, media_type, headers) = serde_json::from_slice(said).ok()?;
        Some(Self { bytes: rest.get(1..)?.to_vec(), file_name, media_type, headers })
    }

    pub(crate) fn pack(self) -> Vec<u8> {
        self.packed()
    }
}

impl From<Vec<u8>> for Binary {
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(bytes)
    }
}

impl Serialize for Binary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(FILE, &Content(self))
    }
}

struct Content<'a>(&'a Binary);

impl Serialize for Content<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_bytes(&self.0.bytes)
        } else {
            serializer.serialize_bytes(&self.0.packed())
        }
    }
}

impl<'de> Deserialize<'de> for Binary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(FILE, BinaryVisitor)
    }
}

struct BinaryVisitor;

impl<'de> Visitor<'de> for BinaryVisitor {
    type Value = Binary;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("bytes")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Binary, D::Error> {
        let is_plain = inner.is_human_readable();
        let found = inner.deserialize_byte_buf(self)?;
        if is_plain {
            return Ok(found);
        }
        Ok(Binary::unpacked(&found.bytes).unwrap_or(found))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Binary, E> {
        Ok(Binary::new(bytes))
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Binary, E> {
        Ok(Binary::new(bytes))
    }

    fn visit_str<E>(self, text: &str) -> Result<Binary, E> {
        Ok(Binary::new(text.as_bytes()))
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Binary, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = seq.next_element()? {
            bytes.push(byte);
        }
        Ok(Binary::new(bytes))
    }
}

#[cfg(feature = "schemars")]
impl schemars::JsonSchema for Binary {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Binary".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({})
    }
}
