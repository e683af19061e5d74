//! Cursors of lists: opaque, signed, and good only for the tenant and the filters they came from.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use symbolon_kernel::TenantId;
use symbolon_wire::{In, Problem, Violation};

const TAG_BYTES: usize = 16;

/// Signs cursors and reads those it has signed.
#[derive(Debug)]
pub(crate) struct Cursors {
    key: hmac::Key,
}

impl Cursors {
    pub(crate) fn new(secret: &[u8]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret) }
    }

    /// The cursors of a tenant's list of this name, which names its filters too.
    pub(crate) fn of<'a>(&'a self, tenant: &'a TenantId, name: impl Into<String>) -> List<'a> {
        List { cursors: self, tenant, name: name.into() }
    }
}

/// The cursors of one list.
#[derive(Debug)]
pub(crate) struct List<'a> {
    cursors: &'a Cursors,
    tenant: &'a TenantId,
    name: String,
}

/// A cursor that was not signed for this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Foreign;

impl List<'_> {
    /// After which position a page begins; none without a cursor.
    pub(crate) fn position<P>(
        &self,
        cursor: Option<&str>,
        read: impl FnOnce(&[u8]) -> Option<P>,
    ) -> Result<Option<P>, Foreign> {
        let Some(cursor) = cursor else { return Ok(None) };
        let position = self.read(cursor).as_deref().and_then(read);
        position.map(Some).ok_or(Foreign)
    }

    /// A page of at most so many items, of one more than that where there are more; and the cursor
    /// of the next one.
    pub(crate) fn page<T>(
        &self,
        mut found: Vec<T>,
        limit: u32,
        position: impl FnOnce(&T) -> Vec<u8>,
    ) -> (Vec<T>, Option<String>) {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().filter(|_| has_more);
        let next = last.map(|last| self.write(&position(last)));
        (found, next)
    }

    fn write(&self, position: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode([position, &self.tag(position)].concat())
    }

    fn read(&self, cursor: &str) -> Option<Vec<u8>> {
        let mut bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let tag = bytes.split_off(bytes.len().checked_sub(TAG_BYTES)?);
        aws_lc_rs::constant_time::verify_slices_are_equal(&self.tag(&bytes), &tag).ok()?;
        Some(bytes)
    }

    fn tag(&self, position: &[u8]) -> [u8; TAG_BYTES] {
        let mut context = hmac::Context::with_key(&self.cursors.key);
        for part in [self.tenant.as_str().as_bytes(), self.name.as_bytes(), position] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(&context.sign().as_ref()[..TAG_BYTES]);
        tag
    }
}

/// What is said of a cursor that cannot be read.
pub(crate) fn foreign() -> Problem {
    Problem::new("the cursor is not one of this list").at(Violation {
        location: In::Query,
        pointer: "/cursor".to_owned(),
        code: "cursor".to_owned(),
        detail: "must be the nextCursor of a page under the same filters".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_good_for_its_tenant_and_list_only() {
        let cursors = Cursors::new(b"a secret of this test");
        let (tenant, other) = (TenantId::new("a"), TenantId::new("b"));
        let (tenant, other) = (tenant.expect("a name"), other.expect("a name"));
        let list = cursors.of(&tenant, "tag=x");
        for position in [&b"a position of some length"[..], b""] {
            let cursor = list.write(position);
            assert_eq!(list.read(&cursor).as_deref(), Some(position));
            assert_eq!(cursors.of(&other, "tag=x").read(&cursor), None);
            assert_eq!(cursors.of(&tenant, "tag=y").read(&cursor), None);
            for place in 0..cursor.len() {
                let mut altered = cursor.clone().into_bytes();
                altered[place] = if altered[place] == b'A' { b'B' } else { b'A' };
                let altered = String::from_utf8(altered).expect("ASCII");
                assert_eq!(list.read(&altered), None, "{place}");
            }
        }
        assert_eq!(list.position(Some("not-a-cursor"), |_| Some(())), Err(Foreign));
        assert_eq!(list.position(None, |_| Some(())), Ok(None));
    }

    #[test]
    fn a_page_has_a_cursor_where_there_is_more() {
        let cursors = Cursors::new(b"a secret of this test");
        let tenant = TenantId::new("a").expect("a name");
        let list = cursors.of(&tenant, "numbers");
        let position = |number: &u8| vec![*number];
        assert_eq!(list.page(vec![1, 2], 2, position), (vec![1, 2], None));
        let (page, next) = list.page(vec![1, 2, 3], 2, position);
        assert_eq!(page, [1, 2]);
        assert_eq!(list.position(next.as_deref(), |it| Some(it.to_vec())), Ok(Some(vec![2])));
    }
}
