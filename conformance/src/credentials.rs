//! Whom a request appears as, and which texts must never be printed.

use crate::Options;

/// The name of no credential at all.
pub(crate) const NONE: &str = "none";

/// A shorter secret is told from chance only where it is a whole header value.
const SHORTEST_IN_TEXT: usize = 6;

/// A credential that no option gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing(pub(crate) String);

/// The headers of a request that appears as this credential.
pub(crate) fn headers(
    options: &Options,
    credential_headers: &[String],
    credential: Option<&str>,
) -> Result<Vec<(String, String)>, Missing> {
    let mut headers = options.headers.clone();
    match credential {
        None => {}
        Some(NONE) => {
            headers.retain(|(name, _)| !credential_headers.contains(&name.to_lowercase()))
        }
        Some(wanted) => {
            let found = options.credentials.iter().find(|known| known.name == wanted);
            let (name, value) = &found.ok_or_else(|| Missing(wanted.to_owned()))?.header;
            headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
            headers.push((name.clone(), value.clone()));
        }
    }
    Ok(headers)
}

/// The secret texts of a run, each with the shell variable that stands for it.
#[derive(Debug)]
pub(crate) struct Secrets(Vec<(String, String)>);

impl Secrets {
    /// The secrets among the options.
    pub(crate) fn new(options: &Options, credential_headers: &[String]) -> Self {
        let secret = |name: &str| credential_headers.contains(&name.to_lowercase());
        let default = options.headers.iter().filter(|(name, _)| secret(name));
        let mut secrets: Vec<_> =
            default.map(|(_, value)| (bare(value).to_owned(), "TOKEN".to_owned())).collect();
        for credential in &options.credentials {
            let name = credential.name.to_uppercase().replace(|c: char| !c.is_alphanumeric(), "_");
            secrets.push((bare(&credential.header.1).to_owned(), format!("{name}_TOKEN")));
        }
        secrets.retain(|(secret, _)| !secret.is_empty());
        Self(secrets)
    }

    /// The header value with its secret replaced, if it is one.
    pub(crate) fn masked_header(&self, value: &str) -> Option<String> {
        let (secret, variable) = self.0.iter().find(|(secret, _)| bare(value) == secret)?;
        Some(format!("{}${variable}", value.strip_suffix(secret.as_str())?))
    }

    /// The text with every secret replaced by the shell variable that stands for it.
    pub(crate) fn masked(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        for (secret, variable) in &self.0 {
            if secret.len() >= SHORTEST_IN_TEXT && masked.contains(secret.as_str()) {
                masked = masked.replace(secret.as_str(), &format!("${variable}"));
            }
        }
        masked
    }
}

/// A header value without its scheme.
fn bare(value: &str) -> &str {
    value.split_once(' ').map_or(value, |(_, secret)| secret)
}
