//! Service calls from submission to the list that shows them done.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::counter::Counter;
use crate::server::Server;

const TENANTS: [&str; 4] = ["north", "east", "south", "west"];
/// Callers at once.
const CALLERS: usize = 32;
/// How long calls may stand still before the run is given up.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(20);
/// Clock ticks a second in /proc (`USER_HZ`), the same on every Linux.
const TICKS: f64 = 100.0;

/// What calls cost.
#[derive(Debug)]
pub(super) struct Cost {
    /// Calls accepted a second.
    pub(super) accepted: f64,
    /// Calls that the list shows succeeded, a second since the first was submitted.
    pub(super) done: f64,
    /// Processor time of the servers a call, in seconds.
    pub(super) processor: f64,
}

/// Servers, and a target for their calls.
#[derive(Debug)]
pub(super) struct Calls {
    submitter: Arc<Submitter>,
    processes: Vec<u32>,
    counter: Counter,
}

#[derive(Debug)]
struct Submitter {
    client: Client,
    /// Where calls are submitted, by turns.
    urls: Vec<String>,
    tokens: Vec<String>,
    target: String,
    submitted: AtomicUsize,
}

impl Calls {
    /// Of servers that answer callers and know each other's tokens, and those that work besides.
    pub(super) async fn start(apis: &[Server], others: &[&Server]) -> anyhow::Result<Self> {
        let counter = Counter::start().await?;
        let scopes = ["calls:read", "calls:write"];
        let first = apis.first().context("a server that answers")?;
        let tokens = TENANTS.iter().map(|tenant| first.token(tenant, &scopes));
        let submitter = Submitter {
            client: Client::builder().no_proxy().build()?,
            urls: apis.iter().map(|api| format!("{}/v1/service-calls", api.url)).collect(),
            tokens: tokens.collect::<anyhow::Result<_>>()?,
            target: counter.url.clone(),
            submitted: AtomicUsize::new(0),
        };
        let processes = apis.iter().chain(others.iter().copied());
        let processes = processes.map(|server| server.process.0.id()).collect();
        Ok(Self { submitter: Arc::new(submitter), processes, counter })
    }

    /// Makes so many calls and waits until every one is listed as succeeded.
    pub(super) async fn make(&self, count: usize) -> anyhow::Result<Cost> {
        let first = self.submitter.submitted.load(Ordering::Relaxed);
        let tag = format!("run-{first}");
        let before = self.processor()?;
        let started = Instant::now();
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            let submitter = Arc::clone(&self.submitter);
            callers.spawn(submitter.submit_until(first + count, tag.clone()));
        }
        while let Some(done) = callers.join_next().await {
            done??;
        }
        let accepted = started.elapsed();
        self.until_hit(first + count).await?;
        self.until_listed(count, &tag).await?;
        let per = |elapsed: Duration| count as f64 / elapsed.as_secs_f64();
        Ok(Cost {
            accepted: per(accepted),
            done: per(started.elapsed()),
            processor: (self.processor()? - before) / count.max(1) as f64,
        })
    }

    async fn until_hit(&self, count: usize) -> anyhow::Result<()> {
        let (mut last, mut moved_at) = (0, Instant::now());
        while self.counter.hits() < count {
            let hits = self.counter.hits();
            if hits > last {
                (last, moved_at) = (hits, Instant::now());
            }
            if moved_at.elapsed() > PATIENCE {
                bail!("{hits} of {count} calls were made, and no more come");
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    async fn until_listed(&self, count: usize, tag: &str) -> anyhow::Result<()> {
        let asked_at = Instant::now();
        loop {
            let mut listed = 0;
            for token in &self.submitter.tokens {
                listed += self.submitter.succeeded(token, tag).await?;
            }
            if listed == count {
                return Ok(());
            }
            if asked_at.elapsed() > PATIENCE {
                bail!("{listed} of {count} calls are listed as succeeded");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Seconds the servers have spent on processors.
    fn processor(&self) -> anyhow::Result<f64> {
        let mut ticks = 0.0;
        for process in &self.processes {
            let text = fs::read_to_string(format!("/proc/{process}/stat"))?;
            let (_, fields) = text.rsplit_once(')').context("/proc tells of a process")?;
            let spent = fields.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
            ticks += spent.sum::<Result<f64, _>>()?;
        }
        Ok(ticks / TICKS)
    }
}

impl Submitter {
    /// Submits, one after the other, until so many were.
    async fn submit_until(self: Arc<Self>, end: usize, tag: String) -> anyhow::Result<()> {
        loop {
            let number = self.submitted.fetch_add(1, Ordering::Relaxed);
            if number >= end {
                self.submitted.fetch_sub(1, Ordering::Relaxed);
                return Ok(());
            }
            let body = json!({
                "name": "a call",
                "request": { "method": "GET", "url": self.target },
                "tags": [tag],
            });
            let token = self.tokens.get(number % self.tokens.len()).context("a tenant")?;
            // A tenant's calls go to each of them.
            let turn = number / self.tokens.len() % self.urls.len();
            let url = self.urls.get(turn).context("a server")?;
            let request = self.client.post(url).bearer_auth(token);
            let key = format!("call-{number}");
            let answer = request.header("idempotency-key", key).json(&body).send().await?;
            if answer.status() != StatusCode::ACCEPTED {
                bail!("a submission was answered with {}", answer.status());
            }
            // Else the connection is not used again.
            answer.bytes().await?;
        }
    }

    /// How many of a tenant's calls with this label are listed as succeeded.
    async fn succeeded(&self, token: &str, tag: &str) -> anyhow::Result<usize> {
        let url = self.urls.first().context("a server")?;
        let (mut count, mut cursor) = (0, None::<String>);
        loop {
            let mut query = vec![("status", "Succeeded"), ("tag", tag), ("limit", "200")];
            query.extend(cursor.iter().map(|cursor| ("cursor", cursor.as_str())));
            let request = self.client.get(url).bearer_auth(token).query(&query);
            let page: Value = request.send().await?.error_for_status()?.json().await?;
            count += page["items"].as_array().map_or(0, Vec::len);
            match page["nextCursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return Ok(count),
            }
        }
    }
}
