//! A client that others wrote, made by progenitor from the 3.0 rendition of the contract.
//!
//! It replays the success examples: what fits our own SDKs must fit a client we did not write.

use std::num::NonZeroU32;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Parser;
use generated::{Client, types};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, LOCATION};
use serde_json::Value;
use uuid::Uuid;

mod generated {
    //! What progenitor makes of the document; judged by its own authors, not by our lints.
    #![allow(clippy::all, missing_debug_implementations, unreachable_pub)]

    progenitor::generate_api!(spec = "../../generated/schemas/calls/openapi-3.0.json");
}

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

    /// Replays every success example; how many there were.
    async fn all(&self) -> anyhow::Result<usize> {
        let now = self.example("submit-now")?;
        let key = Uuid::new_v4().to_string();
        let id = self.submit(&now, &key, 202).await.context("submit-now")?;
        let same = self.submit(&now, &key, 200).await.context("replay")?;
        ensure!(same == id, "replay: expected {id}, got {same}");
        self.succeeded(id, &now).await.context("succeeded")?;
        self.listed(id, &now).await.context("by-status-and-tag")?;
        self.dated().await.context("by-date")?;
        self.history(id).await.context("history of the succeeded call")?;
        let later = self.example("submit-later")?;
        let id = self.submit(&later, &Uuid::new_v4().to_string(), 202).await;
        let id = id.context("submit-later")?;
        self.cancelled(id, &later).await.context("cancelled")?;
        Ok(8)
    }

    /// The body example of this name, with our server in place of the contract's and a tag of its
    /// own.
    fn example(&self, name: &str) -> anyhow::Result<types::SubmitServiceCall> {
        let body = "/paths/~1v1~1service-calls/post/requestBody/content/application~1json/examples";
        let example = self.document.pointer(&format!("{body}/{name}/value"));
        let server = self.document.pointer("/servers/0/url").and_then(Value::as_str);
        let mut text = example.with_context(|| format!("no example `{name}`"))?.to_string();
        if let Some(server) = server {
            text = text.replace(server, &self.url);
        }
        let mut body: types::SubmitServiceCall = serde_json::from_str(&text)?;
        body.tags = Some(serde_json::from_value(serde_json::json!([run_tag()]))?);
        Ok(body)
    }

    async fn submit(
        &self,
        body: &types::SubmitServiceCall,
        key: &str,
        status: u16,
    ) -> anyhow::Result<Uuid> {
        let key = key.parse().map_err(|error| anyhow::anyhow!("the key is refused: {error}"))?;
        let answer = self.client.submit_service_call(&key, body).await?;
        ensure!(answer.status() == status, "expected {status}, got {}", answer.status());
        let id = answer.service_call_id.0;
        let location = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let expected = format!("/v1/service-calls/{id}");
        ensure!(location.is_some_and(|url| url.ends_with(&expected)), "Location is {location:?}");
        Ok(id)
    }

    async fn succeeded(&self, id: Uuid, sent: &types::SubmitServiceCall) -> anyhow::Result<()> {
        let mut call =
            self.client.get_service_call(&types::ServiceCallId(id), None).await?.into_inner();
        for _ in 0..READS {
            if call.status == types::ServiceCallStatus::Succeeded {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            call =
                self.client.get_service_call(&types::ServiceCallId(id), None).await?.into_inner();
        }
        ensure!(call.status == types::ServiceCallStatus::Succeeded, "it is {}", call.status);
        ensure!(call.service_call_id.0 == id, "another call: {}", call.service_call_id.0);
        ensure!(*call.name == *sent.name, "the name is {}", *call.name);
        ensure!(call.attempts.0 == 1, "{} attempts", call.attempts.0);
        let result = call.result.context("no result")?;
        ensure!(result.http_status.is_some(), "the result has no status");
        Ok(())
    }

    async fn listed(&self, id: Uuid, sent: &types::SubmitServiceCall) -> anyhow::Result<()> {
        let tag = sent.tags.iter().flatten().next();
        let status = Some(types::ServiceCallStatus::Succeeded);
        let limit = NonZeroU32::new(20);
        let page = self.client.list_service_calls(None, None, limit, status, tag, None).await?;
        let found: Vec<Uuid> = page.items.iter().map(|call| call.service_call_id.0).collect();
        ensure!(found == [id], "expected {id} alone, got {found:?}");
        Ok(())
    }

    async fn dated(&self) -> anyhow::Result<()> {
        let (from, to) = ("2026-01-01T00:00:00Z".parse()?, "2099-01-01T00:00:00Z".parse()?);
        let (from, to, limit) = (Some(&from), Some(&to), NonZeroU32::new(2));
        let page = self.client.list_service_calls(None, from, limit, None, None, to).await?;
        let length = page.items.len();
        ensure!((1..=2).contains(&length), "expected one or two calls, got {length}");
        Ok(())
    }

    async fn history(&self, id: Uuid) -> anyhow::Result<()> {
        let history = self.client.list_service_call_events(&types::ServiceCallId(id)).await?;
        let first = history.items.first();
        let is_submission = matches!(first, Some(types::ServiceCallEvent::ServiceCallSubmitted(_)));
        ensure!(is_submission, "the first event is {first:?}");
        let last = history.items.last();
        let is_success = matches!(last, Some(types::ServiceCallEvent::ServiceCallSucceeded(_)));
        ensure!(is_success, "the last event is {last:?}");
        Ok(())
    }

    async fn cancelled(&self, id: Uuid, sent: &types::SubmitServiceCall) -> anyhow::Result<()> {
        let call = self.client.cancel_service_call(&types::ServiceCallId(id), None).await?;
        ensure!(call.status == types::ServiceCallStatus::Cancelled, "it is {}", call.status);
        ensure!(call.due_at == sent.due_at, "it was due at {:?}", call.due_at);
        Ok(())
    }
}

/// A tag no other run uses.
fn run_tag() -> String {
    format!("run-{}", Uuid::new_v4())
}
