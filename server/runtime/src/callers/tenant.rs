//! Which of several tenants a caller acts for.

use http::{HeaderMap, HeaderName};

use crate::{Principal, Unauthenticated};

/// Names one of the tenants that the caller's credentials are of.
pub(crate) const TENANT_ID: HeaderName = HeaderName::from_static("x-tenant-id");

/// The tenant that a request names.
///
/// # Errors
/// When it names several, or none that could be one.
pub(crate) fn chosen(headers: &HeaderMap) -> Result<Option<&str>, Unauthenticated> {
    let mut lines = headers.get_all(TENANT_ID).iter();
    match (lines.next(), lines.next()) {
        (None, _) => Ok(None),
        (Some(line), None) => line.to_str().map(Some).map_err(|_| Unauthenticated::OtherTenant),
        (Some(_), Some(_)) => Err(Unauthenticated::OtherTenant),
    }
}

/// The one of these tenants that was chosen, or the only one.
///
/// # Errors
/// When there is none, none of several was chosen, or another one was.
pub(crate) fn one_of<'t>(
    tenants: &[&'t str],
    chosen: Option<&str>,
) -> Result<&'t str, Unauthenticated> {
    match (tenants, chosen) {
        ([], _) => Err(Unauthenticated::Invalid { reason: "token names no tenant" }),
        (_, Some(chosen)) => {
            let found = tenants.iter().find(|tenant| **tenant == chosen);
            found.copied().ok_or(Unauthenticated::OtherTenant)
        }
        ([only], None) => Ok(only),
        (_, None) => Err(Unauthenticated::SeveralTenants),
    }
}

/// Whether a caller is who the request says it is of, whatever credentials it came with.
pub(crate) fn is_meant(caller: &Principal, headers: &HeaderMap) -> bool {
    let is_same = |chosen: Option<&str>| chosen.is_none_or(|chosen| chosen == caller.tenant);
    caller.tenant.is_empty() || chosen(headers).is_ok_and(is_same)
}
