//! Unions told apart by a property of the value itself (OpenAPI's `discriminator`).

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A value with the text of its discriminating property.
#[derive(Debug)]
pub struct Tagged {
    /// Text of the discriminating property.
    pub tag: String,
    /// The whole value, that property included.
    pub value: Value,
}

impl Tagged {
    /// Reads a value and the property that says which variant it is.
    ///
    /// # Errors
    /// When the value is not an object or lacks the property.
    pub fn read<'de, D: Deserializer<'de>>(
        deserializer: D,
        property: &'static str,
    ) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match value.get(property).and_then(Value::as_str) {
            Some(tag) => Ok(Self { tag: tag.to_owned(), value }),
            None => Err(D::Error::missing_field(property)),
        }
    }

    /// The error for a tag that names no variant.
    pub fn unknown<E: Error>(property: &'static str, known: &'static [&'static str]) -> E {
        E::custom(format_args!("`{property}` must be one of: {}", known.join(", ")))
    }
}

/// Reads the content of a variant.
///
/// # Errors
/// Whatever the content's own deserialization reports.
pub fn variant<T: DeserializeOwned, E: Error>(value: Value) -> Result<T, E> {
    serde_json::from_value(value).map_err(E::custom)
}
