//! A client that others wrote, made by progenitor from the 3.0 rendition of the contract.
//!
//! It replays the success examples: what fits our own SDKs must fit a client we did not write.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Parser;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::Value;
use uuid::Uuid;

progenitor::generate_api!(
    spec = "../../generated/schemas/calls/openapi-3.0.json",
    interface = Builder
);

/// The document the client was made from, for its examples.
const DOCUMENT: &str = include_str!("../../../generated/schemas/calls/openapi-3.0.json");

/// How often a call is read until it is over, a tenth of a second apart.
const READS: usize = 100;

/// Replays the success examples of the calls contract through a client made by progenitor.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where the server answers.
    #[arg(long)]
    url: String,
    /// An access token with all scopes.
    #[arg(long, env = "SYMBOLON_TOKEN", hide_env_values = true)]
    token: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let replay = match Replay::new(&arguments) {
        Ok(replay) => replay,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    match replay.all().await {
        Ok(replayed) => {
            println!("{replayed} success examples replayed by a client made by progenitor");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("FAIL  {error:#}");
            ExitCode::FAILURE
        }
    }
}

struct Replay {
    client: Client,
    document: Value,
    url: String,
}

impl Replay {
    fn new(arguments: &Arguments) -> anyhow::Result<Self> {
        let mut token = HeaderValue::from_str(&format!("Bearer {}", arguments.token))?;
        token.set_sensitive(true);
        let headers = HeaderMap::from_iter([(AUTHORIZATION, token)]);
        let client = reqwest::Client::builder().no_proxy().default_headers(headers).build()?;
        let url = arguments.url.trim_end_matches('/').to_owned();
        let client = Client::new_with_client(&url, client);
        Ok(Self { client, document: serde_json::from_str(DOCUMENT)?, url })
    }

    async fn all(&self) -> anyhow::Result<usize> {
        let key = Uuid::new_v4().to_string();
        let id = self.submit("submit-now", &key, 202).await.context("submit-now")?;
        let same = self.submit("submit-now", &key, 200).await.context("replay")?;
        ensure!(same == id, "replay: expected {id}, got {same}");
        self.succeeded(id).await.context("getServiceCall")?;
        self.listed(id).await.context("listServiceCalls")?;
        self.history(id).await.context("listServiceCallEvents")?;
        let key = Uuid::new_v4().to_string();
        let later = self.submit("submit-later", &key, 202).await.context("submit-later")?;
        self.cancelled(later).await.context("cancelServiceCall")?;
        Ok(7)
    }
}
