//! Operations: what may be sent, and what is shown to come back.

use std::fmt;

use symbolon_codegen::model;
use symbolon_codegen::source::Cursor;
use symbolon_server::{IdempotencyRule, Method};

use super::examples::Shown;
use super::{Case, Direction, Example, Media, Parameter, Schema, examples, media, parameter};
use super::{kept, member, members};

/// An operation of the contract.
#[derive(Debug)]
pub struct Operation {
    /// Its id, given or made.
    pub id: &'static str,
    /// Its method.
    pub method: Method,
    /// Its path template.
    pub path: &'static str,
    /// What it takes outside the body.
    pub parameters: Vec<Parameter>,
    /// Whether a request must have a body.
    pub is_body_required: bool,
    /// The media types it reads, JSON first.
    pub bodies: Vec<Media>,
    /// What it answers, sorted by status.
    pub responses: Vec<Response>,
    /// The status that a replay of an idempotent request gets, if it has one of its own.
    pub replay: Option<u16>,
    /// `x-idempotency`.
    pub idempotency: Option<IdempotencyRule>,
    /// `x-emits`.
    pub emits: Vec<&'static str>,
    /// Alternatives (OR) of schemes and scopes that go together (AND).
    pub security: Vec<Vec<(&'static str, Vec<&'static str>)>>,
}

/// A documented response.
#[derive(Debug)]
pub struct Response {
    /// The statuses it stands for.
    pub status: Status,
    /// Its headers.
    pub headers: Vec<Header>,
    /// Its media types, JSON first.
    pub content: Vec<Media>,
}

/// A documented header of a response.
#[derive(Debug)]
pub struct Header {
    /// Its name.
    pub name: &'static str,
    /// Whether every such response has it.
    pub is_required: bool,
    /// What its value must be.
    pub schema: Option<Schema>,
    /// What the contract shows.
    pub examples: Vec<Example>,
}

/// The statuses that a documented response stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// One status.
    Exactly(u16),
    /// `4XX`: all statuses of this first digit.
    Range(u16),
    /// Every status that is not documented otherwise.
    Default,
}

impl Status {
    fn read(key: &str) -> Option<Self> {
        match (key, key.get(1..)) {
            ("default", _) => Some(Self::Default),
            (_, Some("XX" | "xx")) => Some(Self::Range(key[..1].parse().ok()?)),
            _ => key.parse().ok().map(Self::Exactly),
        }
    }

    /// The status to send for it.
    pub fn code(self) -> u16 {
        match self {
            Self::Exactly(code) => code,
            Self::Range(digit) => digit * 100,
            Self::Default => 200,
        }
    }

    /// Whether it is a success; a `default` may be one.
    pub fn is_success(self) -> bool {
        matches!(self.code(), 200..300)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(code) => write!(formatter, "{code}"),
            Self::Range(digit) => write!(formatter, "{digit}XX"),
            Self::Default => write!(formatter, "default"),
        }
    }
}

impl Operation {
    /// The documented response of a status: the exact one, else its range, else the default.
    pub fn response(&self, code: u16) -> Option<&Response> {
        [Status::Exactly(code), Status::Range(code / 100), Status::Default]
            .into_iter()
            .find_map(|wanted| self.responses.iter().find(|response| response.status == wanted))
    }

    /// What it answers when all goes well: the first success, else what is left.
    pub fn success(&self) -> Option<&Response> {
        let documented = || self.responses.iter();
        // What only a replay gets is not what a request gets.
        let is_replay = |one: &&Response| self.replay == Some(one.status.code());
        let exact = || documented().filter(|one| matches!(one.status, Status::Exactly(200..300)));
        let exact = exact().find(|one| !is_replay(one)).or_else(|| exact().next());
        exact
            .or_else(|| documented().find(|one| one.status == Status::Range(2)))
            .or_else(|| documented().find(|one| one.status == Status::Default))
            .or_else(|| documented().min_by_key(|one| one.status))
    }

    /// Every response example, in the order of statuses.
    pub fn shown(&self) -> impl Iterator<Item = Shown<'_>> {
        self.responses.iter().flat_map(|response| {
            response.content.iter().flat_map(move |media| {
                media.examples.iter().map(move |example| Shown { response, media, example })
            })
        })
    }

    /// The requests that the contract shows.
    pub fn cases(&self) -> Vec<Case<'_>> {
        examples::cases(self)
    }
}

/// The operation as the document has it; nothing if it is of a method that HTTP servers here do
/// not route.
pub(super) fn read(root: &Cursor<'static>, known: &model::Operation) -> Option<Operation> {
    let method = method(&known.method)?;
    let item = member(&root.get("paths")?, &known.path)?;
    let at = item.get(&known.method.to_ascii_lowercase())?;
    let mut parameters = parameter::read(&at);
    for outer in parameter::read(&item) {
        let same = |inner: &Parameter| (inner.name, inner.location) == (outer.name, outer.location);
        if !parameters.iter().any(same) {
            parameters.push(outer);
        }
    }
    let body = member(&at, "requestBody");
    let responses = members(&at, "responses").into_iter().filter_map(|(key, at)| {
        let headers = members(&at, "headers").into_iter().map(|(name, at)| Header {
            name,
            is_required: at.flag("required"),
            schema: at.get("schema").map(|schema| Schema::new(schema, Direction::Response)),
            examples: examples::read(&at),
        });
        let content = media::content(&at, Direction::Response);
        Some(Response { status: Status::read(key)?, headers: headers.collect(), content })
    });
    let mut responses: Vec<Response> = responses.collect();
    responses.sort_by_key(|response| response.status);
    let emits = at.get("x-emits").map(|list| list.elements()).unwrap_or_default();
    Some(Operation {
        id: kept(&known.id),
        method,
        path: kept(&known.path),
        parameters,
        is_body_required: body.as_ref().is_some_and(|body| body.flag("required")),
        bodies: body.map(|body| media::content(&body, Direction::Request)).unwrap_or_default(),
        responses,
        replay: at.get("x-idempotency").and_then(|rule| {
            rule.value.get("replay")?.as_u64().and_then(|code| u16::try_from(code).ok())
        }),
        idempotency: at.get("x-idempotency").map(|rule| {
            let known = IdempotencyRule::new(parameter::IDEMPOTENCY_KEY);
            if rule.flag("required") { known.required() } else { known }
        }),
        emits: emits.iter().filter_map(|name| name.value.as_str()).collect(),
        security: security(at.get("security").or_else(|| root.get("security"))),
    })
}

fn security(at: Option<Cursor<'static>>) -> Vec<Vec<(&'static str, Vec<&'static str>)>> {
    let alternatives = at.map(|list| list.elements()).unwrap_or_default();
    let schemes = |all: &Cursor<'static>| {
        let members = all.members().into_iter();
        members
            .map(|(scheme, scopes)| {
                let scopes = scopes.elements();
                (scheme, scopes.iter().filter_map(|scope| scope.value.as_str()).collect())
            })
            .collect()
    };
    alternatives.iter().map(schemes).collect()
}

fn method(name: &str) -> Option<Method> {
    const ALL: [Method; 8] = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::OPTIONS,
        Method::TRACE,
        Method::PATCH,
    ];
    ALL.into_iter().find(|method| method.as_str() == name)
}
