//! Who calls: credentials, keys and tokens, scopes, tenants.

pub(crate) mod access;
pub(crate) mod api_key;
pub(crate) mod api_keys;
pub(crate) mod authentication;
pub(crate) mod authenticator;
pub(crate) mod development_identity;
pub(crate) mod key_source;
pub(crate) mod key_store;
pub(crate) mod keys;
pub(crate) mod recent;
pub(crate) mod scheme;
pub(crate) mod tenant;
