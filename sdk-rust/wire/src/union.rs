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

    /// Reads a value that need not say which variant it is: its tag may be empty.
    ///
    /// # Errors
    /// When the value cannot be read.
    pub fn read_any<'de, D: Deserializer<'de>>(
        deserializer: D,
        property: &'static str,
    ) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let tag = value.get(property).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Self { tag, value })
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

/// The error for a value that is none of the alternatives.
pub fn none_fits<E: Error>() -> E {
    E::custom("the value is none of the alternatives")
}

/// Reads and writes a union whose variants a property tells apart: each variant with its tags,
/// and `else` the variant of all other values, if they are not refused.
#[macro_export]
macro_rules! tagged {
    (
        $name:ident by $property:literal
        { $($variant:ident: $($tag:literal)|+),* $(,)? } else $other:ident
    ) => {
        impl<'de> $crate::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let found = $crate::Tagged::read_any(from, $property)?;
                match found.tag.as_str() {
                    $($($tag)|+ => $crate::variant(found.value).map(Self::$variant),)*
                    _ => $crate::variant(found.value).map(Self::$other),
                }
            }
        }
        $crate::untagged!(@write $name { $($variant),* });
    };
    ($name:ident by $property:literal { $($variant:ident: $($tag:literal)|+),* $(,)? }) => {
        impl<'de> $crate::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let found = $crate::Tagged::read(from, $property)?;
                match found.tag.as_str() {
                    $($($tag)|+ => $crate::variant(found.value).map(Self::$variant),)*
                    _ => Err($crate::Tagged::unknown($property, &[$($($tag),+),*])),
                }
            }
        }
        $crate::untagged!(@write $name { $($variant),* });
    };
}

/// Reads and writes a union whose variants no tag tells apart: the one that fits best it is.
#[macro_export]
macro_rules! untagged {
    ($name:ident { $($variant:ident),* $(,)? }) => {
        impl<'de> $crate::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                use $crate::reexport::serde_json::Value;
                let value: Value = $crate::serde::Deserialize::deserialize(from)?;
                let mut best = $crate::Best::of(&value);
                $(best.attempt(Self::$variant);)*
                best.found().ok_or_else($crate::none_fits)
            }
        }
        $crate::untagged!(@write $name { $($variant),* });
    };
    (@write $name:ident { $($variant:ident),* }) => {
        impl $crate::serde::Serialize for $name {
            fn serialize<S: $crate::serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$variant(value) => $crate::serde::Serialize::serialize(value, to),)*
                }
            }
        }
    };
}
