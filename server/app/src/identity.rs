//! Whose tokens are trusted, and, for development, who makes them.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use anyhow::{Context, bail};
use serde_json::Value;
use symbolon_issuer::{Issuer, Offer};
use symbolon_server::{AccessTokens, Authenticator, DevelopmentIdentity, Expectations};

use crate::configuration::Serve;

/// Where the development issuer stands.
const ISSUER_PATH: &str = "/development";
const TENANTS: [&str; 2] = ["demo", "acme"];

/// Who tells callers apart, and who signs for them on this machine.
pub(crate) struct Trust {
    pub(crate) authenticator: Authenticator,
    pub(crate) issuer: Option<Issuer>,
}

/// Whom a configuration trusts.
pub(crate) enum Trusted {
    /// Whoever can read the data folder.
    Development,
    /// Somebody elsewhere.
    Others(Authenticator),
}

/// Whom the configuration trusts; nothing is made or asked for.
///
/// # Errors
/// When it does not say, or says two things.
pub(crate) fn trusted(configuration: &Serve) -> anyhow::Result<Trusted> {
    let identity = &configuration.identity;
    let is_url = |text: &str| text.starts_with("http://") || text.starts_with("https://");
    let told = match configuration.marked_tokens {
        true => AccessTokens::Marked,
        false => AccessTokens::ByAudience,
    };
    let expected = Expectations::new(&identity.issuer, &identity.audience).access_tokens(told);
    let authenticator = match (&configuration.jwks, configuration.development) {
        (Some(_), true) => bail!("--jwks and --development exclude each other"),
        (None, true) => return Ok(Trusted::Development),
        (None, false) if is_url(&identity.issuer) => Authenticator::from_issuer(expected)?,
        (None, false) => {
            bail!(
                "whose tokens to trust? name an issuer by --issuer https://.., a key set by --jwks, \
                 or --development"
            )
        }
        (Some(url), false) if is_url(url) => Authenticator::from_jwks_url(url, expected)?,
        (Some(file), false) => Authenticator::from_jwks_file(file, expected)
            .with_context(|| format!("the key set {file} cannot be read"))?,
    };
    Ok(Trusted::Others(authenticator))
}

impl Trusted {
    /// Begins to trust, for a server at this address with this OpenAPI document.
    pub(crate) fn begin(
        self,
        configuration: &Serve,
        address: SocketAddr,
        contract: &str,
    ) -> anyhow::Result<Trust> {
        match self {
            Self::Development => development(configuration, address, contract),
            Self::Others(authenticator) => {
                authenticator.prefetch();
                Ok(Trust { authenticator, issuer: None })
            }
        }
    }
}

/// Tokens of `symbolon-server token`, and of an issuer that nobody reaches from elsewhere.
fn development(
    configuration: &Serve,
    address: SocketAddr,
    contract: &str,
) -> anyhow::Result<Trust> {
    tracing::warn!("whoever can read the data folder can make tokens: not for production");
    let (folder, named) = (configuration.database.data.identity(), &configuration.identity);
    let identity = DevelopmentIdentity::open(folder, &named.issuer, &named.audience)?;
    if !address.ip().is_loopback() {
        tracing::warn!(%address, "no development issuer: others could reach it here");
        return Ok(Trust { authenticator: identity.authenticator()?, issuer: None });
    }
    tracing::warn!("whoever reaches this server can make tokens: not for production");
    let url = format!("http://{address}{ISSUER_PATH}");
    let expected = Expectations::new(&named.issuer, &named.audience)
        .or_issuer(&url)
        .access_tokens(AccessTokens::Marked);
    let authenticator = Authenticator::from_jwks_file(identity.jwks_path(), expected)?;
    let scopes = scopes(contract)?.into_iter().collect();
    let offer = Offer { scopes, tenants: TENANTS.map(str::to_owned).into() };
    let issuer = Issuer::new(identity, &url, offer)?;
    Ok(Trust { authenticator, issuer: Some(issuer) })
}

/// Every scope that an OpenAPI document asks for.
pub(crate) fn scopes(contract: &str) -> anyhow::Result<BTreeSet<String>> {
    let document: Value = serde_json::from_str(contract)?;
    let mut found = BTreeSet::new();
    let operations = document["paths"].as_object().into_iter().flat_map(|paths| paths.values());
    let operations = operations.filter_map(Value::as_object).flat_map(|path| path.values());
    for holder in operations.chain([&document]) {
        let alternatives = holder["security"].as_array().into_iter().flatten();
        let schemes = alternatives.filter_map(Value::as_object).flat_map(|all| all.values());
        let names = schemes.filter_map(Value::as_array).flatten().filter_map(Value::as_str);
        found.extend(names.map(str::to_owned));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::scopes;

    #[test]
    fn scopes_are_those_of_every_alternative() {
        let contract = r#"{"security": [{"a": ["x:read"]}], "paths": {"/x": {
            "parameters": [], "get": {"security": [{"a": ["x:write"], "b": []}, {}]},
            "post": {}}}}"#;
        let found: Vec<_> = scopes(contract).expect("JSON").into_iter().collect();
        assert_eq!(found, ["x:read", "x:write"]);
    }
}
