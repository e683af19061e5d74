//! Cursors of a list: opaque, signed, and good only for the tenant and the filters they came from.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use symbolon_kernel::TenantId;
use uuid::Uuid;

const POSITION_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

/// The last call of a page; the next page begins after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// Microseconds since the Unix epoch.
    pub(crate) created_at: i64,
    pub(crate) id: Uuid,
}

/// Signs cursors and reads those it has signed.
#[derive(Debug)]
pub(crate) struct Cursors {
    key: hmac::Key,
}

impl Cursors {
    pub(crate) fn new(secret: &[u8]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret) }
    }

    /// A cursor for this tenant and these filters.
    pub(crate) fn write(&self, tenant: &TenantId, filters: &str, position: Position) -> String {
        let mut bytes = [0; POSITION_BYTES + TAG_BYTES];
        bytes[..8].copy_from_slice(&position.created_at.to_be_bytes());
        bytes[8..POSITION_BYTES].copy_from_slice(position.id.as_bytes());
        let tag = self.tag(tenant, filters, &bytes[..POSITION_BYTES]);
        bytes[POSITION_BYTES..].copy_from_slice(&tag);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The position of a cursor; none if it was not signed for this tenant and these filters.
    pub(crate) fn read(&self, tenant: &TenantId, filters: &str, cursor: &str) -> Option<Position> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (position, tag) = bytes.split_at_checked(POSITION_BYTES)?;
        let expected = self.tag(tenant, filters, position);
        aws_lc_rs::constant_time::verify_slices_are_equal(&expected, tag).ok()?;
        let (created_at, id) = position.split_at_checked(8)?;
        let created_at = i64::from_be_bytes(created_at.try_into().ok()?);
        Some(Position { created_at, id: Uuid::from_slice(id).ok()? })
    }

    fn tag(&self, tenant: &TenantId, filters: &str, position: &[u8]) -> [u8; TAG_BYTES] {
        let mut context = hmac::Context::with_key(&self.key);
        for part in [tenant.as_str().as_bytes(), filters.as_bytes(), position] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(&context.sign().as_ref()[..TAG_BYTES]);
        tag
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_good_for_its_tenant_and_filters_only() {
        let cursors = Cursors::new(b"a secret of this test");
        let (tenant, other) = (TenantId::new("a"), TenantId::new("b"));
        let (tenant, other) = (tenant.expect("a name"), other.expect("a name"));
        let position = Position { created_at: 1_700_000_000_000_000, id: Uuid::from_u128(7) };
        let cursor = cursors.write(&tenant, "tag=x", position);
        assert_eq!(cursors.read(&tenant, "tag=x", &cursor), Some(position));
        assert_eq!(cursors.read(&other, "tag=x", &cursor), None);
        assert_eq!(cursors.read(&tenant, "tag=y", &cursor), None);
        assert_eq!(cursors.read(&tenant, "tag=x", "not-a-cursor"), None);
        for place in 0..cursor.len() {
            let mut altered = cursor.clone().into_bytes();
            altered[place] = if altered[place] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).expect("ASCII");
            assert_eq!(cursors.read(&tenant, "tag=x", &altered), None, "{place}");
        }
    }
}
