//! Fetching files of a contract from other machines, which happens only where somebody allows it.

use std::time::Duration;

use anyhow::Context;
use reqwest::{Client, redirect};

/// Bytes one file may have.
const SIZE_LIMIT: usize = 64 << 20;

/// How long a machine may take to take a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long one file may take altogether.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Other addresses one address may send us to.
const REDIRECTS: usize = 5;

/// What fetches the text at an address; whoever reads a contract asks once for each.
///
/// # Errors
/// When no client can be made.
pub(crate) fn fetcher() -> anyhow::Result<impl Fn(&str) -> Result<String, String>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot wait for other machines")?;
    let client = Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TIMEOUT)
        .redirect(redirect::Policy::limited(REDIRECTS))
        .user_agent(concat!("symbolon/", env!("CARGO_PKG_VERSION")))
        .build()?;
    Ok(move |address: &str| runtime.block_on(fetch(&client, address)))
}

async fn fetch(client: &Client, address: &str) -> Result<String, String> {
    let known = ["http://", "https://"];
    if !known.iter().any(|scheme| address.starts_with(scheme)) {
        return Err("only http and https are fetched".to_owned());
    }
    let told = |error: reqwest::Error| error.without_url().to_string();
    let answer = client.get(address).send().await.map_err(told)?;
    let mut answer = answer.error_for_status().map_err(told)?;
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(told)? {
        if bytes.len() + chunk.len() > SIZE_LIMIT {
            return Err(format!("it is larger than {} MiB", SIZE_LIMIT >> 20));
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
}
