//! Mints tokens for development.

use anyhow::Context;
use symbolon_server::{DevelopmentIdentity, Grant};

use crate::configuration::Token;

/// Prints a token, and nothing else.
pub(crate) fn run(request: &Token) -> anyhow::Result<()> {
    let Token { data, identity, tenant, subject, scopes, lifetime } = request;
    let issuer = DevelopmentIdentity::open(data.identity(), &identity.issuer, &identity.audience)
        .context("the development identity cannot be opened")?;
    let grant = Grant {
        subject: subject.clone(),
        tenant: tenant.clone(),
        scopes: scopes.clone(),
        lifetime: (*lifetime).try_into().context("a lifetime cannot be negative")?,
    };
    println!("{}", issuer.mint(&grant)?);
    Ok(())
}
