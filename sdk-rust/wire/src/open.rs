//! Enums that outlive their contract: a value the reader does not know yet is kept, not refused.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Validate, Violations, fit};

/// An enum at a response position: one of the values `T` knows, or one a newer server added.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Open<T> {
    /// A value of the contract this was generated from.
    Known(T),
    /// A value that contract does not list, kept as it came.
    Unknown(String),
}

impl<T> Open<T> {
    /// The value, if the contract lists it.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }
}

impl<T> From<T> for Open<T> {
    fn from(value: T) -> Self {
        Self::Known(value)
    }
}

impl<T: PartialEq> PartialEq<T> for Open<T> {
    fn eq(&self, other: &T) -> bool {
        self.known() == Some(other)
    }
}

impl<T: Serialize> Serialize for Open<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Known(value) => value.serialize(serializer),
            Self::Unknown(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Open<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let known = serde::de::value::StrDeserializer::<serde::de::value::Error>::new(&text);
        Ok(match T::deserialize(known) {
            Ok(value) => Self::Known(value),
            Err(_) => {
                fit::lost();
                Self::Unknown(text)
            }
        })
    }
}

impl<T> Validate for Open<T> {
    /// The server's edge is closed: a request may only hold values of the contract.
    fn validate(&self, at: &mut Violations) {
        if matches!(self, Self::Unknown(_)) {
            at.unlisted();
        }
    }
}

#[cfg(feature = "schemars")]
impl<T: schemars::JsonSchema> schemars::JsonSchema for Open<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        T::json_schema(generator)
    }
}
