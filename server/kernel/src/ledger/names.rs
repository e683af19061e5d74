//! What accounts, transfers, holds and currencies are called, and amounts of money.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A text cannot be what it was meant to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what} has a name of {form}")]
pub struct InvalidName {
    what: &'static str,
    form: &'static str,
}

const ID: &str = "1 to 255 bytes without control characters";

fn is_id(text: &str) -> bool {
    (1..=255).contains(&text.len()) && !text.chars().any(char::is_control)
}

const CODE: &str = "1 to 64 ascii letters, digits, `.`, `-`, `_` and `:`";

fn is_code(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(allowed)
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $is:ident, $form:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize
        )]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Takes a name.
            ///
            /// # Errors
            /// [`InvalidName`], which says what a name is made of.
            pub fn new(name: impl Into<String>) -> Result<Self, InvalidName> {
                let name = name.into();
                let refused = InvalidName { what: $what, form: $form };
                if $is(&name) { Ok(Self(name)) } else { Err(refused) }
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(name: String) -> Result<Self, InvalidName> {
                Self::new(name)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

name! {
    /// An account of a tenant. It is in one currency: what somebody holds in two currencies is on
    /// two accounts, e.g. `user:7:RUB` and `user:7:BTC`.
    AccountId, "an account", is_id, ID
}

name! {
    /// A transfer of a tenant. Whoever posts it chooses the id, and may post it again under the
    /// same one without moving money twice.
    TransferId, "a transfer", is_id, ID
}

name! {
    /// A hold of a tenant; chosen by whoever reserves, like the id of a transfer.
    HoldId, "a hold", is_id, ID
}

name! {
    /// What money is counted in: a currency such as `RUB` or `BTC`, or anything else of which there
    /// are whole pieces, such as an issue of securities. Upper and lower case differ.
    Currency, "a currency", is_code, CODE
}

/// An amount of money in whole minor units (kopecks, satoshis): the exponent of a currency is not
/// the ledger's business. It is never a fraction.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Money {
    /// How many minor units; the ledger refuses more than 2^62 - 1 either way.
    pub minor: i64,
    /// Of what.
    pub currency: Currency,
}

impl Money {
    /// So many minor units of a currency.
    #[must_use]
    pub fn new(minor: i64, currency: &Currency) -> Self {
        Self { minor, currency: currency.clone() }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.minor, self.currency)
    }
}

/// The largest amount and balance, either way: of two such the sum and the difference are an `i64`.
pub(crate) const LIMIT: i64 = (1 << 62) - 1;

pub(crate) fn is_within_limit(amount: i64) -> bool {
    (-LIMIT..=LIMIT).contains(&amount)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_database_or_a_person_cannot_read_are_refused() {
        for (name, is_account, is_currency) in [
            ("RUB", true, true),
            ("cfa:2026-01.a_b", true, true),
            ("user 7", true, false),
            ("ключ", true, false),
            ("", false, false),
            ("a\0b", false, false),
            ("a\nb", false, false),
        ] {
            assert_eq!(AccountId::new(name).is_ok(), is_account, "{name:?}");
            assert_eq!(Currency::new(name).is_ok(), is_currency, "{name:?}");
        }
        assert!(TransferId::new("x".repeat(255)).is_ok());
        assert!(HoldId::new("x".repeat(256)).is_err());
        assert!(serde_json::from_str::<Currency>("\"\"").is_err());
    }
}
