//! Enumerations of texts, as generated codecs read and write them: from texts only.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, Error, Visitor};

use crate::parameter::Refusal;

/// One of some texts; implemented by [`text_enum!`](crate::text_enum).
pub trait TextEnum: Copy + 'static {
    /// Its values.
    const VALUES: &'static [Self];
    /// Their texts, in the same order.
    const NAMES: &'static [&'static str];
}

/// The value of a text, if it is one of them.
pub fn find_text<T: TextEnum>(text: &str) -> Option<T> {
    T::NAMES.iter().position(|known| *known == text).and_then(|at| T::VALUES.get(at)).copied()
}

/// The value of a text.
///
/// # Errors
/// When the text is none of them.
pub fn parse_text<T: TextEnum>(text: &str) -> Result<T, Refusal> {
    find_text(text).ok_or_else(|| Refusal::new("enum", "must be a value the contract lists"))
}

/// Reads a value from a text.
///
/// # Errors
/// When it is no text, or none of the known ones.
pub fn read_text<'de, T: TextEnum, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    from.deserialize_str(Text(PhantomData))
}

struct Text<T>(PhantomData<T>);

impl<T: TextEnum> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string the contract lists")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        find_text(text).ok_or_else(|| E::unknown_variant(text, T::NAMES))
    }
}

/// Reads and writes an enumeration: its variants in the order of their declaration, each with its
/// text on the wire.
#[macro_export]
macro_rules! text_enum {
    ($name:ident { $($variant:ident $wire:literal),* $(,)? }) => {
        impl $name {
            /// Every value, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The value as it travels.
            pub fn as_str(self) -> &'static str {
                <Self as $crate::TextEnum>::NAMES[self as usize]
            }
        }
        impl $crate::TextEnum for $name {
            const VALUES: &'static [Self] = Self::ALL;
            const NAMES: &'static [&'static str] = &[$($wire),*];
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(self.as_str())
            }
        }
        impl std::str::FromStr for $name {
            type Err = $crate::parameter::Refusal;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::parse_text(text)
            }
        }
        impl<'de> $crate::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                $crate::read_text(from)
            }
        }
        impl $crate::serde::Serialize for $name {
            fn serialize<S: $crate::serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }
    };
}
