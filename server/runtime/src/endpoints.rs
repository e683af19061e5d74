//! The paths every server has besides its contract. The contract's own paths come first.

pub(crate) mod docs;
pub(crate) mod events;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use http::request::Parts;
use http::{HeaderName, Method, header};
use serde_json::{Map, json};

use crate::answers::problem;
use crate::dispatch::{Answered, Dispatcher, Seen, wrong_method};
use crate::endpoints::events::Events;
use crate::serving::Drain;
use crate::{Failure, Reply, observation};

/// A check that takes longer counts as failed.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// Whether something the server stands on works now.
pub(crate) type Check = Arc<dyn Fn() -> BoxFuture<'static, Result<(), Failure>> + Send + Sync>;

/// What the own endpoints answer from.
#[derive(Default)]
pub(crate) struct Endpoints {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) openapi: Option<Cow<'static, str>>,
    pub(crate) asyncapi: Option<Cow<'static, str>>,
    pub(crate) checks: Vec<(&'static str, Check)>,
    pub(crate) events: Option<Events>,
}

#[derive(Debug, Clone, Copy)]
enum Endpoint<'a> {
    Health,
    Ready,
    Version,
    Metrics,
    OpenApi,
    AsyncApi,
    DocsRoot,
    Docs(&'a str),
    Events,
}

impl Endpoint<'_> {
    fn at(path: &str) -> Option<Endpoint<'_>> {
        Some(match path {
            "/healthz" | "/actuator/health" => Endpoint::Health,
            "/readyz" => Endpoint::Ready,
            "/version" => Endpoint::Version,
            "/metrics" => Endpoint::Metrics,
            "/openapi.json" => Endpoint::OpenApi,
            "/asyncapi.json" => Endpoint::AsyncApi,
            "/docs" => Endpoint::DocsRoot,
            "/events" => Endpoint::Events,
            path => Endpoint::Docs(path.strip_prefix("/docs/")?),
        })
    }

    fn operation(self) -> &'static str {
        match self {
            Self::Health => "healthz",
            Self::Ready => "readyz",
            Self::Version => "version",
            Self::Metrics => "metrics",
            Self::OpenApi => "openapi",
            Self::AsyncApi => "asyncapi",
            Self::DocsRoot | Self::Docs(_) => "docs",
            Self::Events => "events",
        }
    }
}

/// The methods of what stands at a path, if it is one of these.
pub(crate) fn methods(path: &str) -> Option<Vec<&'static str>> {
    Endpoint::at(path).map(|_| vec!["GET", "HEAD"])
}

impl Endpoints {
    pub(crate) async fn answer(
        &self,
        dispatcher: &Dispatcher,
        parts: &Parts,
        seen: &mut Seen,
    ) -> Result<Answered, Failure> {
        let Some(endpoint) = Endpoint::at(parts.uri.path()) else { return Ok(unknown()) };
        seen.operation = endpoint.operation();
        if ![Method::GET, Method::HEAD].contains(&parts.method) {
            return Ok(wrong_method(&["GET", "HEAD"]).into());
        }
        Ok(match endpoint {
            Endpoint::Health => Reply::json(200, &json!({ "status": "UP" })).into(),
            Endpoint::Ready => self.ready(parts).await.into(),
            Endpoint::Version => {
                let version = json!({ "name": self.name, "version": self.version });
                Reply::json(200, &version).into()
            }
            Endpoint::Metrics => {
                let media = "text/plain; version=0.0.4; charset=utf-8";
                Reply::bytes(200, media, observation::recorder().render()).into()
            }
            Endpoint::OpenApi => document(self.openapi.as_ref()),
            Endpoint::AsyncApi => document(self.asyncapi.as_ref()),
            Endpoint::DocsRoot => match self.openapi {
                Some(_) => Reply::empty(308).literal(header::LOCATION, "docs/").into(),
                None => unknown(),
            },
            Endpoint::Docs(file) => match &self.openapi {
                Some(_) => docs::file(file)?.map_or_else(unknown, Answered::Reply),
                None => unknown(),
            },
            Endpoint::Events => match &self.events {
                Some(events) => events.answer(dispatcher, parts, seen).await,
                None => unknown(),
            },
        })
    }

    async fn ready(&self, parts: &Parts) -> Reply {
        let results = join_all(self.checks.iter().map(async |(name, check)| {
            let result = tokio::time::timeout(CHECK_TIMEOUT, check()).await;
            let is_up = match result {
                Ok(Ok(())) => true,
                Ok(Err(error)) => {
                    tracing::warn!(check = name, %error, "readiness check failed");
                    false
                }
                Err(_) => {
                    tracing::warn!(check = name, "readiness check took too long");
                    false
                }
            };
            (*name, is_up)
        }));
        let results = results.await;
        let is_draining = parts.extensions.get::<Drain>().is_some_and(Drain::has_begun);
        let is_up = !is_draining && results.iter().all(|(_, is_up)| *is_up);
        let state = |is_up: bool| if is_up { "UP" } else { "DOWN" };
        let checks: Map<_, _> = results
            .into_iter()
            .map(|(name, is_up)| (name.to_owned(), state(is_up).into()))
            .collect();
        let body = json!({ "status": state(is_up), "checks": checks });
        Reply::json(if is_up { 200 } else { 503 }, &body)
    }
}

fn unknown() -> Answered {
    problem::of_edge(&problem::NOT_FOUND, "nothing stands at this path").into()
}

/// A contract may be read from any origin: documentation tools run elsewhere.
fn document(text: Option<&Cow<'static, str>>) -> Answered {
    const POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
    match text {
        None => unknown(),
        Some(text) => Reply::bytes(200, "application/json", text.clone().into_owned())
            .literal(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")
            .literal(POLICY, "cross-origin")
            .into(),
    }
}
