//! Enumerations of texts, as generated codecs read and write them: from texts only.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, Error, Visitor};

/// One of some texts; implemented by [`text_enum!`](crate::text_enum).
pub trait TextEnum: Copy + 'static {
    /// Its values as they travel, each with its text.
    const TEXTS: &'static [(&'static str, Self)];
    /// The texts alone.
    const NAMES: &'static [&'static str];
}

/// The value of a text, if it is one of them.
pub fn find_text<T: TextEnum>(text: &str) -> Option<T> {
    T::TEXTS.iter().find(|(known, _)| *known == text).map(|(_, value)| *value)
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

/// Reads and writes an enumeration: its variants, each with its text on the wire.
#[macro_export]
macro_rules! text_enum {
    ($name:ident { $($variant:ident $wire:literal),* $(,)? }) => {
        impl $name {
            /// Every value, in the order of the contract.
            pub const ALL: [Self; [$($wire),*].len()] = [$(Self::$variant),*];

            /// The value as it travels.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $wire,)*
                }
            }
        }
        impl $crate::TextEnum for $name {
            const TEXTS: &'static [(&'static str, Self)] = &[$(($wire, Self::$variant)),*];
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
                $crate::find_text(text).ok_or_else(|| {
                    $crate::parameter::Refusal::new("enum", "must be a value the contract lists")
                })
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
