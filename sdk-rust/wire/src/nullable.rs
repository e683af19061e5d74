//! Optional and nullable: absent, `null` and a value stay three different things.

use serde::{Deserialize, Deserializer};

/// Reads a present member into `Some`, so that `null` becomes `Some(None)` and only absence `None`.
///
/// # Errors
/// Whatever the value's own deserialization reports.
pub fn nullable<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}

/// Reads a member that may be absent but not `null`, as requests must be read.
///
/// # Errors
/// Whatever the value's own deserialization reports, `null` included.
pub fn present<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}
