//! Cursors of lists: opaque, signed, and good only for the list they came from.

use std::fmt;

use aws_lc_rs::{constant_time, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Failure, Operation};

const TAG_BYTES: usize = 16;

/// One list: a cursor of it is a cursor of no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct List<'l> {
    tenant: &'l str,
    operation: &'static str,
    filters: &'l str,
}

impl<'l> List<'l> {
    /// What an operation lists for a tenant under filters, in whatever words tell those apart.
    pub fn of<O: Operation>(tenant: &'l str, filters: &'l str) -> Self {
        Self { tenant, operation: O::INFO.id, filters }
    }
}

/// Signs cursors and reads those it has signed: HMAC-SHA-256, of which 128 bits are kept.
pub struct Cursors {
    /// The first signs.
    keys: Vec<hmac::Key>,
}

impl fmt::Debug for Cursors {
    /// Leaves the keys out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Cursors").finish_non_exhaustive()
    }
}

/// The cursor was not made for this list, or by nobody who has a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cursor is not one of this list")]
pub struct ForeignCursor;

impl Cursors {
    /// Signs by a secret that nobody else knows: 32 random bytes, the same in every process that
    /// serves the list.
    pub fn new(secret: &[u8]) -> Self {
        Self { keys: vec![key(secret)] }
    }

    /// The same, and reads what was signed by this secret before it was changed: as long as there
    /// may be callers who hold such cursors. May be said several times.
    #[must_use]
    pub fn formerly(mut self, secret: &[u8]) -> Self {
        self.keys.push(key(secret));
        self
    }

    /// A cursor of a list for the page after a position. The position can be read by who holds
    /// the cursor: it is signed and not secret.
    ///
    /// # Errors
    /// When the position cannot be written as JSON.
    pub fn write<P: Serialize>(&self, list: List<'_>, position: &P) -> Result<String, Failure> {
        let mut bytes = serde_json::to_vec(position)?;
        if let Some(key) = self.keys.first() {
            let tag = tag(key, list, &bytes);
            bytes.extend_from_slice(&tag);
        }
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// After which position the page of a cursor begins.
    ///
    /// # Errors
    /// When the cursor was not signed for this list, or its position is of another type.
    pub fn read<P: DeserializeOwned>(
        &self,
        list: List<'_>,
        cursor: &str,
    ) -> Result<P, ForeignCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| ForeignCursor)?;
        let length = bytes.len().checked_sub(TAG_BYTES).ok_or(ForeignCursor)?;
        let (position, given) = bytes.split_at(length);
        let is_by = |key: &hmac::Key| {
            constant_time::verify_slices_are_equal(&tag(key, list, position), given).is_ok()
        };
        if !self.keys.iter().any(is_by) {
            return Err(ForeignCursor);
        }
        serde_json::from_slice(position).map_err(|_| ForeignCursor)
    }

    /// After which position a page begins; none for the first page, which is asked for without a
    /// cursor. `?` in a handler makes a 400 of the error.
    ///
    /// # Errors
    /// As [`Cursors::read`].
    pub fn after<P: DeserializeOwned>(
        &self,
        list: List<'_>,
        cursor: Option<&str>,
    ) -> Result<Option<P>, ForeignCursor> {
        cursor.map(|cursor| self.read(list, cursor)).transpose()
    }

    /// A page of at most `limit` items of what was found, which is one more where there are more;
    /// and the cursor of the next page.
    ///
    /// # Errors
    /// As [`Cursors::write`].
    pub fn page<T, P: Serialize>(
        &self,
        list: List<'_>,
        mut found: Vec<T>,
        limit: usize,
        position: impl FnOnce(&T) -> P,
    ) -> Result<(Vec<T>, Option<String>), Failure> {
        let has_more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().filter(|_| has_more);
        let next = last.map(|last| self.write(list, &position(last))).transpose()?;
        Ok((found, next))
    }
}

fn key(secret: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret)
}

fn tag(key: &hmac::Key, list: List<'_>, position: &[u8]) -> [u8; TAG_BYTES] {
    let mut context = hmac::Context::with_key(key);
    let List { tenant, operation, filters } = list;
    for part in [tenant.as_bytes(), operation.as_bytes(), filters.as_bytes(), position] {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut tag = [0; TAG_BYTES];
    tag.copy_from_slice(&context.sign().as_ref()[..TAG_BYTES]);
    tag
}
